//! An HTTP connection: requests one after the other. Reads top to bottom as the phases of a request.
//!
//! ```text
//! receive -> assign (choose, queue) -> connect -> exchange (request body | response) -> finish (log, pool, next)
//! ```

mod receive;
mod wait;
mod exchange;
mod finish;

use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::http::{Body, ChunkScanner, Method, Version};
use crate::model::log::Origin;
use crate::model::options::Reuse;
use crate::time::Instant;

use super::account;
use super::backend::{Current, Slot};
use super::buffers::Chunk;
use super::choosing;
use super::connect::{Effort, connect, redispatches};
use super::failure::{By, Cause, Failure, Phase, Retry};
use super::form;
use super::local::{LocalBackend, LocalFrontend, Stage};
use super::log::{self, Ending};
use super::observe::{self, Seen};
use super::persistence::Persistence;
use super::pool::{Care, Idle};
use super::rules::{self, Decision, Manner};
use super::session::{LastServer, Session};
use super::socket::Socket;
use super::tunnel::{self, Direction, Silence};

use exchange::{Early, Ended, Exchange};
pub(super) use receive::{Received, Receiving, Turn};

pub(super) use receive::{Ends, refusal_of_body, request_edit};

/// How long a client that was sent an error may go on sending.
const LINGER: Duration = Duration::from_secs(2);

/// A request as it goes to a server. Everything of its head that is needed later has been taken out.
#[derive(Debug)]
pub(in crate::proxy) struct Request {
    /// The head to forward and the part of the body that came with it. Where rules run, it is the head that came until
    /// they are done.
    pub(super) held: Chunk,
    /// Bytes of the request line in `held`.
    pub(super) line_length: usize,
    /// Bytes of the head in `held`, with its empty line.
    pub(super) head_length: usize,
    /// Bytes that the client sent for it so far.
    pub(super) received_bytes: u64,
    pub(super) method: Method,
    /// The client's, which rules may have changed.
    pub(super) asked: Method,
    pub(super) version: Version,
    /// Whether the client wants its connection to persist.
    pub(super) keeps_alive: bool,
    pub(super) is_upgrade: bool,
    /// What is still to come of the body.
    pub(super) body: Body,
    /// The client left while its body was waited for: rules go on, and then no server gets the request.
    pub(in crate::proxy) is_cut: bool,
    pub(super) is_chunked: bool,
    /// Where the body stands whose trailers no server gets.
    pub(super) trailers: Option<ChunkScanner>,
    /// Whether a field of its head is about cookies.
    pub(in crate::proxy) has_cookies: bool,
    /// When it was begun to wait for it.
    pub(super) began: Instant,
    /// Streams of the process before it, if somebody may ask.
    pub(super) number: u64,
    /// First byte.
    pub(super) started: Instant,
    /// End of the head.
    pub(super) received: Instant,
}

impl Request {
    /// Tells the server its name, in the field that the backend has for it (`http-send-name-header`).
    fn name_server(&mut self, backend: &LocalBackend, server: usize) {
        let field = backend.rules.as_ref().and_then(|section| section.options.name_field.as_deref());
        let Some(field) = field else { return };
        let name = backend.running.model.servers[server].name.as_bytes();
        let bytes = self.held.storage();
        // With the empty line.
        let rest = bytes.split_off(self.head_length.saturating_sub(2));
        let is_it =
            |line: &[u8]| line.get(field.len()) == Some(&b':') && line[..field.len()].eq_ignore_ascii_case(field);
        let kept: Vec<u8> =
            bytes.split_inclusive(|byte| *byte == b'\n').filter(|line| !is_it(line)).flatten().copied().collect();
        bytes.clear();
        for part in [&kept, field, b": ", name, b"\r\n"] {
            bytes.extend_from_slice(part);
        }
        self.head_length = bytes.len() + 2;
        bytes.extend_from_slice(&rest);
    }

    /// Takes trailers out of what came of the body, and of what will come.
    fn drop_trailers(&mut self) {
        if self.trailers.is_some() {
            return;
        }
        let mut scanner = ChunkScanner::default();
        let bytes = self.held.storage();
        let arrived = bytes.split_off(self.head_length);
        // It was scanned as it came.
        let _ = scanner.write_without_trailers(&arrived, bytes);
        self.trailers = Some(scanner);
    }

