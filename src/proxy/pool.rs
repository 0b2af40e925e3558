//! Idle server connections of one worker and one server, last used first.

use std::cell::{Cell, RefCell};
use std::hash::{DefaultHasher, Hasher};
use std::sync::Arc;
use std::sync::atomic::Ordering;
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

/// The idle connections.
#[derive(Debug, Default)]
pub(super) struct Pool {
    idle: RefCell<Vec<(Instant, Idle, Option<Place>)>>,
    is_retired: Cell<bool>,
    /// Time after which an idle connection is closed.
    keeps: Cell<Option<Duration>>,
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
    /// Says how long connections are kept from now on.
    pub(super) fn configure(&self, options: &ServerOptions) {
        self.keeps.set(options.pool_idle);
    }

    fn keeps(&self) -> Duration {
        self.keeps.get().unwrap_or(IDLE)
    }

    /// The connection used last that is still open and that the request may have.
    pub(super) fn take(&self, care: Care, want: (Reuse, Position), kind: Kind, now: Instant) -> Option<Idle> {
        loop {
            let mut idle = self.idle.borrow_mut();
            let at = idle.iter().rposition(|(_, one, _)| one.may_carry(want, kind))?;
            let (since, found, _) = idle.remove(at);
            if found.stream.is_silent(care) && now.since(since) < self.keeps() {
                return Some(found);
            }
        }
    }

    /// Keeps a connection on which nothing is outstanding.
    pub(super) fn give(&self, connection: Idle, server: &Arc<Server>, options: &ServerOptions, now: Instant) {
        let mut idle = self.idle.borrow_mut();
        if self.is_retired.get() || idle.len() >= MAX_IDLE || self.keeps().is_zero() {
            return;
        }
        let place = options.pool_max.map(|limit| Place::take(server, limit));
        if matches!(place, Some(None)) {
            return;
        }
        idle.push((now, connection, place.flatten()));
    }

    /// Closes what died or idled too long.
    pub(super) fn trim(&self, now: Instant) {
        let keeps = self.keeps();
        self.idle
            .borrow_mut()
            .retain(|(since, one, _)| now.since(*since) < keeps && one.stream.is_silent(Care::Replayable));
    }

    /// Closes everything, now and later: the server is gone from the configuration.
    pub(super) fn retire(&self) {
        self.is_retired.set(true);
        self.idle.borrow_mut().clear();
    }
}
