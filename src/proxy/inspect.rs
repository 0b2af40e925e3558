//! What tcp mode looks at before it relays: `tcp-request content` before a server is chosen, `tcp-response content`
//! before the client gets anything (HAProxy manual §4.2, `inspect-delay`).
//!
//! Rules are asked again after every read, until none of them waits, the delay is over, the buffer is full or the sender
//! has ended. What was read meanwhile stays where it is and goes on its way afterwards.

use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, ready};

use crate::model::proxy::Mode;
use crate::rule::{Progress, Section};
use crate::time::Instant;

use super::account;
use super::asking;
use super::buffers::{Chunk, SMALL_READ};
use super::failure::{By, Cause, Failure, Phase};
use super::local::{LocalBackend, LocalFrontend};
use super::rules::{self, Ruling, Stand};
use super::session::{Interrupt, Session};
use super::socket::Socket;
use super::tunnel::Direction;

/// Bytes that rules see at most: HAProxy's buffer without what it keeps free for rewrites.
const MOST: usize = 15 * 1024;

/// Where a session of tcp mode goes.
#[derive(Debug)]
pub(super) enum Way {
    /// To this backend; `None` has none.
    Relay(Option<Rc<LocalBackend>>),
    /// It is HTTP from here on.
    Http,
    /// Nowhere.
    Refused(Failure),
}

/// Runs the content rules of frontend and backend, and chooses the backend between them.
pub(super) async fn choose(session: &mut Session, frontend: &LocalFrontend) -> Way {
    let mut backend = frontend.backend.clone();
    if let Some(section) = &frontend.rules {
        match requests(session, frontend, section, None).await {
            Ok(Ruling::Passes) => {}
            Ok(Ruling::Http) => return Way::Http,
            Ok(Ruling::Refused | Ruling::Closed) => return Way::Refused(refusal(session, frontend)),
            Err(failure) => return Way::Refused(failure),
        }
        backend = rules::choose(session, frontend, section).or(backend);
    }
    if backend.as_ref().is_some_and(|backend| backend.running.model.mode == Mode::Http) {
        return Way::Http;
    }
    let own = backend.as_ref().and_then(|backend| backend.rules.clone());
    let is_same = |own: &Arc<Section>| frontend.rules.as_ref().is_some_and(|first| Arc::ptr_eq(own, first));
    if let Some(section) = own.filter(|own| !is_same(own)) {
        match requests(session, frontend, &section, backend.as_deref()).await {
            Ok(Ruling::Passes | Ruling::Http) => {}
            Ok(Ruling::Refused | Ruling::Closed) => return Way::Refused(refusal(session, frontend)),
            Err(failure) => return Way::Refused(failure),
        }
    }
    if let Some(backend) = &backend {
        session.prefer_server(frontend, backend);
    }
    Way::Relay(backend)
}

/// Rules do not let the session go on.
fn refusal(session: &Session, frontend: &LocalFrontend) -> Failure {
    account::front(session, frontend).for_each(|side| side.denied_requests.add(1));
    Failure::new(By::Proxy, Cause::Abort, Phase::Request)
}

/// Asks the content rules of a section until they have decided.
async fn requests(
    session: &mut Session,
    frontend: &LocalFrontend,
    section: &Section,
    backend: Option<&LocalBackend>,
) -> Result<Ruling, Failure> {
    if section.content.rules.is_empty() {
        return Ok(Ruling::Passes);
    }
    let mut progress = Progress::default();
    let patience = session.now() + frontend.running.model.timeouts.client;
    let delay = section.inspect_delay.map(|delay| session.now() + delay);
    let mut is_final = delay.is_none();
    if session.input.is_none() {
        glance(session).await;
    }
    loop {
        match rules::inspect_request(session, frontend, section, backend, is_final, &mut progress) {
            Stand::Decided(ruling) => return Ok(ruling),
            Stand::Name => {
                asking::ask(session, frontend, delay).await?;
                continue;
            }
            Stand::Bytes => {}
        }
        let until = delay.unwrap_or(patience).min(patience);
        match read(session, until).await? {
            Read::More => {}
            Read::Ended => is_final = true,
            Read::Expired if delay.is_some_and(|delay| delay <= session.now()) => is_final = true,
            Read::Expired => return Err(Failure::new(By::Client, Cause::Timeout, Phase::Request)),
        }
    }
}

