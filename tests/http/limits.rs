//! Connection limits and the queue.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use vipgate::model::options::Reuse;
use vipgate::model::proxy::Mode;
use vipgate::sys::clock;

use crate::rig::{Peer, Proxy, Scripted, signal, until};

#[test]
fn waiters_for_a_full_server_are_served_in_order() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (go, wait) = signal();
    let (wait, order) = (Mutex::new(wait), Arc::clone(&seen));
    let server = Scripted::each(move |peer, head| {
        order.lock().unwrap().push(head.split(' ').nth(1).unwrap().to_owned());
        wait.lock().unwrap().recv().unwrap();
        peer.answer("");
    });
    let proxy = Proxy::start(Mode::Http, &[server.address], |model| {
        model.backends[0].servers[0].maxconn = Some(1);
        model.backends[0].options.reuse = Reuse::Always;
    });
    let queue = &proxy.generation.backends[0].queue;
    let mut clients: Vec<Peer> = (0..5)
        .map(|number| {
            let mut client = proxy.client();
            client.send(format!("GET /{number} HTTP/1.1\r\nHost: a\r\n\r\n"));
            until("the request in its place", || match number {
                0 => seen.lock().unwrap().len() == 1,
                _ => queue.length() == number,
            });
            client
        })
        .collect();
    for client in &mut clients {
        go.send(()).unwrap();
        assert!(client.head().starts_with("HTTP/1.1 200 "));
    }
    assert_eq!(*seen.lock().unwrap(), ["/0", "/1", "/2", "/3", "/4"]);
    assert_eq!(server.connections(), 1);
    until("free slots", || proxy.generation.backends[0].chooser.has_room(0, clock::now()) && queue.length() == 0);
    // One that has waited counts itself, as HAProxy does.
    let places: Vec<bool> = (0..5).map(|place| proxy.line().contains(&format!("/0 0/{place} "))).collect();
    assert_eq!(places, [true; 5]);
}

#[test]
fn waiting_too_long_is_a_503() {
    let (server, _permits) = Scripted::held("");
    let proxy = Proxy::start(Mode::Http, &[server.address], |model| {
        model.backends[0].servers[0].maxconn = Some(1);
        model.backends[0].timeouts.queue = Duration::from_millis(50);
    });
    let mut first = proxy.client();
    first.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n");
    until("the first request", || server.connections() == 1);
    let mut second = proxy.client();
    assert!(second.send("GET /2 HTTP/1.1\r\nHost: a\r\n\r\n").head().starts_with("HTTP/1.1 503 "));
    let line = proxy.line();
    assert!(line.contains(" sQ-- ") && line.contains(" 0/1 "), "{line}");
}

#[test]
fn a_full_frontend_lets_connections_wait_outside() {
    let server = Scripted::echo();
    let proxy = Proxy::start(Mode::Http, &[server.address], |model| model.frontends[0].maxconn = Some(1));
    let mut first = proxy.client();
    first.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n").response();
    let mut second = proxy.client();
    second.send("GET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
    first.send("GET /3 HTTP/1.1\r\nHost: a\r\n\r\n").response();
    assert_eq!(proxy.generation.frontends[0].sessions.current(), 1);
    drop(first);
    assert!(second.response().1.starts_with("GET /2 "));
}

#[test]
fn a_waiter_that_closed_leaves_the_queue() {
    let (server, _permits) = Scripted::held("");
    let proxy = Proxy::start(Mode::Http, &[server.address], |model| {
        model.backends[0].servers[0].maxconn = Some(1);
    });
    let queue = &proxy.generation.backends[0].queue;
    let mut first = proxy.client();
    first.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n");
    until("the first request", || server.connections() == 1);
    let mut second = proxy.client();
    second.send("GET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
    until("the second in line", || queue.length() == 1);
    drop(second);
    until("an empty line", || queue.length() == 0);
    assert!(proxy.line().contains(" CQ-- "));
}
