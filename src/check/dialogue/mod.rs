//! One run of a check's rules: says what to do with a connection and is told what came of it.
//!
//! ```text
//!             connected()                     received(), closed()
//!   Connect ---------------> Send ... Receive ---------------------> Send, Receive, Connect ... Finished
//!      |                        |
//!      +------- failed() -------+--> Finished(the connection's failure)
//! ```
//!
//! Whoever runs it asks [`Dialogue::next`] until it says [`Request::Finished`]. Time is not its business: what a run
//! comes to that has taken too long is [`Dialogue::on_timeout`]. Results and their words are HAProxy's, to the letter.

mod failure;
mod judge;
mod http;
mod packet;
mod spop;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::rc::Rc;

use crate::http::{Edits, Head, Message};
use crate::rule::variable::VariableScope;
use crate::rule::{Captures, Data, Effects, Facts, Format, Progress, Registry, Stage, Transaction, Variables};

use super::outcome::{Code, Outcome};
use super::rules::{Action, Connect, Expect, Kind, Port, Rule, Ruleset, Send, binary};

pub use failure::Failure;

/// Most bytes of an answer that are kept: HAProxy's buffer, less its reserve.
pub const MAX_ANSWER: usize = 16 * 1024;

/// What a run sees of the world.
pub struct World<'a> {
    /// What expressions ask.
    pub facts: &'a dyn Facts,
    /// Patterns of maps and lists.
    pub patterns: &'a Registry,
    /// Value of `X-Haproxy-Server-State`.
    pub state: &'a str,
    /// Whether the server is up: then a 404 may mean that it wants no new sessions.
    pub is_up: bool,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Close what is open and connect.
    Connect(Destination),
    /// Send these bytes.
    Send(Vec<u8>),
    /// Wait for bytes or the end of the connection.
    Receive,
    /// Close; this is the result.
    Finished(Outcome),
}

/// Where to connect and how. What is `None` or false is as the server's check says if `is_default`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Destination {
    pub address: Option<IpAddr>,
    pub port: Option<u16>,
    pub is_default: bool,
    pub sends_proxy: bool,
    pub via_socks: bool,
    pub lingers: bool,
}

/// A run.
#[derive(Debug)]
pub struct Dialogue {
    set: Rc<Ruleset>,
    /// Number of the rule that is next or under way.
    at: usize,
    /// Number of the last rule that was no variable.
    current: Option<usize>,
    received: Vec<u8>,
    /// Whether no more can come over this connection.
    is_over: bool,
    must_receive: bool,
    is_connected: bool,
    /// Status code so far.
    status: i64,
    variables: Variables,
    captures: Captures,
    effects: Effects,
    head: Head,
    edits: Edits,
    /// A request with this method has no body in its answer.
    is_head_request: bool,
    result: Option<Outcome>,
}

/// What a rule came to.
enum Step {
    Done,
    Wait,
    Stop(Outcome),
}

impl Dialogue {
    /// Nothing done yet.
    pub fn new(set: Rc<Ruleset>) -> Dialogue {
        let variables = Variables::default();
        for (name, value) in &set.preset {
            variables.store(name, Some(value.clone()));
        }
        Dialogue {
            set,
            at: 0,
            current: None,
            received: Vec::new(),
            is_over: false,
            must_receive: true,
            is_connected: false,
            status: 0,
            variables,
            captures: Captures::default(),
            effects: Effects::default(),
            head: Head::default(),
            edits: Edits::default(),
            is_head_request: false,
            result: None,
        }
    }

