//! Many datagrams at once.

use std::io::{self, IoSlice};
use std::net::UdpSocket;
use std::os::fd::AsRawFd;

use nix::sys::socket::{ControlMessage, MsgFlags, SockaddrStorage, sendmsg};

/// Most that [`send_cut`] makes of one call (the kernel's UDP_MAX_SEGMENTS of old).
pub const MOST: usize = 64;

/// Sends a datagram for every `length` bytes, and one for the rest, to where the socket is connected.
///
/// # Errors
/// The kernel's. `Input/output error` where the device on the way computes no checksums, `InvalidInput` for datagrams that
/// would not leave whole: then nothing was sent.
pub fn send_cut(socket: &UdpSocket, bytes: &[u8], length: u16) -> io::Result<()> {
    let cut = [ControlMessage::UdpGsoSegments(&length)];
    let bytes = [IoSlice::new(bytes)];
    sendmsg::<SockaddrStorage>(socket.as_raw_fd(), &bytes, &cut, MsgFlags::MSG_NOSIGNAL, None)?;
    Ok(())
}
