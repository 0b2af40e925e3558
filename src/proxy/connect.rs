//! Connecting to a server: one attempt, and the rules for the next one.

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use crate::model::balance::Balance;
use crate::model::options::{Interval, Reuse};
use crate::model::proxy::Server;
use crate::rule::action::Timeout;
use crate::time::Instant;

use super::account::{self, Connection};
use super::backend::{Positions, Slot, assign};
use super::choosing::Wanted;
use super::failure::{By, Cause, Failure, Phase};
use super::local::{LocalBackend, LocalFrontend};
use super::observe::{self, Seen};
use super::opening::{self, Guise};
use super::pool::{Care, Idle, Kind, Position};
use super::rules;
use super::session::{Interrupt, Session};
use super::socket::Socket;

/// Pause before the same server is tried again (HAProxy's), unless `timeout connect` is shorter.
const TURN_AROUND: Duration = Duration::from_secs(1);

/// A connection that takes longer than this counts as a failure for vg-check, which looks at the server at once: on a LAN
/// it takes a millisecond, the kernel repeats a lost SYN after a second, and a server that is cut off says nothing at all.
const SLOW: Duration = Duration::from_millis(200);

/// A server connection and the slot that it uses.
#[derive(Debug)]
pub(super) struct Connected {
    pub(super) stream: Socket,
    pub(super) slot: Slot,
    /// Requests that it has carried before; 0 is a new one.
    pub(super) uses: u32,
    /// Which requests may follow on it.
    pub(super) kind: Kind,
}

/// What connecting cost, for the log.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Effort {
    /// Attempts after the first.
    pub(super) retries: u32,
    /// Whether another server was taken.
    pub(super) has_redispatched: bool,
    /// Where it stood in the lines in which it waited.
    pub(super) positions: Positions,
    /// When the first slot was had.
    pub(super) assigned: Option<Instant>,
    /// When the connection was there.
    pub(super) connected: Option<Instant>,
    /// Server tried last.
    pub(super) server: Option<usize>,
    /// Our end of its connection, if lines show it.
    pub(super) local: Option<SocketAddr>,
    /// Its end.
    pub(super) peer: Option<SocketAddr>,
}

impl Effort {
    fn succeed(&mut self, session: &Session, server: &Server, stream: &Socket) {
        self.connected.get_or_insert(session.now());
        self.peer = Some(server.address);
        if session.frontend().asks.own_ends {
            self.local = stream.local_addr().ok();
        }
    }
}

/// A connection to a server of the backend: pooled (if `reuse` says so) or new, tried as often as the backend allows. A
/// server that clients are sent to fails locally, and is `effort.server`.
/// The server that was wanted is given up in `wanted` where redispatch lets another one be tried.
pub(super) async fn connect(
    session: &mut Session,
    frontend: &LocalFrontend,
    backend: &Rc<LocalBackend>,
    reuse: Option<Care>,
    wanted: &mut Wanted,
    effort: &mut Effort,
) -> Result<Connected, Failure> {
    let assigned = assign(session, backend, wanted, &mut effort.positions).await;
    let mut slot = assigned.inspect_err(|failure| {
        // It has waited, to the end of its time.
        if failure.at == Phase::Queue {
            effort.assigned = Some(session.now());
        }
    })?;
    effort.assigned.get_or_insert(session.now());
    effort.server = Some(slot.index);
    if wanted.may_redirect && slot.model().options.redirect.is_some() {
        return Err(Failure::new(By::Local, Cause::Abort, Phase::Connect));
    }
    loop {
        let header = rules::header(session, frontend, backend, slot.index);
        let header = header.map_err(|_| Failure::new(By::Proxy, Cause::Abort, Phase::Connect))?;
        let guise = opening::guise(session, frontend, backend, slot.index)?;
        let kind = Kind::of(header.as_deref(), &guise);
        let reuse = reuse.filter(|_| !session.needs_own_connection(slot.model()));
        let reached = match reuse.and_then(|care| idle(session, backend, slot.index, (care, kind))) {
            Some(Idle { stream, uses, .. }) => {
                account::attempt(session, &slot, Connection::Reused);
                session.worker.counters.reuses.add(1);
                Ok((stream, uses))
            }
            None => try_once(session, &slot, &guise, header.as_deref()).await.map(|stream| (stream, 0)),
        };
        match reached {
            Ok((stream, uses)) => {
                session.shared.goes_to(slot.state());
                effort.succeed(session, slot.model(), &stream);
                return Ok(Connected { stream, slot, uses, kind });
            }
            Err(failure) => slot = next_slot(session, backend, wanted, effort, slot, failure).await?,
        }
    }
}

/// A new connection. Whoever watches the server is told how that went.
async fn try_once(session: &Session, slot: &Slot, guise: &Guise, header: Option<&[u8]>) -> Result<Socket, Failure> {
    account::attempt(session, slot, Connection::New);
    let observe = slot.model().check.as_ref().and_then(|check| check.observe);
    let mut is_slow = false;
    let note_slow = || {
        is_slow = true;
        session.worker.note_trouble(slot.state(), observe);
    };
    let gives_up = slot.backend.manners.gives_up || session.frontend().manners.gives_up;
    let opening = opening::open(session, slot, guise, header);
    let result = Box::pin(attempt(session, opening, (limit(session, slot), gives_up), note_slow)).await;
    match &result {
        Ok(_) => {
            session.worker.counters.connects.add(1);
            observe::note(&session.worker, slot, Seen::Connected);
            if slot.state().connect_failures.load(Ordering::Relaxed) != 0 {
                slot.state().connect_failures.store(0, Ordering::Relaxed);
            }
        }
        Err(Failure { by: By::Server, .. }) => {
            observe::note(&session.worker, slot, Seen::Refused);
            if !is_slow {
                session.worker.note_trouble(slot.state(), observe);
            }
        }
        Err(_) => {}
    }
    result
}