    /// What came of the body so far.
    pub(super) fn arrived(&self) -> &[u8] {
        self.held.all().get(self.head_length..).unwrap_or_default()
    }
}

/// What happens to the client connection next.
enum Next {
    KeepAlive,
    Close,
    /// The client may still be sending.
    Linger,
}

/// What is known about a stream when it ends.
#[derive(Debug, Default)]
struct Record {
    effort: Effort,
    status: u16,
    bytes_in: u64,
    bytes_out: u64,
    bytes_to_server: u64,
    bytes_from_server: u64,
    /// When the response head was complete.
    answered: Option<Instant>,
    server_connections: usize,
    persistence: Persistence,
    /// A rule replaced the response.
    refusal: Option<Failure>,
    /// As the server sent it.
    server_status: u16,
    /// Its line has been written.
    is_logged: bool,
    /// It was dropped without an answer.
    is_untimed: bool,
    /// Nobody knew the request yet when it ended.
    is_unread: bool,
    /// What answered in place of a server.
    service: Option<&'static str>,
}

/// Answers what came. `None` if the connection ends with it.
pub(super) async fn answer(mut session: Box<Session>, received: Received) -> Option<Box<Session>> {
    let frontend = session.frontend();
    let next = match received {
        Received::Closed => Next::Close,
        Received::Refused { status, failure, started } => {
            finish::refuse(&mut session, &frontend, status, failure, started).await
        }
        Received::Request(mut request) => serve(&mut session, &frontend, &mut request).await,
    };
    match next {
        Next::KeepAlive => return Some(session),
        Next::Close => {}
        Next::Linger if frontend.manners.resets => {}
        Next::Linger => Box::pin(session.linger(LINGER)).await,
    }
    None
}

async fn serve(session: &mut Session, frontend: &Rc<LocalFrontend>, request: &mut Request) -> Next {
    session.worker.counters.requests.add(1);
    account::request(session, frontend);
    let mut record = Record::default();
    request.number = session.number(frontend);
    log::connected(session, frontend);
    log_beginning(session, frontend, request);
    let backend = loop {
        let mut decision = rules::decide(session, frontend, request);
        if let Some(hints) = session.take_hints(frontend, request) {
            Box::pin(finish::send(session, &hints)).await;
        }
        if let Decision::Wait(what) = decision {
            match Box::pin(wait::wait(session, frontend, request, what)).await {
                Ok(()) => continue,
                Err(failure) if (failure.by, failure.cause) == (By::Client, Cause::Abort) && !request.is_cut => {
                    request.is_cut = true;
                    continue;
                }
                Err(failure) => decision = rules::give_up(session, frontend, request, failure),
            }
        }
        if let Decision::Form(sent) = decision {
            decision = Box::pin(form::handle(session, frontend, request, *sent)).await;
        }
        if let Decision::Answer(answer) = &mut decision
            && request.is_cut
        {
            answer.withhold();
        }
        match decision {
            Decision::Forward(backend) => break backend,
            decision => return Box::pin(finish::end(session, frontend, request, decision)).await,
        }
    };
    let current = backend.as_ref().map(|backend| Current::enter(session, backend));
    record.is_untimed = backend.is_none();
    let result = forward(session, frontend, backend.as_ref(), request, &mut record).await;
    let failure = result.as_ref().err().copied();
    let mut next = match result {
        Ok(Ended::KeepAlive) => Next::KeepAlive,
        Ok(Ended::Close) if request.body.is_done() && !session.has_unread() => Next::Close,
        Ok(Ended::Close) => Next::Linger,
        Ok(Ended::Tunnel) => Next::Close,
        Err(_) => Next::Close,
    };
    if let Some((prefix, backend)) = failure.and_then(|failure| redirect_of(failure, &record, backend.as_deref())) {
        record.status = 302;
        session.note_end(|session| finish::ending(session, request, &record, failure));
        (record.bytes_out, next) = finish::send_redirect(session, frontend, backend, prefix, request).await;
    }
    if let Some(status) = failure.and_then(Failure::status).filter(|_| record.bytes_out == 0) {
        record.status = status;
        session.note_end(|session| finish::ending(session, request, &record, failure));
        let manner = Manner::of(request, session);
        (record.bytes_out, next) = finish::send_page(session, frontend, backend.as_deref(), status, manner).await;
    }
    if failure.is_some_and(|failure| failure.by != By::Client && failure.at == Phase::Headers) {
        session.count_failure();
    }
    record.bytes_in += request.received_bytes;
    let failure = failure.or(record.refusal);
    finish::write_log(session, frontend, backend.as_deref(), request, &record, failure);
    session.end_stream(record.bytes_in, record.bytes_out);
    drop(current);
    next
}

