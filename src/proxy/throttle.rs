//! Bytes of one direction of a stream that has bandwidth limits: what was read is kept and goes out as they allow.
//!
//! Such a direction is not spliced. A stream without limits has nothing of this but a look at whether it has.

use std::io;
use std::task::{Context, Poll, ready};

use crate::rule::bandwidth::{Bandwidth, Way};
use crate::stick::Grant;
use crate::time::Instant;

use super::buffers::Chunk;
use super::session::Session;
use super::socket::Socket;

/// The state of one direction.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    /// Bytes to come that no limit is about: heads of messages.
    free: usize,
    /// Bytes that were allowed, and have not gone yet.
    allowed: usize,
    /// When to look again; `None` waits for no limit.
    pub(super) until: Option<Instant>,
}

impl Throttle {
    /// So many bytes of a head come behind what is waiting.
    pub(super) fn add_head(&mut self, length: usize) {
        self.free += length;
    }

    /// So many bytes of a head are what is next.
    pub(super) fn set_head(&mut self, left: usize) {
        self.free = left;
    }

    /// Writes as much of a chunk as limits allow and the socket takes; ready when it is empty.
    pub(super) fn poll_flush(
        &mut self,
        (limits, way): (&mut Bandwidth, Way),
        now: Instant,
        context: &mut Context<'_>,
        (to, chunk): (&mut Socket, &mut Chunk),
    ) -> Poll<io::Result<()>> {
        while !chunk.is_empty() {
            if self.free + self.allowed == 0 {
                match limits.allows(way, now, chunk.len() as u64) {
                    Grant::Now(bytes) => {
                        limits.take(way, now, bytes);
                        self.allowed = usize::try_from(bytes).unwrap_or(usize::MAX);
                    }
                    Grant::After(time) => {
                        self.until = Some(now + time);
                        return Poll::Pending;
                    }
                }
            }
            let most = chunk.len().min(self.free + self.allowed);
            let written = match ready!(to.poll_write(context, &chunk[..most]))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => written,
            };
            chunk.consume(written);
            let of_head = written.min(self.free);
            self.free -= of_head;
            self.allowed -= written - of_head;
        }
        Poll::Ready(Ok(()))
    }
}

/// The first of two moments.
pub(super) fn first(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

impl Session {
    /// The limits of the present stream that way, if it has any, and its connection.
    pub(super) fn limited(&mut self, way: Way) -> Option<(&mut Bandwidth, &mut Socket)> {
        let limits = self.rules.as_mut()?.bandwidth();
        limits.limits(way).then_some((limits, &mut self.client))
    }

    /// Whether the present stream has limits that way.
    pub(super) fn is_limited(&self, way: Way) -> bool {
        self.rules.as_ref().is_some_and(|rules| rules.limits(way))
    }
}
