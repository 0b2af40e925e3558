//! Sockets to servers: what they are before they connect.

#![allow(unsafe_code, reason = "options of sockets that have no safe wrapper")]

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use socket2::{Domain, SockAddr, SockRef, Socket, Type};
use tokio::net::TcpSocket;

use crate::model::Endpoint;
use crate::model::options::{Origin, PortRange, ServerOptions};

use super::listener::{Padding, abstract_address};
use super::namespace;

/// Ports of a range that are tried for one connection, as in HAProxy.
const ATTEMPTS: u32 = 10;

/// Connects to a Unix socket, which happens at once or not at all. The stream is non-blocking.
///
/// # Errors
/// The kernel's: nobody listens there, or its queue is full (`WouldBlock`). An endpoint that is no Unix socket is invalid.
pub fn local(endpoint: &Endpoint) -> io::Result<TcpStream> {
    let address = match endpoint {
        Endpoint::Unix(path) => SockAddr::unix(path)?,
        Endpoint::Abstract(name) => abstract_name(name, Padding::Zeros)?,
        Endpoint::AbstractExact(name) => abstract_name(name, Padding::None)?,
        Endpoint::Tcp(_) | Endpoint::Inherited(_) => return Err(io::ErrorKind::InvalidInput.into()),
    };
    let socket = Socket::new(Domain::UNIX, Type::STREAM.nonblocking(), None)?;
    socket.connect(&address)?;
    Ok(OwnedFd::from(socket).into())
}

/// The name behind the zero that begins an abstract address.
fn abstract_name(name: &str, padding: Padding) -> io::Result<SockAddr> {
    // It says whether the name fits.
    abstract_address(name, padding)?;
    let mut path = vec![0; 1 + name.len()];
    path[1..].copy_from_slice(name.as_bytes());
    if padding == Padding::Zeros {
        path.resize(108, 0);
    }
    SockAddr::unix(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(&path))
}

/// A TCP socket to connect to an address with: in the network namespace of that name, if one is given.
///
/// # Errors
/// The kernel's, or as those of [`namespace::socket`].
pub async fn socket(near: SocketAddr, namespace: Option<&str>) -> io::Result<TcpSocket> {
    match namespace {
        None if near.is_ipv4() => TcpSocket::new_v4(),
        None => TcpSocket::new_v6(),
        Some(name) => {
            let socket = namespace::socket(name, Domain::for_address(near)).await?;
            Ok(TcpSocket::from_std_stream(socket.into()))
        }
    }
}

/// Gives a TCP socket what the server's options say of it.
///
/// # Errors
/// The kernel's: there is no such interface, or a capability is missing (`PermissionDenied`).
pub fn tune(socket: &SockRef<'_>, options: &ServerOptions) -> io::Result<()> {
    if let Some(limit) = options.user_timeout {
        socket.set_tcp_user_timeout(Some(limit))?;
    }
    if options.fast_open {
        set(socket, libc::IPPROTO_TCP, libc::TCP_FASTOPEN_CONNECT, 1)?;
    }
    if let Some(algorithm) = &options.congestion {
        // The kernel's own does, too.
        let _ = socket.set_tcp_congestion(algorithm.as_bytes());
    }
    leave_by(socket, &options.origin)
}

/// Binds a socket to the interface that it leaves by.
///
/// # Errors
/// The kernel's: there is none of that name.
pub fn leave_by(socket: &SockRef<'_>, origin: &Origin) -> io::Result<()> {
    match &origin.interface {
        Some(name) => socket.bind_device(Some(name.as_bytes())),
        None => Ok(()),
    }
}

/// Binds a socket to the address that it leaves from, any of ours without one: the kernel chooses a port when it knows where it goes, or it is one of
/// a range that nobody has, as `take` says.
///
/// # Errors
/// `AddrNotAvailable` for an address that is not ours, or when no port is left; `AddrInUse` when others have the ports that
/// were tried.
pub fn leave_from<P>(
    socket: &SockRef<'_>,
    source: Option<IpAddr>,
    ports: Option<PortRange>,
    mut take: impl FnMut(PortRange) -> Option<(u16, P)>,
) -> io::Result<Option<P>> {
    let Some(range) = ports else {
        if let Some(source) = source {
            // Without it a port is taken from all connections of the address, wherever they go.
            let _ = set(socket, libc::IPPROTO_IP, libc::IP_BIND_ADDRESS_NO_PORT, 1);
            socket.bind(&SocketAddr::new(source, 0).into())?;
        }
        return Ok(None);
    };
    let any: IpAddr = match socket.domain()? {
        Domain::IPV6 => Ipv6Addr::UNSPECIFIED.into(),
        _ => Ipv4Addr::UNSPECIFIED.into(),
    };
    let bind = |port| socket.bind(&SocketAddr::new(source.unwrap_or(any), port).into());
    // One that has just ended does no harm.
    socket.set_reuse_address(true)?;
    if range.first == range.last {
        return bind(range.first).map(|()| None);
    }
    let mut outcome = Err(io::ErrorKind::AddrNotAvailable.into());
    for _ in 0..ATTEMPTS {
        let Some((port, held)) = take(range) else { return outcome };
        match bind(port) {
            Ok(()) => return Ok(Some(held)),
            Err(error) => outcome = Err(error),
        }
    }
    outcome
}

