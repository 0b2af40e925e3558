//! Large response bodies, moved from socket to socket by the kernel.

use std::task::{Context, Poll, ready};

use crate::http::Body;
use crate::sys::splice::More;

use super::super::failure::{By, Cause, Failure};
use super::super::local::Worker;
use super::super::session::Session;
use super::super::tunnel::{poll_splice_in, poll_splice_out};
use super::exchange::Exchange;

/// Bytes that must still come: below, one large copy is as good (measured).
const LEAST: u64 = 128 * 1024;

impl Exchange<'_> {
    /// Whether the rest of the body is worth a pipe, or is in one already.
    pub(super) fn wants_splice(&self) -> bool {
        self.pipe.is_some() || matches!(self.download, Body::Length(left) if left >= LEAST)
    }

    /// Moves what there is; the stage moves on when the body is through.
    pub(super) fn poll_splice(
        &mut self,
        worker: &Worker,
        session: &mut Session,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), Failure>> {
        let mut pipe = match self.pipe.take().or_else(|| worker.take_pipe()) {
            Some(pipe) => pipe,
            None => return self.poll_body(worker, session, context),
        };
        let result = loop {
            if pipe.buffered() > 0 {
                let more = if self.download.is_done() { More::Ends } else { More::Follows };
                match poll_splice_out(&mut pipe, &mut session.client, context, more) {
                    Poll::Ready(Ok(moved)) if moved > 0 => self.bytes_out += moved as u64,
                    Poll::Ready(_) => break Poll::Ready(Err(self.failure(By::Client, Cause::Abort))),
                    Poll::Pending => break Poll::Pending,
                }
                continue;
            }
            let Body::Length(left) = self.download else { break Poll::Ready(Ok(())) };
            let most = usize::try_from(left).unwrap_or(usize::MAX).min(pipe.capacity());
            match poll_splice_in(&mut pipe, &mut self.server, context, most) {
                Poll::Ready(Ok(moved)) if moved > 0 => self.spliced(left, moved as u64),
                Poll::Ready(_) => break Poll::Ready(Err(self.failure(By::Server, Cause::Abort))),
                Poll::Pending => break Poll::Pending,
            }
        };
        if result.is_pending() || result.is_ready() && pipe.buffered() > 0 {
            self.pipe = Some(pipe);
        } else {
            worker.give_pipe(pipe);
        }
        ready!(result)?;
        self.finish_body();
        Poll::Ready(Ok(()))
    }

    fn spliced(&mut self, left: u64, moved: u64) {
        self.download = if moved >= left { Body::Done } else { Body::Length(left - moved) };
    }
}