/// Writes the lines of the steps that a request begins with.
fn log_beginning(session: &mut Session, frontend: &LocalFrontend, request: &Request) {
    let about = |_: &Session| Ending {
        started: Some(request.started),
        number: request.number,
        ..Ending::new(request.began, request.began)
    };
    log::write_step(session, frontend, None, Origin::Accept, about, None);
    let line = request.held.all().get(..request.line_length);
    log::write_step(session, frontend, None, Origin::Request, about, line);
}

/// Writes the line of a connection to a server.
fn log_connect(
    session: &mut Session,
    frontend: &LocalFrontend,
    backend: &LocalBackend,
    request: &Request,
    effort: Effort,
    server_connections: usize,
) {
    let about = |session: &Session| Ending {
        started: Some(request.started),
        received: Some(request.received),
        effort,
        server_connections,
        number: request.number,
        ..Ending::new(request.began, effort.connected.unwrap_or(session.now()))
    };
    let line = request.held.all().get(..request.line_length);
    log::write_step(session, frontend, Some(backend), Origin::Connect, about, line);
}

/// What stands before the path where the client is sent to the server that it was given.
fn redirect_of<'b>(
    failure: Failure,
    record: &Record,
    backend: Option<&'b LocalBackend>,
) -> Option<(&'b str, &'b LocalBackend)> {
    let (backend, server) = backend.zip(record.effort.server)?;
    let is_it = failure.by == By::Local && failure.at == Phase::Connect;
    let prefix = backend.running.model.servers.get(server)?.options.redirect.as_deref();
    prefix.filter(|_| is_it).map(|prefix| (prefix, backend))
}

/// Sends the request until a server has answered it or nobody is left to try.
async fn forward(
    session: &mut Session,
    frontend: &LocalFrontend,
    backend: Option<&Rc<LocalBackend>>,
    request: &mut Request,
    record: &mut Record,
) -> Result<Ended, Failure> {
    let Some(backend) = backend else {
        return Err(Failure::new(By::Server, Cause::Abort, Phase::Connect));
    };
    if request.is_cut {
        record.status = 400;
        return Err(Failure::new(By::Client, Cause::Abort, Phase::Request));
    }
    let options = &backend.running.model.options;
    // What is still to come of a body cannot be sent again.
    let is_kept = options.retry_on.keeps_requests()
        && request.body.is_done()
        && !request.is_upgrade
        && !session.rules.as_ref().is_some_and(|rules| rules.forbids_retry());
    if backend.manners.drops_request_trailers && request.is_chunked {
        request.drop_trailers();
    }
    let gives_up = backend.manners.gives_up || frontend.manners.gives_up;
    let care = if request.method.is_idempotent() { Care::Replayable } else { Care::Once };
    let mut reuse = Some(care);
    record.persistence = Persistence::look(session, frontend, backend, Some(request));
    let mut wanted = choosing::wanted(session, frontend, backend, Some(request), &record.persistence);
    loop {
        let connected = connect(session, frontend, backend, reuse, &mut wanted, &mut record.effort).await;
        if wanted.server.is_none() {
            record.persistence.give_up_server();
        }
        let connected = connected?;
        let (slot, uses, kind) = (connected.slot, connected.uses, connected.kind);
        session.has_used_server = true;
        record.effort.has_redispatched |= wanted.exclude.is_some_and(|failed| failed != slot.index);
        if backend.manners.names_servers {
            request.name_server(backend, slot.index);
        }
        session.note_server(frontend, slot.index, (&connected.stream, uses), &record.effort);
        let server_connections = slot.state().connections.load(Ordering::Relaxed);
        log_connect(session, frontend, backend, request, record.effort, server_connections);
        let mut exchange = Exchange::new(connected.stream, request, uses > 0, frontend, backend);
        exchange.gives_up = gives_up;
        if is_kept && record.effort.retries < session.retries(backend.running.model.retries) {
            exchange.retry_on(&options.retry_on);
        }
        let logged = frontend.running.model.logged;
        let is_wanted = logged.steps.map_or(logged.is_early, |steps| steps.has(Origin::Response));
        let logs_early = frontend.logs && is_wanted;
        exchange.early = logs_early.then_some(Early { effort: record.effort, server_connections });
        exchange.persist(&mut record.persistence, slot.index);
        let result = exchange.run(session).await;
        observe_answer(session, &slot, exchange.server_status, result.as_ref().err());
        record.status = exchange.status;
        record.answered = exchange.answered;
        record.bytes_out = exchange.bytes_out;
        record.bytes_in = exchange.bytes_in;
        record.bytes_to_server = exchange.bytes_to_server();
        record.bytes_from_server = exchange.bytes_from_server();
        record.refusal = exchange.refusal;
        record.server_status = exchange.server_status;
        record.is_logged = logs_early && logged.steps.is_none() && exchange.early.is_none();
        // Without this one, as HAProxy counts when a stream is over.
        record.server_connections = slot.state().connections.load(Ordering::Relaxed).saturating_sub(1);
        match result {
            Err(Failure { retry: Retry::Safe, .. }) if reuse.is_some() => {
                // The pooled connection was closed by the server while the request was on its way: once more, on a
                // new connection.
                drop(exchange);
                request.held.rewind();
                session.worker.counters.replays.add(1);
                reuse = None;
            }
            Err(Failure { retry: Retry::Again, .. }) => {
                drop(exchange);
                request.held.rewind();
                record.effort.retries += 1;
                account::retry(session, &slot);
                let may_change = redispatches(session, backend, &wanted, record.effort.retries);
                wanted.server = if may_change { None } else { Some(slot.index) };
                wanted.exclude = may_change.then_some(slot.index);
                (record.status, record.server_status, reuse) = (0, 0, None);
                // All that was in vain counts as the time to connect.
                record.effort.connected = None;
            }
            Err(failure) => return Err(failure),
            Ok(Ended::Tunnel) => {
                let early = (exchange.to_server.take(), exchange.to_client.take());
                let stream = exchange.into_stream();
                return Box::pin(tunnel(session, frontend, slot, stream, early, record)).await;
            }
            Ok(ended) => {
                let uses = uses + 1;
                let is_used_up = slot.model().options.max_uses.is_some_and(|most| uses >= most);
                let persists = exchange.server_persists && !is_used_up && !session.needs_own_connection(slot.model());
                let idle = persists.then(|| Idle { stream: exchange.into_stream(), uses, kind });
                keep(session, backend, slot, idle);
                return Ok(ended);
            }
        }
    }
}

