//! Rules that change what a request is: its method, the host that it names.

use crate::rig::{Scripted, field};
use crate::rules::{on_both, ours, status};

/// Says in fields what it was sent, and gives a body to everything but HEAD.
fn teller() -> Scripted {
    Scripted::each(|peer, head| {
        let (method, rest) = head.split_once(' ').unwrap();
        let target = rest.split(' ').next().unwrap();
        let is_host = |line: &&str| line.get(..5).is_some_and(|name| name.eq_ignore_ascii_case("host:"));
        let hosts: Vec<&str> = head.lines().filter(is_host).map(|line| line[5..].trim()).collect();
        let body = if method == "HEAD" { "" } else { "hello" };
        let hosts = hosts.join("|");
        let said = format!("X-Method: {method}\r\nX-Target: {target}\r\nX-Host: {hosts}\r\n");
        peer.send(format!("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n{said}\r\n{body}"));
    })
}

#[test]
fn a_method_may_become_head_or_head_another_and_nobody_gets_a_body() {
    let server = teller();
    let text = format!(
        "frontend web\n bind PORT\n http-request set-method %[req.hdr(x-new)]\n default_backend app\n\
         backend app\n server s {}\n",
        server.address
    );
    on_both("http", &text, |connect| {
        for (method, new) in [("GET", "HEAD"), ("POST", "HEAD"), ("HEAD", "GET"), ("HEAD", "DELETE"), ("HEAD", "HEAD")]
        {
            let mut client = connect();
            client.send(format!(
                "{method} / HTTP/1.1\r\nHost: a\r\nX-New: {new}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            ));
            let head = client.head();
            let said = (status(&head), field(&head, "x-method"), field(&head, "content-length"));
            assert_eq!(said, ("200", Some(new), Some("5")), "{method}");
            assert_eq!(client.rest(), b"", "{method} to {new}");
        }
        // The connection to the server is in step.
        let mut client = connect();
        client.send("GET / HTTP/1.1\r\nHost: a\r\nX-New: DELETE\r\n\r\n");
        let (head, body) = client.response();
        assert_eq!((field(&head, "x-method"), body.as_str()), (Some("DELETE"), "hello"));
    });
}

#[test]
fn a_client_that_waits_for_the_body_of_what_became_a_head_sees_its_end() {
    let server = teller();
    let text = format!("listen web\n bind PORT\n http-request set-method HEAD\n server s {}\n", server.address);
    let proxy = ours(&text);
    let mut client = proxy.client();
    let head = client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").head();
    assert_eq!((status(&head), field(&head, "connection")), ("200", Some("close")));
    assert_eq!(client.rest(), b"");
}

#[test]
fn a_target_and_the_host_field_name_one_host_whichever_a_rule_writes() {
    let server = teller();
    let text = format!(
        "frontend web\n bind PORT\n http-request set-uri %[req.hdr(x-uri)] if {{ req.hdr(x-uri) -m found }}\n \
         http-request set-header Host %[req.hdr(x-set)] if {{ req.hdr(x-set) -m found }}\n \
         http-request replace-header Host (.*) b-\\1 if {{ req.hdr(x-replace) -m found }}\n \
         http-request set-path /new if {{ req.hdr(x-path) -m found }}\n default_backend app\n\
         backend app\n server s {}\n",
        server.address
    );
    on_both("http", &text, |connect| {
        for (target, rule, expected) in [
            ("/", "X-Uri: http://b/x?y", ("http://b/x?y", "b")),
            ("http://a:81/", "X-Uri: /x", ("/x", "a:81")),
            ("http://a:81/x?y", "X-Set: b:90", ("http://b:90/x?y", "b:90")),
            ("/x", "X-Set: b:90", ("/x", "b:90")),
            ("http://a:81/x", "X-Replace: 1", ("http://b-a:81/x", "b-a:81")),
            ("http://a:81/x?y", "X-Path: 1", ("http://a:81/new?y", "a:81")),
        ] {
            let mut client = connect();
            client.send(format!("GET {target} HTTP/1.1\r\nHost: a:81\r\n{rule}\r\n\r\n"));
            let (head, _) = client.response();
            assert_eq!(
                (field(&head, "x-target"), field(&head, "x-host")),
                (Some(expected.0), Some(expected.1)),
                "{target}, {rule}"
            );
        }
    });
}

#[test]
fn a_client_of_http_1_0_leaves_the_servers_connection_open() {
    let server = Scripted::echo();
    let text = format!("frontend web\n bind PORT\n default_backend app\nbackend app\n server s {}\n", server.address);
    on_both("http", &text, |connect| {
        let mut client = connect();
        client.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
        let (_, body) = client.response();
        assert!(body.to_ascii_lowercase().contains("connection: keep-alive"), "{body}");
    });
}

#[test]
fn a_websocket_without_its_key_is_refused() {
    on_both("http", "frontend web\n bind PORT\n default_backend app\nbackend app\n server s SERVER\n", |connect| {
        let asked = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";
        assert_eq!(status(&connect().send(format!("{asked}\r\n")).head()), "400");
        let keyed = format!("{asked}Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
        assert_eq!(status(&connect().send(keyed).head()), "200");
    });
}
