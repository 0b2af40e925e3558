//! A server for a session: choose, wait in line, take a slot.

use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use crate::balance::{Choice, Wish};
use crate::model;
use crate::rule::action::Timeout;
use crate::state::queue::{Queue, Ticket};
use crate::state::servers::Server;
use crate::sys::clock;

use super::account::{self, Placed};
use super::choosing::Wanted;
use super::failure::{By, Cause, Failure, Phase};
use super::local::LocalBackend;
use super::persistence::is_stopped;
use super::session::{Interrupt, Session};

/// How often a waiter looks for itself: servers that come up free no slot that could be handed over.
const LOOK: Duration = Duration::from_millis(100);

/// A connection slot of a server; given back when dropped.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) backend: Rc<LocalBackend>,
    /// Server number.
    pub(super) index: usize,
}

impl Slot {
    pub(super) fn state(&self) -> &Arc<Server> {
        &self.backend.running.state.servers[self.index]
    }

    pub(super) fn model(&self) -> &model::proxy::Server {
        &self.backend.running.model.servers[self.index]
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        release(&self.backend, self.index);
    }
}

fn release(backend: &LocalBackend, index: usize) {
    let backend = &backend.running;
    let server = &backend.state.servers[index];
    let chooser = &backend.chooser;
    // A limit that moves with the load may have come below what is in use.
    let limit = || chooser.limit(index, clock::now());
    let may_hand_over = server.is_usable() && server.connections.load(Ordering::Relaxed) <= limit();
    backend.queue.release(server, index, may_hand_over, || chooser.reserve(index, clock::now()));
    chooser.note(index);
}

/// A stream of a backend, counted in `%bc` while it lives.
#[derive(Debug)]
pub(super) struct Current(pub(super) Rc<LocalBackend>);

impl Current {
    pub(super) fn enter(session: &Session, backend: &Rc<LocalBackend>) -> Current {
        let before = backend.running.current.fetch_add(1, Ordering::Relaxed);
        account::enter_backend(session, backend, before + 1);
        session.shared.enters(backend);
        Current(Rc::clone(backend))
    }
}

impl Drop for Current {
    fn drop(&mut self) {
        self.0.running.current.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Where a stream stood in the lines in which it has waited, added up.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Positions {
    /// For its server alone.
    pub(super) in_server: u32,
    /// For any server.
    pub(super) in_backend: u32,
}

/// Takes a slot of the server that the algorithm chooses, waiting up to `timeout queue` where all are full.
/// A server whose own queue is full is given up in `wanted` where redispatch lets another one be tried.
pub(super) async fn assign(
    session: &Session,
    backend: &Rc<LocalBackend>,
    wanted: &mut Wanted,
    positions: &mut Positions,
) -> Result<Slot, Failure> {
    let slot = |index, placed| {
        let slot = Slot { backend: Rc::clone(backend), index };
        account::take_slot(session, &slot, placed);
        slot
    };
    loop {
        match take(session, backend, *wanted) {
            Taken::Slot(index) => {
                let placed = if wanted.server == Some(index) { Placed::Wanted } else { Placed::Balanced };
                return Ok(slot(index, placed));
            }
            Taken::Down => return Err(Failure::new(By::Server, Cause::Abort, Phase::Connect)),
            Taken::Full(Some(server)) if is_queue_full(backend, server) => {
                let may_change = backend.running.model.redispatch && !wanted.insists;
                if wanted.server.take_if(|_| may_change).is_none() {
                    return Err(Failure::new(By::Server, Cause::Abort, Phase::Queue));
                }
            }
            Taken::Full(_) => {
                let index = Box::pin(wait(session, backend, *wanted, positions)).await?;
                return Ok(slot(index, Placed::AfterWaiting));
            }
        }
    }
}

/// Whether as many wait for a server as may (`maxqueue`).
fn is_queue_full(backend: &LocalBackend, server: usize) -> bool {
    let most = backend.running.model.servers[server].options.maxqueue;
    most.is_some_and(|most| backend.running.state.servers[server].queued.load(Ordering::Relaxed) >= most)
}

enum Taken {
    Slot(usize),
    Full(Option<usize>),
    Down,
}

fn take(session: &Session, backend: &LocalBackend, wanted: Wanted) -> Taken {
    let chooser = &backend.running.chooser;
    let wish = Wish { now: session.now(), hash: wanted.hash, exclude: wanted.exclude };
    let insisted =
        wanted.server.filter(|server| wanted.insists || !is_stopped(&backend.running.state.servers[*server]));
    // Another worker may take the last slot between choosing and reserving; a few rounds settle it.
    for _ in 0..8 {
        let choice = match insisted {
            Some(server) => chooser.insist(server, wish.now),
            None => chooser.choose(&wish),
        };
        match choice {
            Choice::Server(index) if chooser.reserve(index, wish.now) => return Taken::Slot(index),
            Choice::Server(_) => {}
            Choice::Queue { server } => return Taken::Full(server),
            Choice::Down => return Taken::Down,
        }
    }
    Taken::Full(None)
}

/// A place in line; leaves it when dropped.
struct Waiting<'a> {
    queue: &'a Queue,
    backend: &'a LocalBackend,
    ticket: Option<Ticket>,
    /// The only server that will do.
    wants: Option<usize>,
}

impl Waiting<'_> {
    fn server(&self) -> Option<&Arc<Server>> {
        self.wants.and_then(|server| self.backend.running.state.servers.get(server))
    }

