//! The response on its way to the client.

use std::io;
use std::task::{Context, Poll, ready};

use super::{Exchange, Parked, Stage, Wants};
use crate::http::{Body, BodyFraming, Method, Parsed, data_length, is_head_complete, parse_response};
use crate::proxy::buffers::{Chunk, SMALL_READ};
use crate::proxy::failure::{By, Cause, Failure};
use crate::proxy::local::{LocalFrontend, Worker};
use crate::proxy::session::Session;
use crate::proxy::socket::Socket;
use crate::proxy::splice::{self, BorrowedPipe, Broken};
use crate::rule::bandwidth::Way;
use crate::time::Instant;

/// Body bytes up to which head and body are copied together for one send; above, they are sent as two slices.
const JOIN: usize = 4096;

impl Exchange<'_> {
    pub(super) fn poll_download(
        &mut self,
        worker: &Worker,
        session: &mut Session,
        context: &mut Context<'_>,
        now: Instant,
    ) -> Poll<Result<(), Failure>> {
        self.down.until = None;
        loop {
            if let Some(chunk) = &mut self.to_client {
                let before = chunk.len();
                let flushed = match session.limited(Way::Out) {
                    None => session.client.poll_flush(context, chunk),
                    Some((limits, client)) => self.down.poll_flush((limits, Way::Out), now, context, (client, chunk)),
                };
                self.bytes_out += (before - chunk.len()) as u64;
                if ready!(flushed).is_err() {
                    return Poll::Ready(Err(self.failure(By::Client, Cause::Abort)));
                }
                self.to_client = None;
            }
            match self.stage {
                Stage::Done | Stage::Switched => return Poll::Ready(Ok(())),
                Stage::Head => ready!(self.poll_head(worker, session, context, now))?,
                Stage::Body => {
                    if self.download_pipe.is_none()
                        && splice::is_worthwhile(&self.download, self.read_down)
                        && !session.is_limited(Way::Out)
                        && self.trailers.is_none()
                    {
                        self.download_pipe = worker.pipes.take();
                    }
                    match self.download_pipe.take() {
                        Some(pipe) => ready!(self.poll_splice_down(pipe, session, context))?,
                        None => ready!(self.poll_body(worker, session, context))?,
                    }
                }
            }
        }
    }

    /// Reads until a head is complete, and sends it on with what came of the body.
    fn poll_head(
        &mut self,
        worker: &Worker,
        session: &mut Session,
        context: &mut Context<'_>,
        now: Instant,
    ) -> Poll<Result<(), Failure>> {
        if let Some(parked) = self.parked {
            let Some(input) = ready!(self.poll_parked(parked, worker, context, now))? else { return Poll::Pending };
            self.parked = None;
            return Poll::Ready(self.look(&input, worker, session, context, now));
        }
        let mut scratch = worker.buffers.scratch.borrow_mut();
        let count = match ready!(self.server.poll_read(context, &mut scratch[..])) {
            Ok(count) if count > 0 => count,
            _ => return Poll::Ready(Err(self.server_failure())),
        };
        let Some(mut input) = self.input.take() else {
            return Poll::Ready(self.look(&scratch[..count], worker, session, context, now));
        };
        input.push(&scratch[..count]);
        if is_head_complete(&input, self.seen) {
            return Poll::Ready(self.look(&input, worker, session, context, now));
        }
        if input.len() > self.frontend.max_head {
            return Poll::Ready(Err(self.failure(By::Proxy, Cause::Abort)));
        }
        self.seen = input.len();
        self.input = Some(input);
        Poll::Ready(Ok(()))
    }

    /// The response that rules keep back, once they may go on.
    fn poll_parked(
        &mut self,
        parked: Parked,
        worker: &Worker,
        context: &mut Context<'_>,
        now: Instant,
    ) -> Poll<Result<Option<Chunk>, Failure>> {
        let at_least = match parked.wants {
            Wants::Time if now < parked.until => return Poll::Pending,
            Wants::Time => return Poll::Ready(Ok(self.input.take())),
            Wants::Body(at_least) => at_least,
            Wants::More(_) => 0,
        };
        loop {
            let Some(input) = &mut self.input else { return Poll::Ready(Ok(None)) };
            if let Wants::More(length) = parked.wants
                && (input.len() > length || self.has_server_ended || now >= parked.until)
            {
                return Poll::Ready(Ok(self.input.take()));
            }
            if matches!(parked.wants, Wants::Body(_))
                && has_arrived(input, (self.request.method, self.frontend), at_least, worker)
            {
                return Poll::Ready(Ok(self.input.take()));
            }
            if now >= parked.until {
                return Poll::Ready(Err(self.failure(By::Server, Cause::Timeout)));
            }
            let mut scratch = worker.buffers.scratch.borrow_mut();
            match ready!(self.server.poll_read(context, &mut scratch[..SMALL_READ])) {
                Ok(count) if count > 0 => input.push(&scratch[..count]),
                // Whether that was the end of the body is seen when it is read further.
                _ => {
                    self.has_server_ended = true;
                    return Poll::Ready(Ok(self.input.take()));
                }
            }
        }
    }

    /// How many of these bytes of the server belong to the body.
    pub(super) fn take_body(&mut self, bytes: &[u8]) -> Result<usize, Failure> {
        let taken = self.download.advance(bytes).map_err(|_| self.failure(By::Server, Cause::Abort))?;
        if taken < bytes.len() {
            // Bytes that nobody asked for: the connection is out of step.
            self.server_persists = false;
        }
        if self.download.is_done() {
            self.stage = Stage::Done;
        }
        Ok(taken)
    }

    /// Moves what the server sends of a large body.
    fn poll_splice_down(
        &mut self,
        mut pipe: BorrowedPipe,
        session: &mut Session,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), Failure>> {
        let sockets = [&mut self.server, &mut session.client];
        let counts = [&mut self.spliced_down, &mut self.bytes_out];
        match splice::poll_body(&mut pipe, &mut self.download, sockets, counts, u64::MAX, context) {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(Broken::Source)) => return Poll::Ready(Err(self.failure(By::Server, Cause::Abort))),
            Poll::Ready(Err(Broken::Sink)) => return Poll::Ready(Err(self.failure(By::Client, Cause::Abort))),
            Poll::Pending => {
                self.download_pipe = Some(pipe);
                return Poll::Pending;
            }
        }
        if self.download.is_done() {
            self.stage = Stage::Done;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_body(
        &mut self,
        worker: &Worker,
        session: &mut Session,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), Failure>> {
        let mut scratch = worker.buffers.scratch.borrow_mut();
        let limit = if self.is_client_slow { SMALL_READ } else { scratch.len() };
        let count = match ready!(self.server.poll_read(context, &mut scratch[..limit])) {
            Ok(0) if matches!(self.download, Body::UntilClose) => {
                self.stage = Stage::Done;
                return Poll::Ready(Ok(()));
            }
            Ok(count) if count > 0 => count,
            _ => return Poll::Ready(Err(self.failure(By::Server, Cause::Abort))),
        };
        self.read_down = count;
        let taken = self.take_body(&scratch[..count])?;
        if let Some(trailers) = &mut self.trailers {
            let mut kept = worker.buffers.chunk();
            // It has been scanned.
            let _ = trailers.write_without_trailers(&scratch[..taken], kept.storage());
            return Poll::Ready(self.send(worker, session, context, &kept, &[]));
        }
        Poll::Ready(self.send(worker, session, context, &scratch[..taken], &[]))
    }

    /// Writes a head, which no limit is about, and what follows it.
    pub(super) fn send_head(
        &mut self,
        worker: &Worker,
        session: &mut Session,
        context: &mut Context<'_>,
        head: &mut [u8],
        rest: &[u8],
    ) -> Result<(), Failure> {
        self.frontend.adjust_names(head);
        if session.is_limited(Way::Out) {
            self.down.add_head(head.len());
        }
        self.send(worker, session, context, head, rest)
    }

    /// Writes to the client and keeps what it does not take.
    pub(super) fn send(
        &mut self,
        worker: &Worker,
        session: &mut Session,
        context: &mut Context<'_>,
        first: &[u8],
        second: &[u8],
    ) -> Result<(), Failure> {
        if let Some(waiting) = &mut self.to_client {
            waiting.push(first);
            waiting.push(second);
            return Ok(());
        }
        if session.is_limited(Way::Out) {
            let mut chunk = worker.buffers.chunk_of(first);
            chunk.push(second);
            self.to_client = Some(chunk);
            return Ok(());
        }
        let total = first.len() + second.len();
        // What the client gets last before its connection closes goes out with the close.
        let is_last = self.stage == Stage::Done && !self.client_persists;
        let written = match write_two(&mut session.client, context, worker, (first, second), is_last) {
            Poll::Ready(Ok(written)) => written,
            Poll::Ready(Err(_)) => return Err(self.failure(By::Client, Cause::Abort)),
            Poll::Pending => 0,
        };
        self.bytes_out += written as u64;
        self.is_client_slow = written < total;
        if written < total {
            let mut chunk = worker.buffers.chunk_of(first.get(written..).unwrap_or_default());
            chunk.push(&second[written.saturating_sub(first.len())..]);
            self.to_client = Some(chunk);
        }
        Ok(())
    }
}

