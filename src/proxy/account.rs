//! What sessions, requests and connection attempts add to the counters.
//!
//! Every number of `show stat` that traffic moves is moved here, on the shard of the worker: a handful of loads and stores
//! for each request. Where HAProxy counts the same thing on several sides (frontend, backend, server), so does this.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::generation;
use crate::rule::Verdict;
use crate::state::counters::{Rated, Timed, Traffic};
use crate::time::Instant;

use super::backend::Slot;
use super::connect::Effort;
use super::failure::{By, Failure, Phase};
use super::local::{LocalBackend, LocalFrontend};
use super::session::Session;

/// What the address that a client came in by counts, if it is counted apart.
fn socket(session: &Session) -> Option<&Traffic> {
    session.counted.as_ref().map(|socket| socket.counters.of(session.worker.index))
}

/// What counts the client's side: its frontend, and its listening address if that is counted apart.
pub(super) fn front<'a>(session: &'a Session, frontend: &'a LocalFrontend) -> impl Iterator<Item = &'a Traffic> {
    [Some(frontend.counters(&session.worker)), socket(session)].into_iter().flatten()
}

/// A client connection was accepted.
pub(super) fn connection(session: &Session) {
    if let Some(socket) = &session.counted {
        socket.enter();
        socket.counters.of(session.worker.index).connections.add(1);
    }
    for sessions in [&session.worker.process, &session.listener.sessions] {
        let (worker, counters) = (session.worker.index, &sessions.counters);
        counters.of(worker).connections.add(1);
        counters.count_rate(worker, Rated::Connections, 1, session.accepted);
        counters.note_sessions(sessions.current());
    }
}

/// The rules for connections let it pass.
pub(super) fn session(session: &Session) {
    if let Some(socket) = socket(session) {
        socket.sessions.add(1);
    }
    for sessions in [&session.worker.process, &session.listener.sessions] {
        let (worker, counters) = (session.worker.index, &sessions.counters);
        counters.of(worker).sessions.add(1);
        counters.count_rate(worker, Rated::Sessions, 1, session.accepted);
    }
}

/// A request came, good or bad.
pub(super) fn request(session: &Session, frontend: &LocalFrontend) {
    let worker = session.worker.index;
    session.worker.process.counters.of(worker).requests.add(1);
    frontend.running.counters.of(worker).requests.add(1);
    frontend.running.counters.count_rate(worker, Rated::Requests, 1, session.now());
}

/// What came was no request.
pub(super) fn refused_request(session: &Session, frontend: &LocalFrontend, status: u16, bytes_out: u64) {
    request(session, frontend);
    frontend.counters(&session.worker).count_response(status);
    for counters in front(session, frontend) {
        counters.request_errors.add(1);
        counters.bytes_out.add(bytes_out);
    }
    sent(session, bytes_out);
}

/// The rules of the frontend, or of that backend, end a request.
pub(super) fn verdict(session: &Session, frontend: &LocalFrontend, backend: Option<&LocalBackend>, verdict: &Verdict) {
    let backend_counters = || backend.map(|backend| backend.running.counters.of(session.worker.index));
    match verdict {
        Verdict::Redirect(_) | Verdict::Return(_) | Verdict::Auth(_) if backend.is_none() => {
            frontend.counters(&session.worker).intercepted.add(1);
        }
        Verdict::Failed { .. } => fail_rewrite(front(session, frontend).chain(backend_counters())),
        Verdict::Deny(_) | Verdict::Tarpit(_) | Verdict::Reject | Verdict::Close | Verdict::SilentDrop { .. } => {
            front(session, frontend).chain(backend_counters()).for_each(|side| side.denied_requests.add(1));
        }
        _ => {}
    }
}

/// Rules replace a response.
pub(super) fn response_verdict(session: &Session, frontend: &LocalFrontend, backend: &LocalBackend, verdict: &Verdict) {
    match verdict {
        Verdict::Failed { .. } => {
            fail_rewrite(front(session, frontend).chain([backend.running.counters.of(session.worker.index)]));
        }
        Verdict::Deny(_) => deny_response(session, frontend, backend),
        _ => {}
    }
}

/// A response is not passed on.
pub(super) fn deny_response(session: &Session, frontend: &LocalFrontend, backend: &LocalBackend) {
    let worker = session.worker.index;
    for side in front(session, frontend).chain([backend.running.counters.of(worker)]) {
        side.denied_responses.add(1);
    }
    if let Some((server, _)) = &*session.shared.server.borrow() {
        server.counters.of(worker).denied_responses.add(1);
    }
}

/// A rule could not do what it says: the message is answered with an error of ours.
fn fail_rewrite<'a>(sides: impl Iterator<Item = &'a Traffic>) {
    for side in sides {
        side.failed_rewrites.add(1);
        side.internal_errors.add(1);
    }
}

/// A request or a TCP session has its backend.
pub(super) fn enter_backend(session: &Session, backend: &LocalBackend, streams: usize) {
    let (worker, counters) = (session.worker.index, &backend.running.counters);
    counters.of(worker).sessions.add(1);
    counters.of(worker).note_session(session.now());
    counters.count_rate(worker, Rated::Sessions, 1, session.now());
    counters.note_sessions(streams);
}

/// How a server came to be the one of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Placed {
    /// The algorithm chose it.
    Balanced,
    /// A cookie, a rule or a stick table did.
    Wanted,
    /// Its slot was the first to be free.
    AfterWaiting,
}

