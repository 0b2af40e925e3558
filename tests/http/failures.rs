//! Servers and clients that fail.

use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::Duration;

use vipgate::model::proxy::Mode;
use vipgate::state::command::Suspect;

use crate::rig::{Peer, Proxy, Scripted, field, nobody, signal};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn a_server_that_refuses_is_left_for_another() {
    let server = Scripted::echo();
    let proxy = Proxy::http(&[nobody(), server.address]);
    let mut client = proxy.client();
    for _ in 0..4 {
        assert!(client.send(GET).response().0.starts_with("HTTP/1.1 200 "));
    }
    let lines: Vec<String> = (0..4).map(|_| proxy.line()).collect();
    assert!(lines.iter().any(|line| line.contains("/+1 0/0 ")), "{lines:?}");
}

#[test]
fn without_any_server_the_answer_is_503() {
    let proxy = Proxy::start(Mode::Http, &[nobody()], |model| {
        (model.backends[0].retries, model.backends[0].redispatch) = (0, false);
    });
    let mut client = proxy.client();
    let head = client.send(GET).head();
    assert!(head.starts_with("HTTP/1.1 503 Service Unavailable\r\n") && field(&head, "connection").is_none());
    let line = proxy.line();
    assert!(line.starts_with("web app/s1 ") && line.contains("/-1/-1/") && line.contains(" 503 "), "{line}");
}

#[test]
fn a_refused_connect_is_reported_once_until_it_is_looked_at() {
    let mut proxy = Proxy::start(Mode::Http, &[nobody()], |model| {
        let backend = &mut model.backends[0];
        (backend.retries, backend.redispatch) = (0, false);
        backend.servers[0].check = Some(vipgate::model::check::Check {
            rules: Vec::new(),
            address: None,
            port: None,
            interval: Duration::from_secs(2),
            fast_interval: Duration::from_secs(2),
            down_interval: Duration::from_secs(2),
            timeout: Duration::from_secs(1),
            rise: 2,
            fall: 3,
            observe: Some(3),
            answer_timeout: None,
            sends_proxy: false,
            socks: None,
            initial: Default::default(),
        });
    });
    assert!(proxy.suspects.try_recv().is_err());
    for _ in 0..3 {
        proxy.client().send(GET).head();
    }
    let Ok(Suspect::Trouble(suspect)) = proxy.suspects.try_recv() else { panic!("the first failure is reported") };
    assert_eq!((suspect.name.as_str(), suspect.connect_failures.load(Ordering::Relaxed)), ("s1", 3));
    assert!(proxy.suspects.try_recv().is_err(), "vg-check has not looked yet");
}

#[test]
fn a_server_that_closes_without_an_answer_is_a_502() {
    let server = Scripted::new(|mut peer: Peer, _| drop(peer.head()));
    let proxy = Proxy::http(&[server.address]);
    assert!(proxy.client().send(GET).head().starts_with("HTTP/1.1 502 "));
    assert!(proxy.line().contains(" 502 "));
    assert_eq!(server.connections(), 1, "a new connection is not tried again");
}

#[test]
fn a_server_that_does_not_answer_is_a_504() {
    let (server, _permits) = Scripted::held("");
    let proxy = Proxy::start(Mode::Http, &[server.address], |model| {
        model.backends[0].timeouts.server = Duration::from_millis(100);
    });
    assert!(proxy.client().send(GET).head().starts_with("HTTP/1.1 504 "));
    assert!(proxy.line().contains(" sH-- "));
}

#[test]
fn a_slow_client_gets_its_408() {
    let proxy = Proxy::start(Mode::Http, &[nobody()], |model| {
        model.frontends[0].timeouts.http_request = Duration::from_millis(100);
    });
    let mut client = proxy.client();
    assert!(client.send("GET / HT").head().starts_with("HTTP/1.1 408 "));
    let line = proxy.line();
    assert!(line.contains(" 408 ") && line.contains(" cR-- "), "{line}");
}