    /// What to do next.
    pub fn next(&mut self, world: &World<'_>) -> Request {
        let set = Rc::clone(&self.set);
        if let Some(outcome) = self.result.take() {
            return Request::Finished(outcome);
        }
        while let Some(rule) = set.rules.get(self.at) {
            self.status = 0;
            match &rule.action {
                Action::Connect(connect) => {
                    self.begin(self.at);
                    self.must_receive = true;
                    self.is_over = false;
                    self.is_connected = false;
                    self.received.clear();
                    return Request::Connect(self.destination(connect, world));
                }
                Action::Send(send) => {
                    self.begin(self.at);
                    self.must_receive = true;
                    self.at += 1;
                    match self.bytes(rule, send, world) {
                        Ok(bytes) if bytes.is_empty() => {}
                        Ok(bytes) => {
                            self.received.clear();
                            return Request::Send(bytes);
                        }
                        Err(outcome) => return Request::Finished(outcome),
                    }
                }
                Action::Expect(expect) => {
                    self.begin(self.at);
                    if self.must_receive && self.received.is_empty() && !self.is_over {
                        return Request::Receive;
                    }
                    self.must_receive = false;
                    match self.expect(rule, expect, world) {
                        Step::Done => self.at += 1,
                        Step::Wait => {
                            self.at = self.first_expect(self.at);
                            return Request::Receive;
                        }
                        Step::Stop(outcome) => return Request::Finished(outcome.with_status(self.status)),
                    }
                }
                Action::Variable(rules) => {
                    self.with_transaction(world, |transaction| {
                        // Nothing but variables is set here, which ends nothing.
                        let _ = rules.run(transaction, &mut Progress::default());
                    });
                    self.at += 1;
                }
                Action::Comment => self.at += 1,
            }
        }
        Request::Finished(self.success(world))
    }

    /// The connection asked for is there.
    pub fn connected(&mut self) {
        self.is_connected = true;
        self.at += 1;
    }

    /// Bytes came.
    pub fn received(&mut self, bytes: &[u8]) {
        let room = MAX_ANSWER.saturating_sub(self.received.len());
        self.received.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.is_over |= self.received.len() >= MAX_ANSWER;
    }

    /// The server sends nothing more.
    pub fn closed(&mut self) {
        self.is_over = true;
    }

    /// The connection could not be made, or broke. What came before it still counts.
    pub fn failed(&mut self, failure: &Failure) {
        let is_answering = self.is_connected && !self.received.is_empty();
        match is_answering {
            true => self.is_over = true,
            false => self.result = Some(self.failure(failure)),
        }
    }

    fn begin(&mut self, at: usize) {
        self.current = Some(at);
    }

    fn rule(&self) -> Option<&Rule> {
        self.set.rules.get(self.current?)
    }

    /// The first of the expects that stand together: more data is judged from there.
    fn first_expect(&self, at: usize) -> usize {
        let is_expect = |at: &usize| matches!(self.set.rules[*at].action, Action::Expect(_));
        (0..at).rev().take_while(is_expect).last().unwrap_or(at)
    }

    fn destination(&mut self, connect: &Connect, world: &World<'_>) -> Destination {
        let port = match &connect.port {
            None => None,
            Some(Port::Fixed(port)) => Some(*port),
            Some(Port::Computed(expression)) => self.with_transaction(world, |transaction| {
                let value = expression.value(transaction)?.cast(crate::rule::sample::Kind::Int)?;
                let crate::rule::sample::Sample::Int(port) = value else { return None };
                u16::try_from(port).ok().filter(|port| *port > 0)
            }),
        };
        Destination {
            address: connect.address,
            port,
            is_default: connect.is_default,
            sends_proxy: connect.sends_proxy,
            via_socks: connect.via_socks,
            lingers: connect.lingers,
        }
    }

    fn bytes(&mut self, rule: &Rule, send: &Send, world: &World<'_>) -> Result<Vec<u8>, Outcome> {
        let too_long = |length: usize| {
            let step = rule.step;
            let what =
                format!("tcp-check send : string too large ({length}) for buffer size ({MAX_ANSWER}) at step {step}");
            Outcome::new(Code::L7Rsp, what)
        };
        match send {
            Send::Bytes(bytes) if bytes.len() >= MAX_ANSWER => Err(too_long(bytes.len())),
            Send::Bytes(bytes) => Ok(bytes.clone()),
            Send::Format(format) => Ok(self.render(format, world)),
            Send::Digits(format) => {
                let digits = self.render(format, world);
                binary(&digits).ok_or_else(|| {
                    let what = format!("tcp-check send : failed to build log-format string at step {}", rule.step);
                    Outcome::new(Code::L7Rsp, what)
                })
            }
            Send::Http(request) => {
                self.is_head_request = request.method.as_deref() == Some("HEAD");
                Ok(self.request(request, world))
            }
        }
    }

