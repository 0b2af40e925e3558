//! Which connections to servers requests share, and when connections close.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

use vipgate::generation::IdleConnections as _;

use crate::rig::{Peer, Proxy, Scripted, field, signal, until};
use crate::rules::{get, on_both, ours, status};

/// A server that tells the number of the connection, and of the request on it.
fn counting() -> Scripted {
    Scripted::new(|mut peer, number| {
        for request in 1.. {
            let head = peer.head();
            if head.is_empty() {
                return;
            }
            let asked = field(&head, "connection").unwrap_or("-");
            let body = format!("{number} {request} {asked}");
            peer.answer(&body);
        }
    })
}

/// What the server told of a request: its connection, the request's number on it, and what it was asked for.
fn told(client: &mut Peer) -> (String, u32, String) {
    let (_, body) = client.send(get("/")).response();
    let mut words = body.split(' ');
    let mut word = || words.next().unwrap_or_default().to_owned();
    (word(), word().parse().unwrap(), word())
}

/// One worker: connections belong to the thread that made them.
fn file(lines: &str, server: &Scripted) -> String {
    format!(
        "frontend web\n bind PORT\n default_backend app\n\
         backend app\n {lines}\n server s {}\n\
         global\n nbthread 1\n",
        server.address
    )
}

#[test]
fn never_keeps_a_connection_for_its_client() {
    let server = counting();
    on_both("http", &file("http-reuse never", &server), |connect| {
        let (mut one, mut two) = (connect(), connect());
        let (first, ..) = told(&mut one);
        let (second, ..) = told(&mut two);
        assert_ne!(first, second);
        assert_eq!(told(&mut one), (first, 2, "-".to_owned()));
        assert_eq!(told(&mut two), (second, 2, "-".to_owned()));
    });
}

#[test]
fn safe_gives_first_requests_a_connection_of_their_own() {
    let server = counting();
    // What is written, and what holds where nothing is.
    for line in ["http-reuse safe", "option http-keep-alive"] {
        on_both("http", &file(line, &server), |connect| {
            let mut one = connect();
            let (first, ..) = told(&mut one);
            let mut two = connect();
            let (second, request, _) = told(&mut two);
            assert_eq!(request, 1);
            assert_ne!(first, second);
            let (_, request, _) = told(&mut two);
            assert_eq!(request, 2);
        });
    }
}

#[test]
fn aggressive_shares_connections_that_were_shared_before() {
    let server = counting();
    on_both("http", &file("http-reuse aggressive", &server), |connect| {
        let mut one = connect();
        let (first, ..) = told(&mut one);
        drop(one);
        // It has carried one request only.
        let mut two = connect();
        let (second, request, _) = told(&mut two);
        assert_eq!(request, 1);
        assert_ne!(first, second);
        told(&mut two);
        drop(two);
        let (_, request, _) = told(&mut connect());
        assert_eq!(request, 3);
    });
}

#[test]
fn always_shares_any_connection() {
    let server = counting();
    on_both("http", &file("http-reuse always", &server), |connect| {
        let (first, ..) = told(&mut connect());
        assert_eq!(told(&mut connect()), (first, 2, "-".to_owned()));
    });
}

/// Two workers of one process, and how many idle connections each has.
fn two_workers(global: &str, lines: &str, server: &Scripted) -> (Proxy, Proxy, impl Fn() -> Vec<usize>) {
    let text = format!(
        "global\n nbthread 2\n {global}\n\
         frontend web\n bind PORT\n default_backend app\n\
         backend app\n http-reuse always\n server s {} {lines}\n",
        server.address
    );
    let one = ours(&text);
    let two = one.beside();
    let (pools, generation) = (Arc::clone(&one.pools), Arc::clone(&one.generation));
    let idle = move || {
        let backend = &generation.backends[0].model;
        let idle = pools.of_workers(&backend.name, &backend.servers[0]);
        idle.into_iter().map(|[once, more]| once + more).collect()
    };
    (one, two, idle)
}

