//! Idle server connections of one worker and one server, last used first.

use std::cell::{Cell, RefCell};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::io::ReadBuf;
use tokio::net::TcpStream;

use crate::time::Instant;

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
    idle: RefCell<Vec<(Instant, TcpStream)>>,
    is_retired: Cell<bool>,
}

impl Pool {
    /// The connection used last that is still open.
    pub(super) fn take(&self, care: Care) -> Option<TcpStream> {
        loop {
            let (_, stream) = self.idle.borrow_mut().pop()?;
            if is_alive(&stream, care) {
                return Some(stream);
            }
        }
    }

    /// Keeps a connection on which nothing is outstanding.
    pub(super) fn give(&self, stream: TcpStream, now: Instant) {
        let mut idle = self.idle.borrow_mut();
        if !self.is_retired.get() && idle.len() < MAX_IDLE {
            idle.push((now, stream));
        }
    }

    /// Closes what died or idled too long.
    pub(super) fn trim(&self, now: Instant) {
        self.idle.borrow_mut().retain(|(since, stream)| now.since(*since) < IDLE && is_alive(stream, Care::Replayable));
    }

    /// Closes everything, now and later: the server is gone from the configuration.
    pub(super) fn retire(&self) {
        self.is_retired.set(true);
        self.idle.borrow_mut().clear();
    }
}

/// Whether an idle connection has neither data nor an end to read. Readiness may be left over from a splice, so a
/// ready socket is asked.
fn is_alive(stream: &TcpStream, care: Care) -> bool {
    let mut context = Context::from_waker(Waker::noop());
    if care == Care::Replayable && stream.poll_read_ready(&mut context).is_pending() {
        return true;
    }
    if care == Care::Once {
        let mut byte = [std::mem::MaybeUninit::uninit()];
        let peeked = socket2::SockRef::from(stream).peek(&mut byte);
        return peeked.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock);
    }
    let mut byte = [0];
    matches!(stream.poll_peek(&mut context, &mut ReadBuf::new(&mut byte)), Poll::Pending)
}
