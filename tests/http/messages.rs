//! Requests and responses that must pass.

use crate::rig::{Peer, Proxy, Scripted, field};

#[test]
fn both_connections_persist_over_many_requests() {
    let server = Scripted::echo();
    let proxy = Proxy::http(&[server.address]);
    let mut client = proxy.client();
    for number in 0..50 {
        let (head, body) = client.send(format!("GET /{number} HTTP/1.1\r\nHost: a\r\nX-Y:  z \r\n\r\n")).response();
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && field(&head, "connection").is_none(), "{head}");
        assert!(body.starts_with(&format!("GET /{number} HTTP/1.1\r\nHost: a\r\nX-Y:  z \r\n")), "{body}");
        assert_eq!(field(&body, "x-forwarded-for"), Some("127.0.0.1"));
        assert_eq!(field(&body, "x-forwarded-proto"), Some("http"));
    }
    assert_eq!(server.connections(), 1);
    assert_eq!((proxy.counters.connects.value(), proxy.counters.reuses.value()), (1, 49));
}

#[test]
fn hop_by_hop_fields_stay_on_their_hop() {
    let server = Scripted::echo();
    let proxy = Proxy::http(&[server.address]);
    let request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close, X-Mine\r\nKeep-Alive: 5\r\nX-Mine: 1\r\nTE: trailers\r\n\
                   Proxy-Connection: keep-alive\r\nUpgrade: foo\r\nX-Forwarded-Proto: https\r\nX-Last: 2\r\n\r\n";
    let mut client = proxy.client();
    let (head, body) = client.send(request).response();
    assert_eq!(field(&head, "connection"), Some("close"));
    assert_eq!(
        body,
        "GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nX-Last: 2\r\nX-Forwarded-For: 127.0.0.1\r\n\
         X-Forwarded-Proto: http\r\n\r\n"
    );
    assert!(client.is_ended());
}

#[test]
fn requests_sent_together_are_answered_in_order() {
    let server = Scripted::echo();
    let proxy = Proxy::http(&[server.address]);
    let mut client = proxy.client();
    let post = "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
    client.send(format!("{post}GET /2 HTTP/1.1\r\nHost: a\r\n\r\nGET /3 HTTP/1.1\r\nHost: a\r\n\r\n"));
    for path in ["POST /1 ", "GET /2 ", "GET /3 "] {
        assert!(client.response().1.starts_with(path));
    }
}

#[test]
fn a_head_that_comes_byte_by_byte_is_a_head() {
    let server = Scripted::echo();
    let proxy = Proxy::http(&[server.address]);
    let mut client = proxy.client();
    for byte in b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n" {
        client.send([*byte]);
    }
    assert!(client.response().1.starts_with("GET / HTTP/1.1\r\n"));
}

#[test]
fn an_upgrade_that_would_hide_requests_is_not_offered() {
    let proxy = Proxy::http(&[Scripted::echo().address]);
    for (version, fields) in [
        ("1.1", "Upgrade: h2c\r\n"),
        ("1.1", "Upgrade: websocket, H2C\r\n"),
        ("1.1", "Upgrade: websocket\r\nUpgrade: h2c-16\r\n"),
        ("1.0", "Upgrade: websocket\r\n"),
    ] {
        let request = format!("GET / HTTP/{version}\r\nHost: a\r\nConnection: Upgrade\r\n{fields}\r\n");
        let (_, body) = proxy.client().send(request).response();
        assert_eq!(field(&body, "upgrade"), None, "{fields}");
        assert_ne!(field(&body, "connection"), Some("Upgrade"), "{fields}");
    }
}

#[test]
fn chunked_bodies_pass_both_ways_as_they_are() {
    let body = "5;x=y\r\nhello\r\n0006\r\n world\r\n0\r\nX-Trailer: 1\r\n\r\n";
    let server = Scripted::new(move |mut peer: Peer, _| {
        for _ in 0..2 {
            peer.head();
            peer.text(body);
            peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            for part in body.as_bytes().chunks(3) {
                peer.send(part);
            }
        }
    });
    let proxy = Proxy::http(&[server.address]);
    let mut client = proxy.client();
    for _ in 0..2 {
        client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
        for part in body.as_bytes().chunks(7) {
            client.send(part);
        }
        assert_eq!(field(&client.head(), "transfer-encoding"), Some("chunked"));
        client.text(body);
    }
    assert_eq!(server.connections(), 1);
}

#[test]
fn responses_without_a_body_end_with_their_head() {
    for (request, response) in [
        ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"),
        ("GET", "HTTP/1.1 204 No Content\r\n\r\n"),
        ("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\n\r\n"),
    ] {
        let server = Scripted::each(move |peer, _| {
            peer.send(response);
        });
        let proxy = Proxy::http(&[server.address]);
        let mut client = proxy.client();
        for _ in 0..2 {
            assert_eq!(client.send(format!("{request} / HTTP/1.1\r\nHost: a\r\n\r\n")).head(), response);
        }
    }
}

