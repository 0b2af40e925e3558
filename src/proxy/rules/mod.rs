//! Rules at work: what a session keeps for them, and the world that they see.
//!
//! A frontend whose section and default backend have no rules never comes here. [`request`] runs those of a request and
//! chooses its backend, [`response`] those of a response, [`connection`] those of a new connection; [`answer`] makes the
//! responses that rules ask for.

mod answer;
mod connection;
mod exporter;
mod facts;
mod figures;
mod persistence;
mod progress;
mod hash;
mod header;
mod request;
mod response;
mod statistics;
mod settle;

use std::cell::RefCell;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::http::{Edits, Head, Message, Parsed, Span, Version, parse_request};
use crate::model::log::Origin;
use crate::rule::action::Timeout;
use crate::rule::asking::{self, Asked};
use crate::rule::bandwidth::{Bandwidth, Way};
use crate::rule::scope::Slots;
use crate::rule::transaction::LogLevel;
use crate::rule::variable::{ProcessVariables, VariableName, VariableScope};
use crate::rule::{Captures, Data, Effects, Progress, Registry, RuleSet, Stage, Transaction, Variables, Verdict, Wait};
use crate::state::queue::Priority;
use crate::stick::Tracking;
use crate::time::Instant;

use super::local::{LocalBackend, LocalFrontend};
use super::log::{self, Ending};
use super::session::Session;
use super::stream::Request;

pub(super) use answer::{Manner, write_page, write_redirect, write_refusal};
pub(super) use connection::{
    Ruling, Stand, Welcome, choose, inspect_request, inspect_response, may_connect, may_enter,
};
pub(super) use hash::hash;
pub(super) use header::{header, pose};
pub(super) use progress::Answered;
pub(super) use request::{Awaited, Decision, decide, give_up};
pub(super) use response::{Arrived, Responded, respond};
pub(super) use settle::settle;
pub(super) use statistics::{SentForm, back_to_page};

use facts::Surroundings;
use persistence::Persistence;
use progress::SoFar;

/// Where rules stand that look at a request without being a set of their own.
fn stage(is_http: bool) -> Stage {
    if is_http { Stage::HttpRequest } else { Stage::TcpRequest }
}

/// What a session keeps for rules, from its first to its last.
#[derive(Debug)]
pub(super) struct RuleState {
    variables: Variables,
    captures: Captures,
    effects: Effects,
    /// The head of the request as it came.
    received: Vec<u8>,
    head: Head,
    edits: Edits,
    /// Of the response.
    response_edits: Edits,
    /// First byte of the request.
    started: Instant,
    is_first: bool,
    /// Streams of the process before this one.
    number: u64,
    /// Number of the server that has the request.
    server: Option<usize>,
    /// What its line would say.
    so_far: Rc<SoFar>,
    /// What `use-server` and `stick` want.
    persistence: Persistence,
    /// Address that the client connected to; asked once.
    local: RefCell<Option<SocketAddr>>,
    /// Where the rules of the request go on after a wait.
    resume: Option<request::Resume>,
    /// The set of rules of the response that waits, by number, and where in it they go on.
    response_resume: Option<(usize, Progress)>,
    /// Where `tcp-response content` waits for more in http mode, and until when.
    content_wait: Option<(Progress, Instant)>,
    /// The client was told to send its body.
    has_continued: bool,
}

impl RuleState {
    fn new(variables: Arc<ProcessVariables>, now: Instant) -> RuleState {
        RuleState {
            variables: Variables::new(variables),
            captures: Captures::default(),
            effects: Effects::default(),
            received: Vec::new(),
            head: Head::default(),
            edits: Edits::default(),
            response_edits: Edits::default(),
            started: now,
            is_first: true,
            number: 0,
            server: None,
            so_far: Rc::new(SoFar::new(now)),
            persistence: Persistence::default(),
            local: RefCell::default(),
            resume: None,
            response_resume: None,
            content_wait: None,
            has_continued: false,
        }
    }

    /// Whether a rule forbade that the request is sent again.
    pub(super) fn forbids_retry(&self) -> bool {
        self.effects.forbids_retry
    }

    /// Limits of the stream's bandwidth.
    pub(super) fn bandwidth(&mut self) -> &mut Bandwidth {
        &mut self.effects.bandwidth
    }

    /// Whether there are any that way.
    pub(super) fn limits(&self, way: Way) -> bool {
        self.effects.bandwidth.limits(way)
    }

    /// The name that a rule asked for.
    pub(super) fn take_asked(&mut self) -> Option<Asked> {
        self.effects.asked.take()
    }

