//! Ends a connection without a packet, so that its peer hears nothing.

#![allow(unsafe_code, reason = "two options of sockets have no safe wrapper")]

use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;

use socket2::SockRef;

/// Bytes that are read away at most.
const MOST: usize = 1 << 16;

/// Has the next close of a TCP connection send nothing: neither an end nor a reset. What has come is acknowledged before, so
/// that the peer does not send it again to a socket that is gone. `false`: we have no CAP_NET_ADMIN, or it is no TCP
/// connection.
pub fn end_without_a_word(socket: &SockRef<'_>) -> bool {
    let mut scratch = [MaybeUninit::uninit(); 4096];
    let mut left = MOST;
    while left > 0
        && let Ok(count @ 1..) = socket.recv_with_flags(&mut scratch, libc::MSG_DONTWAIT)
    {
        left = left.saturating_sub(count);
    }
    set(socket, libc::TCP_QUICKACK);
    set(socket, libc::TCP_REPAIR)
}

fn set(socket: &SockRef<'_>, name: libc::c_int) -> bool {
    let (value, length) = (1 as libc::c_int, size_of::<libc::c_int>() as libc::socklen_t);
    // SAFETY: the kernel reads one integer that lives until the call returns.
    let result =
        unsafe { libc::setsockopt(socket.as_raw_fd(), libc::IPPROTO_TCP, name, (&raw const value).cast(), length) };
    result == 0
}
