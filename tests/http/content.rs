//! Rules about content in http mode, which wait for `inspect-delay`, and trailers.

use std::time::Duration;

use vipgate::sys::clock;

use crate::rig::{Peer, Scripted, field};
use crate::rules::{get, on_both, ours, status};

const POST: &str = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n";

#[test]
fn the_end_of_the_delay_is_awaited_while_a_body_is_on_its_way_and_not_behind_it() {
    let text = "frontend f\n bind PORT\n tcp-request inspect-delay 200ms\n tcp-request content accept if WAIT_END\n \
                tcp-request content reject\n http-request return status 200 content-type text/plain lf-string %[req.body]\n";
    on_both("http", text, |connect| {
        let mut client = connect();
        assert_eq!(status(&client.send(get("/a")).response().0), "200");
        assert_eq!(client.send(format!("{POST}123456789")).response().1, "123456789");
        let began = clock::now();
        assert_eq!(client.send(POST).send("123").response().1, "123");
        let lasted = clock::now().since(began);
        assert!(lasted >= Duration::from_millis(150), "{lasted:?}");
    });
}

#[test]
fn rules_about_content_wait_for_the_body_that_they_look_at() {
    let text = "frontend f\n bind PORT\n tcp-request inspect-delay 30s\n \
                tcp-request content set-var(txn.seen) str(yes) if { req.body -m sub secret }\n \
                tcp-request content accept if { req.body_len ge 9 }\n tcp-request content accept if { method GET }\n \
                http-request return status 200 content-type text/plain lf-string \"%[var(txn.seen)].%[req.body]\"\n";
    on_both("http", text, |connect| {
        let mut client = connect();
        client.send(POST).send("asec");
        std::thread::yield_now();
        assert_eq!(client.send("ret89").response().1, "yes.asecret89");
        assert_eq!(client.send(format!("{POST}123456789")).response().1, ".123456789");
        assert_eq!(client.send(get("/")).response().1, ".");
    });
}

#[test]
fn bytes_of_the_buffer_are_counted_but_are_no_payload_in_http_mode() {
    let text = "frontend f\n bind PORT\n tcp-request inspect-delay 30s\n tcp-request content accept if { req.len gt 20 }\n \
                http-request deny if { req.payload(0,1) -m found }\n http-request return status 200\n";
    on_both("http", text, |connect| {
        let mut client = connect();
        assert_eq!(status(&client.send(get("/")).response().0), "200");
    });
}

#[test]
fn a_request_that_is_rejected_for_its_body_is_closed() {
    let text = "frontend f\n bind PORT\n tcp-request inspect-delay 30s\n \
                tcp-request content reject if { req.body -m sub bad }\n http-request return status 200\n";
    on_both("http", text, |connect| {
        let mut client = connect();
        client.send(POST).send("12");
        assert!(client.send("bad6789").is_ended());
        assert_eq!(status(&connect().send(format!("{POST}123456789")).response().0), "200");
    });
}

#[test]
fn rules_about_content_of_responses_wait_for_what_the_server_sends() {
    let server = Scripted::each(|peer: &mut Peer, head| {
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n12");
        peer.send(if head.starts_with("GET /bad") { "bad6789" } else { "3456789" });
    });
    let text = format!(
        "listen f\n bind PORT\n tcp-response inspect-delay 30s\n tcp-response content reject if {{ res.body -m sub bad }}\n \
         tcp-response content accept if {{ res.len gt 20 }}\n server s {}\n",
        server.address
    );
    on_both("http", &text, |connect| {
        let mut client = connect();
        for _ in 0..2 {
            assert_eq!(client.send(get("/good")).response().1, "123456789");
        }
        let said = String::from_utf8(connect().send(get("/bad")).rest()).unwrap();
        assert!(!said.contains("bad6789"), "{said}");
    });
}

#[test]
fn a_response_whose_body_is_late_is_held_for_the_whole_delay() {
    let server = Scripted::new(|mut peer: Peer, _| {
        peer.head();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n12");
        peer.rest_quietly();
    });
    let text = format!(
        "listen f\n bind PORT\n tcp-response inspect-delay 200ms\n tcp-response content accept if WAIT_END\n \
         tcp-response content reject\n server s {}\n",
        server.address
    );
    on_both("http", &text, |connect| {
        let began = clock::now();
        let mut client = connect();
        assert_eq!(status(&client.send(get("/")).head()), "200");
        client.text("12");
        let lasted = clock::now().since(began);
        assert!(lasted >= Duration::from_millis(150), "{lasted:?}");
    });
}

