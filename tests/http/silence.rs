//! How long silence is suffered: half-closed connections, tunnels, and TCP keep-alive, which finds out who is gone.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::rig::{PATIENCE, Peer, Scripted, signal, until};
use crate::rules::{get, on_both, ours, status};

const FOR_EVER: &str = " timeout client 1h\n timeout server 1h\n";

/// What ends before an hour is over has a limit of its own.
fn relay(limit: &str, server: SocketAddr) -> String {
    format!("listen l\n bind PORT\n{FOR_EVER} {limit}\n server s {server}")
}

#[test]
fn a_server_is_awaited_for_server_fin_once_the_client_has_ended() {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let server = Scripted::new(move |mut peer: Peer, _| {
        peer.send("hello");
        assert_eq!(peer.rest(), b"x");
        kept.lock().unwrap().push(peer);
    });
    on_both("tcp", &relay("timeout server-fin 200ms", server.address), |connect| {
        let mut client = connect();
        client.text("hello");
        client.send("x").end();
        assert!(client.is_ended());
    });
}

#[test]
fn a_client_is_awaited_for_client_fin_once_the_server_has_ended() {
    let (gone, is_gone) = signal();
    let server = Scripted::new(move |mut peer: Peer, _| {
        peer.send("bye").end();
        peer.rest_quietly();
        let _ = gone.try_send(());
    });
    on_both("tcp", &relay("timeout client-fin 200ms", server.address), |connect| {
        let mut client = connect();
        assert_eq!(client.rest(), b"bye");
        is_gone.recv_timeout(PATIENCE).unwrap();
        // The one that looks whether HAProxy serves.
        while is_gone.try_recv().is_ok() {}
    });
}

#[test]
fn what_a_side_is_sent_is_no_word_of_its_own_where_streams_are_independent() {
    let server = Scripted::new(|mut peer: Peer, _| {
        peer.stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let is_gone = |read: std::io::Result<usize>| match read {
            Ok(count) => count == 0,
            Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
        };
        while peer.stream.write_all(b"still here ").is_ok() && !is_gone(peer.stream.read(&mut [0; 64])) {}
    });
    let text = format!(
        "frontend f\n bind PORT\n timeout client 300ms\n option independent-streams\n default_backend b\n\
         backend b\n timeout server 1h\n server s {}",
        server.address
    );
    on_both("tcp", &text, |connect| {
        let mut client = connect();
        assert!(client.rest().starts_with(b"still here "));
    });
}

#[test]
fn a_tunnel_has_the_limit_of_the_backend_that_was_chosen() {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let server = Scripted::new(move |mut peer: Peer, _| {
        if peer.try_head().is_some() {
            peer.send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nfirst");
            kept.lock().unwrap().push(peer);
        }
    });
    let text = format!(
        "frontend f\n bind PORT\n timeout client 1h\n use_backend sockets if {{ path /ws }}\n default_backend app\n\
         backend app\n timeout server 1h\n server s {0}\n\
         backend sockets\n timeout server 1h\n timeout tunnel 200ms\n server s {0}",
        server.address
    );
    on_both("http", &text, |connect| {
        let mut client = connect();
        client.send(
            "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        );
        assert_eq!(status(&client.head()), "101");
        assert_eq!(client.rest(), b"first");
    });
}

#[test]
fn keep_alive_of_both_sides_has_the_times_of_the_file() {
    let server = Scripted::echo();
    let text = format!(
        "listen l\n bind PORT\n option clitcpka\n clitcpka-idle 70\n clitcpka-intvl 7s\n clitcpka-cnt 3\n \
         option srvtcpka\n srvtcpka-idle 50s\n http-reuse always\n server s {}",
        server.address
    );
    on_both("http", &text, |connect| {
        let mut client = connect();
        client.send(get("/")).response();
        let mine = client.stream.local_addr().unwrap();
        let is_due = |remote: SocketAddr, limit: u64| {
            let near = Duration::from_secs(limit - 40)..=Duration::from_secs(limit);
            connections().iter().any(|one| one.remote == remote && one.is_kept_alive && near.contains(&one.due))
        };
        until("both are watched", || is_due(mine, 70) && is_due(server.address, 50));
    });
}

#[test]
fn keep_alive_of_one_side_is_not_that_of_the_other() {
    for (line, has_client, has_server) in
        [("option clitcpka", true, false), ("option srvtcpka", false, true), ("option tcpka", true, true)]
    {
        let server = Scripted::echo();
        let text = format!("listen l\n bind PORT\n {line}\n server s {}\n", server.address);
        let proxy = ours(&text);
        let mut client = proxy.client();
        client.send(get("/")).response();
        let mine = client.stream.local_addr().unwrap();
        let watched = |is_it: &dyn Fn(&Seen) -> bool| connections().iter().any(|one| is_it(one) && one.is_kept_alive);
        let is_client = |one: &Seen| one.remote == mine;
        let is_server = |one: &Seen| one.remote == server.address;
        until("the one side is watched", || watched(&is_client) == has_client && watched(&is_server) == has_server);
    }
}

/// A connection as the kernel tells of it.
struct Seen {
    remote: SocketAddr,
    /// Whether a probe is next.
    is_kept_alive: bool,
    due: Duration,
}

/// All of IPv4: `sl local remote state queues tr:when ...`.
fn connections() -> Vec<Seen> {
    let address = |text: &str| -> Option<SocketAddr> {
        let (ip, port) = text.split_once(':')?;
        let ip = Ipv4Addr::from(u32::from_str_radix(ip, 16).ok()?.to_le_bytes());
        Some((ip, u16::from_str_radix(port, 16).ok()?).into())
    };
    let one = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (timer, when) = words.get(5)?.split_once(':')?;
        Some(Seen {
            remote: address(words.get(2)?)?,
            is_kept_alive: timer == "02",
            due: Duration::from_millis(u64::from_str_radix(when, 16).ok()? * 10),
        })
    };
    std::fs::read_to_string("/proc/net/tcp").unwrap().lines().filter_map(one).collect()
}
