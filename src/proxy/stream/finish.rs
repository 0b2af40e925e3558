//! The end of a stream: error responses, counters, the log line.

use std::future::poll_fn;
use std::sync::atomic::Ordering;
use std::task::Poll;

use crate::time::Instant;

use super::super::account::{self, Finished};
use super::super::connect::Effort;
use super::super::failure::{By, Cause, Failure, Phase};
use super::super::local::{LocalBackend, LocalFrontend};
use super::super::log::{self, Concurrency, Line};
use super::super::rules::{self, Decision, Manner};
use super::super::session::Session;
use super::{Next, Record, Request, wait};

/// Sends bytes of our own, as far as the client takes them within its timeout.
pub(super) async fn send(session: &mut Session, bytes: &[u8]) -> bool {
    session.set_deadline(session.now() + session.frontend().running.model.timeouts.client);
    let mut left = bytes;
    poll_fn(|context| {
        while !left.is_empty() {
            match session.client.poll_write(context, left) {
                Poll::Ready(Ok(count)) if count > 0 => left = &left[count..],
                Poll::Ready(_) => return Poll::Ready(false),
                Poll::Pending if session.interrupt(context, session.now()).is_some() => return Poll::Ready(false),
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(true)
    })
    .await
}

/// Sends the page of a status in place of a server's response; how many bytes went out, and what happens next.
pub(super) async fn send_page(
    session: &mut Session,
    frontend: &LocalFrontend,
    backend: Option<&LocalBackend>,
    status: u16,
    manner: Manner,
) -> (u64, Next) {
    let mut page = session.worker.buffers.chunk();
    let persists = rules::write_page(session, frontend, backend, status, manner, page.storage());
    if page.is_empty() || !send(session, &page).await {
        return (0, Next::Close);
    }
    (page.len() as u64, if persists { Next::KeepAlive } else { Next::Linger })
}

/// Ends a request that goes to no server, as its rules say.
pub(super) async fn end(
    session: &mut Session,
    frontend: &LocalFrontend,
    request: &Request,
    decision: Decision,
) -> Next {
    let mut record = Record { bytes_in: request.received_bytes, ..Record::default() };
    let mut failure = Failure::new(By::Proxy, Cause::Abort, Phase::Request);
    let (mut backend, mut next) = (None, Next::Close);
    match decision {
        Decision::Answer(answer) => {
            if let Some(time) = answer.delay {
                wait::tarpit(session, time).await;
            }
            if send(session, &answer.bytes).await {
                record.bytes_out = answer.bytes.len() as u64;
                next = if answer.persists { Next::KeepAlive } else { Next::Linger };
            }
            (record.status, failure, backend) = (answer.status, answer.failure, answer.backend);
        }
        Decision::Drop { hops } => session.forget_client(hops),
        Decision::Close | Decision::Forward(_) | Decision::Wait(_) | Decision::Form(_) => {}
    }
    write_log(session, frontend, backend.as_deref(), request, &record, Some(failure));
    session.end_stream(record.bytes_in, record.bytes_out);
    next
}

/// Answers what is not a request, and logs it as `<BADREQ>`.
pub(super) async fn refuse(
    session: &mut Session,
    frontend: &LocalFrontend,
    status: Option<u16>,
    failure: Failure,
    started: Instant,
) -> Next {
    session.forget_request();
    session.count_refusal(status);
    session.worker.counters.bad_messages.add(1);
    let mut bytes = 0;
    if let Some(status) = status {
        let mut page = session.worker.buffers.chunk();
        rules::write_refusal(frontend, status, page.storage());
        if send(session, &page).await {
            bytes = page.len() as u64;
        }
    }
    account::refused_request(session, frontend, status.unwrap_or(400), bytes);
    if frontend.logs {
        let line = Line {
            client: session.source(),
            started: session.worker.wall(started),
            frontend: &frontend.running.model.name,
            backend: None,
            server: None,
            timers: [-1; 4],
            total: session.now().since(started).as_millis() as i64,
            bytes,
            termination: failure.state(),
            concurrency: Concurrency {
                process: session.worker.process.current(),
                frontend: session.listener.sessions.current(),
                ..Concurrency::default()
            },
            effort: Effort::default(),
        };
        let mut out = session.worker.buffers.out.borrow_mut();
        out.clear();
        log::http(&mut out, &line, status.unwrap_or(400), None);
        log::push(session, frontend, &out);
    }
    if bytes > 0 { Next::Linger } else { Next::Close }
}

/// Counts a finished request and writes its line.
pub(super) fn write_log(
    session: &Session,
    frontend: &LocalFrontend,
    backend: Option<&LocalBackend>,
    request: &Request,
    record: &Record,
    failure: Option<Failure>,
) {
    let worker = &session.worker;
    let backend = backend.map(|backend| &backend.running);
    let finished = Finished {
        backend: backend.map(|backend| &**backend),
        effort: &record.effort,
        status: Some(record.status),
        bytes_in: record.bytes_in,
        bytes_out: record.bytes_out,
        failure,
        received: request.received,
        answered: record.answered,
        started: request.started,
    };
    account::finish(session, frontend, &finished);
    if !frontend.logs || session.is_silenced(frontend) {
        return;
    }
    let since = |at: Option<Instant>, from: Option<Instant>| match (at, from) {
        (Some(at), Some(from)) => at.since(from).as_millis() as i64,
        _ => -1,
    };
    let effort = &record.effort;
    let line = Line {
        client: session.source(),
        started: worker.wall(request.started),
        frontend: &frontend.running.model.name,
        backend: backend.map(|backend| backend.model.name.as_str()),
        server: backend.zip(effort.server).map(|(backend, server)| backend.model.servers[server].name.as_str()),
        timers: [
            request.received.since(request.started).as_millis() as i64,
            since(effort.assigned, Some(request.received)),
            since(effort.connected, effort.assigned),
            since(record.answered, effort.connected),
        ],
        total: session.now().since(request.started).as_millis() as i64,
        bytes: record.bytes_out,
        termination: failure.map_or(*b"--", Failure::state),
        concurrency: Concurrency {
            process: worker.process.current(),
            frontend: session.listener.sessions.current(),
            backend: backend.map_or(0, |backend| backend.current.load(Ordering::Relaxed)),
            server: record.server_connections,
        },
        effort: *effort,
    };
    let mut out = worker.buffers.out.borrow_mut();
    out.clear();
    let line_of_request = session.received_line(frontend).or_else(|| request.held.all().get(..request.line_length));
    log::http(&mut out, &line, record.status, line_of_request);
    log::push(session, frontend, &out);
}
