//! A TCP session: a server, then bytes both ways, then a line in the log.

use std::rc::Rc;
use std::sync::atomic::Ordering;

use crate::model::log::Origin;

use super::account::{self, Finished};
use super::backend::Current;
use super::choosing;
use super::connect::{Effort, connect};
use super::failure::{By, Cause, Failure, Phase};
use super::inspect::{self, Answered, Way};
use super::local::{LocalBackend, LocalFrontend, Stage};
use super::log::{self, Ending};
use super::persistence::Persistence;
use super::session::Session;
use super::tunnel::{self, Direction, Silence};

/// Runs a session of a TCP frontend. `Some` goes on as HTTP.
pub(super) async fn run(mut session: Box<Session>) -> Option<Box<Session>> {
    let frontend = session.frontend();
    let about = |session: &Session| Ending {
        started: Some(session.accepted),
        ..Ending::new(session.accepted, session.accepted)
    };
    log::write_step(&mut session, &frontend, None, Origin::Accept, about, None);
    match Box::pin(inspect::choose(&mut session, &frontend)).await {
        Way::Http => return Some(session),
        Way::Relay(chosen) => relay(&mut session, &frontend, chosen).await,
        Way::Refused(failure) => {
            frontend.counters(&session.worker).sessions.add(1);
            let ending = Ending::new(session.accepted, session.now());
            write_log(&mut session, &frontend, None, Err(failure), ending);
            session.end_stream(0, 0);
            session.discard_input().await;
        }
    }
    None
}

/// What is known about a session.
#[derive(Debug, Default)]
struct Record {
    effort: Effort,
    up: Direction,
    down: Direction,
    /// Connections of the server beside this one.
    server_connections: usize,
    /// Streams of the process before it, if somebody may ask.
    number: u64,
    /// Its line has been written.
    is_logged: bool,
}

impl Record {
    fn ending(&self, session: &Session) -> Ending {
        Ending {
            started: Some(session.accepted),
            received: Some(session.accepted),
            effort: self.effort,
            bytes_in: self.up.bytes,
            bytes_out: self.down.bytes,
            bytes_to_server: self.up.bytes,
            bytes_from_server: self.down.bytes,
            server_connections: self.server_connections,
            number: self.number,
            ..Ending::new(session.accepted, session.now())
        }
    }
}

async fn relay(session: &mut Session, frontend: &LocalFrontend, chosen: Option<Rc<LocalBackend>>) {
    session.shared.stage.set(Stage::Tunnel);
    let mut record = Record { number: session.number(frontend), ..Record::default() };
    log::connected(session, frontend);
    let current = chosen.as_ref().map(|backend| Current::enter(session, backend));
    let result = match &chosen {
        None => Err(Failure::new(By::Server, Cause::Abort, Phase::Connect)),
        Some(backend) => serve(session, frontend, backend, &mut record).await,
    };
    let finished = Finished {
        backend: chosen.as_deref().map(|backend| &*backend.running),
        effort: &record.effort,
        status: None,
        server_status: 0,
        bytes_in: record.up.bytes,
        bytes_out: record.down.bytes,
        failure: result.err(),
        received: session.accepted,
        answered: None,
        started: session.accepted,
    };
    account::finish(session, frontend, &finished);
    if !record.is_logged {
        let ending = record.ending(session);
        write_log(session, frontend, chosen.as_deref(), result, ending);
    }
    session.end_stream(record.up.bytes, record.down.bytes);
    drop(current);
    if record.effort.connected.is_none() {
        session.discard_input().await;
    }
}

/// Connects to a server and carries bytes both ways until both have ended.
async fn serve(
    session: &mut Session,
    frontend: &LocalFrontend,
    backend: &Rc<LocalBackend>,
    record: &mut Record,
) -> Result<(), Failure> {
    let persistence = Persistence::look(session, frontend, backend, None);
    let mut wanted = choosing::wanted(session, frontend, backend, None, &persistence);
    let mut connected = connect(session, frontend, backend, None, &mut wanted, &mut record.effort).await?;
    record.server_connections = connected.slot.state().connections.load(Ordering::Relaxed);
    let about =
        |session: &Session| Ending { now: record.effort.connected.unwrap_or(session.now()), ..record.ending(session) };
    log::write_step(session, frontend, Some(backend), Origin::Connect, about, None);
    let logged = frontend.running.model.logged;
    if frontend.logs && logged.is_early && logged.steps.is_none() {
        let ending = Ending { is_early: true, origin: Origin::Connect, ..record.ending(session) };
        log::write(session, frontend, Some(backend), &ending, None);
        record.is_logged = true;
    }
    session.note_server(frontend, connected.slot.index, (&connected.stream, connected.uses), &record.effort);
    session.note_end(|session| record.ending(session));
    record.up = Direction::with(session.input.take());
    let server = &mut connected.stream;
    let answered = Box::pin(inspect::responses(session, frontend, backend, server, &mut record.up)).await;
    let result = match answered {
        Answered::Passes(received) => {
            let first = received.as_deref().unwrap_or_default();
            session.remember_server(backend, connected.slot.index, first, frontend);
            record.down = Direction::with(received);
            let silence = Silence::of(frontend, backend, |timeout, written| session.limit(timeout, written));
            tunnel::run(session, server, &mut record.up, &mut record.down, silence).await
        }
        Answered::Closed(received) => tunnel::give(session, received, &mut record.down).await,
        Answered::Refused(failure) => Err(failure),
    };
    record.server_connections = connected.slot.state().connections.load(Ordering::Relaxed).saturating_sub(1);
    if result.is_err_and(|failure| failure.cause == Cause::Abort) {
        // A broken session is passed on as broken, not as an orderly end.
        session.client.reset_on_close();
        connected.stream.reset_on_close();
    }
    result
}

fn write_log(
    session: &mut Session,
    frontend: &LocalFrontend,
    backend: Option<&LocalBackend>,
    result: Result<(), Failure>,
    ending: Ending,
) {
    let is_empty = ending.bytes_in + ending.bytes_out == 0;
    if !frontend.logs || is_empty && frontend.running.model.logged.skips_empty {
        return;
    }
    let [first, second] = result.err().map_or(*b"--", Failure::state);
    log::write(session, frontend, backend, &Ending { termination: [first, second, b'-', b'-'], ..ending }, None);
}