    /// Keeps the address that a name has.
    pub(super) fn learn(&mut self, variable: &VariableName, address: IpAddr) {
        asking::learn(variable, address, &self.variables);
    }

    /// The level that a rule gave the line.
    pub(super) fn log_level(&self) -> Option<LogLevel> {
        self.effects.log_level
    }

    /// Takes a request line alone in place of a head.
    fn show_line(&mut self, line: &[u8]) {
        self.received.clear();
        self.received.extend_from_slice(line);
        self.head.line = Span { start: 0, end: u32::try_from(line.len()).unwrap_or(u32::MAX) };
    }

    /// Keeps the head of a request, if that is what a connection in tcp mode begins with.
    fn find_head(&mut self, bytes: &[u8]) {
        let may_be = self.received.is_empty() && bytes.first().is_some_and(u8::is_ascii_alphabetic);
        if may_be && matches!(parse_request(bytes, &mut self.head), Ok(Parsed::Complete)) {
            self.received.extend_from_slice(&bytes[..self.head.length]);
        }
    }

    /// Forgets the last request.
    fn begin(&mut self, slots: &Slots) {
        self.edits.clear();
        self.response_edits.clear();
        self.effects.clear();
        self.captures.clear(slots);
        for scope in [VariableScope::Transaction, VariableScope::Request, VariableScope::Response] {
            self.variables.forget(scope);
        }
        (self.server, self.resume, self.response_resume, self.has_continued) = (None, None, None, false);
        self.content_wait = None;
        self.persistence.clear();
    }

    /// What is counted in stick tables.
    fn tracking(&mut self) -> &mut Tracking {
        &mut self.effects.tracking
    }
}

impl Session {
    /// Keeps a request head for the rules that will look at it: what was found in these bytes changes places with the
    /// last one.
    pub(super) fn keep_head(
        &mut self,
        frontend: &LocalFrontend,
        bytes: &[u8],
        head: &mut Head,
        started: Instant,
        is_first: bool,
    ) {
        let (accepted, began, received) = (self.accepted, self.began, self.now());
        let state = self
            .rules
            .get_or_insert_with(|| Box::new(RuleState::new(Arc::clone(&frontend.others.rules.variables), accepted)));
        state.received.clear();
        state.received.extend_from_slice(bytes);
        std::mem::swap(&mut state.head, head);
        (state.started, state.is_first) = (started, is_first);
        let so_far = Rc::make_mut(&mut state.so_far);
        *so_far = SoFar::new(began);
        (so_far.ending.started, so_far.ending.received) = (Some(started), Some(received));
        so_far.ending.bytes_in = bytes.len() as u64;
    }

    /// Forgets the last request: what came after it was none.
    pub(super) fn forget_request(&mut self) {
        if let Some(state) = &mut self.rules {
            state.received.clear();
            state.begin(&Slots::NONE);
        }
    }

    /// A timeout of the present stream, as rules may have set it.
    pub(super) fn limit(&self, timeout: Timeout, default: Duration) -> Duration {
        let set = |state: &RuleState| match timeout {
            Timeout::Client => state.effects.client_timeout,
            Timeout::Server => state.effects.server_timeout,
            Timeout::Connect => state.effects.connect_timeout,
            Timeout::Queue => state.effects.queue_timeout,
            Timeout::Tarpit => state.effects.tarpit_timeout,
            Timeout::Tunnel => state.effects.tunnel_timeout,
        };
        self.rules.as_deref().and_then(set).unwrap_or(default)
    }

    /// How often a connection is tried again, as rules may have set it.
    pub(super) fn retries(&self, default: u32) -> u32 {
        self.rules.as_ref().and_then(|state| state.effects.retries).unwrap_or(default)
    }

    /// Where the present stream stands in a queue.
    pub(super) fn priority(&self) -> Priority {
        let effects = self.rules.as_ref().map(|state| &state.effects);
        let class = effects.and_then(|effects| effects.priority_class).unwrap_or(0);
        let offset = effects.and_then(|effects| effects.priority_offset).unwrap_or(0);
        let now = i64::try_from(self.now().as_nanos() / 1_000_000).unwrap_or(i64::MAX);
        Priority { class, at: now.saturating_add(i64::from(offset)) }
    }

    /// The 103 that rules made for this request, each field once; HTTP/1.0 knows none.
    pub(super) fn take_hints(&mut self, frontend: &LocalFrontend, request: &Request) -> Option<Vec<u8>> {
        let state = self.rules.as_mut().filter(|_| frontend.runs_rules)?;
        let fields = std::mem::take(&mut state.effects.early_hints);
        let has_some = !fields.is_empty() && request.version == Version::Http11;
        has_some.then(|| [b"HTTP/1.1 103 Early Hints\r\n", fields.as_slice(), b"\r\n"].concat())
    }

