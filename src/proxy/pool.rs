//! Idle connections to one server: each worker has its own, last used first, and where it has none it takes one of another.
//!
//! A worker's connections lie on a shelf of their own under a lock that others touch only when they would have to connect
//! otherwise, so that it is free nearly always: two such locks are 20 ns of a request's 13 µs.
//!
//! As many are kept as were in use at once lately, by what the server's state says; every `pool-purge-delay` half of the rest
//! is given up, those that were used longest ago first (HAProxy manual §5.2).

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::model::options::{Reuse, ServerOptions};
use crate::state::servers::Server;
use crate::time::Instant;

use super::opening::Guise;
use super::socket::Socket;

/// Idle connections kept for a server by one worker.
const MAX_IDLE: usize = 512;

/// How sure a check-out must be that the server has not closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Care {
    /// The request can be sent again: what epoll has told is enough, without a system call.
    Replayable,
    /// It cannot: ask the socket.
    Once,
}

/// Which request of its client connection wants a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Position {
    First,
    Later,
}

/// A connection to a server that has nothing outstanding.
#[derive(Debug)]
pub(super) struct Idle {
    pub(super) stream: Socket,
    /// Requests that it has carried.
    pub(super) uses: u32,
    /// Whom it is for.
    pub(super) kind: Kind,
}

/// Whom a connection is for: the hash of what makes it unlike others, such as the PROXY header that it began with and the
/// address that it bears; zero is for all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Kind(u64);

impl Kind {
    /// Of connections that begin with this PROXY header, if with any, and pass for this.
    pub(super) fn of(header: Option<&[u8]>, guise: &Guise) -> Kind {
        if header.is_none() && *guise == Guise::default() {
            return Kind::default();
        }
        let mut hasher = DefaultHasher::new();
        (header, guise).hash(&mut hasher);
        Kind(hasher.finish() | 1)
    }
}

impl Idle {
    /// Whether a request may have it, as `http-reuse` says.
    fn may_carry(&self, (reuse, position): (Reuse, Position), kind: Kind) -> bool {
        match (reuse, position) {
            _ if self.kind != kind => false,
            (Reuse::Never, _) | (Reuse::Safe, Position::First) => false,
            (Reuse::Aggressive, Position::First) => self.uses > 1,
            (Reuse::Always, Position::First) | (_, Position::Later) => true,
        }
    }
}

/// The idle connections to a server, a shelf for each worker.
#[derive(Debug)]
pub(super) struct Pool {
    shelves: Box<[Shelf]>,
    /// Whether workers take each other's.
    is_shared: AtomicBool,
    /// Connections below which they do not.
    low: AtomicUsize,
}

/// What one worker keeps. In a cache line of its own: the others' locks cost it nothing.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Shelf {
    shelved: Mutex<Shelved>,
    /// How many there are, for other workers; written under the lock.
    length: AtomicUsize,
}

#[derive(Debug, Default)]
struct Shelved {
    /// The one used last at the end.
    idle: Vec<(Idle, Option<Place>)>,
    is_retired: bool,
    /// How often some are given up.
    delay: Option<Duration>,
    /// When that is next; `None` while there are none.
    next: Option<Instant>,
    /// Whose they are.
    server: Option<Arc<Server>>,
}

impl Shelf {
    fn lock(&self) -> MutexGuard<'_, Shelved> {
        self.shelved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn length(&self) -> usize {
        self.length.load(Ordering::Relaxed)
    }

    /// The connection used last that is still open and that the request may have.
    fn take(&self, care: Care, want: (Reuse, Position), kind: Kind) -> Option<Idle> {
        loop {
            let mut shelved = self.lock();
            let at = shelved.idle.iter().rposition(|(one, _)| one.may_carry(want, kind))?;
            let (found, _) = shelved.idle.remove(at);
            self.length.store(shelved.idle.len(), Ordering::Relaxed);
            drop(shelved);
            if found.stream.is_silent(care) {
                return Some(found);
            }
        }
    }
}

impl Shelved {
    fn delay(&self) -> Duration {
        self.delay.unwrap_or(ServerOptions::POOL_IDLE)
    }
}

/// One of the idle connections that a server may have in all workers together.
#[derive(Debug)]
struct Place(Arc<Server>);