#[test]
fn a_body_that_ends_with_the_connection_is_whole() {
    let server = Scripted::once("HTTP/1.0 200 OK\r\n\r\nall of it");
    let proxy = Proxy::http(&[server.address]);
    let mut client = proxy.client();
    let head = client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").head();
    assert_eq!(head, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    assert_eq!(client.rest(), b"all of it");
}

#[test]
fn an_old_client_persists_only_if_it_asks() {
    let server = Scripted::echo();
    let proxy = Proxy::http(&[server.address]);
    let mut client = proxy.client();
    for _ in 0..2 {
        let (head, body) = client.send("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").response();
        assert_eq!(field(&head, "connection"), Some("keep-alive"));
        assert!(body.starts_with("GET / HTTP/1.0\r\n") && field(&body, "connection") == Some("keep-alive"));
    }
    let (head, _) = client.send("GET / HTTP/1.0\r\n\r\n").response();
    assert_eq!(field(&head, "connection"), Some("close"));
    assert!(client.is_ended());
}

#[test]
fn the_server_decides_about_100_continue() {
    let server = Scripted::new(|mut peer: Peer, _| {
        assert_eq!(field(&peer.head(), "expect"), Some("100-continue"));
        peer.send("HTTP/1.1 100 Continue\r\n\r\n");
        peer.text("body");
        peer.send("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
    let proxy = Proxy::http(&[server.address]);
    let mut client = proxy.client();
    client.send("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    assert_eq!(client.head(), "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("body");
    assert!(client.head().starts_with("HTTP/1.1 103 "));
    assert_eq!(client.response().1, "ok");
}

#[test]
fn an_upgraded_connection_is_a_tunnel() {
    let server = Scripted::new(|mut peer: Peer, _| {
        let head = peer.head();
        assert_eq!((field(&head, "connection"), field(&head, "upgrade")), (Some("Upgrade"), Some("websocket")));
        peer.send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nfirst");
        peer.text("ping");
        peer.send("pong");
        assert!(peer.is_ended());
        peer.send("bye");
    });
    let proxy = Proxy::http(&[server.address]);
    let mut client = proxy.client();
    client.send("GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    let head = client.head();
    assert!(head.starts_with("HTTP/1.1 101 ") && field(&head, "upgrade") == Some("websocket"), "{head}");
    client.text("first");
    client.send("ping").text("pong");
    client.end();
    assert_eq!(client.rest(), b"bye");
    assert!(proxy.line().contains(" 101 "));
}

#[test]
fn a_large_body_is_spliced_intact() {
    const LENGTH: usize = 9_000_001;
    let byte = |at: usize| (at.wrapping_mul(31) ^ at >> 9) as u8;
    let server = Scripted::each(move |peer, _| {
        let body: Vec<u8> = (0..LENGTH).map(byte).collect();
        peer.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {LENGTH}\r\n\r\n")).send(body);
    });
    let proxy = Proxy::http(&[server.address]);
    let mut client = proxy.client();
    for _ in 0..2 {
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").head();
        let body = client.exactly(LENGTH);
        assert!(body.iter().enumerate().all(|(at, got)| *got == byte(at)));
    }
    assert_eq!(server.connections(), 1, "a connection that was spliced from is reused");
}

#[test]
fn a_large_request_body_arrives_intact() {
    const LENGTH: usize = 3_000_001;
    let byte = |at: usize| (at.wrapping_mul(17) ^ at >> 7) as u8;
    let server = Scripted::new(move |mut peer: Peer, _| {
        peer.head();
        let body = peer.exactly(LENGTH);
        let verdict = if body.iter().enumerate().all(|(at, got)| *got == byte(at)) { "same" } else { "diff" };
        peer.send(format!("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n{verdict}"));
    });
    let proxy = Proxy::http(&[server.address]);
    let mut client = proxy.client();
    client.send(format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {LENGTH}\r\n\r\n"));
    client.send((0..LENGTH).map(byte).collect::<Vec<u8>>());
    assert_eq!(client.response().1, "same");
}

/// A byte that tells where in a body it stands.
fn mark(at: usize) -> u8 {
    (at.wrapping_mul(29) ^ at >> 11) as u8
}

#[test]
fn a_large_body_that_ends_with_the_connection_is_whole() {
    const LENGTH: usize = 4_000_003;
    let server = Scripted::new(|mut peer: Peer, _| {
        peer.head();
        peer.send("HTTP/1.1 200 OK\r\n\r\n").send((0..LENGTH).map(mark).collect::<Vec<u8>>());
        // The end of what came so far does not wait for more.
        peer.text("seen");
        peer.send("tail");
    });
    let proxy = Proxy::http(&[server.address]);
    let mut client = proxy.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n").head();
    assert!(client.exactly(LENGTH).iter().enumerate().all(|(at, got)| *got == mark(at)));
    client.send("seen");
    assert_eq!(client.rest(), b"tail");
    assert!(proxy.line().contains(" ---- "));
}

#[test]
fn large_chunks_pass_both_ways_as_they_are() {
    const LENGTH: usize = 2_000_000;
    let chunked = || {
        let data: Vec<u8> = (0..LENGTH).map(mark).collect();
        let size = format!("{LENGTH:x}\r\n").into_bytes();
        [size, data, b"\r\n3\r\nend\r\n0\r\nAfter: it\r\n\r\n".to_vec()].concat()
    };
    let server = Scripted::new(move |mut peer: Peer, _| {
        for _ in 0..2 {
            peer.head();
            assert!(peer.exactly(chunked().len()) == chunked());
            peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").send(chunked());
        }
    });
    let proxy = Proxy::http(&[server.address]);
    let mut client = proxy.client();
    for _ in 0..2 {
        client.send("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n").send(chunked());
        client.head();
        assert!(client.exactly(chunked().len()) == chunked());
    }
    assert_eq!(server.connections(), 1, "a connection that was spliced both ways is reused");
}

#[test]
fn a_server_that_refuses_a_large_body_is_heard() {
    let server = Scripted::new(|mut peer: Peer, _| {
        peer.head();
        peer.exactly(1_000_000);
        peer.send("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
        peer.exactly(1_000_000);
    });
    let proxy = Proxy::http(&[server.address]);
    let mut client = proxy.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n").send(vec![b'x'; 2_000_000]);
    let (head, body) = client.response();
    assert!(head.starts_with("HTTP/1.1 413 ") && body == "no");
    assert_eq!(field(&head, "connection"), Some("close"));
}
