//! Idle connections to one server: each worker has its own, last used first, and where it has none it takes one of another.
//!
//! A worker's connections lie on a shelf of their own under a lock that others touch only when they would have to connect
//! otherwise, so that it is free nearly always: two such locks are 20 ns of a request's 13 µs.

use std::hash::{DefaultHasher, Hasher};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::model::options::{Reuse, ServerOptions};
use crate::state::servers::Server;
use crate::time::Instant;

use super::socket::Socket;

/// Idle connections kept for a server by one worker.
const MAX_IDLE: usize = 512;
/// Time after which an idle connection is closed.
const IDLE: Duration = Duration::from_secs(30);

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

/// Whom a connection is for: the hash of what makes it unlike others, such as the PROXY header that it began with; zero is
/// for all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Kind(u64);

impl Kind {
    /// Of connections that begin with this PROXY header, if with any.
    pub(super) fn of(header: Option<&[u8]>) -> Kind {
        let hash = |header: &[u8]| {
            let mut hasher = DefaultHasher::new();
            hasher.write(header);
            hasher.finish() | 1
        };
        Kind(header.map_or(0, hash))
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
struct Shelf(Mutex<Shelved>);

#[derive(Debug, Default)]
struct Shelved {
    /// With the time since when, the one used last at the end.
    idle: Vec<(Instant, Idle, Option<Place>)>,
    is_retired: bool,
    /// Time after which an idle connection is closed.
    keeps: Option<Duration>,
}

impl Shelf {
    fn lock(&self) -> MutexGuard<'_, Shelved> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection used last that is still open and that the request may have.
    fn take(&self, care: Care, want: (Reuse, Position), kind: Kind, now: Instant) -> Option<Idle> {
        loop {
            let mut shelved = self.lock();
            let at = shelved.idle.iter().rposition(|(_, one, _)| one.may_carry(want, kind))?;
            let (since, found, _) = shelved.idle.remove(at);
            let keeps = shelved.keeps();
            drop(shelved);
            if found.stream.is_silent(care) && now.since(since) < keeps {
                return Some(found);
            }
        }
    }
}

impl Shelved {
    fn keeps(&self) -> Duration {
        self.keeps.unwrap_or(IDLE)
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

    /// Says how long connections of a worker are kept from now on, and whether workers take each other's. A retired one is
    /// in use again.
    pub(super) fn configure(&self, worker: usize, options: &ServerOptions, is_shared: bool) {
        let Some(shelf) = self.shelves.get(worker) else { return };
        let mut shelved = shelf.lock();
        (shelved.keeps, shelved.is_retired) = (options.pool_idle, false);
        self.is_shared.store(is_shared, Ordering::Relaxed);
        self.low.store(options.pool_low, Ordering::Relaxed);
    }

    /// The worker's connection used last that is still open and that the request may have; another worker's, if it has none.
    pub(super) fn take(
        &self,
        worker: usize,
        care: Care,
        want: (Reuse, Position),
        kind: Kind,
        now: Instant,
    ) -> Option<Idle> {
        let own = self.shelves.get(worker)?.take(care, want, kind, now);
        own.or_else(|| self.take_over(worker, want, kind, now))
    }

    /// Another worker's connection, which this thread's reactor watches from here on. The socket is asked whether the server
    /// has closed: what the other reactor heard is not known here.
    #[cold]
    fn take_over(&self, worker: usize, want: (Reuse, Position), kind: Kind, now: Instant) -> Option<Idle> {
        let low = self.low.load(Ordering::Relaxed);
        let is_low = || low > 0 && self.counts().map(|[once, more]| once + more).sum::<usize>() < low;
        if !self.is_shared.load(Ordering::Relaxed) || is_low() {
            return None;
        }
        let (before, from) = self.shelves.split_at_checked(worker)?;
        let mut others = from.iter().skip(1).chain(before);
        others.find_map(|shelf| {
            let idle = shelf.take(Care::Once, want, kind, now)?;
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
        if shelved.is_retired || shelved.idle.len() >= MAX_IDLE || shelved.keeps().is_zero() {
            return;
        }
        let place = options.pool_max.map(|limit| Place::take(server, limit));
        if matches!(place, Some(None)) {
            return;
        }
        shelved.idle.push((now, connection, place.flatten()));
    }

    /// Closes what died or idled too long of a worker's.
    pub(super) fn trim(&self, worker: usize, now: Instant) {
        let Some(shelf) = self.shelves.get(worker) else { return };
        let mut shelved = shelf.lock();
        let keeps = shelved.keeps();
        let is_kept = |since: Instant, one: &Idle| now.since(since) < keeps && one.stream.is_silent(Care::Replayable);
        shelved.idle.retain(|(since, one, _)| is_kept(*since, one));
    }

    /// Closes all of a worker's, now and later: it has the server no more in its configuration.
    pub(super) fn retire(&self, worker: usize) {
        let Some(shelf) = self.shelves.get(worker) else { return };
        let mut shelved = shelf.lock();
        shelved.is_retired = true;
        shelved.idle.clear();
    }

    /// How many each worker has: those that have carried one request, and those that have carried more.
    pub(super) fn counts(&self) -> impl Iterator<Item = [usize; 2]> {
        self.shelves.iter().map(|shelf| {
            let shelved = shelf.lock();
            let more = shelved.idle.iter().filter(|(_, one, _)| one.uses > 1).count();
            [shelved.idle.len() - more, more]
        })
    }
}
