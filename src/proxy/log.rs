//! Access log lines, in HAProxy 2.6's `httplog` and `tcplog` formats to the letter (manual §8.2.2, §8.2.3).
//!
//! Written into the worker's scratch buffer and from there into its ring: no allocation.

use std::io::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use crate::model::log::Level;
use crate::sys::localtime::{self, MONTHS};

use super::connect::Effort;
use super::local::LocalFrontend;
use super::session::Session;

/// Numbers of connections at the moment of logging: `%ac/%fc/%bc/%sc`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Concurrency {
    pub(super) process: usize,
    pub(super) frontend: usize,
    pub(super) backend: usize,
    pub(super) server: usize,
}

/// A finished request or session.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    pub(super) client: SocketAddr,
    /// Wall clock: `%tr` of a request, `%t` of a session.
    pub(super) started: Duration,
    pub(super) frontend: &'a str,
    /// `None` writes the frontend's name, as for a request that reached no backend.
    pub(super) backend: Option<&'a str>,
    pub(super) server: Option<&'a str>,
    /// Milliseconds, -1 where it did not come so far: TR, Tw, Tc, Tr (HTTP) or Tw, Tc (TCP).
    pub(super) timers: [i64; 4],
    /// Ta or Tt, in milliseconds.
    pub(super) total: i64,
    pub(super) bytes: u64,
    pub(super) termination: [u8; 2],
    pub(super) concurrency: Concurrency,
    pub(super) effort: Effort,
}

/// Writes a line of `httplog`; `request` is the request line, `None` writes `<BADREQ>`. Status 0 becomes -1.
pub(super) fn http(out: &mut Vec<u8>, line: &Line<'_>, status: u16, request: Option<&[u8]>) {
    start(out, line);
    let [request_time, wait, connect, response] = line.timers;
    let status = if status == 0 { -1 } else { i32::from(status) };
    let total = line.total;
    // Writing to a Vec cannot fail.
    let _ = write!(out, "{request_time}/{wait}/{connect}/{response}/{total} {status} {} - - ", line.bytes);
    out.extend_from_slice(&line.termination);
    out.extend_from_slice(b"-- ");
    end(out, line);
    out.extend_from_slice(b" \"");
    match request {
        Some(request) => escape(out, request),
        None => out.extend_from_slice(b"<BADREQ>"),
    }
    out.push(b'"');
}

/// Writes a line of `tcplog`.
pub(super) fn tcp(out: &mut Vec<u8>, line: &Line<'_>) {
    start(out, line);
    let [wait, connect, ..] = line.timers;
    let _ = write!(out, "{wait}/{connect}/{} {} ", line.total, line.bytes);
    out.extend_from_slice(&line.termination);
    out.push(b' ');
    end(out, line);
}

/// Hands a line over to vg-log.
pub(super) fn push(session: &Session, frontend: &LocalFrontend, line: &[u8]) {
    let worker = &session.worker;
    worker.log.push(frontend.running.journal.number(), Level::Info, worker.wall(session.now()), line, b"");
}

fn start(out: &mut Vec<u8>, line: &Line<'_>) {
    let time = localtime::local(line.started);
    let backend = line.backend.unwrap_or(line.frontend);
    let server = line.server.unwrap_or("<NOSRV>");
    let _ = write!(
        out,
        "{}:{} [{:02}/{}/{:04}:{:02}:{:02}:{:02}.{:03}] {} {backend}/{server} ",
        line.client.ip().to_canonical(),
        line.client.port(),
        time.day,
        MONTHS[time.month],
        time.year,
        time.hour,
        time.minute,
        time.second,
        line.started.subsec_millis(),
        line.frontend,
    );
}

fn end(out: &mut Vec<u8>, line: &Line<'_>) {
    let Concurrency { process, frontend, backend, server } = line.concurrency;
    let mark = if line.effort.has_redispatched { "+" } else { "" };
    let _ = write!(
        out,
        "{process}/{frontend}/{backend}/{server}/{mark}{} 0/{}",
        line.effort.retries, line.effort.waited_behind
    );
}

/// `"`, `#` and everything outside visible ASCII become `#xx`, as HAProxy writes them.
fn escape(out: &mut Vec<u8>, text: &[u8]) {
    let is_plain = |byte: u8| (0x20..0x7f).contains(&byte) && byte != b'"' && byte != b'#';
    if text.iter().all(|&byte| is_plain(byte)) {
        out.extend_from_slice(text);
        return;
    }
    for &byte in text {
        if is_plain(byte) {
            out.push(byte);
        } else {
            let _ = write!(out, "#{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Line<'static> {
        Line {
            client: "192.0.2.7:33317".parse().unwrap(),
            started: Duration::from_millis(1_000_000_000_655),
            frontend: "http-in",
            backend: Some("static"),
            server: Some("srv1"),
            timers: [10, 0, 30, 69],
            total: 109,
            bytes: 2750,
            termination: *b"--",
            concurrency: Concurrency { process: 1, frontend: 1, backend: 1, server: 1 },
            effort: Effort::default(),
        }
    }

    fn after_date(out: Vec<u8>) -> String {
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with("192.0.2.7:33317 [") && text.contains(".655] "), "{text}");
        text.split_once("] ").unwrap().1.to_owned()
    }

    #[test]
    fn an_http_line_is_haproxys() {
        let mut out = Vec::new();
        http(&mut out, &line(), 200, Some(b"GET /index.html HTTP/1.1"));
        let expected =
            "http-in static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 \"GET /index.html HTTP/1.1\"";
        assert_eq!(after_date(out), expected);
    }

    #[test]
    fn a_bad_request_is_logged_without_a_server() {
        let mut out = Vec::new();
        let bad =
            Line { backend: None, server: None, timers: [-1; 4], total: 0, bytes: 0, termination: *b"PR", ..line() };
        http(&mut out, &bad, 400, None);
        assert_eq!(after_date(out), "http-in http-in/<NOSRV> -1/-1/-1/-1/0 400 0 - - PR-- 1/1/1/1/0 0/0 \"<BADREQ>\"");
    }

    #[test]
    fn a_redispatched_tcp_session_has_a_plus() {
        let mut out = Vec::new();
        let effort = Effort { retries: 1, has_redispatched: true, waited_behind: 2, ..Effort::default() };
        tcp(
            &mut out,
            &Line { effort, timers: [0, 5007, -1, -1], total: 5007, bytes: 0, termination: *b"sC", ..line() },
        );
        assert_eq!(after_date(out), "http-in static/srv1 0/5007/5007 0 sC 1/1/1/1/+1 0/2");
    }

    #[test]
    fn quotes_and_controls_are_escaped() {
        let mut out = Vec::new();
        escape(&mut out, b"a\"b#\xff");
        assert_eq!(out, b"a#22b#23#FF");
    }
}
