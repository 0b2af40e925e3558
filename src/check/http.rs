//! HTTP probes: the bytes that are sent and the judgement of those that come back.

use crate::model::check::HttpProbe;

use super::outcome::{Code, Outcome};

/// Longest response head, bytes.
const MAX_HEAD: usize = 16 * 1024;
/// How much of a body is searched, bytes.
const MAX_BODY: usize = 64 * 1024;

/// The request of a probe: HTTP/1.1 if it names a host, else HTTP/1.0, one response and then the end.
pub fn request(probe: &HttpProbe) -> Vec<u8> {
    let has = |wanted: &str| probe.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(wanted));
    let version = if has("host") { "1.1" } else { "1.0" };
    let mut request = format!("{} {} HTTP/{version}\r\n", probe.method, probe.path);
    for (name, value) in &probe.headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    if !has("connection") {
        request.push_str("Connection: close\r\n");
    }
    request.push_str("\r\n");
    request.into_bytes()
}

/// Judges a response while it arrives. Holds at most [`MAX_HEAD`] and [`MAX_BODY`] bytes of it.
#[derive(Debug)]
pub struct Expect<'a> {
    probe: &'a HttpProbe,
    received: Vec<u8>,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    Head,
    Body { status: u16, length: Length },
    Done,
}

#[derive(Clone, Copy, Debug)]
enum Length {
    Known(usize),
    Chunked,
    UntilClose,
}

impl<'a> Expect<'a> {
    /// Nothing received yet.
    pub fn new(probe: &'a HttpProbe) -> Expect<'a> {
        Expect { probe, received: Vec::new(), phase: Phase::Head }
    }

    /// Takes more bytes of the response; `Some` when they decide.
    pub fn feed(&mut self, bytes: &[u8]) -> Option<Outcome> {
        let room = (MAX_HEAD + MAX_BODY).saturating_sub(self.received.len());
        self.received.extend_from_slice(&bytes[..bytes.len().min(room)]);
        loop {
            match self.phase {
                Phase::Done => return None,
                Phase::Body { status, length } => return self.judge_body(status, length, Ended::NotYet),
                Phase::Head => match self.take_head() {
                    Ok(Some(outcome)) => return Some(self.decide(outcome)),
                    Ok(None) if matches!(self.phase, Phase::Body { .. }) => {}
                    Ok(None) => return None,
                    Err(reason) => return Some(self.decide(Outcome::new(Code::L7Rsp, reason))),
                },
            }
        }
    }

    /// The server closed the connection.
    pub fn finish(&mut self) -> Outcome {
        match self.phase {
            Phase::Body { status, length } => self
                .judge_body(status, length, Ended::Closed)
                .unwrap_or_else(|| Outcome::new(Code::L7Rsp, "body ended early")),
            Phase::Head | Phase::Done => Outcome::new(Code::L7Rsp, "connection closed before a complete response"),
        }
    }

    fn decide(&mut self, outcome: Outcome) -> Outcome {
        self.phase = Phase::Done;
        self.received = Vec::new();
        outcome
    }

    /// Parses the head once it is complete. Informational responses are passed over.
    fn take_head(&mut self) -> Result<Option<Outcome>, &'static str> {
        loop {
            let complete = head_end(&self.received);
            // A wrong status needs no head: some servers close right after the status line.
            let Some(line_end) = self.received.iter().position(|byte| *byte == b'\n') else {
                let beginning = &self.received[..self.received.len().min(5)];
                return if !b"HTTP/".starts_with(beginning) {
                    Err("not an HTTP response")
                } else if self.received.len() > MAX_HEAD {
                    Err("status line too long")
                } else {
                    Ok(None)
                };
            };
            let status = status_of(&self.received[..line_end]).ok_or("not an HTTP response")?;
            if (200..1000).contains(&status) && !self.accepts(status) {
                return Ok(Some(Outcome::new(Code::L7Sts, status.to_string())));
            }
            let Some(end) = complete else {
                return if self.received.len() > MAX_HEAD { Err("response head too long") } else { Ok(None) };
            };
            if (100..200).contains(&status) && status != 101 {
                self.received.drain(..end);
                if self.received.is_empty() {
                    return Ok(None);
                }
                continue;
            }
            if !self.accepts(status) {
                return Ok(Some(Outcome::new(Code::L7Sts, status.to_string())));
            }
            if self.probe.body_contains.is_none() {
                return Ok(Some(Outcome::new(Code::L7Ok, status.to_string())));
            }
            let length = length_of(&self.received[..end], status);
            self.received.drain(..end);
            self.phase = Phase::Body { status, length };
            return Ok(None);
        }
    }

