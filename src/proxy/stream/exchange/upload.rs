//! The request on its way to the server.

use std::io;
use std::task::{Context, Poll, ready};

use super::Exchange;
use crate::proxy::failure::{By, Cause, Failure, Phase};
use crate::proxy::local::Worker;
use crate::proxy::session::Session;
use crate::proxy::splice::{self, BULK, BorrowedPipe, Broken};
use crate::rule::bandwidth::Way;

impl Exchange<'_> {
    /// Sends what is held of the request, then the rest of its body as it comes.
    pub(super) fn poll_upload(
        &mut self,
        worker: &Worker,
        session: &mut Session,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), Failure>> {
        let is_limited = session.is_limited(Way::In);
        self.up.until = None;
        while !self.is_upload_broken {
            if ready!(self.poll_send(session, context)).is_err() {
                // It may have answered before it closed: the download finds out.
                self.is_upload_broken = true;
                return Poll::Pending;
            }
            self.to_server = None;
            if self.upload_pipe.is_none()
                && !is_limited
                && self.request.trailers.is_none()
                && self.read_up >= BULK
                && splice::is_worthwhile(&self.request.body, self.read_up)
            {
                self.upload_pipe = worker.pipes.take();
            }
            if let Some(pipe) = self.upload_pipe.take() {
                ready!(self.poll_splice_up(pipe, session, context))?;
                continue;
            }
            if self.request.body.is_done() {
                break;
            }
            let mut scratch = worker.buffers.scratch.borrow_mut();
            let count = match ready!(session.client.poll_read(context, &mut scratch[..])) {
                Ok(count) if count > 0 => count,
                _ => return Poll::Ready(Err(self.client_left())),
            };
            let Ok(taken) = self.request.body.advance(&scratch[..count]) else {
                session.worker.counters.bad_messages.add(1);
                return Poll::Ready(Err(Failure::new(By::Proxy, Cause::Abort, Phase::Request)));
            };
            self.bytes_in += taken as u64;
            self.read_up = count;
            if taken < count {
                session.input = Some(worker.buffers.chunk_of(&scratch[taken..count]));
            }
            if is_limited || self.request.trailers.is_some() {
                let mut chunk = worker.buffers.chunk();
                match &mut self.request.trailers {
                    // It has been scanned.
                    Some(scanner) => drop(scanner.write_without_trailers(&scratch[..taken], chunk.storage())),
                    None => chunk.push(&scratch[..taken]),
                }
                self.to_server = Some(chunk);
                continue;
            }
            match self.server.poll_write(context, &scratch[..taken]) {
                Poll::Ready(Ok(written)) if written == taken => {}
                Poll::Ready(Ok(written)) => self.to_server = Some(worker.buffers.chunk_of(&scratch[written..taken])),
                Poll::Ready(Err(_)) => self.is_upload_broken = true,
                Poll::Pending => self.to_server = Some(worker.buffers.chunk_of(&scratch[..taken])),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Writes what was read for the server.
    fn poll_send(&mut self, session: &mut Session, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let (held, server, now) = (&mut self.request.held, &mut self.server, session.now());
        if let Some((limits, _)) = session.limited(Way::In) {
            if !held.is_empty() {
                let sent = held.all().len() - held.len();
                self.up.set_head(self.request.head_length.saturating_sub(sent));
                ready!(self.up.poll_flush((limits, Way::In), now, context, (server, held)))?;
            }
            if let Some(chunk) = &mut self.to_server {
                ready!(self.up.poll_flush((limits, Way::In), now, context, (server, chunk)))?;
            }
            return Poll::Ready(Ok(()));
        }
        for chunk in [Some(held), self.to_server.as_mut()].into_iter().flatten() {
            if !chunk.is_empty() {
                ready!(server.poll_flush(context, chunk))?;
            }
        }
        Poll::Ready(Ok(()))
    }

    /// The client ended within its body: HAProxy calls that the data phase, whether the response has begun or not.
    fn client_left(&self) -> Failure {
        Failure { at: Phase::Data, ..self.failure(By::Client, Cause::Abort) }
    }

    /// Moves what the client sends of a large body.
    fn poll_splice_up(
        &mut self,
        mut pipe: BorrowedPipe,
        session: &mut Session,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), Failure>> {
        // What limits are about is not spliced: what is in the pipe goes on its way.
        let most = if session.is_limited(Way::In) { 0 } else { u64::MAX };
        let sockets = [&mut session.client, &mut self.server];
        let counts = [&mut self.bytes_in, &mut self.spliced_up];
        match splice::poll_body(&mut pipe, &mut self.request.body, sockets, counts, most, context) {
            Poll::Ready(Ok(())) => return Poll::Ready(Ok(())),
            Poll::Ready(Err(Broken::Source)) => return Poll::Ready(Err(self.client_left())),
            Poll::Ready(Err(Broken::Sink)) => self.is_upload_broken = true,
            Poll::Pending => {}
        }
        self.upload_pipe = Some(pipe);
        Poll::Pending
    }
}
