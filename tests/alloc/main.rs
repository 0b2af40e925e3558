//! A request on kept-alive connections allocates nothing: a worker runs here under a counting allocator.
//!
//! Only allocations of the worker's thread count; client and server of this test run in others.

// The two things a test of allocations cannot do without: an allocator, and a clock for its deadline.
#![allow(unsafe_code, clippy::disallowed_methods)]

mod rules;
mod worker;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use vipgate::model::proxy::Mode;

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static IS_WORKER: Cell<bool> = const { Cell::new(false) };
}

fn count() {
    if IS_WORKER.try_with(Cell::get).unwrap_or(false) {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
    }
}

// SAFETY: every call goes to the system's allocator with the arguments it came with; counting touches no heap.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Marks the calling thread as the one whose allocations count.
fn count_this_thread() {
    IS_WORKER.with(|flag| flag.set(true));
}

/// A server that answers every request with the same bytes.
fn start_server(response: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    let address = listener.local_addr().expect("a bound socket has an address");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let (mut head, mut scratch) = (Vec::new(), [0; 4096]);
                while let Ok(length @ 1..) = stream.read(&mut scratch) {
                    head.extend_from_slice(&scratch[..length]);
                    if head.ends_with(b"\r\n\r\n") || head.ends_with(b"hello") {
                        head.clear();
                        if stream.write_all(response).is_err() {
                            return;
                        }
                    }
                }
            });
        }
    });
    address
}

/// Sends a request on a connection and reads a response that ends as the server's does.
fn exchange(stream: &mut TcpStream, request: &[u8], end: &[u8], scratch: &mut Vec<u8>) {
    stream.write_all(request).expect("a request can be sent");
    scratch.clear();
    let mut piece = [0; 4096];
    while !scratch.ends_with(end) {
        let length = stream.read(&mut piece).expect("a response arrives");
        assert!(length > 0, "closed within {:?}", String::from_utf8_lossy(scratch));
        scratch.extend_from_slice(&piece[..length]);
    }
    assert!(scratch.starts_with(b"HTTP/1.1 200"), "{:?}", String::from_utf8_lossy(scratch));
}

/// Allocations of the worker for 1000 requests, 250 on each of four connections, after as many to warm up.
fn allocations(address: SocketAddr, request: &'static [u8], response: &'static [u8]) -> u64 {
    let mut streams: Vec<TcpStream> =
        (0..4).map(|_| TcpStream::connect(address).expect("the worker listens")).collect();
    let mut scratch = Vec::with_capacity(64 * 1024);
    for stream in &streams {
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout can be set");
    }
    let end = &response[response.len() - 5..];
    let mut round = |times: usize| {
        for _ in 0..times {
            streams.iter_mut().for_each(|stream| exchange(stream, request, end, &mut scratch));
        }
    };
    round(250);
    let before = ALLOCATIONS.load(Ordering::SeqCst);
    round(250);
    ALLOCATIONS.load(Ordering::SeqCst) - before
}

/// What sites have: a log, conditions, header rules, a cookie, counters in a stick table.
const SITE: &str = "
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
    http-reuse always
frontend web
    bind LISTEN
    log stdout format raw local0
    option httplog
    option forwardfor
    acl is_api path_beg /api/
    acl is_asset path_end .css .js
    acl is_office src 10.0.0.0/8
    http-request track-sc0 src
    http-request deny if is_api !is_office
    http-request deny if { sc_http_req_rate(0) gt 1000000 }
    http-request del-header Proxy
    http-request set-header X-Forwarded-Host %[req.hdr(host)]
    http-request set-header X-Real-IP %[src]
    http-request set-header X-Asset yes if is_asset
    http-response del-header Server
    http-response set-header X-Frame-Options DENY
    stick-table type ip size 1k expire 10m store http_req_rate(10s),http_req_cnt
    default_backend app
backend app
    cookie SERVERID insert indirect nocache
    server one ADDRESS cookie one
";

/// One test, because the count belongs to the process.
#[test]
fn keep_alive_requests_allocate_nothing() {
    const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: test\r\nAccept: */*\r\n\r\n";
    const GET_WITH_COOKIE: &[u8] =
        b"GET /a HTTP/1.1\r\nHost: a\r\nCookie: theme=dark; SERVERID=one\r\nAccept: */*\r\n\r\n";
    const POST: &[u8] = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
    const LENGTH: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello";
    const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    const RULES: &[&str] = &[
        "acl is_api path_beg /api",
        "tcp-request connection reject if { src 192.0.2.0/24 }",
        "http-request deny if { hdr_beg(host) -i evil. }",
        "http-request set-header X-Client %[src]",
        "http-request set-header X-Frontend %f if !is_api",
        "http-request set-var(txn.count) req.hdr_cnt(accept)",
        "http-request set-path /new%[path]",
        "use_backend app if is_api",
        "http-response set-header X-Server %s",
        "http-response set-header X-Count %[var(txn.count)]",
        "http-after-response del-header Server",
    ];
    let start = |mode, rules, response| worker::start(mode, rules, start_server(response), count_this_thread);
    for (name, mode, request, response) in [
        ("GET", Mode::Http, GET, LENGTH),
        ("POST", Mode::Http, POST, LENGTH),
        ("GET, chunked response", Mode::Http, GET, CHUNKED),
        ("bytes in TCP mode", Mode::Tcp, GET, LENGTH),
    ] {
        let count = allocations(start(mode, &[], response), request, response);
        assert_eq!(count, 0, "allocations for 1000 times {name}");
    }
    let count = allocations(start(Mode::Http, RULES, LENGTH), POST, LENGTH);
    assert_eq!(count, 0, "allocations for 1000 times POST under rules");
    for (name, request) in [("without", GET), ("with", GET_WITH_COOKIE)] {
        let address = worker::start_file(SITE, start_server(LENGTH), count_this_thread);
        let count = allocations(address, request, LENGTH);
        assert_eq!(count, 0, "allocations for 1000 times GET {name} the cookie of a site");
    }
    let rules = std::thread::spawn(|| {
        count_this_thread();
        rules::allocations()
    });
    assert_eq!(rules.join().expect("rules run"), 0, "allocations for 1000 times rules");
}