impl Place {
    /// `None` if there is none left.
    fn take(server: &Arc<Server>, limit: usize) -> Option<Place> {
        let more = |used| (used < limit).then_some(used + 1);
        let is_taken = server.idle.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok();
        is_taken.then(|| Place(Arc::clone(server)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.idle.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Pool {
    /// Without a connection, for so many workers.
    pub(super) fn new(workers: usize) -> Pool {
        Pool {
            shelves: (0..workers).map(|_| Shelf::default()).collect(),
            is_shared: AtomicBool::new(true),
            low: AtomicUsize::new(0),
        }
    }

    /// Says whose connections they are, how often some of a worker are given up from now on, and whether workers take each
    /// other's. A retired one is in use again.
    pub(super) fn configure(&self, worker: usize, server: &Arc<Server>, options: &ServerOptions, is_shared: bool) {
        let Some(shelf) = self.shelves.get(worker) else { return };
        let mut shelved = shelf.lock();
        (shelved.delay, shelved.is_retired) = (options.pool_idle, false);
        shelved.server = Some(Arc::clone(server));
        self.is_shared.store(is_shared, Ordering::Relaxed);
        self.low.store(options.pool_low, Ordering::Relaxed);
    }

    /// The worker's connection used last that is still open and that the request may have; another worker's, if it has none.
    pub(super) fn take(&self, worker: usize, care: Care, want: (Reuse, Position), kind: Kind) -> Option<Idle> {
        let own = self.shelves.get(worker)?.take(care, want, kind);
        own.or_else(|| self.take_over(worker, want, kind))
    }

    /// Another worker's connection, which this thread's reactor watches from here on. The socket is asked whether the server
    /// has closed: what the other reactor heard is not known here.
    #[cold]
    fn take_over(&self, worker: usize, want: (Reuse, Position), kind: Kind) -> Option<Idle> {
        let low = self.low.load(Ordering::Relaxed);
        let is_low = || low > 0 && self.length() < low;
        if !self.is_shared.load(Ordering::Relaxed) || is_low() {
            return None;
        }
        let (before, from) = self.shelves.split_at_checked(worker)?;
        let mut others = from.iter().skip(1).chain(before);
        others.find_map(|shelf| {
            let idle = shelf.take(Care::Once, want, kind)?;
            Some(Idle { stream: idle.stream.adopt().ok()?, ..idle })
        })
    }

    /// Keeps a connection on which nothing is outstanding.
    pub(super) fn give(
        &self,
        worker: usize,
        connection: Idle,
        server: &Arc<Server>,
        options: &ServerOptions,
        now: Instant,
    ) {
        let Some(shelf) = self.shelves.get(worker) else { return };
        let mut shelved = shelf.lock();
        if shelved.is_retired || shelved.idle.len() >= MAX_IDLE || shelved.delay().is_zero() {
            return;
        }
        if !shelved.idle.is_empty() && !self.is_needed(server, options) {
            // Those that the server has closed are none, and the only one of a worker is kept in any case.
            shelved.idle.retain(|(one, _)| one.stream.is_silent(Care::Replayable));
            shelf.length.store(shelved.idle.len(), Ordering::Relaxed);
            if !shelved.idle.is_empty() && !self.is_needed(server, options) {
                return;
            }
        }
        let place = options.pool_max.map(|limit| Place::take(server, limit));
        if matches!(place, Some(None)) {
            return;
        }
        shelved.idle.push((connection, place.flatten()));
        shelf.length.store(shelved.idle.len(), Ordering::Relaxed);
        if shelved.next.is_none() {
            shelved.next = Some(now + shelved.delay());
        }
    }

    /// Whether one more idle connection may be of use, that of the caller being in use still.
    fn is_needed(&self, server: &Server, options: &ServerOptions) -> bool {
        let used = server.connections.load(Ordering::Relaxed);
        let [_, needed] = server.connections_needed();
        used + self.length() <= used.max(needed) + options.pool_low
    }

    /// How many there are of all workers.
    fn length(&self) -> usize {
        self.shelves.iter().map(Shelf::length).sum()
    }

    /// Closes what died of a worker's, and when it is time its share of what is needed no more.
    pub(super) fn trim(&self, worker: usize, now: Instant) {
        let Some(shelf) = self.shelves.get(worker) else { return };
        let mut shelved = shelf.lock();
        shelved.idle.retain(|(one, _)| one.stream.is_silent(Care::Replayable));
        shelf.length.store(shelved.idle.len(), Ordering::Relaxed);
        if shelved.next.is_none_or(|next| now < next) {
            return;
        }
        let own = shelved.idle.len();
        let all = self.length();
        if own > 0
            && let Some(server) = &shelved.server
        {
            let excess = server.give_up_idle(all);
            let share = if excess > 0 { (excess * own / all + 1).min(own) } else { 0 };
            shelved.idle.drain(..share);
            shelf.length.store(own - share, Ordering::Relaxed);
        }
        shelved.next = (!shelved.idle.is_empty()).then(|| now + shelved.delay());
    }

    /// Closes all of a worker's, now and later: it has the server no more in its configuration.
    pub(super) fn retire(&self, worker: usize) {
        let Some(shelf) = self.shelves.get(worker) else { return };
        let mut shelved = shelf.lock();
        shelved.is_retired = true;
        shelved.idle.clear();
        shelf.length.store(0, Ordering::Relaxed);
    }

    /// How many each worker has: those that have carried one request, and those that have carried more.
    pub(super) fn counts(&self) -> impl Iterator<Item = [usize; 2]> {
        self.shelves.iter().map(|shelf| {
            let shelved = shelf.lock();
            let more = shelved.idle.iter().filter(|(one, _)| one.uses > 1).count();
            [shelved.idle.len() - more, more]
        })
    }
}