#[test]
fn what_comes_behind_the_last_request_costs_nobody_its_response() {
    let ((asked, is_asked), (permits, permit)) = (signal(), signal());
    let permit = Mutex::new(permit);
    let server = Scripted::each(move |peer, _| {
        asked.send(()).unwrap();
        permit.lock().unwrap().recv().unwrap();
        peer.answer("ok");
    });
    let proxy = Proxy::http(&[server.address]);
    let mut client = proxy.client();
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    is_asked.recv().unwrap();
    client.send("nobody asked for this\r\n\r\n");
    permits.send(()).unwrap();
    assert!(proxy.line().contains(" 200 "));
    assert_eq!(client.response().1, "ok");
    // An end, no reset.
    assert!(client.rest().is_empty());
}

#[test]
fn an_idle_connection_is_closed_without_a_word() {
    let server = Scripted::echo();
    let proxy = Proxy::start(Mode::Http, &[server.address], |model| {
        model.frontends[0].timeouts.http_keep_alive = Duration::from_millis(100);
    });
    let mut client = proxy.client();
    client.send(GET).response();
    assert!(client.is_ended());
    proxy.line();
    assert!(proxy.no_line());
}

#[test]
fn a_request_on_a_pooled_connection_that_dies_is_sent_again() {
    // The first connection answers once and closes when the second request has come: too late for a look before.
    let server = Scripted::new(|mut peer: Peer, number| {
        loop {
            let head = peer.head();
            if head.is_empty() || (number == 0 && head.starts_with("GET /2")) {
                return;
            }
            peer.answer("ok");
        }
    });
    let proxy = Proxy::http(&[server.address]);
    let mut client = proxy.client();
    for number in 1..4 {
        let (head, _) = client.send(format!("GET /{number} HTTP/1.1\r\nHost: a\r\n\r\n")).response();
        assert!(head.starts_with("HTTP/1.1 200 "), "{number}: {head}");
    }
    assert_eq!((server.connections(), proxy.counters.replays.value()), (2, 1));
}

#[test]
fn a_request_that_must_not_be_repeated_is_not() {
    let server = Scripted::new(|mut peer: Peer, _| {
        peer.head();
        peer.answer("ok");
        peer.head();
    });
    let proxy = Proxy::http(&[server.address]);
    let mut client = proxy.client();
    client.send(GET).response();
    let head = client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").head();
    assert!(head.starts_with("HTTP/1.1 502 "), "{head}");
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_pooled_connection_that_was_closed_is_not_used() {
    let (closed, wait) = signal();
    let server = Scripted::new(move |mut peer: Peer, _| {
        peer.head();
        peer.answer("ok");
        drop(peer);
        closed.send(()).unwrap();
    });
    let proxy = Proxy::http(&[server.address]);
    let mut client = proxy.client();
    for _ in 0..3 {
        assert!(client.send("POST / HTTP/1.1\r\nHost: a\r\n\r\n").response().0.starts_with("HTTP/1.1 200 "));
        wait.recv().unwrap();
    }
    assert_eq!(server.connections(), 3);
}

#[test]
fn a_response_cut_short_is_cut_for_the_client_too() {
    let server = Scripted::once("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    let proxy = Proxy::http(&[server.address]);
    let mut client = proxy.client();
    client.send(GET).head();
    assert_eq!(client.rest(), b"half");
    assert!(proxy.line().contains(" SD-- "));
}

#[test]
fn an_early_refusal_reaches_a_client_that_is_still_sending() {
    let server = Scripted::once("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
    let proxy = Proxy::http(&[server.address]);
    let mut client = proxy.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nabc");
    let (head, body) = client.response();
    assert!(head.starts_with("HTTP/1.1 413 ") && body == "no");
    assert_eq!(field(&head, "connection"), Some("close"));
}