    /// The number of the stream that begins, if somebody may ask for it.
    pub(super) fn number(&mut self, frontend: &LocalFrontend) -> u64 {
        if !frontend.numbers_streams {
            return 0;
        }
        let number = frontend.running.journal.next_number();
        if let Some(state) = &mut self.rules {
            state.number = number;
        }
        number
    }

    /// What is counted in stick tables, if anything is.
    fn tracking(&mut self) -> Option<&mut Tracking> {
        self.rules.as_mut().map(|state| state.tracking()).filter(|tracking| !tracking.is_idle())
    }

    /// So many bytes of the present stream went in and out so far.
    pub(super) fn count_bytes(&mut self, bytes_in: u64, bytes_out: u64) {
        let now = self.now();
        if let Some(tracking) = self.tracking() {
            tracking.count_bytes(now, bytes_in, bytes_out);
        }
    }

    /// The stream is over, after so many bytes in all.
    pub(super) fn end_stream(&mut self, bytes_in: u64, bytes_out: u64) {
        let now = self.now();
        if let Some(tracking) = self.tracking() {
            tracking.count_bytes(now, bytes_in, bytes_out);
            tracking.end_stream(now);
        }
    }

    /// The server is to blame for the end of the stream.
    pub(super) fn count_failure(&mut self) {
        let now = self.now();
        if let Some(tracking) = self.tracking() {
            tracking.count_failure(now);
        }
    }

    /// What came was no request (400, told to the client or not), or not in time.
    pub(super) fn count_refusal(&mut self, status: Option<u16>) {
        let now = self.now();
        if let Some(tracking) = self.tracking() {
            tracking.count_request(now);
            if status.is_none_or(|status| status == 400) {
                tracking.count_error(now);
            }
        }
    }

    /// The session is over.
    pub(super) fn end_tracking(&mut self) {
        let now = self.worker.now.get();
        if let Some(tracking) = self.tracking() {
            tracking.end(now);
        }
    }

    fn take_rules(&mut self, frontend: &LocalFrontend) -> Box<RuleState> {
        let (variables, accepted) = (&frontend.others.rules.variables, self.accepted);
        self.rules.take().unwrap_or_else(|| Box::new(RuleState::new(Arc::clone(variables), accepted)))
    }
}

/// Shows a stream at its end as formats of lines see it. `request` is its request line, which counts where rules keep
/// nothing.
pub(super) fn with_transaction(
    session: &mut Session,
    frontend: &LocalFrontend,
    backend: Option<&LocalBackend>,
    ending: &Ending,
    request: Option<&[u8]>,
    look: impl FnOnce(&Session, &Transaction<'_>),
) {
    let own = if frontend.runs_rules { session.rules.take() } else { None };
    let is_own = own.is_some();
    let spare = || session.worker.spare_rules.borrow_mut().take();
    let mut state = own.or_else(spare).unwrap_or_else(|| session.take_rules(frontend));
    if !is_own {
        state.show_line(request.unwrap_or_default());
    }
    let is_known = !state.received.is_empty() && !ending.origin.is_before_transaction();
    let registry = &frontend.others.rules.registry;
    let world = World { facts: Surroundings::at_end(session, frontend, backend, ending, &state), registry };
    let transaction = world.transaction(Stage::Log, &mut state, &[], is_known);
    look(session, &transaction);
    match is_own {
        true => session.rules = Some(state),
        false => *session.worker.spare_rules.borrow_mut() = Some(state),
    }
}

/// What rules look at, of one stream.
struct World<'a> {
    facts: Surroundings<'a>,
    registry: &'a Registry,
}

