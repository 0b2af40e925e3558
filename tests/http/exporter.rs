//! `use-service prometheus-exporter`: the same metrics as the packaged haproxy's, with the same help and the same labels.

use std::cell::RefCell;

use crate::rig::{Peer, field};
use crate::rules::{on_both, ours};

const FILE: &str = "frontend web
 bind PORT
 stick-table type ip size 1k expire 10m store gpc0
 http-request use-service prometheus-exporter if { path /metrics }
 default_backend app
backend app
 server s1 SERVER
 server s2 SERVER backup
 server s3 SERVER check disabled
 server s4 SERVER track s3
backend plain
 mode tcp
 server t1 SERVER
backend nobody
backend both
 server x SERVER
";

/// The answer to a request of HTTP/1.0, which haproxy sends in chunks all the same.
fn ask(mut peer: Peer, target: &str) -> (String, String) {
    peer.send(format!("GET {target} HTTP/1.0\r\n\r\n"));
    let head = peer.head();
    let mut rest = peer.rest();
    if field(&head, "transfer-encoding") != Some("chunked") {
        return (head, String::from_utf8(rest).expect("text"));
    }
    let mut text = Vec::new();
    loop {
        let end = rest.windows(2).position(|pair| pair == b"\r\n").expect("the size of a chunk");
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).expect("a size");
        if size == 0 {
            return (head, String::from_utf8(text).expect("text"));
        }
        text.extend_from_slice(&rest[end + 2..][..size]);
        rest.drain(..end + 2 + size + 2);
    }
}

/// Lines without their values, and without the version in them.
fn names(text: &str) -> Vec<String> {
    let name = |line: &str| match line {
        line if line.starts_with('#') => line.to_owned(),
        line if line.starts_with("haproxy_process_build_info") => "haproxy_process_build_info".to_owned(),
        line => line.rsplit_once(' ').expect("a value").0.to_owned(),
    };
    text.lines().map(name).collect()
}

#[test]
fn metrics_are_named_and_explained_as_by_haproxy() {
    let texts: RefCell<Vec<Vec<String>>> = RefCell::default();
    on_both("http", FILE, |client| {
        let (head, text) = ask(client(), "/metrics");
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        assert!(head.contains("content-type: text/plain; version=0.0.4\r\n"), "{head}");
        assert!(head.contains("cache-control: no-cache\r\n"), "{head}");
        texts.borrow_mut().push(names(&text));
    });
    let texts = texts.into_inner();
    let [ours, packaged] = texts.as_slice() else { panic!("two texts") };
    for (mine, theirs) in ours.iter().zip(packaged) {
        assert_eq!(mine, theirs);
    }
    assert_eq!(ours.len(), packaged.len());
}

#[test]
fn a_scope_narrows_what_is_told() {
    on_both("http", FILE, |client| {
        let ask = |query: &str| ask(client(), &format!("/metrics?{query}"));
        let (_, text) = ask("scope=backend&scope=sticktable");
        let is_wanted = |line: &str| line.contains(" haproxy_backend_") || line.contains(" haproxy_sticktable_");
        assert!(text.lines().filter(|line| line.starts_with('#')).all(is_wanted), "{text}");
        assert!(text.contains("haproxy_backend_status{proxy=\"app\",state=\"UP\"} 1\n"), "{text}");
        assert!(text.contains("haproxy_sticktable_size{name=\"web\",type=\"ip\"} 1024\n"), "{text}");
        assert_eq!(ask("scope=").1, "");
        let (head, _) = ask("scope=nothing");
        assert!(head.starts_with("HTTP/1.1 400 "), "{head}");
    });
}

#[test]
fn requests_are_counted_where_they_were_answered() {
    let proxy = ours(&FILE.replace("SERVER", "127.0.0.1:1"));
    let mut peer = proxy.client();
    for count in 1..=3 {
        let (head, text) = peer.send("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").response();
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        let line = format!("haproxy_frontend_intercepted_requests_total{{proxy=\"web\"}} {count}\n");
        assert!(text.contains(&line), "{text}");
        assert!(text.contains("haproxy_server_status{proxy=\"app\",server=\"s1\",state=\"UP\"} 1\n"), "{text}");
    }
    peer.send("HEAD /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
    let head = peer.head();
    assert!(head.contains("content-length: "), "{head}");
}

#[test]
fn an_attempt_at_another_server_is_a_redispatch_and_no_retry() {
    let text = "frontend web
 bind PORT
 http-request use-service prometheus-exporter if { path /metrics }
 default_backend app
backend app
 balance first
 retries 2
 option redispatch 1
 server dead 127.0.0.1:1 id 1
 server alive SERVER id 2
";
    let counts = |text: &str, proxy: &str| {
        let count = |name: &str| {
            let head = format!("haproxy_{proxy}}} ").replace("NAME", name);
            text.lines().find_map(|line| line.strip_prefix(&head)).expect("a count").to_owned()
        };
        ["retry", "redispatch"].map(|what| count(&format!("{what}_warnings_total")))
    };
    on_both("http", text, |client| {
        let mut peer = client();
        peer.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        assert!(peer.head().starts_with("HTTP/1.1 200 "));
        let (_, text) = ask(client(), "/metrics");
        assert_eq!(counts(&text, "backend_NAME{proxy=\"app\""), ["0", "1"]);
        assert_eq!(counts(&text, "server_NAME{proxy=\"app\",server=\"dead\""), ["0", "1"]);
    });
}
