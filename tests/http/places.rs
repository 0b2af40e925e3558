//! Servers that are not at an address and a port, and what connections to servers pass for.

use std::io::{BufRead, BufReader, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};

use crate::rig::{Peer, Scripted};
use crate::rules::{get, on_both};

/// Answers every request with its name, for ever.
fn serve(name: &'static str, listener: UnixListener) {
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { return };
            std::thread::spawn(move || {
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                while lines.by_ref().map_while(Result::ok).take_while(|line| !line.is_empty()).count() > 0 {
                    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", name.len());
                    if (&stream).write_all((head + name).as_bytes()).is_err() {
                        return;
                    }
                }
            });
        }
    });
}

fn body(peer: &mut Peer) -> String {
    peer.send(get("/")).response().1
}

#[test]
fn servers_stand_at_unix_sockets() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.sock");
    serve("path", UnixListener::bind(&path).unwrap());
    let name = format!("vipgate-places-{}", std::process::id());
    let mut padded = name.clone().into_bytes();
    padded.resize(107, 0);
    serve("padded", UnixListener::bind_addr(&SocketAddr::from_abstract_name(padded).unwrap()).unwrap());
    let path = path.display();
    let text = format!(
        "frontend web\n bind PORT\n use_backend abstract if {{ path /abstract }}\n default_backend app\n\
         backend app\n balance roundrobin\n server plain {path} check inter 100ms\n server named unix@{path}\n\
         backend abstract\n server s abns@{name}\n"
    );
    on_both("http", &text, |connect| {
        let mut client = connect();
        assert_eq!([body(&mut client), body(&mut client)], ["path", "path"]);
        assert_eq!(client.send(get("/abstract")).response().1, "padded");
        assert_eq!(body(&mut client), "path");
    });
}

#[test]
fn a_unix_socket_where_nobody_listens_is_a_server_that_refuses() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("nobody.sock");
    let text = format!(
        "frontend web\n bind PORT\n default_backend app\nbackend app\n retries 0\n server s {}\n",
        path.display()
    );
    on_both("http", &text, |connect| {
        let (head, _) = connect().send(get("/")).response();
        assert_eq!(crate::rules::status(&head), "503");
    });
}

#[test]
fn connections_leave_from_the_address_and_the_interface_that_they_are_told() {
    // Answers with the address that it is asked from.
    let server = Scripted::new(|mut peer, _| {
        let from = peer.stream.peer_addr().unwrap().ip().to_string();
        while !peer.head().is_empty() {
            peer.answer(&from);
        }
    });
    let text = format!(
        "frontend web\n bind PORT\n use_backend own if {{ path /own }}\n default_backend app\n\
         backend app\n source 127.0.0.7 interface lo\n server s {address} tcp-ut 5s tfo\n\
         backend own\n source 127.0.0.7\n option srvtcpka\n srvtcpka-idle 20s\n srvtcpka-cnt 3\n server s {address} source 127.0.0.8 interface lo\n",
        address = server.address
    );
    on_both("http", &text, |connect| {
        let mut client = connect();
        assert_eq!(body(&mut client), "127.0.0.7");
        assert_eq!(client.send(get("/own")).response().1, "127.0.0.8");
    });
}

#[test]
fn a_backend_that_dispatches_has_one_server() {
    on_both("http", "listen web\n bind PORT\n dispatch SERVER\n", |connect| {
        let (head, body) = connect().send(get("/dispatched")).response();
        assert_eq!(crate::rules::status(&head), "200");
        assert_eq!(body.lines().next(), Some("GET /dispatched HTTP/1.1"));
    });
}
