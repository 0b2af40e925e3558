//! Whole Ethernet frames: announcements and questions out, answers in.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::task::{Context, Poll, ready};

use socket2::{SockFilter, Socket};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::model::vrrp::Family;

/// Bytes of the longest frame that is looked at: a neighbour advertisement with its options has fewer than 100.
const LONGEST: usize = 256;

/// Sends Ethernet frames; receives nothing.
#[derive(Debug)]
pub struct LinkSender {
    fd: OwnedFd,
}

impl LinkSender {
    /// Opens an AF_PACKET socket. `Err` is usually `PermissionDenied`: CAP_NET_RAW.
    pub fn open() -> io::Result<LinkSender> {
        Ok(LinkSender { fd: open()? })
    }

    /// Sends a frame, Ethernet header included, out of the interface with this index. `Err`: the interface is gone
    /// (`ENXIO`) or down (`ENETDOWN`), or its queue is full (`ENOBUFS`).
    pub fn send(&self, index: u32, frame: &[u8]) -> io::Result<()> {
        let to = place(index, 0)?;
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

/// Receives what may answer a question who has an address: ARP packets, or neighbour advertisements. Needs a tokio
/// runtime.
#[derive(Debug)]
pub struct LinkReceiver {
    socket: AsyncFd<Socket>,
    index: u32,
}

impl LinkReceiver {
    /// Listens on the interface with this index. `Err`: it is gone (`ENODEV`), or CAP_NET_RAW is missing.
    pub fn open(index: u32, family: Family) -> io::Result<LinkReceiver> {
        // Without a protocol it receives nothing yet, so no frame slips past the filter or comes from another interface.
        let socket = Socket::from(open()?);
        let protocol = match family {
            Family::V4 => libc::ETH_P_ARP,
            Family::V6 => {
                socket.attach_filter(&ADVERTISEMENTS)?;
                libc::ETH_P_IPV6
            }
        };
        let on = place(index, (protocol as u16).to_be())?;
        // SAFETY: `on` lives until the call returns, and its length is the one given.
        let bound = unsafe {
            libc::bind(socket.as_raw_fd(), (&raw const on).cast(), size_of::<libc::sockaddr_ll>() as libc::socklen_t)
        };
        if bound < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: a Socket owns its descriptor, which stays the same and open until the AsyncFd drops it.
        let socket = unsafe { AsyncFd::register_with_interest(socket, Interest::READABLE) }?;
        Ok(LinkReceiver { socket, index })
    }

    /// Index of its interface.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// Ready when [`LinkReceiver::receive`] may find something.
    pub fn poll_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.socket.poll_read_ready(context))?.retain_ready();
        Poll::Ready(Ok(()))
    }

    /// The next frame, without waiting, cut to what matters. `Err(WouldBlock)` means that nothing is there.
    pub fn receive(&self) -> io::Result<Vec<u8>> {
        let mut frame = vec![0; LONGEST];
        let length = self.socket.try_io(Interest::READABLE, |socket| io::Read::read(&mut &*socket, &mut frame))?;
        frame.truncate(length);
        Ok(frame)
    }
}

/// Lets through what is IPv6 with ICMPv6 right behind its header, type 136: a neighbour advertisement (RFC 4861 §4.4).
/// Everything else that the host receives over IPv6 would come up here too.
const ADVERTISEMENTS: [SockFilter; 6] = [
    SockFilter::new(LOAD_BYTE, 0, 0, 14 + 6),
    SockFilter::new(JUMP_IF_EQUAL, 0, 3, 58),
    SockFilter::new(LOAD_BYTE, 0, 0, 14 + 40),
    SockFilter::new(JUMP_IF_EQUAL, 0, 1, 136),
    SockFilter::new(RETURN, 0, 0, LONGEST as u32),
    SockFilter::new(RETURN, 0, 0, 0),
];
const LOAD_BYTE: u16 = (libc::BPF_LD | libc::BPF_B | libc::BPF_ABS) as u16;
const JUMP_IF_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;

fn open() -> io::Result<OwnedFd> {
    let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: socket(2) takes no pointers.
    let fd = unsafe { libc::socket(libc::AF_PACKET, kind, 0) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: `fd` was opened above and nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// An interface as an address; `protocol` in network byte order.
fn place(index: u32, protocol: u16) -> io::Result<libc::sockaddr_ll> {
    Ok(libc::sockaddr_ll {
        sll_family: libc::AF_PACKET as u16,
        sll_protocol: protocol,
        sll_ifindex: i32::try_from(index).map_err(|_| io::ErrorKind::InvalidInput)?,
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 6,
        sll_addr: [0; 8],
    })
}
