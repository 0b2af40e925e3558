//! A rule full of mistakes: compiling it never panics and a complaint points into it; one that compiles runs over any
//! message of a fixed exchange without a panic, whatever its expressions find there.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use vipgate::http::{self, Edits, Head, Message};
use vipgate::rule::facts::{Address, Number, Words, Zone};
use vipgate::rule::{
    Captures, Data, Effects, Facts, NoFiles, Progress, Registry, RuleSet, Scope, Stage, Transaction, Variables,
    compile, split,
};
use vipgate::time::Instant;

const REQUEST: &[u8] =
    b"POST /a/b.html?x=1&y=two HTTP/1.1\r\nHost: www.Example.com:8080\r\nCookie: sid=abc; lang=en\r\n\
    Accept-Language: da, en-gb;q=0.8\r\nX-Forwarded-For: 192.0.2.4, 2001:db8::1\r\nAuthorization: Basic YTpi\r\n\
    Content-Length: 7\r\n\r\n";
const RESPONSE: &[u8] = b"HTTP/1.1 302 Found\r\nSet-Cookie: s=1; path=/\r\nLocation: /c\r\nContent-Length: 4\r\n\r\n";

/// A stream at its beginning.
struct Somewhere;

impl Facts for Somewhere {
    fn number(&self, _: Number, _: Option<&str>) -> Option<i64> {
        Some(3)
    }

    fn words(&self, _: Words) -> Option<&[u8]> {
        Some(b"name")
    }

    fn address(&self, _: Address) -> Option<SocketAddr> {
        "192.0.2.1:40000".parse().ok()
    }

    fn proxy_header_value(&self, _: u8) -> Option<&[u8]> {
        Some(b"value")
    }

    fn environment(&self, _: &str) -> Option<&[u8]> {
        Some(b"text")
    }

    fn now(&self) -> Instant {
        Instant::from_nanos(1_000_000_000_000)
    }

    fn wall_clock(&self) -> Duration {
        Duration::from_secs(1_000_000_000)
    }

    fn zone(&self, _: i64) -> Zone {
        Zone { offset: 3600, name: "CET" }
    }

    fn random(&self) -> u32 {
        0x8000_0001
    }
}

/// The first byte chooses where the rule stands, the rest is its text.
pub fn holds(data: &[u8]) {
    let Some((choice, text)) = data.split_first() else { return };
    let stage = match choice % 6 {
        0 => Stage::HttpRequest,
        1 => Stage::HttpResponse,
        2 => Stage::HttpAfterResponse,
        3 => Stage::TcpRequest,
        4 => Stage::TcpConnection,
        _ => Stage::TcpResponse,
    };
    let text = String::from_utf8_lossy(text);
    let Ok(words) = split(&text) else { return };
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut registry = Registry::default();
    let userlists = HashMap::new();
    let mut scope = Scope::new(stage, &NoFiles, &mut registry, &userlists);
    let rule = match compile(&words, 1, &mut scope) {
        Ok(rule) => rule,
        Err(error) => {
            assert!(error.at <= words.len(), "word {} of {words:?}: {error}", error.at);
            assert!(!error.what.is_empty());
            return;
        }
    };
    let (mut request, mut response) = (Head::default(), Head::default());
    http::parse_request(REQUEST, &mut request).expect("a request");
    http::parse_response(RESPONSE, &mut response).expect("a response");
    let (mut request_edits, mut response_edits) = (Edits::default(), Edits::default());
    let mut effects = Effects::default();
    let mut transaction = Transaction {
        stage,
        facts: &Somewhere,
        request: Some(Message { bytes: REQUEST, head: &request, edits: &mut request_edits }),
        response: Some(Message { bytes: RESPONSE, head: &response, edits: &mut response_edits }),
        request_data: Data { bytes: b"a=1&b=2", is_final: true, announced: Some(7) },
        response_data: Data { bytes: b"body", is_final: true, announced: Some(4) },
        variables: &Variables::default(),
        captures: &Captures::default(),
        patterns: &registry,
        effects: &mut effects,
    };
    let set = RuleSet { stage, rules: vec![rule] };
    let _ = set.run(&mut transaction, &mut Progress::default());
}
