//! What people's files use most and HAProxy's own suite hardly touches: each script against vipgate and the packaged
//! HAProxy, with the same file.

use std::sync::Mutex;

use crate::rig::{Peer, Scripted, field, nobody, until};
use crate::rules::{get, on_both, status};

/// The bodies of one request on each of `count` new connections.
fn bodies(connect: &dyn Fn() -> Peer, count: usize) -> Vec<String> {
    (0..count).map(|_| connect().send(get("/")).response().1).collect()
}

#[test]
fn roundrobin_takes_turns_by_weight() {
    let (one, two) = (Scripted::answering("one"), Scripted::answering("two"));
    let text = format!(
        "frontend web\n bind PORT\n default_backend app\n\
         backend app\n balance roundrobin\n server one {} weight 2\n server two {}\n",
        one.address, two.address
    );
    on_both("http", &text, |connect| {
        let bodies = bodies(connect, 9);
        assert_eq!(bodies.iter().filter(|body| *body == "one").count(), 6);
        let pairs = bodies.windows(2).filter(|pair| pair[0] == "two" && pair[1] == "two").count();
        assert_eq!(pairs, 0, "{bodies:?}");
    });
}

#[test]
fn leastconn_takes_the_idle_server() {
    let (busy, permits) = Scripted::held("busy");
    let idle = Scripted::answering("idle");
    let text = format!(
        "frontend web\n bind PORT\n default_backend app\n\
         backend app\n balance leastconn\n http-reuse never\n server busy {}\n server idle {}\n",
        busy.address, idle.address
    );
    on_both("http", &text, |connect| {
        let before = busy.connections();
        let mut first = connect();
        first.send(get("/"));
        until("the first server has the request", || busy.connections() == before + 1);
        assert_eq!(bodies(connect, 4), ["idle"; 4]);
        permits.send(()).unwrap();
        assert_eq!(first.response().1, "busy");
    });
}

#[test]
fn source_keeps_a_client_on_one_server() {
    let (one, two) = (Scripted::answering("one"), Scripted::answering("two"));
    let text = format!(
        "frontend web\n bind PORT\n default_backend app\n\
         backend app\n balance source\n server one {}\n server two {}\n",
        one.address, two.address
    );
    let chosen = Mutex::new(Vec::new());
    on_both("http", &text, |connect| {
        let bodies = bodies(connect, 5);
        assert_eq!(bodies, vec![bodies[0].clone(); 5]);
        chosen.lock().unwrap().push(bodies[0].clone());
    });
    let chosen = chosen.into_inner().unwrap();
    assert_eq!(chosen[0], chosen[1], "the same server as HAProxy's");
}

#[test]
fn a_dead_server_is_left_for_another() {
    let two = Scripted::answering("two");
    let text = format!(
        "frontend web\n bind PORT\n default_backend app\n\
         backend app\n balance first\n retries 1\n option redispatch\n server dead {}\n server two {}\n",
        nobody(),
        two.address
    );
    on_both("http", &text, |connect| assert_eq!(bodies(connect, 2), ["two"; 2]));
}

#[test]
fn without_redispatch_a_dead_server_is_a_503() {
    let text = format!(
        "frontend web\n bind PORT\n default_backend app\n\
         backend app\n balance first\n retries 0\n server dead {}\n server two SERVER\n",
        nobody()
    );
    on_both("http", &text, |connect| assert_eq!(status(&connect().send(get("/")).head()), "503"));
}

#[test]
fn forwardfor_adds_the_client_behind_what_was_there() {
    let text = "frontend web\n bind PORT\n option forwardfor\n default_backend app\n\
                backend app\n server s SERVER\n";
    on_both("http", text, |connect| {
        let request = "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.9\r\n\r\n";
        let (_, body) = connect().send(request).response();
        let fields: Vec<&str> =
            body.lines().filter(|line| line.to_ascii_lowercase().starts_with("x-forwarded-for:")).collect();
        let values: Vec<&str> = fields.iter().map(|line| line.split_once(": ").unwrap().1).collect();
        assert_eq!(values, ["192.0.2.9", "127.0.0.1"]);
    });
}