#[test]
fn a_worker_without_a_connection_takes_one_of_another() {
    let server = counting();
    let (one, two, idle) = two_workers("tune.idle-pool.shared on", "", &server);
    let mut at_one = one.client();
    let (connection, ..) = told(&mut at_one);
    until("the connections where they belong", || idle() == [1, 0]);
    let mut at_two = two.client();
    assert_eq!(told(&mut at_two), (connection.clone(), 2, "-".to_owned()));
    until("the connections where they belong", || idle() == [0, 1]);
    // It stays, and it wakes the thread that has it now: the answer comes later than the request.
    assert_eq!(told(&mut at_two).1, 3);
    until("the connections where they belong", || idle() == [0, 1]);
    assert_eq!(told(&mut at_one), (connection, 4, "-".to_owned()));
    until("the connections where they belong", || idle() == [1, 0]);
}

#[test]
fn workers_that_do_not_share_keep_their_own() {
    let server = counting();
    for (global, lines) in [("tune.idle-pool.shared off", ""), ("", "pool-low-conn 2")] {
        let (one, two, idle) = two_workers(global, lines, &server);
        let (first, ..) = told(&mut one.client());
        let (second, request, _) = told(&mut two.client());
        assert_eq!(request, 1);
        assert_ne!(first, second);
        until("the connections where they belong", || idle() == [1, 1]);
    }
}

#[test]
fn a_connection_that_the_server_has_closed_is_forgotten() {
    let (close, closing) = signal();
    let closing = Mutex::new(closing);
    let server = Scripted::new(move |mut peer, _| {
        peer.head();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        // Whether it is told or everything is over does not matter.
        let _ = closing.lock().unwrap().recv();
    });
    let (one, two, idle) = two_workers("", "", &server);
    assert_eq!(status(&one.client().send(get("/")).response().0), "200");
    until("the connections where they belong", || idle() == [1, 0]);
    close.send(()).unwrap();
    until("the end of the connection", || idle() == [0, 0]);
    drop(close);
    assert_eq!(status(&two.client().send(get("/")).response().0), "200");
}

#[test]
fn a_connection_that_the_server_has_closed_costs_the_next_one_nothing() {
    let (closed, closing) = signal();
    let (closed, closing) = (Mutex::new(Some(closed)), Mutex::new(closing));
    let server = Scripted::new(move |mut peer, number| {
        for request in 1.. {
            if peer.head().is_empty() {
                return;
            }
            if number == 0 {
                peer.answer(&format!("{number} {request} -"));
                drop(peer);
                drop(closed.lock().unwrap().take());
                return;
            }
            // It ends when the first connection is closed.
            let _ = closing.lock().unwrap().recv();
            peer.answer(&format!("{number} {request} -"));
        }
    });
    let proxy = ours(&file("", &server));
    let (first, ..) = told(&mut proxy.client());
    let mut client = proxy.client();
    let (second, ..) = told(&mut client);
    assert_ne!(first, second);
    assert_eq!(told(&mut client), (second, 2, "-".to_owned()));
}

#[test]
fn a_worker_that_ends_leaves_nothing() {
    let server = counting();
    let (mut one, two, idle) = two_workers("", "", &server);
    let (first, ..) = told(&mut one.client());
    one.drain(Duration::from_secs(60));
    one.join();
    until("the connections where they belong", || idle() == [0, 0]);
    let (second, request, _) = told(&mut two.client());
    assert_eq!(request, 1);
    assert_ne!(first, second);
}

#[test]
fn a_connection_carries_as_many_requests_as_it_may() {
    // HAProxy counts the requests of HTTP/2 alone.
    let server = counting();
    let proxy = ours(&format!(
        "frontend web\n bind PORT\n default_backend app\nbackend app\n server s {} max-reuse 1\n",
        server.address
    ));
    let mut client = proxy.client();
    assert_eq!((0..4).map(|_| told(&mut client).1).collect::<Vec<_>>(), [1, 2, 1, 2]);
}