/// Tells who observes the traffic of the server what became of a request: a status, or a failure that is the server's.
fn observe_answer(session: &Session, slot: &Slot, status: u16, failure: Option<&Failure>) {
    match (status, failure) {
        (0, Some(failure)) if failure.retry != Retry::Safe => {
            observe::note(&session.worker, slot, Seen::Failed(*failure));
        }
        (0, _) => {}
        (status, _) => observe::note(&session.worker, slot, Seen::Answered(status)),
    }
}

/// Keeps the connection of a server for the next request: for those of this session, or for all.
fn keep(session: &mut Session, backend: &Rc<LocalBackend>, slot: Slot, idle: Option<Idle>) {
    let options = &backend.running.model.options;
    let is_own = options.reuse == Reuse::Never;
    if is_own || options.prefers_last {
        session.last = Some(Box::new(LastServer { backend: Rc::clone(backend), server: slot.index, own: idle }));
    } else if let Some(idle) = idle {
        let (options, now) = (&slot.model().options, session.now());
        backend.pools[slot.index].give(session.worker.index, idle, slot.state(), options, now);
    }
}

async fn tunnel(
    session: &mut Session,
    frontend: &LocalFrontend,
    slot: Slot,
    mut server: Socket,
    early: (Option<Chunk>, Option<Chunk>),
    record: &mut Record,
) -> Result<Ended, Failure> {
    let (to_server, to_client) = early;
    session.shared.stage.set(Stage::Tunnel);
    let written = (&frontend.running.model.timeouts, &slot.backend.running.model.timeouts);
    let silence = Silence::of(written, |timeout, written| session.limit(timeout, written));
    let input = session.input.take();
    let mut up = Direction::with(to_server.or(input));
    let mut down = Direction::with(to_client);
    let result = tunnel::run(session, &mut server, &mut up, &mut down, silence).await;
    record.bytes_in += up.bytes;
    record.bytes_out += down.bytes;
    result.map(|()| Ended::Tunnel)
}
