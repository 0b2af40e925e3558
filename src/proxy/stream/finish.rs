//! The end of a stream: error responses, counters, the log line.

use std::future::poll_fn;
use std::task::Poll;

use crate::model::log::Origin;
use crate::time::Instant;

use super::super::account::{self, Finished};
use super::super::failure::{By, Cause, Failure, Phase};
use super::super::local::{LocalBackend, LocalFrontend};
use super::super::log::{self, Ending};
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
    frontend.adjust_names(page.storage());
    if page.is_empty() || !send(session, &page).await {
        return (0, Next::Close);
    }
    (page.len() as u64, if persists { Next::KeepAlive } else { Next::Linger })
}

/// Sends the client to its server itself; how many bytes went out, and what happens next.
pub(super) async fn send_redirect(
    session: &mut Session,
    frontend: &LocalFrontend,
    backend: &LocalBackend,
    prefix: &str,
    request: &Request,
) -> (u64, Next) {
    let mut answer = session.worker.buffers.chunk();
    let manner = Manner::of(request, session);
    let persists = rules::write_redirect(session, frontend, backend, (prefix, request), manner, answer.storage());
    frontend.adjust_names(answer.storage());
    if !send(session, &answer).await {
        return (0, Next::Close);
    }
    (answer.len() as u64, if persists { Next::KeepAlive } else { Next::Linger })
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
        Decision::Answer(mut answer) => {
            frontend.adjust_names(answer.bytes.storage());
            if let Some(time) = answer.delay {
                wait::tarpit(session, time).await;
                // To HAProxy it is a queue that the request waits in before it is looked at.
                (record.is_untimed, record.effort.assigned) = (true, Some(session.now()));
            }
            if send(session, &answer.bytes).await {
                record.bytes_out = answer.bytes.len() as u64;
                next = if answer.persists { Next::KeepAlive } else { Next::Linger };
            }
            (record.status, failure, backend) = (answer.status, answer.failure, answer.backend);
            record.service = answer.service;
        }
        Decision::Drop { hops, is_unread } => {
            (record.is_untimed, record.is_unread) = (true, is_unread);
            session.forget_client(hops);
        }
        Decision::Close { is_unread, backend: of } => {
            (record.is_untimed, record.is_unread, backend) = (true, is_unread, of);
        }
        Decision::Forward(_) | Decision::Wait(_) | Decision::Form(_) => {}
    }
    if record.is_unread {
        session.forget_request();
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
    started: Option<Instant>,
) -> Next {
    session.forget_request();
    session.count_refusal(status);
    session.worker.counters.bad_messages.add(1);
    let mut bytes = 0;
    if let Some(status) = status {
        let mut page = session.worker.buffers.chunk();
        rules::write_refusal(frontend, status, page.storage());
        frontend.adjust_names(page.storage());
        if send(session, &page).await {
            bytes = page.len() as u64;
        }
    }
    account::refused_request(session, frontend, status.unwrap_or(400), bytes);
    let is_empty = started.is_none();
    if frontend.logs && !(is_empty && frontend.running.model.logged.skips_empty) {
        let [first, second] = failure.state();
        let ending = Ending {
            started,
            status: status.unwrap_or(400),
            termination: [first, second, b'-', b'-'],
            origin: Origin::Error,
            ..Ending::new(session.began, session.now())
        };
        log::write_failed(session, frontend, &ending);
    }
    if bytes > 0 { Next::Linger } else { Next::Close }
}

/// Counts a finished request and writes its line.
pub(super) fn write_log(
    session: &mut Session,
    frontend: &LocalFrontend,
    backend: Option<&LocalBackend>,
    request: &Request,
    record: &Record,
    failure: Option<Failure>,
) {
    let finished = Finished {
        backend: backend.map(|backend| &*backend.running),
        effort: &record.effort,
        status: Some(record.status),
        server_status: record.server_status,
        bytes_in: record.bytes_in,
        bytes_out: record.bytes_out,
        failure,
        received: request.received,
        answered: record.answered,
        started: request.started,
    };
    account::finish(session, frontend, &finished);
    if !frontend.logs || record.is_logged {
        return;
    }
    let ending = ending(session, request, record, failure);
    let line = request.held.all().get(..request.line_length).filter(|_| !record.is_unread);
    log::write(session, frontend, backend, &ending, line);
}

/// What is known of a request at its end.
pub(super) fn ending(session: &Session, request: &Request, record: &Record, failure: Option<Failure>) -> Ending {
    let [third, fourth] = record.persistence.state();
    let [first, second] = failure.map_or(*b"--", Failure::state);
    let mut ending = Ending {
        started: Some(request.started),
        // HAProxy has no time of a request that it drops or knows no backend for.
        received: (!record.is_untimed).then_some(request.received),
        effort: record.effort,
        answered: record.answered,
        status: record.status,
        server_status: record.server_status,
        bytes_in: record.bytes_in,
        bytes_out: record.bytes_out,
        bytes_to_server: record.bytes_to_server,
        bytes_from_server: record.bytes_from_server,
        termination: [first, second, third, fourth],
        server_connections: record.server_connections,
        number: request.number,
        service: record.service,
        ..Ending::new(request.began, session.now())
    };
    if record.service.is_some() {
        // It is there, and answers at once.
        (ending.effort.assigned, ending.effort.connected) = (ending.received, ending.received);
        ending.answered = ending.received;
    }
    ending
}