/// Reads what came with the connection: rules that do not wait look at it, as in HAProxy.
async fn glance(session: &mut Session) {
    poll_fn(|context| {
        let worker = session.worker.clone();
        let mut scratch = worker.buffers.scratch.borrow_mut();
        if let Poll::Ready(Ok(count)) = session.client.poll_read(context, &mut scratch[..SMALL_READ])
            && count > 0
        {
            session.input = Some(worker.buffers.chunk_of(&scratch[..count]));
        }
        Poll::Ready(())
    })
    .await;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Read {
    More,
    /// No more comes, or fits.
    Ended,
    Expired,
}

/// Reads what the client sends, up to a moment.
async fn read(session: &mut Session, until: Instant) -> Result<Read, Failure> {
    session.set_deadline(until);
    if session.input.as_ref().is_some_and(|input| input.len() >= MOST) {
        return Ok(Read::Ended);
    }
    poll_fn(|context| {
        match session.interrupt(context, session.now()) {
            Some(Interrupt::Killed) => {
                return Poll::Ready(Err(Failure::new(By::Killed, Cause::Abort, Phase::Request)));
            }
            Some(Interrupt::Expired) => return Poll::Ready(Ok(Read::Expired)),
            None => {}
        }
        let worker = session.worker.clone();
        let room = MOST - session.input.as_ref().map_or(0, |input| input.len());
        let mut scratch = worker.buffers.scratch.borrow_mut();
        let count = match ready!(session.client.poll_read(context, &mut scratch[..room.min(SMALL_READ)])) {
            Ok(0) => return Poll::Ready(Ok(Read::Ended)),
            Ok(count) => count,
            Err(_) => return Poll::Ready(Err(Failure::new(By::Client, Cause::Abort, Phase::Request))),
        };
        match &mut session.input {
            Some(input) => input.push(&scratch[..count]),
            None => session.input = Some(worker.buffers.chunk_of(&scratch[..count])),
        }
        Poll::Ready(Ok(Read::More))
    })
    .await
}

/// How the rules about a server's first bytes ended.
#[derive(Debug)]
pub(super) enum Answered {
    /// The client gets these, then the rest.
    Passes(Option<Chunk>),
    /// The client gets these and no more.
    Closed(Option<Chunk>),
    /// The client gets nothing.
    Refused(Failure),
}

/// Asks `tcp-response content` of the backend until its rules have decided; the client's bytes go to the server meanwhile.
pub(super) async fn responses(
    session: &mut Session,
    frontend: &LocalFrontend,
    backend: &LocalBackend,
    server: &mut Socket,
    up: &mut Direction,
) -> Answered {
    let Some(section) = backend.rules.clone().filter(|section| !section.response_content.rules.is_empty()) else {
        return Answered::Passes(None);
    };
    let mut progress = Progress::default();
    let patience = session.now() + backend.running.model.timeouts.server;
    let delay = section.response_delay.map(|delay| session.now() + delay);
    let (mut is_final, mut received): (bool, Option<Chunk>) = (delay.is_none(), None);
    loop {
        let bytes = received.as_deref().unwrap_or_default();
        let verdict = rules::inspect_response(session, frontend, backend, (bytes, is_final), &mut progress);
        match verdict {
            Stand::Decided(Ruling::Passes | Ruling::Http) => return Answered::Passes(received),
            Stand::Decided(Ruling::Closed) => return Answered::Closed(received),
            Stand::Decided(Ruling::Refused) => {
                return Answered::Refused(Failure::new(By::Proxy, Cause::Abort, Phase::Data));
            }
            // No rule of responses asks for a name.
            Stand::Bytes | Stand::Name => {}
        }
        let until = delay.unwrap_or(patience).min(patience);
        match relay(session, server, up, &mut received, until).await {
            Err(failure) => return Answered::Refused(failure),
            Ok(Read::More) => {}
            Ok(Read::Ended) => is_final = true,
            Ok(Read::Expired) if delay.is_some_and(|delay| delay <= session.now()) => is_final = true,
            Ok(Read::Expired) => return Answered::Refused(Failure::new(By::Server, Cause::Timeout, Phase::Data)),
        }
    }
}

/// Passes on what the client sends until the server has sent something.
async fn relay(
    session: &mut Session,
    server: &mut Socket,
    up: &mut Direction,
    received: &mut Option<Chunk>,
    until: Instant,
) -> Result<Read, Failure> {
    session.set_deadline(until);
    if received.as_ref().is_some_and(|received| received.len() >= MOST) {
        return Ok(Read::Ended);
    }
    poll_fn(|context| {
        let fail = |by| Poll::Ready(Err(Failure::new(by, Cause::Abort, Phase::Data)));
        match session.interrupt(context, session.now()) {
            Some(Interrupt::Killed) => return fail(By::Killed),
            Some(Interrupt::Expired) if session.now() >= until => return Poll::Ready(Ok(Read::Expired)),
            _ => {}
        }
        let worker = session.worker.clone();
        if let Poll::Ready(Err(broken)) = up.poll_from_client(session, context, server) {
            return fail(broken.blames(By::Client, By::Server));
        }
        session.set_deadline(up.throttled().map_or(until, |limited| limited.min(until)));
        let room = MOST - received.as_ref().map_or(0, |received| received.len());
        let mut scratch = worker.buffers.scratch.borrow_mut();
        let count = match ready!(server.poll_read(context, &mut scratch[..room.min(SMALL_READ)])) {
            Ok(0) => return Poll::Ready(Ok(Read::Ended)),
            Ok(count) => count,
            Err(_) => return fail(By::Server),
        };
        match received {
            Some(received) => received.push(&scratch[..count]),
            None => *received = Some(worker.buffers.chunk_of(&scratch[..count])),
        }
        Poll::Ready(Ok(Read::More))
    })
    .await
}
