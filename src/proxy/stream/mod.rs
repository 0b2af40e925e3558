//! An HTTP connection: requests one after the other. Reads top to bottom as the phases of a request.
//!
//! ```text
//! receive -> assign (choose, queue) -> connect -> exchange (request body | response) -> finish (log, pool, next)
//! ```

mod receive;
mod wait;
mod forward;
mod exchange;
mod finish;

use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::http::{Body, ChunkScanner, Method, Version};
use crate::model::log::Origin;
use crate::time::Instant;

use super::account;
use super::backend::{Current, Slot};
use super::buffers::Chunk;
use super::connect::Effort;
use super::failure::{By, Cause, Failure, Phase};
use super::form;
use super::local::{LocalBackend, LocalFrontend};
use super::log::{self, Ending};
use super::persistence::Persistence;
use super::rules::{self, Decision, Manner};
use super::session::Session;

use exchange::{Ended, Exchange};
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

impl Record {
    /// Takes what the exchange found, whatever came of it.
    fn note(&mut self, exchange: &Exchange<'_>, slot: &Slot) {
        self.status = exchange.status;
        self.answered = exchange.answered;
        self.bytes_out = exchange.bytes_out;
        self.bytes_in = exchange.bytes_in;
        self.bytes_to_server = exchange.bytes_to_server();
        self.bytes_from_server = exchange.bytes_from_server();
        self.refusal = exchange.refusal;
        self.server_status = exchange.server_status;
        // Without this one, as HAProxy counts when a stream is over.
        self.server_connections = slot.state().connections.load(Ordering::Relaxed).saturating_sub(1);
    }
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
    let result = forward::forward(session, frontend, backend.as_ref(), request, &mut record).await;
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