/// How long a connection to the server may take.
fn limit(session: &Session, slot: &Slot) -> Duration {
    session.limit(Timeout::Connect, slot.backend.running.model.timeouts.connect)
}

/// Where the next attempt goes after one that failed, when it is time for it; the failure where there is none.
async fn next_slot(
    session: &Session,
    backend: &Rc<LocalBackend>,
    wanted: &mut Wanted,
    effort: &mut Effort,
    mut slot: Slot,
    failure: Failure,
) -> Result<Slot, Failure> {
    let model = &backend.running.model;
    let may_retry = failure.by == By::Server && model.options.retry_on.no_connection;
    if !may_retry || effort.retries >= session.retries(model.retries) {
        return Err(failure);
    }
    effort.retries += 1;
    let failed = slot.index;
    if redispatches(session, backend, wanted, effort.retries) {
        drop(slot);
        wanted.server = None;
        let mut wanted = Wanted { exclude: Some(failed), ..*wanted };
        slot = assign(session, backend, &mut wanted, &mut effort.positions).await?;
        effort.server = Some(slot.index);
    }
    // As HAProxy counts: an attempt is a retry or a redispatch, never both.
    if slot.index != failed {
        effort.has_redispatched = true;
        account::redispatch(session, backend, failed);
        return Ok(slot);
    }
    account::retry(session, &slot);
    // Another server is tried at once, as far as there is one.
    if failure.cause == Cause::Abort {
        pause(session, TURN_AROUND.min(limit(session, &slot))).await?;
    }
    Ok(slot)
}

/// A connection to the server that is there already.
fn idle(session: &mut Session, backend: &Rc<LocalBackend>, server: usize, (care, kind): (Care, Kind)) -> Option<Idle> {
    let reuse = backend.running.model.options.reuse;
    let own = session.last.as_mut().filter(|last| last.server == server && is_same(&last.backend, backend));
    if let Some(own) = own.and_then(|last| last.own.take()) {
        return (own.kind == kind && own.stream.is_silent(care)).then_some(own);
    }
    if reuse == Reuse::Never {
        return None;
    }
    let position = if session.has_used_server { Position::Later } else { Position::First };
    backend.pools.get(server)?.take(session.worker.index, care, (reuse, position), kind)
}

/// Whether two are one backend, of one generation or of two.
pub(super) fn is_same(one: &LocalBackend, other: &LocalBackend) -> bool {
    std::ptr::eq(one, other) || Arc::ptr_eq(&one.running.state, &other.running.state)
}

/// Whether the attempt after so many failures may go to another server (HAProxy manual §4.2 "option redispatch"). Where
/// the algorithm has no preference, any server is as good as the one that failed.
pub(super) fn redispatches(session: &Session, backend: &LocalBackend, wanted: &Wanted, failures: u32) -> bool {
    let model = &backend.running.model;
    if !model.redispatch || (wanted.insists && wanted.server.is_some() && !model.options.persists) {
        return false;
    }
    let has_turn = match model.options.redispatch_interval {
        Interval::Every(count) => failures.is_multiple_of(count.max(1)),
        Interval::BeforeLast(count) => {
            let period = (session.retries(model.retries) + 1).saturating_sub(count);
            period > 0 && failures.is_multiple_of(period)
        }
    };
    let takes_turns = matches!(model.balance, Balance::RoundRobin | Balance::StaticRr | Balance::Random { .. });
    has_turn || (wanted.server.is_none() && takes_turns && backend.running.chooser.serving(session.now()) > 1)
}

async fn attempt(
    session: &Session,
    opening: impl Future<Output = io::Result<Socket>>,
    (timeout, gives_up): (Duration, bool),
    note_slow: impl FnOnce(),
) -> Result<Socket, Failure> {
    let started = session.now();
    let mut note_slow = (SLOW < timeout).then_some(note_slow);
    session.set_deadline(started + if note_slow.is_some() { SLOW } else { timeout });
    let mut connecting = pin!(opening);
    poll_fn(|context| {
        let fail = |by, cause| Poll::Ready(Err(Failure::new(by, cause, Phase::Connect)));
        match connecting.as_mut().poll(context) {
            Poll::Ready(Ok(stream)) => return Poll::Ready(Ok(stream)),
            Poll::Ready(Err(error)) if opening::is_ours(&error) => return fail(By::Server, Cause::Lack),
            Poll::Ready(Err(_)) => return fail(By::Server, Cause::Abort),
            Poll::Pending => {}
        }
        match session.interrupt(context, session.now()) {
            Some(Interrupt::Expired) => {
                if gives_up && session.client.has_ended() {
                    return fail(By::Client, Cause::Abort);
                }
                let Some(note_slow) = note_slow.take() else { return fail(By::Server, Cause::Timeout) };
                note_slow();
                session.set_deadline(started + timeout);
                Poll::Pending
            }
            Some(Interrupt::Killed) => fail(By::Killed, Cause::Abort),
            None => Poll::Pending,
        }
    })
    .await
}

async fn pause(session: &Session, time: Duration) -> Result<(), Failure> {
    session.set_deadline(session.now() + time);
    poll_fn(|context| match session.interrupt(context, session.now()) {
        Some(Interrupt::Expired) => Poll::Ready(Ok(())),
        Some(Interrupt::Killed) => Poll::Ready(Err(Failure::new(By::Killed, Cause::Abort, Phase::Connect))),
        None => Poll::Pending,
    })
    .await
}
