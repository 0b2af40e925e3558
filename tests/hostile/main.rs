//! Clients that mean no good, against the real binary: one byte a second, thousands of connections that say nothing,
//! bytes that are no HTTP. Whatever they do, others are served.
//!
//! Needs a descriptor limit (`ulimit -Hn`) of 10,000 and says so where there is less.

// These tests measure how long a client waits.
#![allow(clippy::disallowed_methods)]

mod gate;

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use gate::Gate;

/// More than any answer takes on a slow machine, and less than the time limits that attackers run into.
const PROMPT: Duration = Duration::from_secs(20);

/// Sends a request on a connection of its own and returns the response and how long it took.
fn fetch(gate: &Gate) -> (String, Duration) {
    let start = Instant::now();
    let mut stream = gate.connect();
    stream.set_read_timeout(Some(2 * PROMPT)).expect("a timeout can be set");
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").expect("a request can be sent");
    let mut response = String::new();
    stream.read_to_string(&mut response).expect("a response arrives");
    (response, start.elapsed())
}

fn assert_served(gate: &Gate, times: usize) {
    for _ in 0..times {
        let (response, took) = fetch(gate);
        assert!(response.starts_with("HTTP/1.1 200"), "{response}");
        assert!(took < PROMPT, "took {took:?}");
    }
}

#[test]
fn one_byte_a_second_gets_408_in_time() {
    let limit = Duration::from_secs(3);
    let gate = Gate::start("timeouts: {http_request: 3s}");
    let mut stream = gate.connect();
    // The read's timeout is the client's pause between two bytes.
    stream.set_read_timeout(Some(Duration::from_secs(1))).expect("a timeout can be set");
    let start = Instant::now();
    let mut response = Vec::new();
    for byte in b"GET / HTTP/1.1\r\nHost: slow-but-never-ending\r\n".iter().cycle() {
        assert!(start.elapsed() < limit + PROMPT, "never answered");
        let _ = stream.write_all(&[*byte]);
        match stream.read_to_end(&mut response) {
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) && response.is_empty() => {}
            _ => break,
        }
    }
    let took = start.elapsed();
    let response = String::from_utf8_lossy(&response);
    assert!(response.starts_with("HTTP/1.1 408"), "{response:?}");
    assert!(took >= limit.mul_f64(0.9), "after {took:?}");
    assert_served(&gate, 3);
}

#[test]
fn nine_thousand_idle_connections_leave_service_to_others_intact() {
    gate::raise_descriptor_limit(10_000);
    let gate = Gate::start("timeouts: {client: 60s, http_request: 60s}");
    let mut idle: Vec<TcpStream> = (0..9000).map(|_| gate.connect()).collect();
    assert_served(&gate, 100);
    // None was sacrificed for it: the first, a middle one and the last still work.
    for number in [0, 4500, 8999] {
        let stream = &mut idle[number];
        stream.set_read_timeout(Some(2 * PROMPT)).expect("a timeout can be set");
        stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").expect("a request can be sent");
        let mut start = [0; 12];
        stream.read_exact(&mut start).expect("an idle connection is still served");
        assert_eq!(&start, b"HTTP/1.1 200");
    }
}

#[test]
fn bytes_that_are_no_http_are_refused_and_others_are_served() {
    let gate = Gate::start("timeouts: {http_request: 5s}");
    let hostile: [&[u8]; 6] = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ];
    for bytes in hostile {
        let mut stream = gate.connect();
        stream.set_read_timeout(Some(2 * PROMPT)).expect("a timeout can be set");
        stream.write_all(bytes).expect("bytes can be sent");
        let mut response = Vec::new();
        let _ = stream.read_to_end(&mut response);
        let response = String::from_utf8_lossy(&response);
        assert!(response.starts_with("HTTP/1.1 400"), "{:?}: {response:?}", String::from_utf8_lossy(bytes));
    }
    assert_served(&gate, 3);
}

#[test]
fn a_head_that_never_ends_is_refused() {
    let gate = Gate::start("timeouts: {http_request: 10s}");
    let mut stream = gate.connect();
    stream.set_read_timeout(Some(2 * PROMPT)).expect("a timeout can be set");
    let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n");
    let line = [b"X-Filler: ".as_slice(), &[b'x'; 1000], b"\r\n"].concat();
    for _ in 0..1000 {
        if stream.write_all(&line).is_err() {
            break;
        }
    }
    assert_served(&gate, 3);
}