/// It has a slot of a server.
pub(super) fn take_slot(session: &Session, slot: &Slot, placed: Placed) {
    let (worker, server) = (session.worker.index, slot.state());
    server.counters.note_sessions(server.connections.load(Ordering::Relaxed));
    server.note_connections();
    if placed == Placed::Balanced {
        slot.backend.running.counters.of(worker).balanced.add(1);
        server.counters.of(worker).balanced.add(1);
    }
}

/// How a server is going to be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Connection {
    New,
    Reused,
}

/// A connection to a server is attempted, or one that is open is used again.
pub(super) fn attempt(session: &Session, slot: &Slot, connection: Connection) {
    let (worker, server) = (session.worker.index, &slot.state().counters);
    for counters in [slot.backend.running.counters.of(worker), server.of(worker)] {
        match connection {
            Connection::New => counters.connects.add(1),
            Connection::Reused => counters.reuses.add(1),
        }
    }
    server.of(worker).sessions.add(1);
    server.of(worker).note_session(session.now());
    server.count_rate(worker, Rated::Sessions, 1, session.now());
}

/// Another attempt at the same server.
pub(super) fn retry(session: &Session, slot: &Slot) {
    let worker = session.worker.index;
    slot.backend.running.counters.of(worker).retries.add(1);
    slot.state().counters.of(worker).retries.add(1);
}

/// An attempt goes to another server than this one.
pub(super) fn redispatch(session: &Session, backend: &LocalBackend, from: usize) {
    let worker = session.worker.index;
    backend.running.counters.of(worker).redispatches.add(1);
    if let Some(server) = backend.running.state.servers.get(from) {
        server.counters.of(worker).redispatches.add(1);
    }
}

/// Bytes went to a client.
fn sent(session: &Session, bytes: u64) {
    let (worker, counters) = (session.worker.index, &session.worker.process.counters);
    counters.of(worker).bytes_out.add(bytes);
    counters.count_rate(worker, Rated::BytesOut, bytes, session.now());
}

/// A request with its response, or a TCP session, when it is over.
pub(super) struct Finished<'a> {
    pub(super) backend: Option<&'a generation::Backend>,
    pub(super) effort: &'a Effort,
    /// `None` in tcp mode.
    pub(super) status: Option<u16>,
    /// What the server answered; 0 if it did not.
    pub(super) server_status: u16,
    pub(super) bytes_in: u64,
    pub(super) bytes_out: u64,
    pub(super) failure: Option<Failure>,
    /// When it was there to be sent to a server.
    pub(super) received: Instant,
    /// When the head of the response was there.
    pub(super) answered: Option<Instant>,
    /// First byte.
    pub(super) started: Instant,
}

/// Counts it.
pub(super) fn finish(session: &Session, frontend: &LocalFrontend, finished: &Finished<'_>) {
    let worker = session.worker.index;
    let Finished { backend, effort, status, .. } = *finished;
    let server = backend.zip(effort.server).and_then(|(backend, server)| backend.state.servers.get(server));
    let backend = backend.map(|backend| backend.counters.of(worker));
    let server = server.map(|server| server.counters.of(worker));
    let beyond = [socket(session), backend, server].into_iter().flatten();
    for counters in std::iter::once(frontend.counters(&session.worker)).chain(beyond) {
        counters.bytes_in.add(finished.bytes_in);
        counters.bytes_out.add(finished.bytes_out);
    }
    sent(session, finished.bytes_out);
    if let Some(status) = status {
        frontend.counters(&session.worker).count_response(status);
        if let Some(backend) = backend {
            backend.requests.add(1);
            backend.count_response(status);
        }
        // A server's are those that it gave, whatever became of them.
        if let Some(server) = server.filter(|_| finished.server_status > 0) {
            server.requests.add(1);
            server.count_response(finished.server_status);
        }
    }
    if let Some(failure) = finished.failure {
        count_failure(failure, finished.answered.is_some(), frontend.counters(&session.worker), backend, server);
    }
    let Some((assigned, connected)) = effort.assigned.zip(effort.connected) else { return };
    for counters in [backend, server].into_iter().flatten() {
        counters.note_time(Timed::Queue, assigned.since(finished.received));
        counters.note_time(Timed::Connect, connected.since(assigned));
        counters.note_time(Timed::Response, finished.answered.map_or(Duration::ZERO, |at| at.since(connected)));
        counters.note_time(Timed::Total, session.now().since(finished.started));
    }
}

fn count_failure(
    failure: Failure,
    is_answered: bool,
    frontend: &Traffic,
    backend: Option<&Traffic>,
    server: Option<&Traffic>,
) {
    let sides = || [Some(frontend), backend, server].into_iter().flatten();
    let beyond = || [backend, server].into_iter().flatten();
    match (failure.by, failure.at) {
        (By::Client, Phase::Headers | Phase::Data) => sides().for_each(|side| side.client_aborts.add(1)),
        (By::Client, Phase::Queue | Phase::Connect) => {
            [Some(frontend), backend].into_iter().flatten().for_each(|side| side.client_aborts.add(1));
        }
        (By::Server, Phase::Queue | Phase::Connect) | (By::Internal, _) => {
            beyond().for_each(|side| side.connect_errors.add(1))
        }
        (By::Server, Phase::Headers) => beyond().for_each(|side| side.response_errors.add(1)),
        (By::Server, Phase::Data) => sides().for_each(|side| side.server_aborts.add(1)),
        // A response that is none; what a rule refused was counted when it did.
        (By::Proxy, Phase::Headers) if !is_answered => beyond().for_each(|side| side.response_errors.add(1)),
        _ => {}
    }
}
