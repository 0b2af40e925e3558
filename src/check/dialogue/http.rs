//! Requests of `http-check send` and answers to them.

use crate::check::outcome::{Code, Outcome};
use crate::check::rules::{Expect, HeaderMatch, HttpRequest, Kind, Pattern, Rule, Text, TextMatch};
use crate::http::{self, BodyFraming, Method, Parsed};
use crate::rule::Transaction;

use super::{Dialogue, Step, World};

impl Dialogue {
    pub(super) fn request(&mut self, request: &HttpRequest, world: &World<'_>) -> Vec<u8> {
        let method = request.method.as_deref().unwrap_or("OPTIONS");
        let target = match &request.target {
            None => "/".to_owned(),
            Some(Text::Fixed(target)) => target.clone(),
            Some(Text::Computed(format)) => {
                Some(one_line(self.text(format, world))).filter(|text| !text.is_empty()).unwrap_or("/".to_owned())
            }
        };
        let version = request.version.as_deref().unwrap_or("HTTP/1.0");
        let mut out = format!("{method} {target} {version}\r\n").into_bytes();
        // What the version means anyway is not said, as HAProxy's probes do not say it.
        let is_persistent = version != "HTTP/1.0";
        let usual = if is_persistent { "keep-alive" } else { "close" };
        let mut has_connection = false;
        for (name, format) in &request.fields {
            let value = one_line(self.text(format, world));
            if value.is_empty() {
                continue;
            }
            if name.eq_ignore_ascii_case("connection") {
                has_connection = true;
                if value.eq_ignore_ascii_case(usual) {
                    continue;
                }
            }
            out.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        if self.set.send_state {
            out.extend_from_slice(format!("X-Haproxy-Server-State: {}\r\n", world.state).as_bytes());
        }
        let body = match &request.body {
            None => Vec::new(),
            Some(Text::Fixed(body)) => body.as_bytes().to_vec(),
            Some(Text::Computed(format)) => self.render(format, world),
        };
        if !body.is_empty() || !matches!(method, "OPTIONS" | "GET" | "HEAD" | "DELETE") {
            out.extend_from_slice(format!("Content-length: {}\r\n", body.len()).as_bytes());
        }
        if is_persistent && !has_connection {
            out.extend_from_slice(b"Connection: close\r\n");
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&body);
        out
    }

    /// Whether there is nothing of an answer to speak of: of HTTP, no head.
    pub(super) fn is_answer_empty(&mut self) -> bool {
        match self.set.kind {
            Kind::Http => !matches!(http::parse_response(&self.received, &mut self.head), Ok(Parsed::Complete)),
            Kind::Plain | Kind::Tcp | Kind::Protocol => self.received.is_empty(),
        }
    }

    /// Status of the answer that came last.
    pub(super) fn last_status(&mut self) -> i64 {
        if self.set.kind == Kind::Http && !self.is_answer_empty() { i64::from(self.head.status) } else { 0 }
    }

    pub(super) fn expect_http(&mut self, rule: &Rule, expect: &Expect, world: &World<'_>) -> Step {
        loop {
            match http::parse_response(&self.received, &mut self.head) {
                Ok(Parsed::Partial) if !self.is_over => return Step::Wait,
                Ok(Parsed::Partial) | Err(_) => {
                    return Step::Stop(self.refuse(rule, expect, false, Code::L7Rsp, "", world));
                }
                Ok(Parsed::Complete) if matches!(self.head.status, 100..=199) && self.head.status != 101 => {
                    // Informational: the answer comes behind it.
                    let end = self.head.length;
                    self.received.drain(..end);
                }
                Ok(Parsed::Complete) => break,
            }
        }
        let status = self.head.status;
        self.status = i64::from(status);
        if self.set.disable_on_404 && world.is_up && status == 404 {
            return Step::Done;
        }
        if let Pattern::Contains(..) | Pattern::Matches(_) | Pattern::ContainsFormat(_) = expect.pattern {
            return self.expect_body(rule, expect, world);
        }
        let is_match = match &expect.pattern {
            Pattern::Status(ranges) => ranges.iter().any(|(first, last)| (*first..=*last).contains(&status)),
            Pattern::StatusMatches(regex) => regex.is_match(status.to_string().as_bytes()),
            Pattern::Header(header) => match self.with_transaction(world, |transaction| has_field(header, transaction))
            {
                Ok(is_match) => is_match,
                Err(why) => return Step::Stop(self.refuse(rule, expect, false, Code::L7Rsp, why, world)),
            },
            _ => false,
        };
        if is_match != expect.is_inverted {
            return Step::Done;
        }
        let reason = match expect.verdicts.on_error {
            Some(_) => String::new(),
            None => self.reason(),
        };
        let code = expect.verdicts.error.unwrap_or(Code::L7Sts);
        Step::Stop(self.refuse(rule, expect, false, code, &reason, world))
    }

    /// What stands behind the status.
    fn reason(&self) -> String {
        let line = self.head.line.of(&self.received);
        let reason = line.splitn(3, |byte| *byte == b' ').nth(2).unwrap_or_default();
        String::from_utf8_lossy(reason).into_owned()
    }

    fn expect_body(&mut self, rule: &Rule, expect: &Expect, world: &World<'_>) -> Step {
        let (body, is_whole) = self.body();
        let is_last = is_whole || self.is_over;
        let refuse = |this: &mut Dialogue, code: Code, why: &str| -> Outcome {
            let why = if expect.verdicts.on_error.is_some() { "" } else { why };
            this.refuse(rule, expect, false, code, why, world)
        };
        let code = expect.verdicts.error.unwrap_or(Code::L7Rsp);
        if body.is_empty() {
            return match is_last {
                false => Step::Wait,
                true => Step::Stop(refuse(self, code, "HTTP content check could not find a response body")),
            };
        }
        let wanted = match &expect.pattern {
            Pattern::Contains(wanted, _) => Some(wanted.clone()),
            Pattern::ContainsFormat(format) => {
                let wanted = self.render(format, world);
                if wanted.is_empty() {
                    let why = "log-format string evaluated to an empty string";
                    return Step::Stop(self.refuse(rule, expect, false, Code::L7Rsp, why, world));
                }
                Some(wanted)
            }
            _ => None,
        };
        let is_short = wanted.as_ref().is_some_and(|wanted| body.len() < wanted.len())
            || expect.min_receive.is_some_and(|least| body.len() < least);
        if !is_last && is_short {
            return Step::Wait;
        }
        let is_match = match (&expect.pattern, &wanted) {
            (Pattern::Matches(regex), _) => regex.is_match(&body),
            (_, Some(wanted)) => memchr::memmem::find(&body, wanted).is_some(),
            _ => false,
        };
        if !is_match && !is_last && expect.min_receive.is_none() {
            return Step::Wait;
        }
        if is_match != expect.is_inverted {
            return Step::Done;
        }
        let why = match expect.is_inverted {
            true => "HTTP check matched unwanted content",
            false => "HTTP content check did not match",
        };
        Step::Stop(refuse(self, code, why))
    }

    /// The body so far, and whether it is all.
    fn body(&self) -> (Vec<u8>, bool) {
        let bytes = self.received.get(self.head.length..).unwrap_or_default();
        let method = if self.is_head_request { Method::Head } else { Method::Get };
        match self.head.response_framing(method) {
            BodyFraming::None => (Vec::new(), true),
            BodyFraming::Length(length) => {
                let length = usize::try_from(length).unwrap_or(usize::MAX);
                (bytes[..bytes.len().min(length)].to_vec(), bytes.len() >= length)
            }
            BodyFraming::Chunked => dechunk(bytes),
            BodyFraming::UntilClose => (bytes.to_vec(), false),
        }
    }
}

/// Whether a field is there; `Err` says what is wrong with the rule's texts.
fn has_field(header: &HeaderMatch, transaction: &mut Transaction<'_>) -> Result<bool, &'static str> {
    let wanted = |text: &TextMatch| match text {
        TextMatch::Regex(_) => Ok(Vec::new()),
        TextMatch::Part(_, format) => {
            let mut out = Vec::new();
            format.render(transaction, &mut out);
            if out.is_empty() { Err("log-format string evaluated to an empty string") } else { Ok(out) }
        }
    };
    let name = wanted(&header.name)?.to_ascii_lowercase();
    let value = header.value.as_ref().map(wanted).transpose()?.unwrap_or_default();
    let is = |matched: &TextMatch, text: &[u8], wanted: &[u8]| match matched {
        TextMatch::Regex(regex) => regex.is_match(text),
        TextMatch::Part(part, _) => part.is_in(text, wanted),
    };
    let Some(response) = &transaction.response else { return Ok(false) };
    Ok(response.fields().any(|field| {
        if !is(&header.name, &field.name.to_ascii_lowercase(), &name) {
            return false;
        }
        let Some(matched) = &header.value else { return true };
        let is_value = |text: &[u8]| is(matched, text.trim_ascii(), &value);
        if header.is_whole_line { is_value(field.value) } else { field.value.split(|byte| *byte == b',').any(is_value) }
    }))
}

/// A text that cannot end a line of the request.
fn one_line(text: String) -> String {
    text.chars().filter(|character| !matches!(character, '\r' | '\n' | '\0')).collect()
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
