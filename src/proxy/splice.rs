//! Large bodies, moved from socket to socket by the kernel.

use std::cell::{Cell, RefCell};
use std::io;
use std::ops::{Deref, DerefMut};
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tokio::io::Interest;

use crate::http::Body;
use crate::sys::splice::{More, Pipe};

use super::socket::Socket;

/// Bytes that must still come: below, one large copy is as good (measured).
const LEAST: u64 = 128 * 1024;
/// One read of so many bytes tells that much is on its way.
pub(super) const BULK: usize = 32 * 1024;

/// Bytes of a pipe. The default of 64 KiB gains nothing over copying (measured).
const PIPE: usize = 512 * 1024;
/// Empty pipes kept for the next large body.
const MAX_KEPT: usize = 16;
/// Pipes of a worker at a time; further bodies are copied. Stalled bodies must not use up the descriptors.
const MAX_USED: usize = 128;

/// The pipes of a worker.
#[derive(Debug, Default)]
pub(super) struct Pipes {
    kept: RefCell<Vec<Pipe>>,
    used: Cell<usize>,
}

impl Pipes {
    /// An empty pipe, if one can be had that is larger than the default.
    pub(super) fn take(self: &Rc<Self>) -> Option<BorrowedPipe> {
        if self.used.get() >= MAX_USED {
            return None;
        }
        let kept = self.kept.borrow_mut().pop();
        let pipe = kept.or_else(|| Pipe::new(PIPE).ok().filter(|pipe| pipe.capacity() > 65536))?;
        self.used.set(self.used.get() + 1);
        Some(BorrowedPipe { pipe: Some(pipe), home: Rc::clone(self) })
    }
}

/// A pipe in use. Goes back to the worker when dropped, unless bytes are left in it.
#[derive(Debug)]
pub(super) struct BorrowedPipe {
    pipe: Option<Pipe>,
    home: Rc<Pipes>,
}

impl Deref for BorrowedPipe {
    type Target = Pipe;

    fn deref(&self) -> &Pipe {
        self.pipe.as_ref().expect("it is there until the drop")
    }
}

impl DerefMut for BorrowedPipe {
    fn deref_mut(&mut self) -> &mut Pipe {
        self.pipe.as_mut().expect("it is there until the drop")
    }
}

impl Drop for BorrowedPipe {
    fn drop(&mut self) {
        self.home.used.set(self.home.used.get() - 1);
        let mut kept = self.home.kept.borrow_mut();
        if kept.len() < MAX_KEPT {
            kept.extend(self.pipe.take().filter(|pipe| pipe.buffered() == 0));
        }
    }
}

/// Which of the two sockets failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    Source,
    Sink,
}

impl Broken {
    /// What stands for the side that failed.
    pub(super) fn blames<T>(self, source: T, sink: T) -> T {
        if self == Broken::Source { source } else { sink }
    }
}

/// Whether the rest of a body is worth a pipe; `last_read` bytes came with the last read.
pub(super) fn is_worthwhile(body: &Body, last_read: usize) -> bool {
    body.unexamined() >= LEAST && (last_read >= BULK || !matches!(body, Body::UntilClose))
}

/// Moves up to `most` bytes of what there is of a body, also what the pipe still holds. Ready when the next byte must be looked at, or there is
/// none; counts bytes as they enter the pipe and as they leave it.
pub(super) fn poll_body(
    pipe: &mut Pipe,
    body: &mut Body,
    [from, to]: [&mut Socket; 2],
    [taken, given]: [&mut u64; 2],
    most: u64,
    context: &mut Context<'_>,
) -> Poll<Result<(), Broken>> {
    loop {
        if pipe.buffered() > 0 {
            // What has no announced end may pause: its bytes must not wait for more.
            let more = if matches!(body, Body::Length(_)) { More::Follows } else { More::Ends };
            match ready!(poll_out(pipe, to, context, more)) {
                Ok(moved) if moved > 0 => *given += moved as u64,
                _ => return Poll::Ready(Err(Broken::Sink)),
            }
            continue;
        }
        let most = body.unexamined().min(pipe.capacity() as u64).min(most);
        if most == 0 {
            return Poll::Ready(Ok(()));
        }
        match ready!(poll_in(pipe, from, context, most as usize)) {
            Ok(moved) if moved > 0 => {
                body.skip(moved as u64);
                *taken += moved as u64;
            }
            Ok(_) if matches!(body, Body::UntilClose) => *body = Body::Done,
            _ => return Poll::Ready(Err(Broken::Source)),
        }
    }
}

/// Moves bytes from a socket into an empty pipe; 0 is the end.
pub(super) fn poll_in(
    pipe: &mut Pipe,
    from: &mut Socket,
    context: &mut Context<'_>,
    most: usize,
) -> Poll<io::Result<usize>> {
    from.poll_with(Interest::READABLE, context, |from| pipe.splice_in(from, most))
}

/// Moves bytes from a pipe to a socket.
pub(super) fn poll_out(
    pipe: &mut Pipe,
    to: &mut Socket,
    context: &mut Context<'_>,
    more: More,
) -> Poll<io::Result<usize>> {
    to.poll_with(Interest::WRITABLE, context, |to| pipe.splice_out(to, more))
}
