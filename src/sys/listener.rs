//! Listening sockets.
//!
//! A bind of the configuration is a set of sockets of one address with SO_REUSEPORT, one for each worker. All of them
//! have IP_FREEBIND, so a Backup listens on an address that the node does not have yet.

#![allow(
    unsafe_code,
    reason = "accept4 with flags and an address has no safe wrapper, nor has a descriptor that was inherited"
)]

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::task::{Context, Poll, ready};

use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, Type};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::model::bind::BindOptions;
use crate::model::relay::Datagrams;
use crate::model::runtime;

use super::{namespace, signature, users};

/// How an address is claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The first socket of an address on a cold start: fails with `AddrInUse` if any other process listens there, also
    /// one with SO_REUSEPORT. Later sockets can join it.
    First,
    /// One more socket beside those that this user already has there.
    Join,
}

/// The same as [`bind`], in the network namespace and for the versions of IP that the options say, and with the password of
/// their signatures.
///
/// # Errors
/// The kernel's; `NotFound` if there is no such namespace, `PermissionDenied` without CAP_SYS_ADMIN.
pub fn bind_as(address: SocketAddr, claim: Claim, options: &BindOptions) -> io::Result<TcpListener> {
    match &options.namespace {
        None => open(address, claim, options),
        Some(name) => namespace::inside(name, || open(address, claim, options)),
    }
}

/// Opens a listening socket: IP_FREEBIND or IPV6_FREEBIND, SO_REUSEADDR, SO_REUSEPORT, TCP_NODELAY (accepted connections
/// inherit it), non-blocking, and the longest backlog that `net.core.somaxconn` allows. An IPv6 socket follows
/// `net.ipv6.bindv6only`, as HAProxy's does.
///
/// `Err` is the kernel's: `AddrInUse` for a foreign holder, `PermissionDenied` for a port below 1024.
pub fn bind(address: SocketAddr, claim: Claim) -> io::Result<TcpListener> {
    open(address, claim, &BindOptions::default())
}

fn open(address: SocketAddr, claim: Claim, options: &BindOptions) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    if address.is_ipv4() {
        socket.set_freebind_v4(true)?;
    } else {
        socket.set_freebind_v6(true)?;
        if let Some(takes_ipv4) = options.takes_ipv4 {
            socket.set_only_v6(!takes_ipv4)?;
        }
    }
    if let Some(password) = &options.signature {
        signature::sign_to_all(&SockRef::from(&socket), address.ip(), password)?;
    }
    // Before it is bound: sockets of one address are told apart by it.
    if let Some(interface) = &options.interface {
        socket.bind_device(Some(interface.as_bytes()))?;
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

/// Opens a socket for datagrams: IP_FREEBIND or IPV6_FREEBIND, non-blocking, and nobody else may have the address.
///
/// `Err` is the kernel's: `AddrInUse` for a foreign holder, `NoSuchDevice` for an interface that is not there.
pub fn bind_datagrams(place: &Datagrams) -> io::Result<UdpSocket> {
    let address = place.address;
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM.nonblocking(), Some(Protocol::UDP))?;
    if address.is_ipv4() {
        socket.set_freebind_v4(true)?;
    } else {
        socket.set_freebind_v6(true)?;
    }
    if let Some(interface) = &place.interface {
        socket.bind_device(Some(interface.as_bytes()))?;
    }
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// A duplicate of a listening stream socket that the process was started with: TCP or Unix, non-blocking, closed on exec.
///
/// `Err`: there is no such descriptor, or it is no socket that listens.
pub fn inherit(descriptor: RawFd) -> io::Result<TcpListener> {
    // SAFETY: the descriptor is only duplicated while it is borrowed, and an unknown one is an error of the kernel.
    let borrowed = unsafe { BorrowedFd::borrow_raw(descriptor) };
    let socket = Socket::from(borrowed.try_clone_to_owned()?);
    if socket.r#type()? != Type::STREAM {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no stream socket"));
    }
    socket.set_nonblocking(true)?;
    if !socket.is_listener()? {
        socket.listen(backlog())?;
    }
    if socket.domain()? != Domain::UNIX {
        socket.set_tcp_nodelay(true)?;
    }
    Ok(socket.into())
}

/// Opens a listening Unix socket, non-blocking, as a [`TcpListener`], whose calls are the same for it. It takes the place
/// of whatever socket is at the path, at once: it is made beside it and renamed.
///
/// `Err` is the kernel's, or `InvalidInput` for a path that is too long.
pub fn bind_unix(path: &Path, ownership: &Ownership) -> io::Result<TcpListener> {
    if std::fs::symlink_metadata(path).is_ok_and(|found| !found.file_type().is_socket()) {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "something that is no socket is there"));
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.tmp", std::process::id()));
    let beside = PathBuf::from(beside);
    let _ = std::fs::remove_file(&beside);
    let socket = Socket::new(Domain::UNIX, Type::STREAM.nonblocking(), None)?;
    socket.bind(&SockAddr::unix(&beside)?)?;
    let placed = (|| {
        give(&beside, ownership)?;
        socket.listen(backlog())?;
        std::fs::rename(&beside, path)
    })();
    if let Err(error) = placed {
        let _ = std::fs::remove_file(&beside);
        return Err(error);
    }
    Ok(socket.into())
}

/// Gives the file of a Unix socket to whom it is told to.
///
/// # Errors
/// The kernel's.
pub fn give(path: &Path, ownership: &Ownership) -> io::Result<()> {
    if let Some(mode) = ownership.mode {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
    }
    if ownership.uid.is_some() || ownership.gid.is_some() {
        std::os::unix::fs::chown(path, ownership.uid, ownership.gid)?;
    }
    Ok(())
}

