//! A client connection: one task from accept to close.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::model::proxy::Mode;
use crate::sys::clock;
use crate::time::Instant;

use super::buffers::Chunk;
use super::listener::Listener;
use super::local::{LocalFrontend, Service, Shared, Stage, Worker};
use super::timers::Wheel;
use super::{stream, tcp};

/// Why a wait ended without what it waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interrupt {
    /// The deadline passed.
    Expired,
    /// The worker wants the connection closed.
    Killed,
}

/// A client connection.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) worker: Rc<Worker>,
    pub(super) shared: Rc<Shared>,
    pub(super) listener: Rc<Listener>,
    pub(super) client: TcpStream,
    pub(super) peer: SocketAddr,
    pub(super) accepted: Instant,
    /// Bytes of the client that belong to its next request.
    pub(super) input: Option<Chunk>,
    key: usize,
}

impl Session {
    pub(super) fn new(worker: &Rc<Worker>, listener: &Rc<Listener>, client: TcpStream, peer: SocketAddr) -> Session {
        let bound = listener.key.address.ip();
        // A socket on one address needs no system call to know its local address.
        let local = if bound.is_unspecified() { client.local_addr().map_or(bound, |local| local.ip()) } else { bound };
        let accepted = clock::now();
        let shared = Rc::new(Shared {
            timer: super::timers::Timer::new(),
            stage: Stage::Waiting(accepted).into(),
            is_killed: false.into(),
            local: local.to_canonical(),
        });
        let key = worker.sessions.borrow_mut().insert(Rc::clone(&shared));
        Session {
            worker: Rc::clone(worker),
            shared,
            listener: Rc::clone(listener),
            client,
            peer,
            accepted,
            input: None,
            key,
        }
    }

    /// Runs until the connection closes.
    pub(super) async fn run(mut self) {
        match self.listener.frontend().running.model.mode {
            Mode::Http => stream::run(&mut self).await,
            Mode::Tcp => tcp::run(&mut self).await,
        }
    }

    /// The frontend of the current generation.
    pub(super) fn frontend(&self) -> Rc<LocalFrontend> {
        self.listener.frontend()
    }

    /// Whether the client may send another request on this connection.
    pub(super) fn may_persist(&self) -> bool {
        self.worker.service.get() == Service::Normal && !self.listener.is_closed() && !self.is_leaving()
    }

    /// Whether the address that the client connected to is about to leave this node.
    pub(super) fn is_leaving(&self) -> bool {
        self.worker.leaving.borrow().contains(&self.shared.local)
    }

    /// Asks the socket itself: the reactor may not have heard yet.
    pub(super) fn has_unread_input(&self) -> bool {
        let mut byte = [std::mem::MaybeUninit::uninit()];
        SockRef::from(&self.client).peek(&mut byte).is_ok_and(|count| count > 0)
    }

    /// Moves the deadline.
    pub(super) fn set_deadline(&self, at: Instant) {
        Wheel::set(&self.worker.wheel, &self.shared, at);
    }

    /// To be asked at the start of every poll that waits.
    pub(super) fn interrupt(&self, context: &Context<'_>, now: Instant) -> Option<Interrupt> {
        self.shared.timer.register(context.waker());
        if self.shared.is_killed.get() {
            Some(Interrupt::Killed)
        } else if self.shared.timer.has_expired(now) {
            Some(Interrupt::Expired)
        } else {
            None
        }
    }

    /// Ends our direction and reads until the client closes, at most for `limit` and 1 MiB: a reset for unread bytes
    /// would destroy the response on its way.
    pub(super) async fn linger(&mut self, limit: Duration) {
        self.set_deadline(clock::now() + limit);
        let mut is_shut = false;
        let mut budget = 1 << 20;
        std::future::poll_fn(|context| {
            if self.interrupt(context, clock::now()).is_some() {
                return Poll::Ready(());
            }
            if !is_shut {
                match Pin::new(&mut self.client).poll_shutdown(context) {
                    Poll::Ready(Ok(())) => is_shut = true,
                    Poll::Ready(Err(_)) => return Poll::Ready(()),
                    Poll::Pending => return Poll::Pending,
                }
            }
            let mut scratch = self.worker.buffers.scratch.borrow_mut();
            loop {
                match poll_read(&mut self.client, context, &mut scratch[..]) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Ok(count)) if count > 0 && budget > count => budget -= count,
                    Poll::Ready(_) => return Poll::Ready(()),
                }
            }
        })
        .await;
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.worker.counters.panics.add(1);
        }
        self.shared.timer.forget();
        let mut sessions = self.worker.sessions.borrow_mut();
        sessions.try_remove(self.key);
        if sessions.is_empty() {
            self.worker.emptied.notify_one();
        }
        self.worker.process.leave();
        self.listener.sessions.leave();
    }
}

/// Reads once; 0 is the end. A short read clears the readiness, so the next call costs no system call.
pub(super) fn poll_read(stream: &mut TcpStream, context: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
    let mut buffer = ReadBuf::new(into);
    Pin::new(stream).poll_read(context, &mut buffer).map_ok(|()| buffer.filled().len())
}

/// Writes once.
pub(super) fn poll_write(stream: &mut TcpStream, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
    Pin::new(stream).poll_write(context, bytes)
}

/// Writes as much of a chunk as the socket takes; ready when it is empty.
pub(super) fn poll_flush_chunk(
    stream: &mut TcpStream,
    context: &mut Context<'_>,
    chunk: &mut Chunk,
) -> Poll<io::Result<()>> {
    while !chunk.is_empty() {
        match poll_write(stream, context, chunk) {
            Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            Poll::Ready(Ok(count)) => chunk.consume(count),
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Pending => return Poll::Pending,
        }
    }
    Poll::Ready(Ok(()))
}