/// Lets a socket have an address that is not ours. It needs CAP_NET_RAW or CAP_NET_ADMIN.
///
/// # Errors
/// The kernel's, `PermissionDenied` without the capability.
pub fn pose(socket: &SockRef<'_>) -> io::Result<()> {
    match socket.domain()? {
        Domain::IPV6 => set(socket, libc::IPPROTO_IPV6, libc::IPV6_TRANSPARENT, 1),
        _ => set(socket, libc::IPPROTO_IP, libc::IP_TRANSPARENT, 1),
    }
}

/// Gives a socket buffers of these sizes, *bytes*, where any are given; 0 leaves the kernel's. The kernel has limits, which
/// it keeps in silence.
pub fn size_buffers(socket: &SockRef<'_>, receive: Option<usize>, send: Option<usize>) {
    if let Some(size) = receive.filter(|size| *size > 0) {
        let _ = socket.set_recv_buffer_size(size);
    }
    if let Some(size) = send.filter(|size| *size > 0) {
        let _ = socket.set_send_buffer_size(size);
    }
}

/// TCP keep-alive: silence before the first probe, time between probes, and how many may be lost; `None` is the kernel's.
///
/// # Errors
/// The kernel's, for a value that it does not take.
pub fn keep_alive(
    socket: &SockRef<'_>,
    (idle, interval): (Option<Duration>, Option<Duration>),
    count: Option<u32>,
) -> io::Result<()> {
    socket.set_keepalive(true)?;
    let seconds = |time: Duration| libc::c_int::try_from(time.as_secs()).unwrap_or(libc::c_int::MAX);
    let count = count.map(|count| libc::c_int::try_from(count).unwrap_or(libc::c_int::MAX));
    let values = [
        (libc::TCP_KEEPIDLE, idle.map(seconds)),
        (libc::TCP_KEEPINTVL, interval.map(seconds)),
        (libc::TCP_KEEPCNT, count),
    ];
    values
        .iter()
        .try_for_each(|(name, value)| value.map_or(Ok(()), |value| set(socket, libc::IPPROTO_TCP, *name, value)))
}

fn set(socket: &SockRef<'_>, level: libc::c_int, name: libc::c_int, value: libc::c_int) -> io::Result<()> {
    let length = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: the kernel reads one integer that lives until the call returns.
    let result = unsafe { libc::setsockopt(socket.as_raw_fd(), level, name, (&raw const value).cast(), length) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::super::listener;
    use super::*;

    #[test]
    fn both_kinds_of_abstract_names_are_reached_and_are_not_each_other() {
        let name = format!("vipgate-dial-{}", std::process::id());
        for (padding, ours, other) in [
            (Padding::Zeros, Endpoint::Abstract(name.clone()), Endpoint::AbstractExact(name.clone())),
            (Padding::None, Endpoint::AbstractExact(name.clone()), Endpoint::Abstract(name.clone())),
        ] {
            let listener = listener::bind_abstract(&name, padding).unwrap();
            listener.set_nonblocking(false).unwrap();
            assert_eq!(local(&other).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
            let mut stream = local(&ours).unwrap();
            stream.write_all(b"x").unwrap();
            let mut byte = [0];
            let accepted: std::os::unix::net::UnixListener = OwnedFd::from(listener).into();
            accepted.accept().unwrap().0.read_exact(&mut byte).unwrap();
            assert_eq!(byte, *b"x");
        }
    }

    #[test]
    fn a_path_is_reached_while_somebody_listens_there() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s");
        let endpoint = Endpoint::Unix(path.clone());
        assert!(local(&endpoint).is_err());
        let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        assert!(local(&endpoint).is_ok());
    }

    #[test]
    fn a_socket_has_what_the_options_say() {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let limit = Duration::from_secs(7);
        let origin = Origin { interface: Some("lo".to_owned()), ..Origin::default() };
        let options = ServerOptions { user_timeout: Some(limit), fast_open: true, origin, ..ServerOptions::default() };
        let kernel = SockRef::from(&socket);
        tune(&kernel, &options).unwrap();
        assert_eq!(kernel.tcp_user_timeout().unwrap(), Some(limit));
        assert_eq!(kernel.device().unwrap().as_deref(), Some(&b"lo"[..]));
        keep_alive(&kernel, (Some(Duration::from_secs(20)), Some(Duration::from_secs(3))), Some(4)).unwrap();
        assert!(kernel.keepalive().unwrap());
        assert_eq!(kernel.tcp_keepalive_time().unwrap(), Duration::from_secs(20));
        assert_eq!(kernel.tcp_keepalive_interval().unwrap(), Duration::from_secs(3));
        assert_eq!(kernel.tcp_keepalive_retries().unwrap(), 4);
    }
}
