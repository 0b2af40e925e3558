//! Whole runs against scripted servers: what is sent, and what the answers come to.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::check::rules::{Plan, compile};
use crate::rule::facts::{Address, Number, Words, Zone};
use crate::rule::{NoFiles, split};

struct Somewhere;

impl Facts for Somewhere {
    fn number(&self, _: Number, _: Option<&str>) -> Option<i64> {
        None
    }
    fn words(&self, question: Words) -> Option<&[u8]> {
        match question {
            Words::Backend => Some(b"be"),
            Words::Server => Some(b"srv"),
            _ => None,
        }
    }
    fn address(&self, _: Address) -> Option<SocketAddr> {
        None
    }
    fn proxy_header_value(&self, _: u8) -> Option<&[u8]> {
        None
    }
    fn environment(&self, _: &str) -> Option<&[u8]> {
        None
    }
    fn wall_clock(&self) -> Duration {
        Duration::from_secs(1_700_000_000)
    }
    fn now(&self) -> crate::time::Instant {
        crate::time::Instant::ZERO
    }
    fn zone(&self, _: i64) -> Zone {
        Zone::default()
    }
    fn random(&self) -> u32 {
        0
    }
}

fn set(lines: &[&str]) -> Rc<Ruleset> {
    let lines: Vec<Vec<String>> = lines.iter().map(|line| split(line).expect("words")).collect();
    let compiled = compile(&lines, &NoFiles, &mut Registry::default(), &HashMap::new());
    assert!(compiled.errors.is_empty(), "{:?}", compiled.errors);
    match compiled.plan {
        Plan::Rules(set) => Rc::new(set),
        Plan::Program(_) => panic!("a program"),
    }
}

/// What a server does next.
#[derive(Clone, Copy, Debug)]
enum Act<'a> {
    /// Sends this.
    Says(&'a [u8]),
    /// Closes its side.
    Closes,
    /// Does nothing any more.
    Hangs,
}
use Act::{Closes, Hangs, Says};

