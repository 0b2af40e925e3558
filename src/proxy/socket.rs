//! A connected socket that joins the reactor only when it has to wait.
//!
//! A client that connects has its request under way already, and with one request for each connection the response
//! fits into the socket: such a connection is never watched, which saves two epoll_ctl of its eight or nine system calls.

use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

use crate::model::options::KeepAlive;
use crate::state::source_ports::TakenPort;
use crate::sys::dial;
use crate::sys::tcp_info::{TcpInfo, saved_syn, tcp_info};

use super::buffers::Chunk;
use super::pool::Care;

/// A non-blocking TCP connection.
#[derive(Debug)]
pub(super) struct Socket {
    state: State,
    /// The port that it leaves by, which others get once it is closed.
    port: Option<TakenPort>,
}

#[derive(Debug)]
enum State {
    /// The reactor does not know it: calls are tried at once.
    Unwatched(std::net::TcpStream),
    Watched(TcpStream),
    /// It could not be watched: the kernel is out of memory or watches.
    Broken,
}

impl Socket {
    /// A socket that is non-blocking already.
    pub(super) fn unwatched(stream: std::net::TcpStream) -> Socket {
        Socket { state: State::Unwatched(stream), port: None }
    }

    pub(super) fn watched(stream: TcpStream) -> Socket {
        Socket { state: State::Watched(stream), port: None }
    }

    /// It, with the port that it leaves by.
    pub(super) fn holding(self, port: Option<TakenPort>) -> Socket {
        Socket { port, ..self }
    }

    /// The same connection, watched by this thread's reactor instead of that of the thread which had it.
    ///
    /// # Errors
    /// A reactor's: one has ended, or the kernel has no more watches.
    pub(super) fn adopt(self) -> io::Result<Socket> {
        let stream = match self.state {
            State::Watched(stream) => stream.into_std()?,
            State::Unwatched(stream) => stream,
            State::Broken => return Err(io::ErrorKind::NotConnected.into()),
        };
        Ok(Socket { state: State::Watched(TcpStream::from_std(stream)?), port: self.port })
    }