#[test]
fn control_characters_in_values_pass_where_the_file_says_so() {
    let sections = "frontend f\n bind PORT\n default_backend b\n OPTION\nbackend b\n server s SERVER\n";
    let request = "GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: q\x01\x7fx\r\n\r\n";
    on_both("http", &sections.replace("OPTION", "option accept-invalid-http-request"), |connect| {
        let body = connect().send(request).response().1;
        assert_eq!(field(&body, "user-agent"), Some("q\x01\x7fx"), "{body}");
    });
    let lenient =
        ours("frontend f\n bind PORT\n option accept-invalid-http-request\n http-request return status 200\n");
    for wrong in ["Na\x01me: x\r\n", "X: a\rb\r\n", "X: a\0b\r\n"] {
        let request = format!("GET / HTTP/1.1\r\nHost: a\r\n{wrong}\r\n");
        assert!(lenient.client().send(request).head().starts_with("HTTP/1.1 400"), "{wrong:?}");
    }
    let proxy = ours("frontend f\n bind PORT\n http-request return status 200\n");
    assert!(proxy.client().send(request).head().starts_with("HTTP/1.1 400"));
}

#[test]
fn a_status_without_a_reason_gets_its_space() {
    let server = Scripted::each(|peer: &mut Peer, _| {
        peer.send("HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok");
    });
    let text = format!("listen f\n bind PORT\n server s {}\n", server.address);
    on_both("http", &text, |connect| {
        assert!(connect().send(get("/")).response().0.starts_with("HTTP/1.1 200 \r\n"));
    });
}

#[test]
fn trailers_are_passed_on_or_dropped_as_the_sections_say() {
    let chunks = "3\r\nabc\r\n1;x=y\r\nd\r\n0\r\n";
    let trailers = "X-Sum: 1\r\nX-More: a b\r\n";
    let server = Scripted::each(move |peer: &mut Peer, head| {
        if field(&head, "transfer-encoding").is_none() {
            peer.answer("none");
            return;
        }
        let mut body = String::new();
        while !body.ends_with("0\r\n\r\n") && !body.ends_with("a b\r\n\r\n") {
            body.push(char::from(peer.exactly(1)[0]));
        }
        let (length, trailer) = (body.len(), body.contains("X-Sum"));
        peer.send(format!(
            "HTTP/1.1 200 OK\r\nX-Length: {length}\r\nX-Has: {trailer}\r\nTransfer-Encoding: chunked\r\n\r\n"
        ));
        peer.send("2\r\nok\r\n0\r\nX-Su");
        peer.send("m: 1\r\n\r\n");
    });
    for (front, back) in [(false, false), (true, false), (false, true), (true, true)] {
        let option = |is_set, option| if is_set { format!(" option {option}\n") } else { String::new() };
        let proxy = ours(&format!(
            "frontend f\n bind PORT\n default_backend b\n{}backend b\n{} server s {}\n",
            option(front, "http-drop-response-trailers"),
            option(back, "http-drop-request-trailers"),
            server.address
        ));
        let mut client = proxy.client();
        for cut in [0, 4, 20, 25, 40, 44] {
            let whole = format!("{chunks}{trailers}\r\n");
            client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
            client.send(&whole[..cut]);
            std::thread::yield_now();
            let head = client.send(&whole[cut..]).head();
            let expected = if back { chunks.len() + 2 } else { whole.len() };
            assert_eq!(field(&head, "x-length"), Some(expected.to_string().as_str()), "{cut}");
            assert_eq!(field(&head, "x-has"), Some(if back { "false" } else { "true" }));
            client.text(if front { "2\r\nok\r\n0\r\n\r\n" } else { "2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n" });
        }
        assert_eq!(client.send(get("/")).response().1, "none");
    }
}

#[test]
fn lines_tell_which_rule_ended_a_stream_and_what_it_waited_for() {
    let proxy = ours(
        "frontend f\n bind PORT\n log stdout format raw daemon\n log-format \"%[last_entity]|%[waiting_entity]|%[last_rule_line]\"\n \
         http-request deny if { path /deny }\n http-request wait-for-body time 50ms if { path /wait }\n \
         http-request pause 1ms\n http-request return status 200\n",
    );
    let mut client = proxy.client();
    client.send(get("/deny")).response();
    assert_eq!(proxy.said(), "rules.cfg:10|-|10");
    assert_eq!(status(&client.send(get("/")).response().0), "200");
    assert_eq!(proxy.said(), "rules.cfg:13|-|13");
    assert_eq!(status(&client.send(POST.replace("POST /", "POST /wait")).response().0), "408");
    assert_eq!(proxy.said(), "-|rules.cfg:11|-");
    let server = Scripted::new(|mut peer: Peer, number| {
        peer.head();
        if number > 0 {
            peer.answer("ok");
        }
        peer.rest_quietly();
    });
    let proxy = ours(&format!(
        " timeout server 300ms\nlisten f\n bind PORT\n log stdout format raw daemon\n log-format %Tc\n \
         retry-on response-timeout\n server s {}\n",
        server.address
    ));
    assert_eq!(proxy.client().send(get("/")).response().1, "ok");
    let time: u64 = proxy.said().parse().unwrap();
    assert!(time >= 250, "what was tried before counts as the time to connect: {time}");
    let proxy = ours(
        " timeout http-request 100ms\nfrontend f\n bind PORT\n option http-buffer-request\n log stdout format raw daemon\n \
         log-format \"%[last_entity]|%[waiting_entity]\"\n http-request return status 200\n",
    );
    assert_eq!(status(&proxy.client().send(POST).response().0), "408");
    assert_eq!(proxy.said(), "-|http-buffer-request");
}
