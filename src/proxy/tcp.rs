//! A TCP session: a server, then bytes both ways, then a line in the log.

use super::account::{self, Finished};
use std::rc::Rc;

use super::backend::Current;
use super::connect::{Effort, connect};
use super::failure::{By, Cause, Failure, Phase};
use super::inspect::{self, Answered, Way};
use super::local::{LocalBackend, LocalFrontend, Stage};
use super::log::{self, Concurrency, Line};
use super::session::Session;
use super::tunnel::{self, Direction, Silence};

/// Runs a session of a TCP frontend. `Some` goes on as HTTP.
pub(super) async fn run(mut session: Session) -> Option<Session> {
    let frontend = session.frontend();
    match Box::pin(inspect::choose(&mut session, &frontend)).await {
        Way::Http => return Some(session),
        Way::Relay(chosen) => relay(&mut session, &frontend, chosen).await,
        Way::Refused(failure) => {
            frontend.counters(&session.worker).sessions.add(1);
            write_log(&session, &frontend, None, Err(failure), &Effort::default(), 0, 0);
            session.end_stream(0, 0);
        }
    }
    None
}

async fn relay(session: &mut Session, frontend: &LocalFrontend, chosen: Option<Rc<LocalBackend>>) {
    session.shared.stage.set(Stage::Tunnel);
    let mut effort = Effort::default();
    let (mut up, mut down) = (Direction::default(), Direction::default());
    let mut server_connections = 0;
    let current = chosen.as_ref().map(|backend| Current::enter(session, backend));
    let result = match &chosen {
        None => Err(Failure::new(By::Server, Cause::Abort, Phase::Connect)),
        Some(backend) => match connect(session, backend, None, &mut effort).await {
            Err(failure) => Err(failure),
            Ok(mut connected) => {
                let (client, server) = (frontend.running.model.timeouts, backend.running.model.timeouts);
                let silence = Silence {
                    client: client.tunnel.unwrap_or(client.client),
                    server: client.tunnel.unwrap_or(server.server),
                };
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
                server_connections = connected.slot.state().connections.load(std::sync::atomic::Ordering::Relaxed);
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
        bytes_in: up.bytes,
        bytes_out: down.bytes,
        failure: result.err(),
        received: session.accepted,
        answered: None,
        started: session.accepted,
    };
    account::finish(session, frontend, &finished);
    write_log(session, frontend, chosen.as_deref(), result, &effort, down.bytes, server_connections);
    session.end_stream(up.bytes, down.bytes);
    drop(current);
}

fn write_log(
    session: &Session,
    frontend: &LocalFrontend,
    backend: Option<&LocalBackend>,
    result: Result<(), Failure>,
    effort: &Effort,
    bytes: u64,
    server_connections: usize,
) {
    if !frontend.logs || session.is_silenced(frontend) {
        return;
    }
    let worker = &session.worker;
    let since = |at: Option<crate::time::Instant>, from: Option<crate::time::Instant>| match (at, from) {
        (Some(at), Some(from)) => at.since(from).as_millis() as i64,
        _ => -1,
    };
    let backend = backend.map(|backend| &backend.running);
    let line = Line {
        client: session.source(),
        started: worker.wall(session.accepted),
        frontend: &frontend.running.model.name,
        backend: backend.map(|backend| backend.model.name.as_str()),
        server: backend.zip(effort.server).map(|(backend, server)| backend.model.servers[server].name.as_str()),
        timers: [since(effort.assigned, Some(session.accepted)), since(effort.connected, effort.assigned), -1, -1],
        total: session.now().since(session.accepted).as_millis() as i64,
        bytes,
        termination: result.err().map_or(*b"--", Failure::state),
        concurrency: Concurrency {
            process: worker.process.current(),
            frontend: session.listener.sessions.current(),
            backend: backend.map_or(0, |backend| backend.current.load(std::sync::atomic::Ordering::Relaxed)),
            server: server_connections,
        },
        effort: *effort,
    };
    let mut out = worker.buffers.out.borrow_mut();
    out.clear();
    log::tcp(&mut out, &line);
    log::push(session, frontend, &out);
}
