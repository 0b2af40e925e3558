//! Requests and responses that rules keep back: for a body, for a time, in the tarpit.

use std::time::Duration;

use vipgate::sys::clock;

use crate::rig::field;
use crate::rules::{get, on_both, status};

const POST: &str = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n";

#[test]
fn rules_see_the_body_that_they_waited_for() {
    let text = "frontend web\n bind PORT\n default_backend app\n http-request wait-for-body time 5s\n \
                http-request set-header X-Body %[req.body] if { req.body_len gt 0 }\n \
                http-request set-header X-Sizes %[req.body_len]/%[req.body_size]\nbackend app\n server s SERVER\n";
    on_both("http", text, |connect| {
        let mut client = connect();
        client.send(POST).send("abc");
        std::thread::yield_now();
        let (_, body) = client.send("def").response();
        assert_eq!((field(&body, "x-body"), field(&body, "x-sizes")), (Some("abcdef"), Some("6/6")), "{body}");
        assert!(body.ends_with("\r\n\r\nabcdef"), "{body}");
        assert_eq!(status(&client.send(get("/next")).response().0), "200");
    });
}

#[test]
fn a_chunked_body_is_seen_without_its_chunks() {
    let text = "frontend web\n bind PORT\n option http-buffer-request\n \
                http-request return status 200 content-type text/plain lf-string \"%[req.body] %[req.body_param(b)]\"\n";
    on_both("http", text, |connect| {
        let mut client = connect();
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n");
        client.send("Transfer-Encoding: chunked\r\n\r\n4\r\na=1&\r\n");
        assert_eq!(client.send("3;x=y\r\nb=2\r\n0\r\n\r\n").response().1, "a=1&b=2 2");
    });
}

#[test]
fn part_of_a_body_can_be_enough() {
    let text = "frontend web\n bind PORT\n http-request wait-for-body time 5s at-least 3\n \
                http-request return status 200 content-type text/plain lf-string \"%[req.body_len]\"\n";
    on_both("http", text, |connect| {
        let mut client = connect();
        assert_eq!(client.send(POST).send("abcd").response().1, "4");
    });
}

#[test]
fn a_client_that_waits_for_100_is_told_to_send() {
    let text =
        "frontend web\n bind PORT\n default_backend app\n option http-buffer-request\nbackend app\n server s SERVER\n";
    on_both("http", text, |connect| {
        let mut client = connect();
        let head = client.send(POST.replace("Host: a", "Host: a\r\nExpect: 100-continue")).head();
        assert_eq!(head, "HTTP/1.1 100 Continue\r\n\r\n");
        let (_, body) = client.send("abcdef").response();
        assert_eq!((field(&body, "expect"), body.ends_with("abcdef")), (None, true), "{body}");
    });
}

#[test]
fn a_body_that_does_not_come_is_a_408() {
    let text = " timeout client 300ms\nfrontend web\n bind PORT\n option http-buffer-request\n default_backend app\n\
                frontend other\nbackend app\n server s SERVER\n";
    on_both("http", text, |connect| {
        let mut client = connect();
        assert_eq!(status(&client.send(POST).send("abc").response().0), "408");
        assert!(client.is_ended());
    });
    let text = "frontend web\n bind PORT\n http-request wait-for-body time 100ms\n http-request return status 200\n";
    on_both("http", text, |connect| {
        let mut client = connect();
        assert_eq!(status(&client.send(POST).send("abc").response().0), "408");
    });
}

#[test]
fn a_client_that_leaves_before_its_body_is_whole_is_routed_and_no_server_sees_it() {
    let text = "frontend web\n bind PORT\n option http-buffer-request\n default_backend app\n\
                backend app\n http-request return status 200 if { path /own }\n server s SERVER\n";
    on_both("http", text, |connect| {
        let mut client = connect();
        client.send(POST).send("abc").end();
        assert!(client.is_ended());
        let mut client = connect();
        client.send(POST.replace("/echo", "/own")).send("abc").end();
        assert!(client.is_ended(), "nor does it get what rules answer");
    });
}

#[test]
fn the_tarpit_holds_clients_and_answers_500() {
    let text = " timeout tarpit 400ms\nfrontend web\n bind PORT\n http-request tarpit if { path /t }\n \
                http-request tarpit deny_status 429 if { path /u }\n";
    on_both("http", text, |connect| {
        for (path, code) in [("/t", "500"), ("/u", "429")] {
            let started = clock::now();
            let head = connect().send(get(path)).response().0;
            assert_eq!(status(&head), code);
            assert!(clock::now().since(started) >= Duration::from_millis(390));
        }
    });
}