    fn accepts(&self, status: u16) -> bool {
        self.probe.status.iter().any(|(low, high)| (*low..=*high).contains(&status))
    }

    fn judge_body(&mut self, status: u16, length: Length, ended: Ended) -> Option<Outcome> {
        let wanted = self.probe.body_contains.as_deref().unwrap_or_default().as_bytes();
        let (is_found, is_whole) = match length {
            Length::Known(length) => {
                let body = &self.received[..self.received.len().min(length)];
                (contains(body, wanted), body.len() == length)
            }
            Length::UntilClose => (contains(&self.received, wanted), false),
            Length::Chunked => {
                let (body, is_whole) = dechunk(&self.received);
                (contains(&body, wanted), is_whole)
            }
        };
        let is_over = is_whole || self.received.len() >= MAX_BODY || matches!(ended, Ended::Closed);
        if is_found {
            Some(self.decide(Outcome::new(Code::L7Ok, status.to_string())))
        } else if is_over {
            Some(self.decide(Outcome::new(Code::L7Rsp, "body does not contain the expected text")))
        } else {
            None
        }
    }
}

#[derive(Clone, Copy)]
enum Ended {
    NotYet,
    Closed,
}

fn contains(body: &[u8], wanted: &[u8]) -> bool {
    memchr::memmem::find(body, wanted).is_some()
}

/// Where the empty line after the head ends. A bare LF ends a line too: a probe is no place to be strict.
fn head_end(bytes: &[u8]) -> Option<usize> {
    let mut line_start = 0;
    for end in memchr::memchr_iter(b'\n', bytes) {
        if matches!(&bytes[line_start..end], b"" | b"\r") {
            return Some(end + 1);
        }
        line_start = end + 1;
    }
    None
}

/// The status of `HTTP/1.1 200 OK`.
fn status_of(line: &[u8]) -> Option<u16> {
    let line = std::str::from_utf8(line.get(..12)?).ok()?;
    let (version, status) = line.split_once(' ')?;
    let is_http = version.starts_with("HTTP/1.") && version.len() == 8;
    let is_number = status.len() == 3 && status.bytes().all(|byte| byte.is_ascii_digit());
    if is_http && is_number { status.parse().ok() } else { None }
}

fn length_of(head: &[u8], status: u16) -> Length {
    if matches!(status, 204 | 304) {
        return Length::Known(0);
    }
    let mut length = Length::UntilClose;
    for line in head.split(|byte| *byte == b'\n').skip(1) {
        let Ok(line) = std::str::from_utf8(line) else { continue };
        let Some((name, value)) = line.split_once(':') else { continue };
        if name.eq_ignore_ascii_case("transfer-encoding") && value.to_ascii_lowercase().contains("chunked") {
            return Length::Chunked;
        }
        if name.eq_ignore_ascii_case("content-length")
            && let Ok(value) = value.trim().parse()
        {
            length = Length::Known(value);
        }
    }
    length
}

