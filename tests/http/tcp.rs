//! TCP mode.

use vipgate::model::proxy::Mode;

use crate::rig::{Peer, Proxy, Scripted, nobody};

#[test]
fn the_end_of_one_direction_leaves_the_other_open() {
    let server = Scripted::new(|mut peer: Peer, _| {
        let all = peer.rest();
        peer.send(all).send("!");
    });
    let proxy = Proxy::start(Mode::Tcp, &[server.address], |_| {});
    let mut client = proxy.client();
    client.send("hello").end();
    assert_eq!(client.rest(), b"hello!");
    let line = proxy.line();
    assert!(line.starts_with("web app/s1 0/") && line.contains(" 6 -- 1/1/0/0/0 0/0"), "{line}");
}

#[test]
fn much_data_passes_both_ways_at_once() {
    const LENGTH: usize = 5_000_000;
    let byte = |at: usize| (at.wrapping_mul(13) ^ at >> 8) as u8;
    let server = Scripted::new(move |mut peer: Peer, _| {
        let mut sender = Peer::new(peer.stream.try_clone().unwrap());
        let sending = std::thread::spawn(move || {
            sender.send((0..LENGTH).map(byte).collect::<Vec<u8>>());
            sender.end();
        });
        let got = peer.rest();
        assert!(got.len() == LENGTH && got.iter().enumerate().all(|(at, got)| *got == byte(at)));
        sending.join().unwrap();
    });
    let proxy = Proxy::start(Mode::Tcp, &[server.address], |_| {});
    let mut client = proxy.client();
    let mut sender = Peer::new(client.stream.try_clone().unwrap());
    let sending = std::thread::spawn(move || {
        sender.send((0..LENGTH).map(byte).collect::<Vec<u8>>());
        sender.end();
    });
    let got = client.rest();
    sending.join().unwrap();
    assert!(got.len() == LENGTH && got.iter().enumerate().all(|(at, got)| *got == byte(at)));
    assert!(proxy.line().contains(&format!(" {LENGTH} -- ")));
}

#[test]
fn a_session_without_a_server_is_closed() {
    let proxy = Proxy::start(Mode::Tcp, &[nobody()], |model| model.backends[0].retries = 0);
    let mut client = proxy.client();
    assert!(client.is_ended());
    assert!(proxy.line().contains(" 0 SC "));
}

#[test]
fn silence_ends_a_session() {
    let server = Scripted::new(|mut peer: Peer, _| drop(peer.rest()));
    let proxy = Proxy::start(Mode::Tcp, &[server.address], |model| {
        model.frontends[0].timeouts.tunnel = Some(std::time::Duration::from_millis(100));
    });
    let mut client = proxy.client();
    client.send("x");
    assert!(client.is_ended());
    // The client spoke last.
    assert!(proxy.line().contains(" sD "));
}
