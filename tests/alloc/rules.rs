//! Rules that build no string allocate nothing once their buffers have grown.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use vipgate::http::{self, ConnectionField, Edits, Head, Message, RequestEdit, write_edited_request};
use vipgate::rule::facts::{Address, Number, Words, Zone};
use vipgate::rule::{
    self, Captures, Data, Effects, Facts, Format, FormatUse, NoFiles, Progress, Registry, RuleSet, Scope, Stage,
    Transaction, Variables, Verdict,
};

struct Surroundings;

impl Facts for Surroundings {
    fn now(&self) -> vipgate::time::Instant {
        vipgate::time::Instant::ZERO
    }

    fn number(&self, question: Number, _: Option<&str>) -> Option<i64> {
        Some(if question == Number::RequestDate { 1_000_000_000_655_000 } else { 7 })
    }

    fn words(&self, _: Words) -> Option<&[u8]> {
        Some(b"name")
    }

    fn address(&self, _: Address) -> Option<SocketAddr> {
        Some(SocketAddr::from(([192, 0, 2, 7], 33317)))
    }

    fn proxy_header_value(&self, _: u8) -> Option<&[u8]> {
        None
    }

    fn environment(&self, _: &str) -> Option<&[u8]> {
        None
    }

    fn wall_clock(&self) -> Duration {
        Duration::from_secs(1_000_000_000)
    }

    fn zone(&self, _: i64) -> Zone {
        Zone::default()
    }

    fn random(&self) -> u32 {
        4
    }
}

/// Three ACLs and twelve header rules, as the bench has them.
const RULES: &[&str] = &[
    "set-header X-Forwarded-Proto http if !{ path_beg /.well-known/ }",
    "set-header X-Client %[src]",
    "set-header X-Port %[dst_port]",
    "set-header X-Host %[req.hdr(host)]",
    "add-header X-Via vipgate",
    "add-header X-Frontend %f",
    "set-header X-Request %[rand] if { src 192.0.2.0/24 }",
    "del-header X-Remove",
    "del-header Proxy",
    "replace-header Accept text/html text/plain",
    "set-var(txn.count) req.hdr_cnt(accept)",
    "set-header X-Count %[var(txn.count),add(1)]",
    "deny if { hdr_beg(host) -i evil. } or { path_reg \\.(php|asp)$ }",
    "capture req.hdr(user-agent) len 64",
    "set-path /prefix%[path]",
];

const LOG: &str =
    "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r";

const REQUEST: &[u8] = b"GET /a/b?c=d HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: curl/8\r\nAccept: text/html\r\n\
    X-Remove: y\r\nCookie: SVID=web01\r\nAccept-Encoding: gzip\r\n\r\n";

/// Allocations of a thousand requests after as many to warm up.
pub fn allocations() -> u64 {
    let (mut registry, userlists) = (Registry::default(), HashMap::new());
    let mut scope = Scope::new(Stage::HttpRequest, &NoFiles, &mut registry, &userlists);
    let rules = RULES.iter().map(|rule| rule::compile_text(rule, 1, &mut scope).expect("a good rule")).collect();
    let rules = RuleSet { stage: Stage::HttpRequest, rules };
    scope.stage = Stage::Log;
    let log = Format::compile(LOG, FormatUse::Log, &mut scope).expect("a good format");
    let slots = std::mem::take(&mut scope.slots);
    drop(scope);
    let (mut head, mut edits, mut effects) = (Head::default(), Edits::default(), Effects::default());
    let (variables, captures) = (Variables::default(), Captures::default());
    let (mut out, mut line) = (Vec::new(), Vec::new());
    http::parse_request(REQUEST, &mut head).expect("a good request");
    let mut round = |times: usize| {
        for _ in 0..times {
            edits.clear();
            effects.clear();
            captures.clear(&slots);
            out.clear();
            line.clear();
            let mut transaction = Transaction {
                stage: Stage::HttpRequest,
                facts: &Surroundings,
                request: Some(Message { bytes: REQUEST, head: &head, edits: &mut edits }),
                response: None,
                request_data: Data { is_final: true, ..Data::default() },
                response_data: Data::default(),
                variables: &variables,
                captures: &captures,
                patterns: &registry,
                effects: &mut effects,
            };
            assert!(matches!(rules.run(&mut transaction, &mut Progress::default()), Verdict::Continue));
            let edit = RequestEdit { addresses: [None; 2], tells_protocol: false, connection: ConnectionField::Omit };
            write_edited_request(&mut out, transaction.request.as_ref().expect("it is there"), edit);
            log.render(&transaction, &mut line);
        }
    };
    round(1000);
    let before = super::ALLOCATIONS.load(Ordering::SeqCst);
    round(1000);
    let count = super::ALLOCATIONS.load(Ordering::SeqCst) - before;
    let text = String::from_utf8(out).expect("it is text");
    assert!(text.starts_with("GET /prefix/a/b?c=d HTTP/1.1\r\nHost: www"), "{text}");
    assert!(
        text.contains("X-Count: 2\r\n") && text.contains("Accept: text/plain\r\n") && !text.contains("Remove"),
        "{text}"
    );
    assert!(line.ends_with(b"{curl/8} \"GET /a/b?c=d HTTP/1.1\""), "{}", String::from_utf8_lossy(&line));
    count
}