/// The data of as many chunks as are there, and whether the last one was among them. Nonsense ends the body.
fn dechunk(mut bytes: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    loop {
        let Some(line_end) = memchr::memchr(b'\n', bytes) else { return (body, false) };
        let size = bytes[..line_end].split(|byte| matches!(byte, b';' | b'\r')).next().unwrap_or_default();
        let size = std::str::from_utf8(size).ok().and_then(|size| usize::from_str_radix(size.trim(), 16).ok());
        let Some(size) = size.filter(|size| *size > 0) else { return (body, true) };
        bytes = &bytes[line_end + 1..];
        body.extend_from_slice(&bytes[..size.min(bytes.len())]);
        let Some(rest) = size.checked_add(2).and_then(|end| bytes.get(end..)) else { return (body, false) };
        bytes = rest;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn probe(body: Option<&str>) -> HttpProbe {
        HttpProbe {
            method: "GET".to_owned(),
            path: "/health".to_owned(),
            headers: vec![("Host".to_owned(), "app".to_owned())],
            status: vec![(200, 399)],
            body_contains: body.map(str::to_owned),
        }
    }

    /// Every way to cut the response in two comes to the same result.
    fn judged(probe: &HttpProbe, response: &[u8]) -> Outcome {
        let judge = |parts: &[&[u8]]| {
            let mut expect = Expect::new(probe);
            parts.iter().find_map(|part| expect.feed(part)).unwrap_or_else(|| expect.finish())
        };
        let whole = judge(&[response]);
        for cut in 0..response.len() {
            assert_eq!(judge(&[&response[..cut], &response[cut..]]), whole, "cut at {cut}");
        }
        whole
    }

    fn ok(status: &str) -> Outcome {
        Outcome::new(Code::L7Ok, status)
    }

    #[test]
    fn request_names_its_host_and_asks_to_close() {
        assert_eq!(request(&probe(None)), b"GET /health HTTP/1.1\r\nHost: app\r\nConnection: close\r\n\r\n");
        let without = HttpProbe { headers: Vec::new(), ..probe(None) };
        assert_eq!(request(&without), b"GET /health HTTP/1.0\r\nConnection: close\r\n\r\n");
    }

    #[test]
    fn expected_status_passes_and_another_fails_with_its_number() {
        assert_eq!(judged(&probe(None), b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), ok("200"));
        assert_eq!(judged(&probe(None), b"HTTP/1.0 302\r\n\r\n"), ok("302"));
        let failed = judged(&probe(None), b"HTTP/1.1 503 Service Unavailable\r\n\r\n");
        assert_eq!(failed, Outcome::new(Code::L7Sts, "503"));
    }

    #[test]
    fn informational_response_is_passed_over() {
        let response = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n";
        assert_eq!(judged(&probe(None), response), ok("204"));
    }

    #[test]
    fn what_is_not_http_or_ends_early_is_an_invalid_response() {
        for response in [
            &b"SSH-2.0-OpenSSH_9.2\r\n"[..],
            b"HTTP/1.1 2x0 OK\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nA: b\r\n",
            b"",
            b"HTTP/1.",
        ] {
            assert_eq!(judged(&probe(None), response).code, Code::L7Rsp, "{response:?}");
        }
    }

    #[test]
    fn endless_head_is_refused() {
        let probe = probe(None);
        let mut expect = Expect::new(&probe);
        let line = b"X-Filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n";
        assert_eq!(expect.feed(b"HTTP/1.1 200 OK\r\n"), None);
        let outcome = (0..1000).find_map(|_| expect.feed(line));
        assert_eq!(outcome, Some(Outcome::new(Code::L7Rsp, "response head too long")));
    }

    #[test]
    fn text_in_the_body_is_found_in_every_framing() {
        let probe = probe(Some("all well"));
        assert_eq!(judged(&probe, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nall well!"), ok("200"));
        assert_eq!(judged(&probe, b"HTTP/1.1 200 OK\r\n\r\nit is all well"), ok("200"));
        let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nall \r\n4;x=y\r\nwell\r\n0\r\n\r\n";
        assert_eq!(judged(&probe, chunked), ok("200"));
    }

    #[test]
    fn missing_text_fails_as_soon_as_the_body_is_over() {
        let probe = probe(Some("all well"));
        let mut expect = Expect::new(&probe);
        let outcome = expect.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nsickall well");
        assert_eq!(outcome.map(|outcome| outcome.code), Some(Code::L7Rsp));
        assert_eq!(judged(&probe, b"HTTP/1.1 200 OK\r\n\r\nsick").code, Code::L7Rsp);
        assert_eq!(judged(&probe, b"HTTP/1.1 204 No Content\r\n\r\n").code, Code::L7Rsp);
    }

    #[test]
    fn endless_body_is_searched_up_to_a_bound() {
        let probe = probe(Some("never"));
        let mut expect = Expect::new(&probe);
        expect.feed(b"HTTP/1.1 200 OK\r\n\r\n");
        let outcome = (0..100).find_map(|_| expect.feed(&[b'x'; 4096]));
        assert_eq!(outcome.map(|outcome| outcome.code), Some(Code::L7Rsp));
        assert!(expect.received.capacity() <= 2 * (MAX_HEAD + MAX_BODY));
    }

    proptest! {
        #[test]
        fn hostile_bytes_do_not_panic(parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..64), 0..8)) {
            let probe = probe(Some("x"));
            let mut expect = Expect::new(&probe);
            for part in &parts {
                expect.feed(part);
            }
            expect.finish();
        }

        #[test]
        fn hostile_chunks_do_not_panic(bytes in proptest::collection::vec(prop::sample::select(b"0123456789abcdefFF;\r\n xyz".to_vec()), 0..128)) {
            dechunk(&bytes);
        }
    }
}