    /// Stands in line from now on.
    fn begin(&mut self, ticket: Ticket, wants: Option<usize>) {
        (self.ticket, self.wants) = (Some(ticket), wants);
        self.backend.running.counters.note_queued(self.queue.length());
        if let Some(server) = self.server() {
            let before = server.queued.fetch_add(1, Ordering::Relaxed);
            server.counters.note_queued(before + 1);
        }
    }

    /// Notes where it stands.
    fn tell(&self, positions: &mut Positions) {
        let position = self.ticket.as_ref().map_or(0, |ticket| self.queue.position(ticket));
        let sum = if self.wants.is_some() { &mut positions.in_server } else { &mut positions.in_backend };
        *sum = sum.wrapping_add(position);
    }

    fn leave(&mut self) -> Option<usize> {
        self.ticket.take().and_then(|ticket| self.queue.leave(ticket))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Some(index) = self.leave() {
            release(self.backend, index);
        }
        if let Some(server) = self.server() {
            server.queued.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

async fn wait(
    session: &Session,
    backend: &Rc<LocalBackend>,
    wanted: Wanted,
    positions: &mut Positions,
) -> Result<usize, Failure> {
    let deadline = session.now() + session.limit(Timeout::Queue, backend.running.model.timeouts.queue);
    let queue = Arc::clone(&backend.running.queue);
    let mut waiting = Waiting { queue: &queue, backend, ticket: None, wants: None };
    let mut is_first = true;
    session.set_deadline(deadline.min(session.now() + LOOK));
    let outcome = poll_fn(|context| {
        let now = session.now();
        let fail = |by, cause| Poll::Ready(Err(Failure::new(by, cause, Phase::Queue)));
        let interrupt = session.interrupt(context, now);
        if interrupt == Some(Interrupt::Killed) {
            return fail(By::Killed, Cause::Abort);
        }
        if let Some(index) = waiting.ticket.as_ref().and_then(Ticket::granted) {
            return Poll::Ready(Ok(Got::Granted(index)));
        }
        if now >= deadline {
            return fail(By::Server, Cause::Timeout);
        }
        if is_first || interrupt.is_some() {
            // Nobody is there to be answered: the place is the next one's.
            if !is_first && session.client.has_ended() {
                return fail(By::Client, Cause::Abort);
            }
            let wants = match take(session, backend, wanted) {
                Taken::Down => return fail(By::Server, Cause::Abort),
                Taken::Slot(index) => {
                    return Poll::Ready(Ok(Got::Taken(index)));
                }
                Taken::Full(wants) => wants,
            };
            if std::mem::take(&mut is_first) {
                let again = || match take(session, backend, wanted) {
                    Taken::Slot(index) => Some(index),
                    _ => None,
                };
                match queue.wait(context.waker(), wants, session.priority(), again) {
                    Ok(index) => return Poll::Ready(Ok(Got::Taken(index))),
                    Err(ticket) => waiting.begin(ticket, wants),
                }
            }
            session.set_deadline(deadline.min(now + LOOK));
        }
        Poll::Pending
    })
    .await;
    waiting.tell(positions);
    Ok(match outcome? {
        Got::Granted(index) => {
            waiting.ticket = None;
            index
        }
        // One that was granted in the meantime goes to the next in line when the place is given up.
        Got::Taken(index) => index,
    })
}

/// A slot that was waited for.
enum Got {
    /// It was given.
    Granted(usize),
    /// It was free.
    Taken(usize),
}
