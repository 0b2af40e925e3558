//! Requests that are sent again: `retry-on`, and what forbids it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::rig::{Peer, Scripted, nobody};
use crate::rules::{get, on_both, status};

/// A server whose connections do `bad` first, and answer from then on.
fn at_second_try(bad: impl Fn(&mut Peer) + Send + Sync + 'static) -> (Scripted, Arc<AtomicUsize>) {
    let seen = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&seen);
    let server = Scripted::new(move |mut peer, _| {
        let head = peer.head();
        if head.is_empty() {
            return;
        }
        let body = peer.body(&head);
        if counter.fetch_add(1, Ordering::SeqCst).is_multiple_of(2) {
            return bad(&mut peer);
        }
        peer.send(format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
    });
    (server, seen)
}

fn file(retry_on: &str, more: &str, server: &Scripted) -> String {
    format!(
        "frontend web\n bind PORT\n default_backend app\n{more}\
         backend app\n retries 2\n {retry_on}\n server s {}\n",
        server.address
    )
}

fn post(body: &str) -> String {
    format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

#[test]
fn an_empty_response_is_asked_for_again() {
    let (server, seen) = at_second_try(|_| {});
    on_both("http", &file("retry-on empty-response", "", &server), |connect| {
        let before = seen.load(Ordering::SeqCst);
        let (head, body) = connect().send(post("once more")).response();
        assert_eq!((status(&head), body.as_str()), ("200", "once more"));
        assert_eq!(seen.load(Ordering::SeqCst) - before, 2);
    });
}

#[test]
fn an_empty_response_is_a_502_without_retry_on() {
    let (server, seen) = at_second_try(|_| {});
    on_both("http", &file("retry-on conn-failure", "", &server), |connect| {
        seen.store(0, Ordering::SeqCst);
        assert_eq!(status(&connect().send(post("x")).head()), "502");
        assert_eq!(seen.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn junk_is_asked_for_again() {
    let (server, _) = at_second_try(|peer| {
        peer.send("nonsense\r\n\r\n");
    });
    on_both("http", &file("retry-on junk-response", "", &server), |connect| {
        assert_eq!(status(&connect().send(get("/")).head()), "200");
    });
}

#[test]
fn a_status_is_asked_for_again() {
    let (server, seen) = at_second_try(|peer| {
        peer.send("HTTP/1.1 503 Later\r\nContent-Length: 5\r\n\r\nlater");
    });
    on_both("http", &file("retry-on 503 404", "", &server), |connect| {
        let before = seen.load(Ordering::SeqCst);
        assert_eq!(status(&connect().send(get("/")).head()), "200");
        assert_eq!(seen.load(Ordering::SeqCst) - before, 2);
    });
}

#[test]
fn the_last_answer_is_passed_on_when_retries_are_used_up() {
    let seen = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&seen);
    let server = Scripted::new(move |mut peer, _| {
        while !peer.head().is_empty() {
            counter.fetch_add(1, Ordering::SeqCst);
            peer.send("HTTP/1.1 503 Later\r\nContent-Length: 5\r\n\r\nlater");
        }
    });
    on_both("http", &file("retry-on all-retryable-errors", "", &server), |connect| {
        let before = seen.load(Ordering::SeqCst);
        let (head, body) = connect().send(get("/")).response();
        assert_eq!((status(&head), body.as_str()), ("503", "later"));
        assert_eq!(seen.load(Ordering::SeqCst) - before, 3);
    });
}

#[test]
fn silence_is_asked_again_after_the_servers_timeout() {
    let (server, seen) = at_second_try(|peer| {
        // Until the proxy gives the connection up.
        peer.rest_quietly();
    });
    let text = file("retry-on response-timeout\n timeout server 1s", "", &server);
    on_both("http", &text, |connect| {
        let before = seen.load(Ordering::SeqCst);
        assert_eq!(status(&connect().send(get("/")).head()), "200");
        assert_eq!(seen.load(Ordering::SeqCst) - before, 2);
    });
}

#[test]
fn a_rule_forbids_that_a_request_is_sent_again() {
    let (server, seen) = at_second_try(|peer| {
        peer.send("HTTP/1.1 503 Later\r\nContent-Length: 5\r\n\r\nlater");
    });
    let rule = " http-request disable-l7-retry if METH_POST\n";
    on_both("http", &file("retry-on 503", rule, &server), |connect| {
        seen.store(0, Ordering::SeqCst);
        assert_eq!(status(&connect().send(post("x")).head()), "503");
        assert_eq!(seen.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn another_server_is_asked_where_redispatch_lets_it() {
    let bad = Scripted::each(|peer, _| {
        peer.send("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n");
    });
    let good = Scripted::answering("");
    let text = format!(
        "frontend web\n bind PORT\n default_backend app\n\
         backend app\n balance first\n retries 1\n option redispatch 1\n retry-on 500\n server bad {} id 1\n \
         server good {} id 2\n",
        bad.address, good.address
    );
    on_both("http", &text, |connect| assert_eq!(status(&connect().send(get("/")).head()), "200"));
}

#[test]
fn retry_on_none_tries_one_connection_only() {
    let text = format!(
        "frontend web\n bind PORT\n default_backend app\n\
         backend app\n balance first\n retries 3\n option redispatch 1\n retry-on none\n server dead {}\n server s SERVER\n",
        nobody()
    );
    on_both("http", &text, |connect| assert_eq!(status(&connect().send(get("/")).head()), "503"));
}
