//! Whole Ethernet frames: gratuitous ARP and unsolicited neighbour advertisements.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// Sends Ethernet frames; receives nothing.
#[derive(Debug)]
pub struct LinkSender {
    fd: OwnedFd,
}

impl LinkSender {
    /// Opens an AF_PACKET socket. `Err` is usually `PermissionDenied`: CAP_NET_RAW.
    pub fn open() -> io::Result<LinkSender> {
        let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        // SAFETY: socket(2) takes no pointers.
        let fd = unsafe { libc::socket(libc::AF_PACKET, kind, 0) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: `fd` was opened above and nobody else owns it.
        Ok(LinkSender { fd: unsafe { OwnedFd::from_raw_fd(fd) } })
    }

    /// Sends a frame, Ethernet header included, out of the interface with this index. `Err`: the interface is gone
    /// (`ENXIO`) or down (`ENETDOWN`), or its queue is full (`ENOBUFS`).
    pub fn send(&self, index: u32, frame: &[u8]) -> io::Result<()> {
        let index = i32::try_from(index).map_err(|_| io::ErrorKind::InvalidInput)?;
        let to = libc::sockaddr_ll {
            sll_family: libc::AF_PACKET as u16,
            sll_protocol: 0,
            sll_ifindex: index,
            sll_hatype: 0,
            sll_pkttype: 0,
            sll_halen: 6,
            sll_addr: [0; 8],
        };
        // SAFETY: `frame` and `to` live until the call returns, and their lengths are those given.
        let sent = unsafe {
            libc::sendto(
                self.fd.as_raw_fd(),
                frame.as_ptr().cast(),
                frame.len(),
                0,
                (&raw const to).cast(),
                size_of::<libc::sockaddr_ll>() as libc::socklen_t,
            )
        };
        if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}