impl<'a> World<'a> {
    fn new(session: &'a Session, frontend: &'a LocalFrontend, backend: Option<&'a LocalBackend>) -> World<'a> {
        World { facts: Surroundings::new(session, frontend, backend), registry: &frontend.others.rules.registry }
    }

    /// Runs a set; `body` is what came of the request's body.
    fn run<'r>(&mut self, set: &'r RuleSet, state: &mut RuleState, body: &[u8], is_http: bool) -> Verdict<'r> {
        if set.rules.is_empty() {
            return Verdict::Continue;
        }
        let data = Data { bytes: body, is_final: true, announced: None };
        match self.run_from(set, state, data, is_http, &mut Progress::default()) {
            // Only requests wait, and they are run from where they waited.
            Verdict::Wait(_) => Verdict::Failed { status: 500 },
            verdict => verdict,
        }
    }

    /// Goes on with a set.
    fn run_from<'r>(
        &mut self,
        set: &'r RuleSet,
        state: &mut RuleState,
        body: Data<'_>,
        is_http: bool,
        progress: &mut Progress,
    ) -> Verdict<'r> {
        if set.rules.is_empty() {
            return Verdict::Continue;
        }
        self.facts.look(state);
        loop {
            let mut transaction = self.transaction(set.stage, state, body.bytes, is_http);
            transaction.request_data = body;
            match set.run(&mut transaction, progress) {
                // There is no TLS whose end could be awaited.
                Verdict::Wait(Wait::Handshake) => {}
                Verdict::Wait(Wait::Line) => self.write_line(set, progress, state, 0),
                verdict => return verdict,
            }
        }
    }

    /// Runs a set over bytes of a connection in tcp mode, those of the client and those of the server, from where it
    /// stopped before.
    fn run_on_bytes<'r>(
        &mut self,
        set: &'r RuleSet,
        state: &mut RuleState,
        (request, response): (Data<'_>, Data<'_>),
        progress: &mut Progress,
    ) -> Verdict<'r> {
        self.facts.look(state);
        loop {
            let transaction = self.transaction(set.stage, state, &[], false);
            let mut transaction = Transaction { request_data: request, response_data: response, ..transaction };
            match set.run(&mut transaction, progress) {
                Verdict::Wait(Wait::Line) => self.write_line(set, progress, state, 0),
                verdict => return verdict,
            }
        }
    }

    /// Writes the line that the last rule asks for; `status` is that of the response, 0 before there is one.
    fn write_line(&self, set: &RuleSet, progress: &Progress, state: &mut RuleState, status: u16) {
        let (session, frontend) = (self.facts.session(), self.facts.frontend);
        let origin = match set.stage {
            Stage::TcpConnection => Origin::TcpConnection,
            Stage::TcpSession => Origin::TcpSession,
            Stage::TcpResponse => Origin::TcpResponse,
            Stage::HttpRequest => Origin::HttpRequest,
            Stage::HttpResponse => Origin::HttpResponse,
            Stage::HttpAfterResponse => Origin::HttpAfterResponse,
            Stage::TcpRequest | Stage::Log | Stage::Load | Stage::Check => Origin::TcpRequest,
        };
        let so_far = state.so_far.ending;
        let mut ending = Ending { origin, number: state.number, now: session.began, ..so_far };
        (ending.began, ending.started) = (session.began, Some(state.started));
        ending.status = if status == 0 { so_far.status } else { status };
        if matches!(origin, Origin::TcpConnection | Origin::TcpSession) {
            // To HAProxy what has not become a stream ends with it.
            (ending.started, ending.termination) = (Some(session.began), *b"PR--");
        }
        if let Some(number) = so_far.effort.server {
            let servers = self.facts.backend.map(|backend| &backend.running.state.servers);
            let server = servers.and_then(|servers| servers.get(number));
            ending.server_connections = server.map_or(0, |server| server.connections.load(Ordering::Relaxed));
        } else {
            // To HAProxy a request is received when it goes to a server.
            ending.received = None;
        }
        let world = World { facts: self.facts.with_ending(&ending), registry: self.registry };
        let (asked, is_known) = (state.log_level(), set.stage.is_http() && !state.received.is_empty());
        let transaction = world.transaction(Stage::Log, state, &[], is_known);
        log::write_ordered(session, frontend, &transaction, origin, asked, set.profile(progress));
    }

    /// What `stick store-response` looks at in tcp mode.
    fn tcp_response<'t>(&'t self, state: &'t mut RuleState, received: &'t [u8]) -> Transaction<'t> {
        let transaction = self.transaction(Stage::TcpResponse, state, &[], false);
        let response_data = Data { bytes: received, is_final: true, announced: None };
        Transaction { response_data, ..transaction }
    }

    fn transaction<'t>(
        &'t self,
        stage: Stage,
        state: &'t mut RuleState,
        body: &'t [u8],
        is_http: bool,
    ) -> Transaction<'t> {
        let RuleState { variables, captures, effects, received, head, edits, .. } = state;
        let data = Data { bytes: body, is_final: true, announced: None };
        // In tcp mode, where the first bytes are a request.
        let has_head = is_http || stage == Stage::TcpRequest && !received.is_empty();
        Transaction {
            stage,
            facts: &self.facts,
            request: has_head.then_some(Message { bytes: received, head, edits }),
            response: None,
            request_data: data,
            response_data: Data::default(),
            variables,
            captures,
            patterns: self.registry,
            effects,
        }
    }
}
