//! Listening sockets.
//!
//! A bind of the configuration is a set of sockets of one address with SO_REUSEPORT, one for each worker. All of them
//! have IP_FREEBIND, so a Backup listens on an address that the node does not have yet.

#![allow(unsafe_code, reason = "accept4 with flags and an address has no safe wrapper")]

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::task::{Context, Poll, ready};

use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// How an address is claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The first socket of an address on a cold start: fails with `AddrInUse` if any other process listens there, also
    /// one with SO_REUSEPORT. Later sockets can join it.
    First,
    /// One more socket beside those that this user already has there.
    Join,
}

/// Opens a listening socket: IP_FREEBIND or IPV6_FREEBIND, SO_REUSEADDR, SO_REUSEPORT, TCP_NODELAY (accepted connections
/// inherit it), non-blocking, and the longest backlog that `net.core.somaxconn` allows. An IPv6 socket follows
/// `net.ipv6.bindv6only`, as HAProxy's does.
///
/// `Err` is the kernel's: `AddrInUse` for a foreign holder, `PermissionDenied` for a port below 1024.
pub fn bind(address: SocketAddr, claim: Claim) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    if address.is_ipv4() {
        socket.set_freebind_v4(true)?;
    } else {
        socket.set_freebind_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    if claim == Claim::Join {
        socket.set_reuse_port(true)?;
    }
    socket.bind(&address.into())?;
    // The conflict is judged again when the socket starts to listen, and the group of sockets is formed then: the option
    // has to be there before listen(2) and, to find a foreign holder, after bind(2).
    socket.set_reuse_port(true)?;
    socket.set_tcp_nodelay(true)?;
    socket.listen(backlog())?;
    Ok(socket.into())
}

/// A listening socket that the reactor watches.
#[derive(Debug)]
pub struct Watched(AsyncFd<TcpListener>);

impl Watched {
    /// Watches a non-blocking socket. Must be called inside a tokio runtime.
    pub fn new(socket: TcpListener) -> io::Result<Watched> {
        // SAFETY: a TcpListener owns its descriptor, which stays the same and open until the AsyncFd drops it.
        Ok(Watched(unsafe { AsyncFd::register_with_interest(socket, Interest::READABLE) }?))
    }

    /// Takes a connection from the accept queue, or waits for one.
    pub fn poll_accept(&self, context: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        loop {
            let mut ready = ready!(self.0.poll_read_ready(context))?;
            if let Ok(accepted) = ready.try_io(|socket| accept(socket.get_ref())) {
                return Poll::Ready(accepted);
            }
        }
    }

    /// The socket, watched no longer.
    pub fn into_socket(self) -> TcpListener {
        self.0.into_inner()
    }
}

/// Takes a connection from the accept queue, non-blocking and closed on exec, with one system call.
pub fn accept(listener: &TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
    let flags = libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: the kernel fills the storage, which is large enough for every address, and tells its length.
    let accepted = unsafe {
        SockAddr::try_init(|storage, length| {
            let descriptor = libc::accept4(listener.as_raw_fd(), storage.cast(), length, flags);
            if descriptor < 0 { Err(io::Error::last_os_error()) } else { Ok(descriptor) }
        })
    };
    let (descriptor, peer) = accepted?;
    // SAFETY: the kernel has just given us this descriptor, and nobody else knows it.
    let stream = unsafe { OwnedFd::from_raw_fd(descriptor) };
    let peer = peer.as_socket().ok_or(io::ErrorKind::Unsupported)?;
    Ok((stream.into(), peer))
}

/// `net.core.somaxconn`; 4096, the kernel's default since 5.4, if it cannot be read.
fn backlog() -> i32 {
    std::fs::read_to_string("/proc/sys/net/core/somaxconn")
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(4096)
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    fn any() -> SocketAddr {
        "127.0.0.1:0".parse().unwrap()
    }

    #[test]
    fn several_sockets_share_an_address() {
        let first = bind(any(), Claim::First).unwrap();
        let address = first.local_addr().unwrap();
        let second = bind(address, Claim::Join).unwrap();
        assert_eq!(second.local_addr().unwrap(), address);
        TcpStream::connect(address).unwrap();
    }

    #[test]
    fn first_claim_finds_a_holder_that_shares() {
        let holder = bind(any(), Claim::First).unwrap();
        let refused = bind(holder.local_addr().unwrap(), Claim::First).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn first_claim_finds_a_holder_that_does_not_share() {
        let holder = TcpListener::bind(any()).unwrap();
        for claim in [Claim::First, Claim::Join] {
            let refused = bind(holder.local_addr().unwrap(), claim).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::AddrInUse);
        }
    }

    #[test]
    fn address_that_the_node_lacks_can_be_bound() {
        bind("198.51.100.7:0".parse().unwrap(), Claim::First).unwrap();
        bind("[2001:db8::7]:0".parse().unwrap(), Claim::First).unwrap();
    }

    #[test]
    fn accepted_connections_have_nodelay() {
        let listener = bind(any(), Claim::First).unwrap();
        listener.set_nonblocking(false).unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        assert!(listener.accept().unwrap().0.nodelay().unwrap());
    }
}
