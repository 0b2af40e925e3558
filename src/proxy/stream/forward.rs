//! A request on its way to a server: until one has answered it, or nobody is left to try.

use std::rc::Rc;
use std::sync::atomic::Ordering;

use super::super::account;
use super::super::backend::Slot;
use super::super::buffers::Chunk;
use super::super::choosing::{self, Wanted};
use super::super::connect::{Connected, Effort, connect, redispatches};
use super::super::failure::{By, Cause, Failure, Phase, Retry};
use super::super::local::{LocalBackend, LocalFrontend, Stage};
use super::super::log::{self, Ending};
use super::super::observe::{self, Seen};
use super::super::persistence::Persistence;
use super::super::pool::{Care, Idle};
use super::super::session::{LastServer, Session};
use super::super::socket::Socket;
use super::super::tunnel::{self, Direction, Silence};
use crate::model::log::Origin;
use crate::model::options::Reuse;

use super::exchange::{Early, Ended, Exchange};
use super::{Record, Request};

/// Sends the request until a server has answered it or nobody is left to try.
pub(super) async fn forward(
    session: &mut Session,
    frontend: &Rc<LocalFrontend>,
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
    if backend.manners.drops_request_trailers && request.is_chunked {
        request.drop_trailers();
    }
    if backend.manners.adjusts_names_for_servers {
        let head = request.held.storage().get_mut(..request.head_length).unwrap_or_default();
        frontend.others.rules.globals.name_cases.write_over(head);
    }
    let mut persistence = Persistence::look(session, frontend, backend, Some(request));
    let result = ask_servers(session, frontend, backend, request, &mut persistence, record).await;
    record.persistence = persistence;
    result
}

async fn ask_servers(
    session: &mut Session,
    frontend: &Rc<LocalFrontend>,
    backend: &Rc<LocalBackend>,
    request: &mut Request,
    persistence: &mut Persistence,
    record: &mut Record,
) -> Result<Ended, Failure> {
    let is_kept = is_kept(session, backend, request);
    let mut reuse = Some(if request.method.is_idempotent() { Care::Replayable } else { Care::Once });
    let mut wanted = choosing::wanted(session, frontend, backend, Some(request), persistence);
    loop {
        let connected = connect(session, frontend, backend, reuse, &mut wanted, &mut record.effort).await;
        if wanted.server.is_none() {
            persistence.give_up_server();
        }
        let Connected { stream, slot, uses, kind } = connected?;
        record.effort.has_redispatched |= wanted.exclude.is_some_and(|failed| failed != slot.index);
        let connections = note_connection(session, frontend, (&slot, uses, &stream), request, record.effort);
        let mut exchange = Exchange::new(stream, request, uses > 0, frontend, backend);
        if is_kept && record.effort.retries < session.retries(backend.running.model.retries) {
            exchange.retry_on(&backend.running.model.options.retry_on);
        }
        let logs_early = logs_early(frontend);
        exchange.early = logs_early.then_some(Early { effort: record.effort, server_connections: connections });
        exchange.persist(persistence, slot.index);
        let result = exchange.run(session).await;
        observe_answer(session, &slot, exchange.server_status, result.as_ref().err());
        record.note(&exchange, &slot);
        record.is_logged = logs_early && frontend.running.model.logged.steps.is_none() && exchange.early.is_none();
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
                reuse = None;
                prepare_retry(session, backend, &slot, &mut wanted, record);
            }
            Err(failure) => return Err(failure),
            Ok(Ended::Tunnel) => {
                let early = (exchange.to_server.take(), exchange.to_client.take());
                let stream = exchange.server;
                return Box::pin(tunnel(session, frontend, slot, stream, early, record)).await;
            }
            Ok(ended) => {
                let uses = uses + 1;
                let is_used_up = slot.model().options.max_uses.is_some_and(|most| uses >= most);
                let persists = exchange.server_persists && !is_used_up && !session.needs_own_connection(slot.model());
                let idle = if persists { Some(Idle { stream: exchange.server, uses, kind }) } else { None };
                keep(session, backend, slot, idle);
                return Ok(ended);
            }
        }
    }
}

/// Whether the request can be sent again after an answer that `retry-on` names. What is still to come of a body cannot.
fn is_kept(session: &Session, backend: &LocalBackend, request: &Request) -> bool {
    backend.running.model.options.retry_on.keeps_requests()
        && request.body.is_done()
        && !request.is_upgrade
        && !session.rules.as_ref().is_some_and(|rules| rules.forbids_retry())
}

/// Whether a line is written as soon as the response's head is there.
fn logs_early(frontend: &LocalFrontend) -> bool {
    let logged = frontend.running.model.logged;
    frontend.logs && logged.steps.map_or(logged.is_early, |steps| steps.has(Origin::Response))
}

/// Tells the session, the request and the log of the server that it has a connection to, by way of which there are so
/// many now.
fn note_connection(
    session: &mut Session,
    frontend: &LocalFrontend,
    (slot, uses, stream): (&Slot, u32, &Socket),
    request: &mut Request,
    effort: Effort,
) -> usize {
    session.has_used_server = true;
    if slot.backend.manners.names_servers {
        request.name_server(&slot.backend, slot.index);
    }
    session.note_server(frontend, slot.index, (stream, uses), &effort);
    let connections = slot.state().connections.load(Ordering::Relaxed);
    log_connect(session, frontend, &slot.backend, request, effort, connections);
    connections
}

/// The next attempt, after an answer that `retry-on` names: on this server, or on another one.
fn prepare_retry(session: &Session, backend: &LocalBackend, slot: &Slot, wanted: &mut Wanted, record: &mut Record) {
    record.effort.retries += 1;
    account::retry(session, slot);
    let may_change = redispatches(session, backend, wanted, record.effort.retries);
    wanted.server = if may_change { None } else { Some(slot.index) };
    wanted.exclude = may_change.then_some(slot.index);
    (record.status, record.server_status) = (0, 0);
    // All that was in vain counts as the time to connect.
    record.effort.connected = None;
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
    let silence = Silence::of(frontend, &slot.backend, |timeout, written| session.limit(timeout, written));
    let input = session.input.take();
    let mut up = Direction::with(to_server.or(input));
    let mut down = Direction::with(to_client);
    let result = tunnel::run(session, &mut server, &mut up, &mut down, silence).await;
    record.bytes_in += up.bytes;
    record.bytes_out += down.bytes;
    result.map(|()| Ended::Tunnel)
}