    fn render(&mut self, format: &Format, world: &World<'_>) -> Vec<u8> {
        self.with_transaction(world, |transaction| {
            let mut out = Vec::new();
            format.render(transaction, &mut out);
            out
        })
    }

    fn text(&mut self, format: &Format, world: &World<'_>) -> String {
        String::from_utf8_lossy(&self.render(format, world)).into_owned()
    }

    fn with_transaction<R>(&mut self, world: &World<'_>, run: impl FnOnce(&mut Transaction<'_>) -> R) -> R {
        self.edits.clear();
        let is_http = self.set.kind == Kind::Http;
        let has_head = is_http
            && matches!(crate::http::parse_response(&self.received, &mut self.head), Ok(crate::http::Parsed::Complete));
        let response = has_head.then_some(Message { bytes: &self.received, head: &self.head, edits: &mut self.edits });
        let mut transaction = Transaction {
            stage: Stage::Check,
            facts: world.facts,
            request: None,
            response,
            request_data: Data::default(),
            response_data: Data { bytes: &self.received, is_final: true, announced: None },
            variables: &self.variables,
            captures: &self.captures,
            patterns: world.patterns,
            effects: &mut self.effects,
        };
        run(&mut transaction)
    }

    fn expect(&mut self, rule: &Rule, expect: &Expect, world: &World<'_>) -> Step {
        match self.set.kind {
            Kind::Http => self.expect_http(rule, expect, world),
            Kind::Plain | Kind::Tcp | Kind::Protocol => self.expect_bytes(rule, expect, world),
        }
    }

    /// Every rule has passed.
    fn success(&mut self, world: &World<'_>) -> Outcome {
        let set = Rc::clone(&self.set);
        let rule = self.current.and_then(|at| set.rules.get(at));
        let outcome = match rule.map(|rule| &rule.action) {
            Some(Action::Expect(expect)) => {
                // The status is that of the last judgement, which the loop has cleared.
                let status = self.last_status();
                if set.disable_on_404 && world.is_up && status == 404 {
                    return Outcome::new(Code::L7OkConditional, "").with_status(404);
                }
                self.status = status;
                let detail = match &expect.verdicts.on_success {
                    Some(format) => self.text(format, world),
                    None if set.kind == Kind::Tcp => "(tcp-check)".to_owned(),
                    None => String::new(),
                };
                self.computed_status(expect, world);
                self.custom_success(expect, detail)
                    .unwrap_or_else(|detail| Outcome::new(expect.verdicts.ok.unwrap_or(Code::L7Ok), detail))
            }
            Some(Action::Connect(connect)) => {
                Outcome::new(Code::L4Ok, if connect.is_implicit { "" } else { "(tcp-check)" })
            }
            _ => Outcome::new(Code::L7Ok, "(tcp-check)"),
        };
        self.variables.forget(VariableScope::Check);
        outcome.with_status(self.status)
    }

    /// `status-code` of an expect.
    fn computed_status(&mut self, expect: &Expect, world: &World<'_>) {
        let Some(expression) = &expect.verdicts.status else { return };
        let value = self.with_transaction(world, |transaction| {
            use crate::rule::sample::{Kind as SampleKind, Sample};
            let text = expression.value(transaction)?.cast(SampleKind::Str)?;
            match text.cast(SampleKind::Int)? {
                Sample::Int(value) => Some(value),
                _ => None,
            }
        });
        self.status = value.unwrap_or(self.status);
    }
}