    /// The stream that the reactor watches, from now on if it did not.
    pub(super) fn watch(&mut self) -> io::Result<&mut TcpStream> {
        if matches!(self.state, State::Unwatched(_))
            && let State::Unwatched(stream) = std::mem::replace(&mut self.state, State::Broken)
        {
            self.state = State::Watched(TcpStream::from_std(stream)?);
        }
        match &mut self.state {
            State::Watched(stream) => Ok(stream),
            _ => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// What the kernel counts of it; `None` if it is no TCP connection.
    pub(super) fn tcp_info(&self) -> Option<TcpInfo> {
        match &self.state {
            State::Unwatched(stream) => tcp_info(stream.as_fd()),
            State::Watched(stream) => tcp_info(stream.as_fd()),
            State::Broken => None,
        }
    }

    /// What the kernel kept of the first packet of an accepted connection, once.
    pub(super) fn saved_syn(&self) -> Option<Vec<u8>> {
        match &self.state {
            State::Unwatched(stream) => saved_syn(stream.as_fd()),
            State::Watched(stream) => saved_syn(stream.as_fd()),
            State::Broken => None,
        }
    }

    /// Reads once; 0 is the end. A short read clears the readiness, so the next call costs no system call.
    pub(super) fn poll_read(&mut self, context: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        if let State::Unwatched(stream) = &mut self.state
            && let Some(result) = unless_blocked(stream.read(into))
        {
            return Poll::Ready(result);
        }
        let mut buffer = ReadBuf::new(into);
        Pin::new(self.watch()?).poll_read(context, &mut buffer).map_ok(|()| buffer.filled().len())
    }

    /// Writes once.
    pub(super) fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if let State::Unwatched(stream) = &mut self.state
            && let Some(result) = unless_blocked(stream.write(bytes))
        {
            return Poll::Ready(result);
        }
        Pin::new(self.watch()?).poll_write(context, bytes)
    }

    /// Writes once what our direction ends with: the kernel keeps it for the end, which the caller has to send in the same
    /// poll, so that both go out in one segment.
    pub(super) fn poll_write_last(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_with(Interest::WRITABLE, context, |socket| {
            socket2::SockRef::from(&socket).send_with_flags(bytes, libc::MSG_MORE | libc::MSG_NOSIGNAL)
        })
    }

    /// Writes two slices with one system call.
    pub(super) fn poll_write_two(
        &mut self,
        context: &mut Context<'_>,
        first: &[u8],
        second: &[u8],
    ) -> Poll<io::Result<usize>> {
        let slices = [IoSlice::new(first), IoSlice::new(second)];
        if let State::Unwatched(stream) = &mut self.state
            && let Some(result) = unless_blocked(stream.write_vectored(&slices))
        {
            return Poll::Ready(result);
        }
        Pin::new(self.watch()?).poll_write_vectored(context, &slices)
    }

    /// Writes as much of a chunk as the socket takes; ready when it is empty.
    pub(super) fn poll_flush(&mut self, context: &mut Context<'_>, chunk: &mut Chunk) -> Poll<io::Result<()>> {
        while !chunk.is_empty() {
            match ready!(self.poll_write(context, chunk))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => chunk.consume(count),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Does something else with the descriptor, again each time the socket becomes ready, until it would not block.
    pub(super) fn poll_with<R>(
        &mut self,
        interest: Interest,
        context: &mut Context<'_>,
        mut operation: impl FnMut(BorrowedFd<'_>) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        if let State::Unwatched(stream) = &self.state
            && let Some(result) = unless_blocked(operation(stream.as_fd()))
        {
            return Poll::Ready(result);
        }
        let stream = self.watch()?;
        loop {
            match interest.is_readable() {
                true => ready!(stream.poll_read_ready(context))?,
                false => ready!(stream.poll_write_ready(context))?,
            }
            if let Some(result) = unless_blocked(stream.try_io(interest, || operation(stream.as_fd()))) {
                return Poll::Ready(result);
            }
        }
    }

    /// Ends our direction.
    pub(super) fn shutdown(&self) -> io::Result<()> {
        match &self.state {
            State::Unwatched(stream) => stream.shutdown(Shutdown::Write),
            State::Watched(stream) => socket2::SockRef::from(stream).shutdown(Shutdown::Write),
            State::Broken => Ok(()),
        }
    }

    /// Whether bytes are there to read. A close would make a reset of them, which destroys what is on its way.
    pub(super) fn has_unread(&self) -> bool {
        let mut byte = [std::mem::MaybeUninit::uninit()];
        self.kernel().is_some_and(|socket| socket.peek(&mut byte).is_ok_and(|count| count > 0))
    }

    /// The address that the peer connected to.
    pub(super) fn local_addr(&self) -> io::Result<SocketAddr> {
        match &self.state {
            State::Unwatched(stream) => stream.local_addr(),
            State::Watched(stream) => stream.local_addr(),
            State::Broken => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// The kernel's socket, for what has no method here; `None` if it is closed.
    pub(super) fn kernel(&self) -> Option<socket2::SockRef<'_>> {
        match &self.state {
            State::Unwatched(stream) => Some(socket2::SockRef::from(stream)),
            State::Watched(stream) => Some(socket2::SockRef::from(stream)),
            State::Broken => None,
        }
    }

    /// Makes the close a reset.
    pub(super) fn reset_on_close(&self) {
        if let Some(socket) = self.kernel() {
            let _ = socket.set_linger(Some(std::time::Duration::ZERO));
        }
    }

    /// Has the kernel ask a silent peer whether it is there. A Unix socket has no such thing.
    pub(super) fn keep_alive(&self, times: &KeepAlive) {
        if let Some(socket) = self.kernel() {
            let _ = dial::keep_alive(&socket, (times.idle, times.interval), times.count);
        }
    }

    /// Whether an idle connection has neither data nor an end to read. Readiness may be left over from a splice, so a
    /// ready socket is asked.
    pub(super) fn is_silent(&self, care: Care) -> bool {
        let State::Watched(stream) = &self.state else { return false };
        let peek = || socket2::SockRef::from(stream).peek(&mut [std::mem::MaybeUninit::uninit()]);
        let peeked = match care {
            Care::Replayable => stream.try_io(Interest::READABLE, peek),
            Care::Once => peek(),
        };
        peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Whether the peer has closed or broken the connection and nothing is left to read.
    pub(super) fn has_ended(&self) -> bool {
        let mut byte = [std::mem::MaybeUninit::uninit()];
        let Some(socket) = self.kernel() else { return true };
        match socket.peek(&mut byte) {
            Ok(count) => count == 0,
            Err(error) => error.kind() != io::ErrorKind::WouldBlock,
        }
    }

    /// Ready once the peer has closed or broken the connection with nothing left to read.
    pub(super) fn poll_ended(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut byte = [0];
        let Ok(stream) = self.watch() else { return Poll::Ready(()) };
        match stream.poll_peek(context, &mut ReadBuf::new(&mut byte)) {
            Poll::Ready(Ok(count)) if count > 0 => Poll::Pending,
            Poll::Ready(_) => Poll::Ready(()),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Ready once the peer has broken the connection; one that ended only its own direction may still read.
    pub(super) fn poll_broken(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut byte = [0];
        let Ok(stream) = self.watch() else { return Poll::Ready(()) };
        match stream.poll_peek(context, &mut ReadBuf::new(&mut byte)) {
            Poll::Ready(Err(_)) => Poll::Ready(()),
            _ => Poll::Pending,
        }
    }

    /// Whether there is something to read now. Asks the kernel: the reactor may not have heard yet.
    pub(super) fn has_unread_input(&self) -> bool {
        let mut byte = [std::mem::MaybeUninit::uninit()];
        self.kernel().is_some_and(|socket| socket.peek(&mut byte).is_ok_and(|count| count > 0))
    }
}

fn unless_blocked<R>(result: io::Result<R>) -> Option<io::Result<R>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
        result => Some(result),
    }
}
