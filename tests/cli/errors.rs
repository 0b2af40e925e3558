//! What was wrong with the last message of a proxy, as the packaged haproxy tells it.

use std::io::{Read, Write};
use std::net::SocketAddr;

use super::proxy::{self, BOTH, Proxy};

/// A server whose responses are none.
fn server() -> SocketAddr {
    proxy::server(|mut client| {
        proxy::head(&mut client);
        // A proxy that has left hears nothing.
        let _ = client.write_all(b"HTTP/1.1 200 OK\r\nbad/header: x\r\ncontent-length: 0\r\n\r\n");
    })
}

fn proxy(program: &[&str], server: SocketAddr) -> Proxy {
    Proxy::serving(program, |port, directory| {
        format!(
            "global\n stats socket {}/socket level admin\ndefaults\n mode http\n timeout client 20s\n timeout connect \
             20s\n timeout server 20s\nfrontend fe\n bind 127.0.0.1:{port}\n default_backend be\nbackend be\n server s \
             {server}\n",
            directory.display()
        )
    })
}

/// The status line of the answer.
fn send(proxy: &Proxy, request: &str) -> String {
    let mut client = proxy.client();
    client.write_all(request.as_bytes()).expect("sent");
    let mut said = Vec::new();
    let mut byte = [0];
    while byte != *b"\n" && client.read(&mut byte).expect("it answers") > 0 {
        said.extend(byte);
    }
    String::from_utf8_lossy(&said).into_owned()
}

/// What is told, without moments, ports, the size of haproxy's buffer and the flags of its parser.
fn told(proxy: &Proxy, command: &str) -> String {
    let text = proxy.ask(command);
    let lines = text.lines().filter(|line| !line.starts_with("  H1 ")).map(|line| {
        let line =
            line.split_once(']').filter(|_| line.contains('[') && line.contains("/20")).map_or(line, |(_, rest)| rest);
        let line = line.split_once(", src ").map_or(line, |(start, _)| start);
        let line = if line.starts_with("  buffer starts") { "" } else { line };
        let wraps = line.split_once(", wraps at ").and_then(|(start, rest)| Some((start, rest.split_once(", ")?.1)));
        wraps.map_or(line.to_owned(), |(start, end)| format!("{start}, {end}"))
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_last_request_and_response_that_were_none_are_told_as_by_haproxy() {
    let server = server();
    let [theirs, ours] = BOTH.map(|program| proxy(program, server));
    let long = format!("GET / HTTP/1.1\r\nhost: a\r\nlong: {}\r\nta\tb\\: \u{1}\r\n\r\n", "x".repeat(100));
    for request in [
        "GET / HTTP/1.1\r\nhost: a\r\nbad header: x\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a\r\nnocolon\r\n\r\n",
        "GE(T / HTTP/1.1\r\nhost: a\r\n\r\n",
        "GET / HTTP/1.x\r\nhost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a\r\ncontent-length: 1x\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        "GET http://b/ HTTP/1.1\r\nhost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nhost : a\r\n\r\n",
        &long,
    ] {
        for proxy in [&theirs, &ours] {
            assert!(send(proxy, request).starts_with("HTTP/1.1 400 "), "{request:?}");
        }
        assert_eq!(told(&ours, "show errors"), told(&theirs, "show errors"), "{request:?}");
    }
    for proxy in [&theirs, &ours] {
        assert!(send(proxy, "GET / HTTP/1.1\r\nhost: a\r\n\r\n").starts_with("HTTP/1.1 502 "));
    }
    for command in [
        "show errors",
        "show errors fe",
        "show errors be response",
        "show errors fe request",
        "show errors be request",
        "show errors 2",
        "show errors 3 response",
        "show errors 77",
        "show errors -1",
        "show errors nothing",
        "user; show errors",
    ] {
        assert_eq!(told(&ours, command), told(&theirs, command), "{command}");
    }
    assert!(told(&ours, "show errors be response").contains("server s (#1)"), "{}", told(&ours, "show errors"));
}
