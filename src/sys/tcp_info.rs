//! What the kernel knows of a TCP connection.

#![allow(unsafe_code, reason = "TCP_INFO has no safe wrapper")]

use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Figures of a connection, as `tcp(7)` counts them. Times are microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct TcpInfo {
    pub round_trip: u32,
    pub round_trip_variance: u32,
    pub unacknowledged: u32,
    pub selectively_acknowledged: u32,
    pub lost: u32,
    pub retransmitted: u32,
    pub forward_acknowledged: u32,
    pub reordering: u32,
}

/// Asks for the figures; `None` if it is no TCP connection.
pub fn tcp_info(socket: BorrowedFd<'_>) -> Option<TcpInfo> {
    let mut info = MaybeUninit::<libc::tcp_info>::zeroed();
    let mut length = libc::socklen_t::try_from(size_of::<libc::tcp_info>()).ok()?;
    // SAFETY: the kernel writes at most `length` bytes into a structure of that length, which is zeroed before.
    let result = unsafe {
        libc::getsockopt(socket.as_raw_fd(), libc::IPPROTO_TCP, libc::TCP_INFO, info.as_mut_ptr().cast(), &mut length)
    };
    if result != 0 {
        return None;
    }
    // SAFETY: all of it is plain numbers, for which zeroes are values.
    let info = unsafe { info.assume_init() };
    Some(TcpInfo {
        round_trip: info.tcpi_rtt,
        round_trip_variance: info.tcpi_rttvar,
        unacknowledged: info.tcpi_unacked,
        selectively_acknowledged: info.tcpi_sacked,
        lost: info.tcpi_lost,
        retransmitted: info.tcpi_retrans,
        forward_acknowledged: info.tcpi_fackets,
        reordering: info.tcpi_reordering,
    })
}

/// The first packet of an accepted connection, where its listening socket keeps it (`TCP_SAVE_SYN`); `None` if it does not,
/// and when it was asked for before.
pub fn saved_syn(socket: BorrowedFd<'_>) -> Option<Vec<u8>> {
    let mut packet = vec![0; LONGEST_SYN];
    let mut length = libc::socklen_t::try_from(packet.len()).ok()?;
    // SAFETY: the kernel writes at most `length` bytes into a buffer of that length.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_SAVED_SYN,
            packet.as_mut_ptr().cast(),
            &mut length,
        )
    };
    packet.truncate(usize::try_from(length).ok()?);
    (result == 0 && !packet.is_empty()).then_some(packet)
}

/// Headers of Ethernet, IPv6 with options, and TCP.
const LONGEST_SYN: usize = 1024;

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn a_connection_has_figures_and_a_unix_socket_has_none() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        client.write_all(b"x").unwrap();
        server.read_exact(&mut [0]).unwrap();
        let info = tcp_info(client.as_fd()).unwrap();
        assert!(info.round_trip > 0 && info.reordering > 0, "{info:?}");
        assert_eq!(info.lost, 0);
        let (one, _other) = UnixStream::pair().unwrap();
        assert_eq!(tcp_info(one.as_fd()), None);
    }
}
