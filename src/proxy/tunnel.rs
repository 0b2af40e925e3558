//! Bytes both ways until both sides have ended: TCP mode, and HTTP after an upgrade.
//!
//! Small messages are copied through the worker's scratch buffer; a direction whose reads fill it is spliced until it
//! calms down. An end of one side is passed on (half-close) while the other direction goes on.

use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use crate::rule::action::Timeout;
use crate::rule::bandwidth::{Bandwidth, Way};
use crate::sys::splice::More;
use crate::time::Instant;

use super::buffers::Chunk;
use super::failure::{By, Cause, Failure, Phase};
use super::local::{LocalBackend, LocalFrontend, Manners, Worker};
use super::session::{Interrupt, Session};
use super::socket::Socket;
use super::splice::{self, BorrowedPipe, Broken};
use super::throttle::{self, Throttle};

/// Bytes read at once. A read that fills it changes to splicing.
const READ: usize = 32 * 1024;
/// Splices below this many bytes in a row that change back to copying.
const SMALL: usize = 4096;

/// How long both sides may be silent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Silence {
    pub(super) client: Patience,
    pub(super) server: Patience,
}

/// How long a side may be silent (HAProxy manual §4.2 "timeout client", "timeout client-fin").
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// While both directions are open.
    pub(super) open: Duration,
    /// Once one of them has ended.
    pub(super) half_closed: Duration,
    /// Whether what it is sent does not count (`option independent-streams`).
    pub(super) is_independent: bool,
}

impl Silence {
    /// As a frontend and a backend say; `set` is what rules made of it.
    pub(super) fn of(
        frontend: &LocalFrontend,
        backend: &LocalBackend,
        set: impl Fn(Timeout, Duration) -> Duration,
    ) -> Silence {
        let (client, server) = (&frontend.running.model.timeouts, &backend.running.model.timeouts);
        let tunnel = server.tunnel.or(client.tunnel);
        let side = |limit: Duration, fin: Option<Duration>, manners: &Manners| {
            let open = set(Timeout::Tunnel, tunnel.unwrap_or(limit));
            Patience { open, half_closed: fin.unwrap_or(open), is_independent: manners.counts_reads_alone }
        };
        Silence {
            client: side(set(Timeout::Client, client.client), client.fin, &frontend.manners),
            server: side(set(Timeout::Server, server.server), server.fin, &backend.manners),
        }
    }

    /// How long the client and the server may be silent now; `None` for one of whom nothing is awaited: it has ended and
    /// takes all that it is sent.
    fn now(&self, up: &Direction, down: &Direction) -> [Option<Duration>; 2] {
        let side = |patience: &Patience, from: &Direction, to: &Direction| {
            let is_awaited = !from.is_read_out || to.is_held_up();
            let is_half_closed = from.is_read_out || to.is_done;
            is_awaited.then_some(if is_half_closed { patience.half_closed } else { patience.open })
        };
        [side(&self.client, up, down), side(&self.server, down, up)]
    }
}

/// When something last moved that tells of the client, and of the server.
#[derive(Clone, Copy, Debug)]
struct Heard([Instant; 2]);

impl Heard {
    fn all_at(now: Instant) -> Heard {
        Heard([now; 2])
    }

    /// Bytes went to the server, to the client.
    fn note(&mut self, silence: &Silence, (up, down): (bool, bool), now: Instant) {
        let [client, server] = &mut self.0;
        if up || down && !silence.client.is_independent {
            *client = now;
        }
        if down || up && !silence.server.is_independent {
            *server = now;
        }
    }

    /// When each of them has been silent for too long.
    fn deadlines(&self, limits: &[Option<Duration>; 2]) -> [Instant; 2] {
        let of = |side: usize| limits[side].map_or(Instant::FAR_FUTURE, |limit| self.0[side] + limit);
        [of(0), of(1)]
    }

    /// When the first of them has.
    fn deadline(&self, limits: &[Option<Duration>; 2]) -> Instant {
        let [client, server] = self.deadlines(limits);
        client.min(server)
    }
}

/// One direction.
#[derive(Debug, Default)]
pub(super) struct Direction {
    /// Bytes read and not yet written.
    pub(super) spill: Option<Chunk>,
    pipe: Option<BorrowedPipe>,
    small: u8,
    is_read_out: bool,
    is_done: bool,
    throttle: Throttle,
    /// Bytes written.
    pub(super) bytes: u64,
}