#[test]
fn a_pool_without_room_keeps_nothing() {
    let server = counting();
    let proxy = ours(&format!(
        "frontend web\n bind PORT\n default_backend app\nbackend app\n server s {} pool-max-conn 0\n",
        server.address
    ));
    let mut client = proxy.client();
    assert_eq!((0..3).map(|_| told(&mut client).1).collect::<Vec<_>>(), [1, 1, 1]);
}

#[test]
fn server_close_closes_the_servers_side_alone() {
    let server = counting();
    on_both("http", &file("option http-server-close", &server), |connect| {
        let mut client = connect();
        for _ in 0..2 {
            let (_, request, asked) = told(&mut client);
            assert_eq!((request, asked.as_str()), (1, "close"));
        }
    });
}

#[test]
fn a_server_is_not_told_of_the_close_where_the_proxy_pretends() {
    let server = counting();
    let lines = "option http-server-close\n option http-pretend-keepalive";
    on_both("http", &file(lines, &server), |connect| {
        let mut client = connect();
        for _ in 0..2 {
            let (_, request, asked) = told(&mut client);
            assert_eq!((request, asked.as_str()), (1, "-"));
        }
    });
}

#[test]
fn httpclose_closes_the_side_that_says_so() {
    let server = counting();
    let text = format!(
        "defaults CLOSE\n mode http\n timeout client 5s\n timeout connect 5s\n timeout server 5s\n option httpclose\n\
         frontend web from CLOSE\n bind PORT\n default_backend app\n\
         backend app from CLOSE\n server s {}\n",
        server.address
    );
    on_both("http", &text, |connect| {
        let mut client = connect();
        let (head, body) = client.send(get("/")).response();
        assert_eq!(field(&head, "connection"), Some("close"));
        assert!(body.ends_with("1 close"), "{body}");
        assert_eq!(client.head(), "", "it closes");
    });
}

#[test]
fn no_option_takes_back_what_defaults_say() {
    let server = counting();
    let text = format!(
        "defaults CLOSE\n mode http\n timeout client 5s\n timeout connect 5s\n timeout server 5s\n option httpclose\n\
         frontend web from CLOSE\n no option httpclose\n bind PORT\n default_backend app\n\
         backend app from CLOSE\n option http-keep-alive\n http-reuse always\n server s {}\n",
        server.address
    );
    on_both("http", &text, |connect| {
        let mut client = connect();
        assert_eq!(told(&mut client).2, "-");
        assert_eq!(told(&mut client).1, 2);
    });
}

#[test]
fn a_server_is_told_its_name() {
    let text = "frontend web\n bind PORT\n default_backend app\n\
                backend app\n http-send-name-header X-Server\n server alone SERVER\n";
    on_both("http", text, |connect| {
        let request = "GET / HTTP/1.1\r\nHost: a\r\nx-server: liar\r\n\r\n";
        let (_, sent) = connect().send(request).response();
        let names = sent.lines().filter(|line| line.to_ascii_lowercase().starts_with("x-server:"));
        assert_eq!(names.map(|line| line.split_once(": ").unwrap().1).collect::<Vec<_>>(), ["alone"]);
    });
}

#[test]
fn a_server_without_a_port_is_where_the_client_came_in() {
    let server = Scripted::echo();
    let offset = |port: u16| i32::from(server.address.port()) - i32::from(port);
    let proxy = crate::rig::Proxy::start(vipgate::model::proxy::Mode::Http, &[], |model| {
        let port = model.frontends[0].binds[0].endpoint.tcp().unwrap().port();
        let text = format!(
            "{} mode http\nfrontend web\n bind 127.0.0.1:{port}\n default_backend app\n\
             backend app\n server s 127.0.0.1:{:+}\n",
            crate::rules::DEFAULTS,
            offset(port)
        );
        *model = crate::rules::read("offset.cfg", &text);
    });
    assert_eq!(status(&proxy.client().send(get("/")).head()), "200");
}

/// Whether there is something to read.
fn has_answer(peer: &Peer) -> bool {
    peer.stream.set_nonblocking(true).unwrap();
    let has_some = peer.stream.peek(&mut [0]).is_ok_and(|count| count > 0);
    peer.stream.set_nonblocking(false).unwrap();
    has_some
}

