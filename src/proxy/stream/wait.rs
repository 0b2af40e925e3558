//! What a request waits for because a rule says so: its body, a time, the end of the tarpit.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use crate::http::data_length;
use crate::proxy::asking;
use crate::proxy::buffers::SMALL_READ;
use crate::proxy::failure::{By, Cause, Failure, Phase};
use crate::proxy::local::LocalFrontend;
use crate::proxy::rules::Awaited;
use crate::proxy::session::{Interrupt, Session};
use crate::rule::action::Timeout;
use crate::time::Instant;

use super::{Request, finish};

/// Waits. An error ends the request.
pub(super) async fn wait(
    session: &mut Session,
    frontend: &LocalFrontend,
    request: &mut Request,
    what: Awaited,
) -> Result<(), Failure> {
    match what {
        Awaited::Time(time) => pause(session, time).await,
        Awaited::Content { until } => content(session, frontend, request, until).await,
        Awaited::Name => asking::ask(session, frontend, None).await,
        Awaited::Body { time, at_least, says_continue, is_received } => {
            let gone = Failure::new(By::Client, Cause::Abort, Phase::Request);
            if says_continue && !finish::send(session, b"HTTP/1.1 100 Continue\r\n\r\n").await {
                return Err(gone);
            }
            let result = body(session, frontend, request, time, at_least).await;
            if is_received {
                request.received = session.now();
            }
            result
        }
    }
}

/// Reads what comes next of the body, if anything does before the time is over.
async fn content(
    session: &mut Session,
    frontend: &LocalFrontend,
    request: &mut Request,
    until: Instant,
) -> Result<(), Failure> {
    let silence = session.limit(Timeout::Client, frontend.running.model.timeouts.client);
    let end = until.min(session.now() + silence);
    session.set_deadline(end);
    poll_fn(|context| {
        let fail = |by, cause| Poll::Ready(Err(Failure::new(by, cause, Phase::Request)));
        match session.interrupt(context, session.now()) {
            Some(Interrupt::Killed) => return fail(By::Killed, Cause::Abort),
            Some(Interrupt::Expired) if end < until => return fail(By::Client, Cause::Timeout),
            Some(Interrupt::Expired) => return Poll::Ready(Ok(())),
            None => {}
        }
        poll_more(session, request, context)
    })
    .await
}

/// Reads once more of the body; what comes behind it is the next request's.
fn poll_more(session: &mut Session, request: &mut Request, context: &mut Context<'_>) -> Poll<Result<(), Failure>> {
    let fail = |by| Poll::Ready(Err(Failure::new(by, Cause::Abort, Phase::Request)));
    let worker = session.worker.clone();
    let mut scratch = worker.buffers.scratch.borrow_mut();
    let count = match ready!(session.client.poll_read(context, &mut scratch[..SMALL_READ])) {
        Ok(count) if count > 0 => count,
        _ => return fail(By::Client),
    };
    let Ok(taken) = request.body.advance(&scratch[..count]) else {
        worker.counters.bad_messages.add(1);
        return fail(By::Proxy);
    };
    request.held.push(&scratch[..taken]);
    request.received_bytes += taken as u64;
    if taken < count {
        session.input = Some(worker.buffers.chunk_of(&scratch[taken..count]));
    }
    Poll::Ready(Ok(()))
}

/// Reads the body until it is complete, so much of it is there, or a buffer of HAProxy's would be full.
async fn body(
    session: &mut Session,
    frontend: &LocalFrontend,
    request: &mut Request,
    time: Duration,
    at_least: usize,
) -> Result<(), Failure> {
    let end = session.now() + time;
    let silence = session.limit(Timeout::Client, frontend.running.model.timeouts.client);
    session.set_deadline(end.min(session.now() + silence));
    poll_fn(|context| {
        let fail = |by, cause| Poll::Ready(Err(Failure::new(by, cause, Phase::Request)));
        loop {
            let has_enough = at_least > 0 && data_length(request.arrived(), request.is_chunked) >= at_least;
            if request.body.is_done() || has_enough || request.held.len() >= frontend.max_head {
                return Poll::Ready(Ok(()));
            }
            match session.interrupt(context, session.now()) {
                Some(Interrupt::Killed) => return fail(By::Killed, Cause::Abort),
                Some(Interrupt::Expired) => return fail(By::Client, Cause::Timeout),
                None => {}
            }
            ready!(poll_more(session, request, context))?;
            session.set_deadline(end.min(session.now() + silence));
        }
    })
    .await
}

async fn pause(session: &Session, time: Duration) -> Result<(), Failure> {
    session.set_deadline(session.now() + time);
    poll_fn(|context| match session.interrupt(context, session.now()) {
        Some(Interrupt::Killed) => Poll::Ready(Err(Failure::new(By::Killed, Cause::Abort, Phase::Request))),
        Some(Interrupt::Expired) => Poll::Ready(Ok(())),
        None => Poll::Pending,
    })
    .await
}

/// Holds a client for a time, or until it closes; what it sends is thrown away.
pub(super) async fn tarpit(session: &mut Session, time: Duration) {
    session.set_deadline(session.now() + time);
    let worker = session.worker.clone();
    poll_fn(|context| {
        loop {
            if session.interrupt(context, session.now()).is_some() {
                return Poll::Ready(());
            }
            let mut scratch = worker.buffers.scratch.borrow_mut();
            match ready!(session.client.poll_read(context, &mut scratch[..SMALL_READ])) {
                Ok(count) if count > 0 => {}
                _ => return Poll::Ready(()),
            }
        }
    })
    .await;
}
