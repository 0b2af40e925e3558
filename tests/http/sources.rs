//! Where connections to servers come from: addresses and ports of our own (`source`).

use std::net::{SocketAddr, TcpListener};

use vipgate::sys::clock;

use crate::ports;
use crate::rig::{Peer, Scripted, until};
use crate::rules::{get, on_both, ours, status};

/// An address of our own, and a port of it that nobody has.
fn source() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 9], ports::free().port()))
}

/// A server that tells where a client comes from, and waits for its end.
fn teller() -> Scripted {
    Scripted::new(|mut peer, _| {
        let Ok(from) = peer.stream.peer_addr() else { return };
        peer.send(format!("{from}\r\n\r\n"));
        peer.rest_quietly();
    })
}

/// Where the server sees a connection come from; `None` if there is none.
fn origin(peer: &mut Peer) -> Option<SocketAddr> {
    peer.try_head()?.trim().parse().ok()
}

/// A client whose connection to the server there was a port for, and where that comes from. The client that found out
/// whether the program serves may have had it until now.
fn served(connect: &dyn Fn() -> Peer) -> (Peer, SocketAddr) {
    let mut client = None;
    until("there is a port", || {
        let mut peer = connect();
        client = origin(&mut peer).map(|from| (peer, from));
        client.is_some()
    });
    client.unwrap()
}

#[test]
fn each_connection_has_a_port_of_the_range_and_gives_it_back() {
    let (server, first) = (teller(), source());
    let last = first.port() + 2;
    let text = format!(
        "listen web\n bind PORT\n retries 0\n option nolinger\n server s {} source {first}-{last}\n",
        server.address
    );
    on_both("tcp", &text, |connect| {
        let (mut held, mut seen): (Vec<Peer>, Vec<SocketAddr>) = (0..3).map(|_| served(connect)).unzip();
        seen.sort();
        let expected: Vec<SocketAddr> = (first.port()..=last).map(|port| (first.ip(), port).into()).collect();
        assert_eq!(seen, expected);
        assert_eq!(origin(&mut connect()), None, "all ports are taken");
        let mut leaving = held.remove(1);
        leaving.end();
        leaving.rest_quietly();
        assert!(expected.contains(&served(connect).1));
    });
}

#[test]
fn a_port_that_somebody_else_has_is_skipped() {
    let (server, first) = (teller(), source());
    let _other = TcpListener::bind(first).unwrap();
    let last = first.port() + 1;
    let text = format!("listen web\n bind PORT\n server s {} source {first}-{last}\n", server.address);
    on_both("tcp", &text, |connect| {
        assert_eq!(served(connect).1, (first.ip(), last).into());
    });
}

#[test]
fn one_port_of_a_server_or_of_a_backend_is_that_port() {
    for place in [
        "server s SERVER source SOURCE",
        "source SOURCE\n server s SERVER",
        "default-server source SOURCE\n server s SERVER",
    ] {
        let (server, source) = (teller(), source());
        let place = place.replace("SERVER", &server.address.to_string()).replace("SOURCE", &source.to_string());
        let text = format!("listen web\n bind PORT\n option nolinger\n {place}\n");
        on_both("tcp", &text, |connect| {
            let (mut client, from) = served(connect);
            assert_eq!(from, source, "{place}");
            client.end();
            client.rest_quietly();
        });
    }
}

#[test]
fn idle_connections_give_up_their_ports_to_requests_that_need_them() {
    let (server, first) = (Scripted::echo(), source());
    let last = first.port() + 2;
    let server = format!("server s {} source {first}-{last} pool-purge-delay 1h", server.address);
    let proxy = ours(&format!("listen web\n bind PORT\n retries 0\n {server}\n"));
    let mut clients = Vec::new();
    for _ in 0..8 {
        // A client may have its answer before the connection counts as idle.
        until("a port is there for it", || {
            let mut client = proxy.client();
            let head = client.send(get("/")).head();
            clients.push(client);
            status(&head) == "200"
        });
    }
}

#[test]
fn an_address_that_is_not_ours_answers_at_once() {
    let text = "listen web\n bind PORT\n server s SERVER source 192.0.2.77\n";
    on_both("http", text, |connect| {
        let begun = clock::now();
        assert_eq!(status(&connect().send(get("/")).head()), "503");
        assert!(clock::now().since(begun).as_secs() < 3, "retries do not wait: nothing will be better in a second");
    });
}
