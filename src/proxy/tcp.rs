//! A TCP session: a server, then bytes both ways, then a line in the log.

use std::sync::atomic::Ordering;

use super::account::{self, Finished};
use std::rc::Rc;

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
    match Box::pin(inspect::choose(&mut session, &frontend)).await {
        Way::Http => return Some(session),
        Way::Relay(chosen) => relay(&mut session, &frontend, chosen).await,
        Way::Refused(failure) => {
            frontend.counters(&session.worker).sessions.add(1);
            let ending = Ending::new(session.accepted, session.now());
            write_log(&mut session, &frontend, None, Err(failure), ending);
            session.end_stream(0, 0);
        }
    }
    None
}

async fn relay(session: &mut Session, frontend: &LocalFrontend, chosen: Option<Rc<LocalBackend>>) {
    session.shared.stage.set(Stage::Tunnel);
    let number = session.number(frontend);
    log::connected(session, frontend);
    let mut effort = Effort::default();
    let mut is_logged = false;
    let (mut up, mut down) = (Direction::default(), Direction::default());
    let mut server_connections = 0;
    let current = chosen.as_ref().map(|backend| Current::enter(session, backend));
    let wanted = chosen.as_ref().map(|backend| {
        let persistence = Persistence::look(session, frontend, backend, None);
        choosing::wanted(session, frontend, backend, None, &persistence)
    });
    let mut wanted = wanted.unwrap_or_default();
    let result = match &chosen {
        None => Err(Failure::new(By::Server, Cause::Abort, Phase::Connect)),
        Some(backend) => match connect(session, frontend, backend, None, &mut wanted, &mut effort).await {
            Err(failure) => Err(failure),
            Ok(mut connected) => {
                let (client, server) = (frontend.running.model.timeouts, backend.running.model.timeouts);
                let silence = Silence {
                    client: client.tunnel.unwrap_or(client.client),
                    server: client.tunnel.unwrap_or(server.server),
                };
                if frontend.logs && frontend.running.model.logged.is_early {
                    let ending = Ending {
                        started: Some(session.accepted),
                        received: Some(session.accepted),
                        effort,
                        server_connections: connected.slot.state().connections.load(Ordering::Relaxed),
                        number,
                        is_early: true,
                        ..Ending::new(session.accepted, session.now())
                    };
                    log::write(session, frontend, Some(backend), &ending, None);
                    is_logged = true;
                }
                up = Direction::with(session.input.take());
                let server = &mut connected.stream;
                let answered = Box::pin(inspect::responses(session, frontend, backend, server, &mut up)).await;
                let result = match answered {
                    Answered::Passes(received) => {
                        let first = received.as_deref().unwrap_or_default();
                        session.remember_server(backend, connected.slot.index, first, frontend);
                        down = Direction::with(received);
                        tunnel::run(session, server, &mut up, &mut down, silence).await
                    }
                    Answered::Closed(received) => tunnel::give(session, received, &mut down).await,
                    Answered::Refused(failure) => Err(failure),
                };
                server_connections = connected.slot.state().connections.load(Ordering::Relaxed).saturating_sub(1);
                if result.is_err_and(|failure| failure.cause == Cause::Abort) {
                    // A broken session is passed on as broken, not as an orderly end.
                    session.client.reset_on_close();
                    connected.stream.reset_on_close();
                }
                result
            }
        },
    };
    let finished = Finished {
        backend: chosen.as_deref().map(|backend| &*backend.running),
        effort: &effort,
        status: None,
        server_status: 0,
        bytes_in: up.bytes,
        bytes_out: down.bytes,
        failure: result.err(),
        received: session.accepted,
        answered: None,
        started: session.accepted,
    };
    account::finish(session, frontend, &finished);
    let ending = Ending {
        started: Some(session.accepted),
        received: Some(session.accepted),
        effort,
        bytes_in: up.bytes,
        bytes_out: down.bytes,
        server_connections,
        number,
        ..Ending::new(session.accepted, session.now())
    };
    if !is_logged {
        write_log(session, frontend, chosen.as_deref(), result, ending);
    }
    session.end_stream(up.bytes, down.bytes);
    drop(current);
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
