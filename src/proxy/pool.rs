//! Idle server connections of one worker and one server, last used first.

use std::cell::{Cell, RefCell};
use std::time::Duration;

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

/// The idle connections.
#[derive(Debug, Default)]
pub(super) struct Pool {
    idle: RefCell<Vec<(Instant, Socket)>>,
    is_retired: Cell<bool>,
}

impl Pool {
    /// The connection used last that is still open.
    pub(super) fn take(&self, care: Care) -> Option<Socket> {
        loop {
            let (_, mut stream) = self.idle.borrow_mut().pop()?;
            if stream.is_silent(care) {
                return Some(stream);
            }
        }
    }

    /// Keeps a connection on which nothing is outstanding.
    pub(super) fn give(&self, stream: Socket, now: Instant) {
        let mut idle = self.idle.borrow_mut();
        if !self.is_retired.get() && idle.len() < MAX_IDLE {
            idle.push((now, stream));
        }
    }

    /// Closes what died or idled too long.
    pub(super) fn trim(&self, now: Instant) {
        self.idle
            .borrow_mut()
            .retain_mut(|(since, stream)| now.since(*since) < IDLE && stream.is_silent(Care::Replayable));
    }

    /// Closes everything, now and later: the server is gone from the configuration.
    pub(super) fn retire(&self) {
        self.is_retired.set(true);
        self.idle.borrow_mut().clear();
    }
}