#[test]
fn a_full_queue_of_a_server_is_a_503_for_those_who_must_have_it() {
    let (server, permits) = Scripted::held("");
    let lines = "cookie S insert\n default-server cookie s maxconn 1 maxqueue 1";
    on_both("http", &file(lines, &server), |connect| {
        let request = "GET / HTTP/1.1\r\nHost: a\r\nCookie: S=s\r\n\r\n";
        let before = server.connections();
        let mut first = connect();
        first.send(request);
        until("the server is busy", || server.connections() > before);
        // One of these two waits, the other finds the queue full.
        let (mut second, mut third) = (connect(), connect());
        second.send(request);
        third.send(request);
        until("one is refused", || has_answer(&second) || has_answer(&third));
        let (mut refused, mut queued) = if has_answer(&second) { (second, third) } else { (third, second) };
        assert_eq!(status(&refused.head()), "503");
        permits.send(()).unwrap();
        permits.send(()).unwrap();
        assert_eq!(status(&first.head()), "200");
        assert_eq!(status(&queued.head()), "200");
    });
}

#[test]
fn a_redirect_in_place_of_a_response_leaves_the_client_connected() {
    let text = "frontend web\n bind PORT\n default_backend app\n\
                backend app\n http-request set-var(txn.path) path\n \
                http-response redirect location /elsewhere if { var(txn.path) -m str /away }\n server s SERVER\n";
    on_both("http", text, |connect| {
        let mut client = connect();
        let (head, _) = client.send(get("/away")).response();
        assert_eq!((status(&head), field(&head, "connection")), ("302", None));
        assert_eq!(status(&client.send(get("/")).head()), "200");
    });
}

#[test]
fn a_request_whose_client_leaves_is_given_up() {
    let (gone, wait) = signal();
    let gone = Mutex::new(gone);
    let server = Scripted::new(move |mut peer, _| {
        if !peer.head().is_empty() {
            peer.rest_quietly();
            gone.lock().unwrap().send(()).unwrap();
        }
    });
    let proxy = ours(&format!(
        "frontend web\n bind PORT\n default_backend app\nbackend app\n option abortonclose\n server s {}\n",
        server.address
    ));
    let mut client = proxy.client();
    client.send(get("/"));
    until("the server has the request", || server.connections() > 0);
    client.end();
    // The server's connection ends though it has not answered.
    wait.recv_timeout(crate::rig::PATIENCE).unwrap();
}

/// A server that answers when so many requests wait on connections of their own, and how many connections it has.
fn waiting_for(requests: usize) -> (Scripted, Arc<AtomicUsize>) {
    let (open, all) = (Arc::new(AtomicUsize::new(0)), Barrier::new(requests));
    let counter = Arc::clone(&open);
    let server = Scripted::new(move |mut peer, _| {
        counter.fetch_add(1, Ordering::SeqCst);
        while peer.try_head().is_some() {
            all.wait();
            peer.answer("ok");
        }
        counter.fetch_sub(1, Ordering::SeqCst);
    });
    (server, open)
}

#[test]
fn as_many_idle_connections_are_kept_as_were_in_use_at_once() {
    let (server, open) = waiting_for(1);
    on_both("http", &file("", &server), |connect| {
        for _ in 0..10 {
            let mut client = connect();
            client.send(get("/")).response();
            client.end();
            assert!(client.is_ended());
        }
        until("one is left", || open.load(Ordering::SeqCst) == 1);
    });
    until("all are closed", || open.load(Ordering::SeqCst) == 0);
}

#[test]
fn idle_connections_that_are_not_needed_are_given_up_bit_by_bit() {
    let (server, open) = waiting_for(4);
    on_both("http", &file("default-server pool-purge-delay 100ms", &server), |connect| {
        let mut clients = [connect(), connect(), connect(), connect()];
        for client in &mut clients {
            client.send(get("/"));
        }
        clients.iter_mut().for_each(|client| assert_eq!(client.response().1, "ok"));
        until("none is left", || open.load(Ordering::SeqCst) == 0);
    });
}
