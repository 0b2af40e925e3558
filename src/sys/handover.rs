//! Listening sockets that go from a process to the one that takes its place, over a Unix socket, as HAProxy's do (`-x`): no
//! connection is refused between the two, since the sockets are never closed.
//!
//! The new process asks in one line. The old one says how many sockets there are, then sends them in batches: as data, for
//! each socket, two names with their lengths in front (a namespace, an interface) and four bytes of options, all of which
//! are empty here. Each batch is acknowledged by four bytes. Both of them may be HAProxy.
#![allow(unsafe_code)]

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};
use socket2::SockRef;

/// The sockets that are given away, as the process has them now; whoever reads keeps none of them open.
pub type Exposed = ArcSwap<Vec<Weak<TcpListener>>>;

/// What the new process says.
pub const REQUEST: &str = "_getsocks";
/// Sockets in a batch, at most: HAProxy's.
const BATCH: usize = 252;
/// No namespace, no interface, no options.
const DESCRIPTION: [u8; 6] = [0; 6];
/// Descriptions of a batch of HAProxy's, at most: with names of files and interfaces.
const LONGEST: usize = BATCH * (4096 + 64);
/// Sockets that are taken, at most: more is no count.
const MOST: i32 = 65_536;
/// How long one waits for the other.
const PATIENCE: Duration = Duration::from_secs(5);

/// Sends sockets to whoever has asked for them on this connection. Blocks.
///
/// # Errors
/// The other side has gone, or does not answer in time.
pub fn give(connection: BorrowedFd<'_>, sockets: &[Arc<TcpListener>]) -> io::Result<()> {
    let mut stream = UnixStream::from(connection.try_clone_to_owned()?);
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    sockets.iter().try_for_each(|socket| plain(socket))?;
    let count = i32::try_from(sockets.len()).unwrap_or(i32::MAX);
    stream.write_all(&count.to_ne_bytes())?;
    for batch in sockets.chunks(BATCH) {
        let descriptors: Vec<RawFd> = batch.iter().map(|socket| socket.as_raw_fd()).collect();
        let data = DESCRIPTION.repeat(batch.len());
        let rights = [ControlMessage::ScmRights(&descriptors)];
        sendmsg::<()>(stream.as_raw_fd(), &[IoSlice::new(&data)], &rights, MsgFlags::empty(), None)?;
        stream.read_exact(&mut [0; 4])?;
    }
    Ok(())
}

/// Takes away that it could be bound to an address of another node, which it needs no more: HAProxy would take it for one of
/// a `transparent` bind, and open its own in its place.
fn plain(socket: &TcpListener) -> io::Result<()> {
    match socket.local_addr()? {
        SocketAddr::V4(_) => SockRef::from(socket).set_freebind_v4(false),
        SocketAddr::V6(_) => SockRef::from(socket).set_freebind_v6(false),
    }
}

/// Asks the process behind a Unix socket for its listening sockets; those that are no TCP sockets are left to it. Blocks.
///
/// # Errors
/// Nobody listens there, gives nothing away, or answers in time.
pub fn take(path: &Path) -> io::Result<Vec<TcpListener>> {
    let mut stream = UnixStream::connect(path)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(format!("{REQUEST}\n").as_bytes())?;
    let mut count = [0; 4];
    stream.read_exact(&mut count)?;
    let count = i32::from_ne_bytes(count);
    if !(0..=MOST).contains(&count) {
        // Words, where a number should be: it answers as to any command.
        return Err(io::Error::other("it gives no sockets away: its `stats socket` needs `expose-fd listeners`"));
    }
    let mut taken: Vec<OwnedFd> = Vec::new();
    let mut data = vec![0; LONGEST];
    while taken.len() < usize::try_from(count).unwrap_or(0) {
        let mut control = nix::cmsg_space!([RawFd; BATCH]);
        let mut slices = [IoSliceMut::new(&mut data)];
        let message = recvmsg::<()>(stream.as_raw_fd(), &mut slices, Some(&mut control), MsgFlags::MSG_CMSG_CLOEXEC)?;
        if message.bytes == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        for message in message.cmsgs()? {
            if let ControlMessageOwned::ScmRights(descriptors) = message {
                // SAFETY: the kernel has just made these descriptors for us, and nobody else knows them.
                taken.extend(descriptors.into_iter().map(|descriptor| unsafe { OwnedFd::from_raw_fd(descriptor) }));
            }
        }
        stream.write_all(&i32::try_from(taken.len()).unwrap_or(i32::MAX).to_ne_bytes())?;
    }
    let tcp = taken.into_iter().map(TcpListener::from).filter(|socket| socket.local_addr().is_ok());
    tcp.map(|socket| socket.set_nonblocking(true).map(|()| socket)).collect()
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn sockets_of_more_than_a_batch_come_over_and_listen() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let door = UnixListener::bind(&path).unwrap();
        let listener = Arc::new(TcpListener::bind("127.0.0.1:0").unwrap());
        let address = listener.local_addr().unwrap();
        let given = vec![listener; BATCH + 3];
        let giver = std::thread::spawn(move || {
            let (mut stream, _) = door.accept().unwrap();
            let mut asked = [0; REQUEST.len() + 1];
            stream.read_exact(&mut asked).unwrap();
            give(stream.as_fd(), &given)
        });
        let taken = take(&path).unwrap();
        giver.join().unwrap().unwrap();
        assert_eq!(taken.len(), BATCH + 3);
        assert!(taken.iter().all(|socket| socket.local_addr().unwrap() == address));
        let _client = std::net::TcpStream::connect(address).unwrap();
        taken[BATCH].set_nonblocking(false).unwrap();
        taken[BATCH].accept().unwrap();
    }

    #[test]
    fn words_in_place_of_a_count_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let door = UnixListener::bind(&path).unwrap();
        let giver = std::thread::spawn(move || door.accept().unwrap().0.write_all(b"Unknown command\n"));
        let error = take(&path).unwrap_err();
        giver.join().unwrap().unwrap();
        assert!(error.to_string().contains("expose-fd listeners"), "{error}");
    }
}
