//! Announcing, draining, reloading, closing addresses.

use std::net::IpAddr;
use std::time::Duration;

use vipgate::generation::Generation;
use vipgate::proxy::worker::WorkerCommand;
use vipgate::sys::clock;

use crate::rig::{PATIENCE, Peer, Proxy, Scripted, field, until};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn an_announced_close_is_in_every_response() {
    let server = Scripted::echo();
    let proxy = Proxy::http(&[server.address]);
    let (mut first, mut second) = (proxy.client(), proxy.client());
    assert_eq!(field(&first.send(GET).response().0, "connection"), None);
    proxy.commands.send(WorkerCommand::Announce).unwrap();
    until("the announcement", || field(&proxy.client().send(GET).response().0, "connection") == Some("close"));
    assert_eq!(field(&first.send(GET).response().0, "connection"), Some("close"));
    assert!(first.is_ended());
    proxy.commands.send(WorkerCommand::Resume).unwrap();
    until("the end of it", || field(&proxy.client().send(GET).response().0, "connection").is_none());
    assert_eq!(field(&second.send(GET).response().0, "connection"), None);
}

#[test]
fn a_drain_finishes_what_runs_and_what_waits_to_be_accepted() {
    let (server, permits) = Scripted::held("ok");
    let mut proxy = Proxy::http(&[server.address]);
    let mut idle = proxy.client();
    let mut running = proxy.client();
    running.send(GET);
    until("the request", || server.connections() == 1);
    let mut waiting = proxy.client();
    waiting.send(GET);
    proxy.drain(PATIENCE);
    permits.send(()).unwrap();
    permits.send(()).unwrap();
    for client in [&mut running, &mut waiting] {
        let (head, body) = client.response();
        assert!(field(&head, "connection") == Some("close") && body == "ok", "{head}");
    }
    idle.rest();
    proxy.join();
}

#[test]
fn a_drain_ends_at_its_deadline() {
    let server = Scripted::new(|mut peer: Peer, _| {
        peer.head();
        peer.rest();
    });
    let mut proxy = Proxy::http(&[server.address]);
    let mut client = proxy.client();
    client.send(GET);
    until("the request", || server.connections() == 1);
    proxy.drain(Duration::from_millis(100));
    proxy.join();
    assert!(client.is_ended());
    assert!(proxy.line().contains(" KH-- "));
}

#[test]
fn sessions_on_an_address_that_left_are_closed() {
    let proxy = Proxy::http(&[Scripted::echo().address]);
    let mut client = proxy.client();
    client.send(GET).response();
    proxy.commands.send(WorkerCommand::CloseAddress("192.0.2.1".parse::<IpAddr>().unwrap())).unwrap();
    client.send(GET).response();
    proxy.commands.send(WorkerCommand::CloseAddress("127.0.0.1".parse::<IpAddr>().unwrap())).unwrap();
    assert!(client.is_ended());
}

#[test]
fn a_kept_connection_moves_to_the_new_generation_at_its_next_request() {
    let (old, new) = (Scripted::answering("old"), Scripted::answering("new"));
    let proxy = Proxy::http(&[old.address]);
    let mut client = proxy.client();
    assert_eq!(client.send(GET).response().1, "old");
    let mut model = vipgate::model::Model::clone(&proxy.generation.model);
    model.backends[0].servers[0].address = new.address;
    let next = Generation::prepare(2, model, &proxy.registry, Some(&proxy.generation)).unwrap();
    proxy.serve(&next);
    until("the new server", || client.send(GET).response().1 == "new");
    assert_eq!(field(&client.send(GET).response().0, "connection"), None);
}

#[test]
fn the_heart_beats() {
    let proxy = Proxy::http(&[]);
    for _ in 0..3 {
        let before = proxy.heart.last();
        until("a beat", || proxy.heart.last() > before);
        assert!((before..=clock::now()).contains(&proxy.heart.last()), "on the clock that vg-vrrp reads");
    }
}