/// Runs both directions to their ends. Bytes are counted in `up` and `down` also when it fails.
pub(super) async fn run(
    session: &mut Session,
    server: &mut Socket,
    up: &mut Direction,
    down: &mut Direction,
    silence: Silence,
) -> Result<(), Failure> {
    let mut limits = silence.now(up, down);
    let mut heard = Heard::all_at(session.now());
    session.set_deadline(heard.deadline(&limits));
    let mut was_upward = false;
    let fail = |by, cause| Poll::Ready(Err(Failure::new(by, cause, Phase::Data)));
    poll_fn(|context| {
        let now = session.now();
        match session.interrupt(context, now) {
            Some(Interrupt::Killed) => return fail(By::Killed, Cause::Abort),
            Some(Interrupt::Expired) if now >= heard.deadline(&limits) => {
                let [client, server] = heard.deadlines(&limits);
                // Of two equal times the one of whom an answer is awaited.
                let is_client = client < server || client == server && !was_upward;
                return fail(if is_client { By::Client } else { By::Server }, Cause::Timeout);
            }
            _ => {}
        }
        let before = (up.bytes, down.bytes);
        let limits_before = limits;
        match up.poll_from_client(session, context, server) {
            Poll::Ready(Err(Broken::Source)) => return fail(By::Client, Cause::Abort),
            Poll::Ready(Err(Broken::Sink)) => return fail(By::Server, Cause::Abort),
            _ => {}
        }
        match down.poll_to_client(session, context, server) {
            Poll::Ready(Err(Broken::Source)) => return fail(By::Server, Cause::Abort),
            Poll::Ready(Err(Broken::Sink)) => return fail(By::Client, Cause::Abort),
            _ => {}
        }
        if up.is_done && down.is_done {
            return Poll::Ready(Ok(()));
        }
        limits = silence.now(up, down);
        if (up.bytes, down.bytes) != before {
            was_upward = up.bytes != before.0 && down.bytes == before.1;
            heard.note(&silence, (up.bytes != before.0, down.bytes != before.1), now);
            session.set_deadline(heard.deadline(&limits));
            session.count_bytes(up.bytes, down.bytes);
        } else if limits != limits_before {
            heard = Heard::all_at(now);
            session.set_deadline(heard.deadline(&limits));
        }
        if let Some(until) = throttle::first(up.throttled(), down.throttled()) {
            // Who waits for a limit is not silent.
            heard = Heard::all_at(until);
            session.set_deadline(until);
        }
        Poll::Pending
    })
    .await
}

/// Gives the client what was read of a server that is heard no more.
pub(super) async fn give(session: &mut Session, bytes: Option<Chunk>, down: &mut Direction) -> Result<(), Failure> {
    let Some(mut bytes) = bytes else { return Ok(()) };
    let all = bytes.len();
    let written = poll_fn(|context| match session.interrupt(context, session.now()) {
        Some(Interrupt::Killed) => Poll::Ready(Err(Failure::new(By::Killed, Cause::Abort, Phase::Data))),
        Some(Interrupt::Expired) => Poll::Ready(Err(Failure::new(By::Client, Cause::Timeout, Phase::Data))),
        None => {
            let broken = |_| Failure::new(By::Client, Cause::Abort, Phase::Data);
            session.client.poll_flush(context, &mut bytes).map_err(broken)
        }
    });
    let result = written.await;
    down.bytes += (all - bytes.len()) as u64;
    result
}

impl Direction {
    /// A direction that begins with bytes read before.
    pub(super) fn with(spill: Option<Chunk>) -> Direction {
        Direction { spill: spill.filter(|chunk| !chunk.is_empty()), ..Direction::default() }
    }

    /// Whether bytes wait for the one who is to take them.
    fn is_held_up(&self) -> bool {
        self.spill.is_some() || self.pipe.as_ref().is_some_and(|pipe| pipe.buffered() > 0)
    }

    /// Moves what can be moved of what the client sends; ready when both ends have been reached, or one is broken.
    pub(super) fn poll_from_client(
        &mut self,
        session: &mut Session,
        context: &mut Context<'_>,
        server: &mut Socket,
    ) -> Poll<Result<(), Broken>> {
        self.poll_between(Way::In, session, context, server)
    }

    /// The same of what the server sends.
    pub(super) fn poll_to_client(
        &mut self,
        session: &mut Session,
        context: &mut Context<'_>,
        server: &mut Socket,
    ) -> Poll<Result<(), Broken>> {
        self.poll_between(Way::Out, session, context, server)
    }

    fn poll_between(
        &mut self,
        way: Way,
        session: &mut Session,
        context: &mut Context<'_>,
        server: &mut Socket,
    ) -> Poll<Result<(), Broken>> {
        let (worker, now) = (Rc::clone(&session.worker), session.now());
        let (limits, client) = match session.limited(way) {
            Some((limits, client)) => (Some((limits, way, now)), client),
            None => (None, &mut session.client),
        };
        let ends = if way == Way::In { [client, server] } else { [server, client] };
        self.poll(&worker, context, ends, limits)
    }

    /// When it goes on, if it waits for a limit.
    pub(super) fn throttled(&self) -> Option<Instant> {
        self.throttle.until
    }

