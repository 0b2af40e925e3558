//! Messages that two parsers could read differently are refused before they reach a server.

use vipgate::model::proxy::{DoubtfulFraming, Mode};

use crate::rig::{Proxy, Scripted, field};

#[test]
fn ambiguous_requests_are_refused() {
    let server = Scripted::echo();
    let proxy = Proxy::http(&[server.address]);
    let requests = [
        "GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: +1\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: 0x1\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length:\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "GET / HTTP/1.1\r\nTransfer-Encoding: identity\r\n\r\n",
        "GET / HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n",
        "GET / HTTP/1.1\r\nTransfer-Encoding: chunked, chunked\r\n\r\n",
        "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET / HTTP/1.1\r\nTransfer-Encoding : chunked\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET / HTTP/1.1\r\n: empty\r\n\r\n",
        "GET / HTTP/1.1\r\nNo colon\r\n\r\n",
        "GET / HTTP/1.1\r\nX: a\rb\r\n\r\n",
        "GET / HTTP/1.1\r\nX: a\0b\r\n\r\n",
        "GET /\u{7f} HTTP/1.1\r\n\r\n",
        "GET / HTTP/2.0\r\n\r\n",
        "GET /\r\n\r\n",
        "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
        "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\nContent-Length: 1\r\n\r\nx",
        "\u{16}\u{3}\u{1}",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n",
    ];
    for request in requests {
        let mut client = proxy.client();
        let head = client.send(request).head();
        assert!(head.starts_with("HTTP/1.1 400 Bad request\r\n"), "{request:?}: {head:?}");
        client.end();
        client.rest();
        let line = proxy.line();
        assert!(line.starts_with("web web/<NOSRV> -1/-1/-1/-1/") && line.ends_with("\"<BADREQ>\""), "{line}");
        assert!(line.contains(" PR-- "), "{line}");
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn doubtful_framings_are_settled_where_they_are_let_through() {
    for (framing, stays) in [(DoubtfulFraming::Close, false), (DoubtfulFraming::Keep, true)] {
        let server = Scripted::each(|peer, head| {
            if field(&head, "transfer-encoding").is_some() {
                peer.text("3\r\nabc\r\n0\r\n\r\n");
            }
            peer.answer(&head);
        });
        let proxy = Proxy::start(Mode::Http, &[server.address], |model| model.frontends[0].doubtful_framing = framing);
        let mut client = proxy.client();
        let doubtful = "POST / HTTP/1.1\r\nHost: a\r\nX: y\r\nContent-Length: 30\r\nX: z\r\nTransfer-Encoding: chunked\r\n\r\n\
                        3\r\nabc\r\n0\r\n\r\n";
        let (head, body) = client.send(doubtful).response();
        let sent = "POST / HTTP/1.1\r\nHost: a\r\nX: y\r\nX: z\r\nTransfer-Encoding: chunked\r\n";
        assert!(body.starts_with(sent) && !body.to_ascii_lowercase().contains("content-length"), "{body}");
        assert_eq!(field(&head, "connection"), (!stays).then_some("close"));
        if stays {
            let (_, body) = client.send("GET /next HTTP/1.1\r\nHost: a\r\n\r\n").response();
            assert!(body.starts_with("GET /next "), "{body}");
        } else {
            assert!(client.is_ended());
        }
        let old = "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
        let (_, body) = proxy.client().send(old).response();
        assert!(body.starts_with("POST / HTTP/1.1\r\n"), "a body in chunks is of HTTP/1.1: {body}");
    }
}

#[test]
fn of_te_only_trailers_go_on() {
    let server = Scripted::echo();
    let proxy = Proxy::http(&[server.address]);
    let mut client = proxy.client();
    for (sent, passed) in [
        ("trailers", Some("trailers")),
        ("gzip, trailers ", Some("trailers")),
        ("Trailers,gzip;q=0.5", Some("Trailers")),
        ("trailers;q=0.5", None),
        ("gzip", None),
        ("", None),
    ] {
        let request = format!("GET / HTTP/1.1\r\nHost: a\r\nConnection: TE\r\nTE: {sent}\r\nX-Last: 1\r\n\r\n");
        let (_, body) = client.send(request).response();
        assert_eq!((field(&body, "te"), field(&body, "x-last")), (passed, Some("1")), "{sent}");
    }
}

#[test]
fn an_old_request_with_a_body_that_servers_overlook_is_refused() {
    let server = Scripted::echo();
    let proxy = Proxy::http(&[server.address]);
    for method in ["GET", "HEAD", "DELETE"] {
        let mut client = proxy.client();
        let request = format!("{method} / HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nabc");
        assert!(client.send(request).head().starts_with("HTTP/1.1 413 Payload Too Large\r\n"), "{method}");
        client.rest();
        let line = proxy.line();
        assert!(line.contains(" 413 ") && line.contains(" PR-- "), "{line}");
    }
    assert_eq!(server.connections(), 0);
    for request in [
        "GET / HTTP/1.0\r\nContent-Length: 0\r\n\r\n",
        "POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc",
        "PUT / HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc",
        "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
        "DELETE / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
    ] {
        assert!(proxy.client().send(request).head().starts_with("HTTP/1.1 200 "), "{request:?}");
    }
}

#[test]
fn an_unknown_transfer_coding_is_not_implemented() {
    let proxy = Proxy::http(&[Scripted::echo().address]);
    let request = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n";
    assert!(proxy.client().send(request).head().starts_with("HTTP/1.1 501 "));
}

#[test]
fn a_head_without_end_is_refused() {
    let proxy = Proxy::http(&[Scripted::echo().address]);
    let mut client = proxy.client();
    client.send("GET / HTTP/1.1\r\n").send(format!("X: {}", "x".repeat(20_000)));
    assert!(client.head().starts_with("HTTP/1.1 400 "));
}

#[test]
fn a_broken_response_is_a_502() {
    for response in [
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 2x0 OK\r\n\r\n",
        "SSH-2.0-OpenSSH\r\n",
        "HTTP/1.1 101 Nobody Asked\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
    ] {
        let server = Scripted::once(response);
        let proxy = Proxy::http(&[server.address]);
        let head = proxy.client().send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").head();
        assert!(head.starts_with("HTTP/1.1 502 Bad Gateway\r\n"), "{response:?}: {head:?}");
        assert!(proxy.line().contains(" PH-- "));
    }
}
