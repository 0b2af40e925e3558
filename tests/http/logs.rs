//! Lines of the access log as a client's request leaves them.

use crate::rig::{Proxy, Scripted};

#[test]
fn a_request_leaves_haproxys_line() {
    let server = Scripted::once("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    let proxy = Proxy::http(&[server.address]);
    proxy.client().send("GET /a?b=\"c HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").response();
    let line = proxy.line();
    let parts: Vec<&str> = line.split(' ').collect();
    assert_eq!(parts[..2], ["web", "app/s1"]);
    assert_eq!(parts[2].split('/').count(), 5, "{line}");
    assert!(parts[2].split('/').all(|timer| timer.parse::<u32>().is_ok()), "{line}");
    let bytes = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello".len().to_string();
    assert_eq!(parts[3..10], ["200", &bytes, "-", "-", "----", "1/1/0/0/0", "0/0"]);
    assert_eq!(parts[10..].join(" "), "\"GET /a?b=#22c HTTP/1.1\"");
}

#[test]
fn a_frontend_without_a_log_writes_none() {
    let server = Scripted::echo();
    let proxy = Proxy::start(vipgate::model::proxy::Mode::Http, &[server.address], |model| {
        model.frontends[0].log.targets.clear();
    });
    let mut client = proxy.client();
    for _ in 0..2 {
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").response();
    }
    assert!(proxy.no_line());
}