    fn poll(
        &mut self,
        worker: &Worker,
        context: &mut Context<'_>,
        [from, to]: [&mut Socket; 2],
        mut limited: Option<(&mut Bandwidth, Way, Instant)>,
    ) -> Poll<Result<(), Broken>> {
        self.throttle.until = None;
        while !self.is_done {
            if limited.is_some() {
                self.pipe.take_if(|pipe| pipe.buffered() == 0);
            }
            if let Some(chunk) = &mut self.spill {
                let before = chunk.len();
                let flushed = match &mut limited {
                    None => to.poll_flush(context, chunk),
                    Some((limits, way, now)) => {
                        self.throttle.poll_flush((limits, *way), *now, context, (&mut *to, chunk))
                    }
                };
                self.bytes += (before - chunk.len()) as u64;
                ready!(flushed).map_err(|_| Broken::Sink)?;
                self.spill = None;
            }
            if self.pipe.is_some() {
                ready!(self.poll_splice(context, from, to))?;
            } else if !self.is_read_out {
                ready!(self.poll_copy(worker, context, [&mut *from, &mut *to], limited.is_some()))?;
            }
            if self.is_read_out && self.pipe.is_none() && self.spill.is_none() {
                to.shutdown().map_err(|_| Broken::Sink)?;
                self.is_done = true;
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_copy(
        &mut self,
        worker: &Worker,
        context: &mut Context<'_>,
        [from, to]: [&mut Socket; 2],
        is_limited: bool,
    ) -> Poll<Result<(), Broken>> {
        let mut scratch = worker.buffers.scratch.borrow_mut();
        let count = ready!(from.poll_read(context, &mut scratch[..READ])).map_err(|_| Broken::Source)?;
        self.is_read_out = count == 0;
        if is_limited {
            self.spill = Some(worker.buffers.chunk_of(&scratch[..count])).filter(|chunk| !chunk.is_empty());
            return Poll::Ready(Ok(()));
        }
        let written = match to.poll_write(context, &scratch[..count]) {
            Poll::Ready(written) => written.map_err(|_| Broken::Sink)?,
            Poll::Pending => 0,
        };
        self.bytes += written as u64;
        if written < count {
            self.spill = Some(worker.buffers.chunk_of(&scratch[written..count]));
        }
        if count == READ {
            (self.pipe, self.small) = (worker.pipes.take(), 0);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_splice(
        &mut self,
        context: &mut Context<'_>,
        from: &mut Socket,
        to: &mut Socket,
    ) -> Poll<Result<(), Broken>> {
        let Some(pipe) = &mut self.pipe else { return Poll::Ready(Ok(())) };
        if pipe.buffered() == 0 && !self.is_read_out {
            let most = pipe.capacity();
            let moved = ready!(splice::poll_in(pipe, from, context, most)).map_err(|_| Broken::Source)?;
            self.is_read_out = moved == 0;
            self.small = if moved < SMALL { self.small + 1 } else { 0 };
        }
        while pipe.buffered() > 0 {
            let moved = ready!(splice::poll_out(pipe, to, context, More::Ends)).map_err(|_| Broken::Sink)?;
            self.bytes += moved as u64;
        }
        if self.is_read_out || self.small >= 4 {
            self.pipe = None;
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::buffers::Buffers;
    use super::*;

    #[test]
    fn whoever_has_ended_is_not_awaited_and_the_other_one_has_the_limit_of_half_closed_connections() {
        let seconds = Duration::from_secs;
        let silence = Silence {
            client: Patience { open: seconds(1), half_closed: seconds(2), is_independent: false },
            server: Patience { open: seconds(3), half_closed: seconds(4), is_independent: false },
        };
        let (open, ended) =
            (Direction::default, || Direction { is_read_out: true, is_done: true, ..Direction::default() });
        assert_eq!(silence.now(&open(), &open()), [Some(seconds(1)), Some(seconds(3))]);
        assert_eq!(silence.now(&ended(), &open()), [None, Some(seconds(4))]);
        assert_eq!(silence.now(&open(), &ended()), [Some(seconds(2)), None]);
        let rest = Buffers::new().chunk_of(b"rest");
        let held_up = Direction { spill: Some(rest), is_read_out: true, ..Direction::default() };
        assert_eq!(silence.now(&ended(), &held_up), [Some(seconds(2)), None]);
    }

    #[test]
    fn what_a_side_is_sent_tells_of_it_unless_its_section_counts_reads_alone() {
        let seconds = Duration::from_secs;
        let patience = |is_independent| Patience { open: seconds(5), half_closed: seconds(5), is_independent };
        let (start, limits) = (Instant::from_nanos(0), [Some(seconds(5)); 2]);
        for (client, server) in [(false, false), (true, false), (false, true)] {
            let silence = Silence { client: patience(client), server: patience(server) };
            let mut heard = Heard::all_at(start);
            heard.note(&silence, (true, false), start + seconds(3));
            let later = |is_later: bool| start + seconds(if is_later { 8 } else { 5 });
            assert_eq!(heard.deadlines(&limits), [later(true), later(!server)], "{silence:?}: to the server");
            heard = Heard::all_at(start);
            heard.note(&silence, (false, true), start + seconds(3));
            assert_eq!(heard.deadlines(&limits), [later(!client), later(true)], "{silence:?}: to the client");
        }
    }
}