#[test]
fn early_hints_come_before_the_response() {
    let text = "frontend web\n bind PORT\n default_backend app\n http-request early-hint Link \"<%[path]>; rel=preload\"\n \
                http-request early-hint X-Other b\nbackend app\n server s SERVER\n";
    on_both("http", text, |connect| {
        let mut client = connect();
        let hints = client.send(get("/a")).head();
        assert!(hints.starts_with("HTTP/1.1 103 Early Hints\r\n"), "{hints}");
        assert_eq!((field(&hints, "link"), field(&hints, "x-other")), (Some("</a>; rel=preload"), Some("b")));
        assert_eq!(status(&client.response().0), "200");
    });
}

#[test]
fn a_response_waits_for_its_body() {
    let text = "frontend web\n bind PORT\n default_backend app\n http-response wait-for-body time 5s\n \
                http-response set-header X-Length %[res.body_len]/%[res.body_size]\n \
                http-response set-header X-Sees yes if { res.body -m sub \"GET /body\" }\nbackend app\n server s SERVER\n";
    on_both("http", text, |connect| {
        let mut client = connect();
        for _ in 0..2 {
            let (head, body) = client.send(get("/body")).response();
            let length = body.len();
            assert_eq!(field(&head, "x-length"), Some(format!("{length}/{length}").as_str()), "{head}");
            assert_eq!(field(&head, "x-sees"), Some("yes"));
        }
    });
}

#[test]
fn names_with_odd_characters_are_taken_out_or_refused() {
    let text = |policy: &str| {
        format!(
            "frontend web\n bind PORT\n option http-restrict-req-hdr-names {policy}\n default_backend app\n\
             backend app\n server s SERVER\n"
        )
    };
    let odd = get("/").replace("X-Gone", "X_Gone");
    on_both("http", &text("delete"), |connect| {
        let (_, body) = connect().send(&odd).response();
        assert_eq!((field(&body, "x_gone"), field(&body, "x-kept")), (None, Some("a, b")));
    });
    on_both("http", &text("reject"), |connect| assert_eq!(status(&connect().send(&odd).response().0), "403"));
    on_both("http", &text("preserve"), |connect| {
        assert_eq!(field(&connect().send(&odd).response().1, "x_gone"), Some("1"));
    });
}

#[test]
fn a_head_that_ends_half_way_is_a_400() {
    on_both("http", "frontend web\n bind PORT\n", |connect| {
        let mut client = connect();
        client.send("GET / HTTP/1.1\r\nHost:").end();
        assert_eq!(status(&client.head()), "400");
    });
}

#[test]
fn a_higher_minor_version_is_taken_for_our_own() {
    let text = "frontend web\n bind PORT\n default_backend app\nbackend app\n server s SERVER\n";
    on_both("http", text, |connect| {
        let (_, body) = connect().send(get("/").replace("1.1", "1.2")).response();
        assert!(body.starts_with("GET / HTTP/1.1\r\n"), "{body}");
    });
}

#[test]
fn timeouts_that_rules_set_hold_and_a_backends_own_come_back() {
    let silent = crate::rig::Scripted::new(|mut peer, _| drop(peer.rest()));
    let text = format!(
        "frontend web\n bind PORT\n http-request set-timeout server 100ms\n http-request set-timeout client 30s\n \
         http-after-response set-header X-Limits \"%[cur_client_timeout] %[cur_server_timeout] %[be_server_timeout]\"\n \
         use_backend own if {{ path /own }}\n default_backend app\nbackend app\n server s {0}\n\
         backend own\n http-request set-timeout server 200ms\n server s {0}\n",
        silent.address
    );
    let proxy = crate::rules::ours(&text);
    let head = proxy.client().send(get("/own")).head();
    assert_eq!((status(&head), field(&head, "x-limits")), ("504", Some("30000 200 60000")));
}

#[test]
fn a_target_beyond_ascii_passes_where_it_may() {
    let text = "frontend web\n bind PORT\n option accept-invalid-http-request\n default_backend app\nbackend app\n server s SERVER\n";
    on_both("http", text, |connect| {
        let mut client = connect();
        client.send("GET /caf\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n");
        assert!(client.response().1.starts_with("GET /caf\u{e9} HTTP/1.1\r\n"));
    });
}