/// How an abstract name fills its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// With zeros to the end, as HAProxy's `abns@` does.
    Zeros,
    /// Not at all.
    None,
}

/// An address in the abstract namespace.
///
/// `Err`: the name is too long.
pub fn abstract_address(name: &str, padding: Padding) -> io::Result<std::os::unix::net::SocketAddr> {
    let mut padded = [0; 107];
    let room = padded.get_mut(..name.len()).ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidInput, "the name of an abstract socket has 107 bytes at most")
    })?;
    room.copy_from_slice(name.as_bytes());
    match padding {
        Padding::Zeros => std::os::unix::net::SocketAddr::from_abstract_name(padded),
        Padding::None => std::os::unix::net::SocketAddr::from_abstract_name(name),
    }
}

/// Opens a listening socket in the abstract namespace.
///
/// `Err` is the kernel's, or that the name is too long.
pub fn bind_abstract(name: &str, padding: Padding) -> io::Result<TcpListener> {
    let address = abstract_address(name, padding)?;
    let listener = std::os::unix::net::UnixListener::bind_addr(&address)?;
    listener.set_nonblocking(true)?;
    Ok(OwnedFd::from(listener).into())
}

/// Whom the file of a Unix socket belongs to, and who may connect; `None` leaves it as the process makes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ownership {
    /// Permission bits.
    pub mode: Option<u32>,
    /// User.
    pub uid: Option<u32>,
    /// Group.
    pub gid: Option<u32>,
}

/// Has a TCP socket refuse connections, while it stays bound. All of its duplicates do; what waits in its queue is reset.
/// Those of a Unix socket wait until somebody accepts again, as in HAProxy 3.
///
/// `Err`: it is paused already.
pub fn pause(listener: &TcpListener) -> io::Result<()> {
    let socket = SockRef::from(listener);
    if socket.domain()? == Domain::UNIX {
        return Ok(());
    }
    socket.shutdown(Shutdown::Read)
}

/// Has a paused socket, with all of its duplicates, take connections again.
///
/// `Err` is the kernel's: somebody else listens there meanwhile.
pub fn resume(listener: &TcpListener) -> io::Result<()> {
    SockRef::from(listener).listen(backlog())
}

impl Ownership {
    /// Names of accounts as numbers.
    ///
    /// # Errors
    /// There is no such account.
    pub fn of(written: &runtime::Ownership) -> io::Result<Ownership> {
        Ok(Ownership {
            mode: written.mode,
            uid: written.user.as_ref().map(users::uid_of).transpose()?,
            gid: written.group.as_ref().map(users::gid_of).transpose()?,
        })
    }
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
    // A client of a Unix socket has no address.
    let peer = peer.as_socket().unwrap_or(SocketAddr::from(([0, 0, 0, 0], 0)));
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
    fn a_socket_of_all_of_ipv6_takes_ipv4_if_it_is_told_to() {
        for takes_ipv4 in [true, false] {
            let options = BindOptions { takes_ipv4: Some(takes_ipv4), ..BindOptions::default() };
            let listener = bind_as("[::]:0".parse().unwrap(), Claim::First, &options).unwrap();
            let port = listener.local_addr().unwrap().port();
            assert_eq!(TcpStream::connect(("127.0.0.1", port)).is_ok(), takes_ipv4);
            assert!(TcpStream::connect(("::1", port)).is_ok());
        }
    }

    #[test]
    fn a_namespace_that_is_not_there_is_an_error_that_names_it() {
        let options = BindOptions { namespace: Some("none-such".to_owned()), ..BindOptions::default() };
        let error = bind_as(any(), Claim::First, &options).unwrap_err();
        assert!(error.to_string().contains("'none-such'"), "{error}");
    }

    #[test]
    fn a_listening_socket_is_inherited_by_its_number() {
        let parents = TcpListener::bind(any()).unwrap();
        let inherited = inherit(parents.as_raw_fd()).unwrap();
        assert_eq!(inherited.local_addr().unwrap(), parents.local_addr().unwrap());
        let (reader, _writer) = std::os::unix::net::UnixDatagram::pair().unwrap();
        assert_eq!(inherit(reader.as_raw_fd()).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        assert!(inherit(65_000).is_err());
    }

    #[test]
    fn a_unix_socket_takes_the_place_of_an_old_one_and_of_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let ownership = Ownership { mode: Some(0o600), ..Ownership::default() };
        let old = bind_unix(&path, &ownership).unwrap();
        let new = bind_unix(&path, &ownership).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let _client = std::os::unix::net::UnixStream::connect(&path).unwrap();
        assert!(accept(&new).is_ok() && accept(&old).is_err());
        let file = directory.path().join("file");
        std::fs::write(&file, "kept").unwrap();
        assert_eq!(bind_unix(&file, &ownership).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    }

    #[test]
    fn an_abstract_name_is_padded_to_the_whole_address() {
        let name = format!("vipgate-test-{}", std::process::id());
        let listener = bind_abstract(&name, Padding::Zeros).unwrap();
        let mut padded = name.clone().into_bytes();
        padded.resize(107, 0);
        let address = std::os::unix::net::SocketAddr::from_abstract_name(&padded).unwrap();
        std::os::unix::net::UnixStream::connect_addr(&address).unwrap();
        assert_eq!(accept(&listener).unwrap().1.port(), 0);
    }

    #[test]
    fn accepted_connections_have_nodelay() {
        let listener = bind(any(), Claim::First).unwrap();
        listener.set_nonblocking(false).unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        assert!(listener.accept().unwrap().0.nodelay().unwrap());
    }
}