#[test]
fn plain_requests_are_sent_to_https() {
    let text = "frontend web\n bind PORT\n redirect scheme https code 301 if !{ ssl_fc }\n default_backend app\n\
                backend app\n server s SERVER\n";
    on_both("http", text, |connect| {
        let head = connect().send(get("/path?q=1")).head();
        assert_eq!(status(&head), "301");
        assert_eq!(field(&head, "location"), Some("https://www.example.com/path?q=1"));
    });
}

#[test]
fn half_a_request_is_answered_with_408_in_time() {
    let text = "frontend web\n bind PORT\n timeout http-request 100ms\n default_backend app\n\
                backend app\n server s SERVER\n";
    on_both("http", text, |connect| {
        let mut client = connect();
        client.send("GET / HTTP/1.1\r\nHost: a\r\n");
        let head = client.head();
        assert_eq!(status(&head), "408");
        assert_eq!(field(&head, "connection"), Some("close"));
        client.rest();
    });
}

#[test]
fn a_connection_that_waits_between_requests_is_closed_without_a_word() {
    let text = "frontend web\n bind PORT\n timeout http-keep-alive 100ms\n default_backend app\n\
                backend app\n server s SERVER\n";
    on_both("http", text, |connect| {
        let mut client = connect();
        assert_eq!(status(&client.send(get("/")).response().0), "200");
        assert!(client.is_ended());
    });
}

#[test]
fn a_full_server_makes_requests_wait_and_then_fail() {
    let (server, permits) = Scripted::held("");
    let text = format!(
        "frontend web\n bind PORT\n default_backend app\n\
         backend app\n timeout queue 100ms\n server s {} maxconn 1\n",
        server.address
    );
    on_both("http", &text, |connect| {
        let before = server.connections();
        let mut first = connect();
        first.send(get("/first"));
        until("the server has the first request", || server.connections() == before + 1);
        assert_eq!(status(&connect().send(get("/second")).head()), "503");
        permits.send(()).unwrap();
        assert_eq!(status(&first.head()), "200");
    });
}

#[test]
fn a_slow_server_is_a_504() {
    let (server, _permits) = Scripted::held("");
    let text = format!(
        "frontend web\n bind PORT\n default_backend app\nbackend app\n timeout server 100ms\n server s {}\n",
        server.address
    );
    on_both("http", &text, |connect| {
        assert_eq!(status(&connect().send(get("/")).head()), "504");
    });
}

#[test]
fn connections_above_the_frontends_limit_wait_until_one_ends() {
    let text = "frontend web\n bind PORT\n maxconn 1\n default_backend app\nbackend app\n server s SERVER\n";
    on_both("http", text, |connect| {
        let mut first = connect();
        assert_eq!(status(&first.send(get("/")).response().0), "200");
        let mut second = connect();
        second.send(get("/"));
        second.stream.set_nonblocking(true).unwrap();
        assert_eq!(status(&first.send(get("/")).response().0), "200");
        let nothing = second.stream.peek(&mut [0]).unwrap_err();
        assert_eq!(nothing.kind(), std::io::ErrorKind::WouldBlock, "no answer while the first is there");
        second.stream.set_nonblocking(false).unwrap();
        drop(first);
        assert_eq!(status(&second.response().0), "200");
    });
}

#[test]
fn bytes_of_a_tcp_listener_go_both_ways_and_end_one_by_one() {
    let server = Scripted::new(|mut peer, _| {
        let sent = peer.rest();
        peer.send(format!("{} bytes", sent.len()));
    });
    let text = format!("listen raw\n bind PORT\n balance leastconn\n server s {}\n", server.address);
    on_both("tcp", &text, |connect| {
        let mut client = connect();
        client.send(vec![b'x'; 100_000]).end();
        assert_eq!(client.rest(), b"100000 bytes");
    });
}