/// Whether so much of a response's body is there, or all of it, or as much as a buffer of HAProxy's holds.
fn has_arrived(input: &[u8], (method, frontend): (Method, &LocalFrontend), at_least: usize, worker: &Worker) -> bool {
    let mut head = worker.buffers.head.borrow_mut();
    head.leniency = frontend.leniency;
    if input.len() >= frontend.max_head || !matches!(parse_response(input, &mut head), Ok(Parsed::Complete)) {
        return true;
    }
    let framing = head.response_framing(method);
    let (mut body, rest) = (Body::from(framing), &input[head.length..]);
    let Ok(taken) = body.advance(rest) else { return true };
    let length = data_length(&rest[..taken], framing == BodyFraming::Chunked);
    body.is_done() || at_least > 0 && length >= at_least
}

/// Writes two slices with one system call.
fn write_two(
    stream: &mut Socket,
    context: &mut Context<'_>,
    worker: &Worker,
    (first, second): (&[u8], &[u8]),
    is_last: bool,
) -> Poll<io::Result<usize>> {
    if second.len() > JOIN {
        return stream.poll_write_two(context, first, second);
    }
    let mut joined = worker.buffers.joined.borrow_mut();
    let bytes = if second.is_empty() {
        first
    } else {
        joined.clear();
        joined.extend_from_slice(first);
        joined.extend_from_slice(second);
        &joined
    };
    if is_last { stream.poll_write_last(context, bytes) } else { stream.poll_write(context, bytes) }
}
