//! A pipe through which the proxy moves bytes from socket to socket without copying them to user space.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use nix::fcntl::{FcntlArg, OFlag, SpliceFFlags, fcntl, splice};
use nix::unistd::pipe2;

/// A pipe and how much is in it. Both ends are non-blocking.
#[derive(Debug)]
pub struct Pipe {
    read: OwnedFd,
    write: OwnedFd,
    capacity: usize,
    buffered: usize,
}

impl Pipe {
    /// A pipe of about `size` bytes. The kernel rounds up to a power of two of pages and refuses more than
    /// `fs.pipe-max-size` (1 MiB) without CAP_SYS_RESOURCE, or beyond the user's share of pipe pages; then the pipe has
    /// the size that it came with. `Err` means that no pipe could be had at all.
    pub fn new(size: usize) -> io::Result<Pipe> {
        let (read, write) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
        let wanted = i32::try_from(size).unwrap_or(i32::MAX);
        let capacity = match fcntl(&write, FcntlArg::F_SETPIPE_SZ(wanted)) {
            Ok(capacity) => capacity,
            Err(_) => fcntl(&write, FcntlArg::F_GETPIPE_SZ)?,
        };
        Ok(Pipe { read, write, capacity: capacity as usize, buffered: 0 })
    }

    /// Bytes that the pipe can hold if every page of it is full.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Bytes in the pipe.
    pub fn buffered(&self) -> usize {
        self.buffered
    }

    /// Moves at most `most` bytes from a socket into the pipe and tells how many; 0 is the end of the stream.
    /// `Err(WouldBlock)`: the socket has nothing **or** the pipe has no free page; empty the pipe before believing the former.
    pub fn splice_in(&mut self, socket: impl AsFd, most: usize) -> io::Result<usize> {
        let flags = SpliceFFlags::SPLICE_F_NONBLOCK | SpliceFFlags::SPLICE_F_MOVE;
        let moved = splice(socket, None, &self.write, None, most, flags)?;
        self.buffered += moved;
        Ok(moved)
    }

    /// Moves what is in the pipe to a socket as far as it takes it, and tells how many bytes that were.
    /// `Err(WouldBlock)`: the socket takes nothing now. Nothing is done while the pipe is empty.
    pub fn splice_out(&mut self, socket: impl AsFd, more: More) -> io::Result<usize> {
        if self.buffered == 0 {
            return Ok(0);
        }
        let mut flags = SpliceFFlags::SPLICE_F_NONBLOCK | SpliceFFlags::SPLICE_F_MOVE;
        if more == More::Follows {
            flags |= SpliceFFlags::SPLICE_F_MORE;
        }
        let moved = splice(&self.read, None, socket, None, self.buffered, flags)?;
        self.buffered -= moved;
        Ok(moved)
    }
}

/// Whether more bytes are to follow what is written now (MSG_MORE).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum More {
    /// Wait for more before sending a short segment.
    Follows,
    /// Send at once.
    Ends,
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn bytes_pass_from_socket_to_socket() {
        let (mut sender, input) = UnixStream::pair().unwrap();
        let (output, mut receiver) = UnixStream::pair().unwrap();
        input.set_nonblocking(true).unwrap();
        let mut pipe = Pipe::new(65536).unwrap();
        assert!(pipe.capacity() >= 4096);
        assert_eq!(pipe.splice_in(&input, 100).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        sender.write_all(b"hello").unwrap();
        assert_eq!(pipe.splice_in(&input, 100).unwrap(), 5);
        assert_eq!(pipe.buffered(), 5);
        assert_eq!(pipe.splice_out(&output, More::Ends).unwrap(), 5);
        assert_eq!(pipe.splice_out(&output, More::Ends).unwrap(), 0);
        let mut bytes = [0; 5];
        receiver.read_exact(&mut bytes).unwrap();
        assert_eq!(&bytes, b"hello");
        drop(sender);
        assert_eq!(pipe.splice_in(&input, 100).unwrap(), 0);
    }
}
