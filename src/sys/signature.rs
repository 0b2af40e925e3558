//! Signed segments of TCP (RFC 2385): the kernel drops those whose signature is not made with the password.

#![allow(unsafe_code, reason = "TCP_MD5SIG has no safe wrapper")]

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsRawFd;

use socket2::{SockAddr, SockAddrStorage, SockRef};

/// Option of the kernel's for passwords of networks (`TCP_MD5SIG_EXT`).
const OF_NETWORK: libc::c_int = 32;
/// The structure has a length of prefix (`TCP_MD5SIG_FLAG_PREFIX`).
const HAS_PREFIX: u8 = 1;
const LONGEST: usize = 80;

/// The kernel's `struct tcp_md5sig`.
#[repr(C)]
struct Signature {
    address: SockAddrStorage,
    flags: u8,
    prefix: u8,
    length: u16,
    interface: libc::c_int,
    password: [u8; LONGEST],
}

/// Signs segments to a peer.
///
/// # Errors
/// The kernel's: it has no signatures, or the password is longer than 80 bytes.
pub fn sign_to(socket: &SockRef<'_>, peer: SocketAddr, password: &str) -> io::Result<()> {
    set(socket, libc::TCP_MD5SIG, peer, password)
}

/// Signs segments of a listening socket's connections, to whomever.
///
/// # Errors
/// As those of [`sign_to`].
pub fn sign_to_all(socket: &SockRef<'_>, bound: IpAddr, password: &str) -> io::Result<()> {
    let peers: &[IpAddr] = match bound {
        IpAddr::V4(_) => &[IpAddr::V4(Ipv4Addr::UNSPECIFIED)],
        // Clients of IPv4 have a password of their own.
        IpAddr::V6(_) => &[IpAddr::V6(Ipv6Addr::UNSPECIFIED), IpAddr::V6(Ipv4Addr::UNSPECIFIED.to_ipv6_mapped())],
    };
    peers.iter().try_for_each(|peer| set(socket, OF_NETWORK, SocketAddr::new(*peer, 0), password))
}

fn set(socket: &SockRef<'_>, name: libc::c_int, peer: SocketAddr, password: &str) -> io::Result<()> {
    let mut signature = Signature {
        address: SockAddr::from(peer).as_storage(),
        flags: if name == OF_NETWORK { HAS_PREFIX } else { 0 },
        prefix: 0,
        length: u16::try_from(password.len()).map_err(|_| io::ErrorKind::InvalidInput)?,
        interface: 0,
        password: [0; LONGEST],
    };
    let room = signature.password.get_mut(..password.len()).ok_or(io::ErrorKind::InvalidInput)?;
    room.copy_from_slice(password.as_bytes());
    let length = size_of::<Signature>() as libc::socklen_t;
    // SAFETY: the kernel reads one structure of its own layout, which lives until the call returns.
    let result =
        unsafe { libc::setsockopt(socket.as_raw_fd(), libc::IPPROTO_TCP, name, (&raw const signature).cast(), length) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::time::Duration;

    use socket2::{Domain, Socket, Type};

    use super::*;

    fn connects(to: SocketAddr, password: Option<&str>) -> bool {
        let socket = Socket::new(Domain::for_address(to), Type::STREAM, None).unwrap();
        if let Some(password) = password {
            sign_to(&SockRef::from(&socket), to, password).unwrap();
        }
        socket.connect_timeout(&to.into(), Duration::from_millis(300)).is_ok()
    }

    #[test]
    fn only_clients_with_the_password_connect() {
        for bound in ["127.0.0.1", "::", "::1"] {
            let bound: IpAddr = bound.parse().unwrap();
            let listener = TcpListener::bind((bound, 0)).unwrap();
            sign_to_all(&SockRef::from(&listener), bound, "secret").unwrap();
            let port = listener.local_addr().unwrap().port();
            let nearest = if bound.is_ipv4() { "127.0.0.1" } else { "::1" };
            let reached = SocketAddr::new(nearest.parse().unwrap(), port);
            assert!(connects(reached, Some("secret")), "{bound}");
            assert!(!connects(reached, Some("other")) && !connects(reached, None), "{bound}");
            if bound.is_unspecified() {
                let other = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port);
                assert!(connects(other, Some("secret")) && !connects(other, None));
            }
        }
    }

    #[test]
    fn a_password_that_is_too_long_is_an_error() {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let peer = SocketAddr::from(([127, 0, 0, 1], 1));
        assert!(sign_to(&SockRef::from(&socket), peer, &"x".repeat(81)).is_err());
    }
}