/// Runs against a server that does one thing for each time it is waited for. What was sent, and the result.
fn run_where(lines: &[&str], acts: &[Act<'_>], is_up: bool) -> (Vec<u8>, Outcome) {
    let patterns = Registry::default();
    let world = World { facts: &Somewhere, patterns: &patterns, state: "UP 1/3; name=be/srv", is_up };
    let mut dialogue = Dialogue::new(set(lines));
    let (mut sent, mut acts) = (Vec::new(), acts.iter());
    // More than any list of rules can ask for, so that one that never ends is a failure and not a flood of bytes.
    for _ in 0..100_000 {
        match dialogue.next(&world) {
            Request::Connect(_) => dialogue.connected(),
            Request::Send(bytes) => sent.extend(bytes),
            Request::Receive => match acts.next() {
                Some(Says(bytes)) => dialogue.received(bytes),
                Some(Closes) => dialogue.closed(),
                Some(Hangs) | None => return (sent, dialogue.on_timeout()),
            },
            Request::Finished(outcome) => return (sent, outcome),
        }
    }
    panic!("it never ends")
}

fn run(lines: &[&str], acts: &[Act<'_>]) -> (Vec<u8>, Outcome) {
    run_where(lines, acts, true)
}

fn result(lines: &[&str], acts: &[Act<'_>]) -> (&'static str, i64, String) {
    let (_, outcome) = run(lines, acts);
    (outcome.code.name(), outcome.status, outcome.detail)
}

fn is(code: &'static str, status: i64, detail: &str) -> (&'static str, i64, String) {
    (code, status, detail.to_owned())
}

#[test]
fn plain_connection_that_is_accepted_is_a_success() {
    assert_eq!(result(&[], &[]), is("L4OK", 0, ""));
    assert_eq!(result(&["option tcp-check", "tcp-check connect"], &[]), is("L4OK", 0, "(tcp-check)"));
    assert_eq!(result(&["option tcp-check", "tcp-check send x"], &[]), is("L7OK", 0, "(tcp-check)"));
}

#[test]
fn request_is_that_of_the_option_and_the_rules() {
    let sent = |lines: &[&str]| String::from_utf8(run(lines, &[]).0).expect("text");
    assert_eq!(sent(&["option httpchk"]), "OPTIONS / HTTP/1.0\r\n\r\n");
    assert_eq!(
        sent(&["option httpchk GET /status HTTP/1.1 www.haproxy.org"]),
        "GET /status HTTP/1.1\r\nhost: www.haproxy.org\r\nConnection: close\r\n\r\n"
    );
    assert_eq!(sent(&["option httpchk /x"]), "OPTIONS /x HTTP/1.0\r\n\r\n");
    let lines = [
        "option httpchk GET /old",
        "http-check send-state",
        "http-check set-var(check.path) str(/req1)",
        "http-check send meth PUT uri-lf '%[var(check.path)]' ver HTTP/1.1 hdr x-a 'a=%[var(check.none)]' hdr Host h \
         body-lf 'check of %[be_name]-%[srv_name]'",
    ];
    let expected = "PUT /req1 HTTP/1.1\r\nx-a: a=\r\nHost: h\r\nX-Haproxy-Server-State: UP 1/3; name=be/srv\r\n\
                    Content-length: 15\r\nConnection: close\r\n\r\ncheck of be-srv";
    assert_eq!(sent(&lines), expected);
}

#[test]
fn status_of_a_response_decides() {
    let check = ["option httpchk GET /"];
    let ok = Says(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(result(&check, &[ok]), is("L7OK", 200, ""));
    let sick = Says(b"HTTP/1.0 503 Service Unavailable\r\n\r\n");
    assert_eq!(result(&check, &[sick]), is("L7STS", 503, "Service Unavailable"));
    let hint = Says(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
    assert_eq!(result(&check, &[hint, Says(b"HTTP/1.1 204 No Content\r\n\r\n")]), is("L7OK", 204, ""));
    let rule = |rule: &str| result(&["option httpchk", rule], &[sick]);
    assert_eq!(rule("http-check expect status 200,500-599"), is("L7OK", 503, ""));
    assert_eq!(rule("http-check expect ! status 503"), is("L7STS", 503, "Service Unavailable"));
    assert_eq!(rule("http-check expect rstatus ^5"), is("L7OK", 503, ""));
    assert_eq!(rule("http-check expect !rstatus ^5"), is("L7STS", 503, "Service Unavailable"));
    assert_eq!(
        rule("http-check expect status 200 error-status L7RSP on-error 'got %[status]'"),
        is("L7RSP", 503, "got 503")
    );
}

#[test]
fn what_is_not_http_or_ends_early_is_an_invalid_response() {
    let empty = is("L7RSP", 0, "");
    for acts in [
        &[Says(b"220 mail ESMTP\r\n")][..],
        &[Says(b"HTTP/1.1 200 OK\r\nA: b\r\n"), Closes],
        &[Closes],
        &[Says(b"HTTP/1."), Closes],
    ] {
        assert_eq!(result(&["option httpchk"], acts), empty, "{acts:?}");
    }
    assert_eq!(result(&["option httpchk"], &[Hangs]), is("L7TOUT", 0, ""));
}

#[test]
fn server_that_is_up_may_ask_for_no_new_sessions_by_a_404() {
    let check = ["option httpchk GET /", "http-check disable-on-404"];
    let missing = [Says(b"HTTP/1.1 404 Not Found\r\n\r\n")];
    assert_eq!(result(&check, &missing), is("L7OKC", 404, ""));
    let (_, outcome) = run_where(&check, &missing, false);
    assert_eq!((outcome.code, outcome.status), (Code::L7Sts, 404));
}

#[test]
fn text_in_the_body_is_found_in_every_framing() {
    let check = ["option httpchk GET /", "http-check expect string 'all well'"];
    let found = is("L7OK", 200, "");
    for response in [
        &b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nall well!"[..],
        b"HTTP/1.1 200 OK\r\n\r\nit is all well",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nall \r\n4;x=y\r\nwell\r\n0\r\n\r\n",
    ] {
        // Every way to cut the response in two comes to the same result.
        for cut in 1..response.len() {
            let acts = [Says(&response[..cut]), Says(&response[cut..]), Closes];
            assert_eq!(result(&check, &acts), found, "cut at {cut}");
        }
    }
    let sick = Says(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nsickall well");
    assert_eq!(result(&check, &[sick]), is("L7RSP", 200, "HTTP content check did not match"));
    let nothing = Says(b"HTTP/1.1 204 No Content\r\n\r\n");
    let why = "HTTP content check could not find a response body";
    assert_eq!(result(&check, &[nothing]), is("L7RSP", 204, why));
    let unwanted = ["option httpchk", "http-check expect ! rstring s[ik]+"];
    assert_eq!(result(&unwanted, &[sick]), is("L7RSP", 200, "HTTP check matched unwanted content"));
}

#[test]
fn header_fields_are_matched_by_name_and_value() {
    let response = Says(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1, b=2\r\nX-State: fine\r\n\r\n");
    let well = |rule: &str| result(&["option httpchk", rule], &[response]).0 == "L7OK";
    assert!(well("http-check expect hdr name x-state"));
    assert!(well("http-check expect hdr name -m beg X-"));
    assert!(well("http-check expect hdr name set-cookie value -m beg b="));
    assert!(!well("http-check expect fhdr name set-cookie value -m beg b="));
    assert!(well("http-check expect fhdr name set-cookie value -m reg '^a=.*2$'"));
    assert!(well("http-check expect hdr name-lf 'x-%[str(state)]' value-lf '%[str(fine)]'"));
    assert!(well("http-check expect !hdr name x-missing"));
    assert!(!well("http-check expect hdr name x-state value Fine"));
}

#[test]
fn texts_of_tcp_are_waited_for() {
    let check = ["option tcp-check", "tcp-check send PING\\r\\n", "tcp-check expect string +PONG"];
    let (sent, outcome) = run(&check, &[Says(b"+PO"), Says(b"NG\r\n")]);
    assert_eq!(sent, b"PING\r\n");
    assert_eq!(outcome, Outcome::new(Code::L7Ok, "(tcp-check)"));
    let bad = is("L7RSP", 0, "TCPCHK did not match content '+PONG' at step 2");
    assert_eq!(result(&check, &[Says(b"-ERR unknown\r\n"), Closes]), bad);
    assert_eq!(result(&check, &[Closes]), is("L7RSP", 0, "TCPCHK got an empty response at step 2"));
    let late = is("L7TOUT", 0, " at step 2 of tcp-check (expect string '+PONG')");
    assert_eq!(result(&check, &[Says(b"+PO"), Hangs]), late);
}

#[test]
fn patterns_of_tcp_are_bytes_and_expressions() {
    let reply = [Says(b"\x00\xffabc\r\n"), Closes];
    let rule = |rule: &str| result(&["option tcp-check", "tcp-check connect", rule], &reply).0;
    assert_eq!(rule("tcp-check expect binary 00ff61"), "L7OK");
    assert_eq!(rule("tcp-check expect rbinary ^00FF61"), "L7OK");
    assert_eq!(rule("tcp-check expect rstring [a-c]{3}"), "L7OK");
    assert_eq!(rule("tcp-check expect string-lf '%[str(abc)]'"), "L7OK");
    assert_eq!(rule("tcp-check expect binary-lf '%[str(abc),hex]'"), "L7OK");
    assert_eq!(rule("tcp-check expect !string abc"), "L7RSP");
    assert_eq!(rule("tcp-check expect !string xyz"), "L7OK");
    assert_eq!(
        result(&["option tcp-check", "tcp-check connect", "tcp-check expect !string xyz"], &[Closes]).0,
        "L7RSP"
    );
    assert_eq!(rule("tcp-check expect min-recv 3 string xyz"), "L7RSP");
    let words = result(&["option tcp-check", "tcp-check expect !string abc comment 'no abc'"], &reply).2;
    assert_eq!(words, "TCPCHK matched unwanted content 'abc' at step 1 comment: no abc");
}

#[test]
fn messages_and_codes_of_an_expect_are_its_own() {
    let check = [
        "option tcp-check",
        "tcp-check connect",
        "tcp-check expect rstring ^OK ok-status L4OK on-success 'said %[res.payload(0,2)]' status-code res.payload(3,3)",
    ];
    assert_eq!(result(&check, &[Says(b"OK 42 fine\r\n")]), is("L4OK", 42, "said OK"));
    let late = ["option tcp-check", "tcp-check expect string x tout-status L6TOUT"];
    assert_eq!(result(&late, &[Hangs]).0, "L6TOUT");
}

#[test]
fn failed_connection_names_its_step() {
    let refused = |lines: &[&str], connections: usize| {
        let patterns = Registry::default();
        let world = World { facts: &Somewhere, patterns: &patterns, state: "", is_up: true };
        let mut dialogue = Dialogue::new(set(lines));
        for _ in 0..connections {
            assert!(matches!(dialogue.next(&world), Request::Connect(_)));
            dialogue.connected();
        }
        assert!(matches!(dialogue.next(&world), Request::Connect(_)));
        dialogue.failed(&Failure::Refused);
        match dialogue.next(&world) {
            Request::Finished(outcome) => (outcome.code.name(), outcome.detail),
            other => panic!("{other:?}"),
        }
    };
    let words = "ECONNREFUSED returned by OS (Connection refused)";
    assert_eq!(refused(&[], 0), ("L4CON", words.to_owned()));
    assert_eq!(refused(&["option httpchk"], 0), ("L4CON", words.to_owned()));
    let first = format!("{words} at initial connection step of tcp-check");
    assert_eq!(refused(&["option tcp-check"], 0), ("L4CON", first));
    let ports = ["option tcp-check", "tcp-check connect port 80", "tcp-check connect port 1"];
    assert_eq!(refused(&ports, 1), ("L4CON", format!("{words} at step 2 of tcp-check (connect port 1)")));
}

#[test]
fn redis_answers() {
    let check = ["option redis-check"];
    let (sent, outcome) = run(&check, &[Says(b"+PONG\r\n")]);
    assert_eq!(sent, b"*1\r\n$4\r\nPING\r\n");
    assert_eq!(outcome, Outcome::new(Code::L7Ok, "Redis server is ok"));
    let locked = [Says(b"-NOAUTH Authentication required.\r\n"), Closes];
    assert_eq!(result(&check, &locked), is("L7STS", 0, "-NOAUTH Authentication required."));
    assert_eq!(result(&check, &[Closes]), is("L7STS", 0, "TCPCHK got an empty response at step 2"));
    assert_eq!(result(&check, &[Hangs]), is("L7TOUT", 0, ""));
}

#[test]
fn smtp_answers() {
    let check = ["option smtpchk EHLO domain.tld"];
    let acts = [
        Says(b"220 mail ESMTP\r\n"),
        Says(b"250-mail\r\n250-SIZE\r\n"),
        Says(b"250 OK\r\n"),
        Says(b"221 2.0.0 Bye\r\n"),
    ];
    let (sent, outcome) = run(&check, &acts);
    assert_eq!(sent, b"EHLO domain.tld\r\nQUIT\r\n");
    assert_eq!((outcome.code, outcome.status, outcome.detail.as_str()), (Code::L7Ok, 221, "2.0.0 Bye"));
    let busy = [Says(b"421 too busy\r\n"), Closes];
    assert_eq!(result(&check, &busy), is("L7STS", 421, "too busy"));
    assert_eq!(result(&check, &[Says(b"+OK POP3\r\n"), Closes]), is("L7RSP", 0, "+OK POP3"));
}

#[test]
fn mysql_answers() {
    let greeting =
        b"\x4a\0\0\0\x0a8.0.19\0\x0a\0\0\0o<\x02ZbIA\r\0\xff\xff\xff\x02\0\xff\xc7\x15\0\0\0\0\0\0\0\0\0\0|!\
                     \x82\x15\x91\x06\xe2v\x11D2\"\0caching_sha2_password\0";
    let well = [Says(greeting), Says(b"\x07\0\0\x02\0\0\0\x02\0\0\0")];
    let (sent, outcome) = run(&["option mysql-check user haproxy"], &well);
    assert_eq!(&sent[..4], b"\x29\0\0\x01");
    assert_eq!((sent.len(), &sent[sent.len() - 5..]), (4 + 41 + 5, &b"\x01\0\0\0\x01"[..]));
    assert_eq!((outcome.code, outcome.detail.as_str()), (Code::L7Ok, "8.0.19"));
    assert_eq!(result(&["option mysql-check"], &[Says(greeting)]), is("L7OK", 0, "8.0.19"));
    let denied = b"\x48\0\0\x02\xff\x15\x04#28000Access denied for user 'haproxy'@'lb1' (using password: NO)         ";
    let (code, status, words) = result(&["option mysql-check user haproxy"], &[Says(greeting), Says(denied)]);
    assert_eq!((code, status), ("L7STS", 1045));
    assert!(words.starts_with("#28000Access denied"), "{words}");
    assert_eq!(result(&["option mysql-check"], &[Says(b"\x4a\0\0\0\x0a"), Closes]).0, "L7RSP");
}

#[test]
fn postgres_answers() {
    let check = ["option pgsql-check user postgres"];
    let (sent, outcome) = run(&check, &[Says(b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0")]);
    assert_eq!(sent, b"\0\0\0\x17\0\x03\0\0user\0postgres\0\0");
    assert_eq!(outcome, Outcome::new(Code::L7Ok, "PostgreSQL server is ok"));
    let refused = b"E\0\0\0|SFATAL\0C28000\0Mno pg_hba.conf entry\0";
    assert_eq!(result(&check, &[Says(refused), Closes]).0, "L7RSP");
    assert_eq!(result(&check, &[Says(b"R\0\0\0\x08\0\0\0\x63"), Closes]), is("L7STS", 0, "PostgreSQL unknown error"));
}

#[test]
fn ldap_answers() {
    let check = ["option ldap-check"];
    let (sent, outcome) = run(&check, &[Says(b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\0\x04\0\x04\0")]);
    assert_eq!(sent, b"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\0\x80\0");
    assert_eq!(outcome, Outcome::new(Code::L7Ok, "Success"));
    let long = [Says(b"\x30\x84\0\0\0\x10\x02\x01\x01\x61\x84\0\0\0\x07\x0a\x01"), Says(b"\0\x04\0\x04\0")];
    assert_eq!(result(&check, &long), is("L7OK", 0, "Success"));
    let denied = Says(b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x31\x04\0\x04\0");
    let words = "See RFC: http://tools.ietf.org/html/rfc4511#section-4.1.9";
    assert_eq!(result(&check, &[denied]), is("L7STS", 49, words));
    assert_eq!(result(&check, &[Says(b"HTTP/1.1 400 Bad"), Closes]), is("L7RSP", 0, "Not LDAPv3 protocol"));
}

#[test]
fn agents_of_spop_answer() {
    let check = ["option spop-check"];
    let hello =
        b"\0\0\0\x36\x65\0\0\0\x01\0\0\x07version\x08\x032.0\x0emax-frame-size\x03\xfc\xf0\x06\x0ccapabilities\x08\0";
    assert_eq!(result(&check, &[Says(hello)]), is("L7OK", 0, "SPOA server is ok"));
    let old = b"\0\0\0\x14\x65\0\0\0\x01\0\0\x07version\x08\x033.0";
    assert_eq!(result(&check, &[Says(old)]), is("L7RSP", 8, "unsupported version"));
    assert_eq!(result(&check, &[Says(b"nonsense nonsense")]), is("L7RSP", 4, "invalid frame received"));
}

#[test]
fn tls_servers_answer_a_hello() {
    let (sent, outcome) = run(&["option ssl-hello-chk"], &[Says(b"\x15\x03\0\0\x02\x02\x28")]);
    assert_eq!((sent.len(), &sent[..3]), (0x79 + 5, &b"\x16\x03\0"[..]));
    assert_eq!(outcome.code, Code::L6Ok);
    assert_eq!(result(&["option ssl-hello-chk"], &[Says(b"HTTP/1.1 400"), Closes]).0, "L6RSP");
    assert_eq!(result(&["option ssl-hello-chk"], &[Hangs]).0, "L6TOUT");
}

proptest! {
    #[test]
    fn hostile_answers_do_not_panic(
        kind in 0..9_usize,
        parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..64), 0..8),
    ) {
        let check = [
            "option httpchk", "option redis-check", "option smtpchk", "option mysql-check user x", "option mysql-check",
            "option pgsql-check user x", "option ldap-check", "option spop-check", "option ssl-hello-chk",
        ][kind];
        let acts: Vec<Act<'_>> = parts.iter().map(|part| Says(part)).chain([Closes]).collect();
        run(&[check], &acts);
    }
}
