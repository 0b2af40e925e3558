//! A NETLINK_ROUTE socket and the framing of messages.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use netlink_packet_core::{NLM_F_DUMP, NLM_F_DUMP_INTR, NetlinkBuffer, NetlinkMessage, NetlinkPayload};
use netlink_packet_route::RouteNetlinkMessage;
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, getsockname, recvfrom, sendto,
    setsockopt, socket, sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike};

/// Bytes of a receive buffer: the kernel never makes a message of a dump larger than this.
const BUFFER: usize = 32 * 1024;
/// A dump that the kernel declares inconsistent is asked for again so many times.
const DUMP_ATTEMPTS: usize = 5;
/// Seconds that an answer may take. It is there when the request returns, so this only bounds a kernel bug.
const PATIENCE: i64 = 2;

const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const NLMSG_HEADER: usize = 16;

/// Whether a call waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// Up to a bound, for requests.
    Blocking,
    /// Not at all, for events.
    NonBlocking,
}

/// A message from the kernel, not yet decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raw {
    /// `RTM_NEWADDR`...
    pub kind: u16,
    /// Port of the socket whose request caused it; 0 if the kernel did it by itself.
    pub port: u32,
    /// What follows the netlink header.
    pub payload: Vec<u8>,
}

/// A socket to rtnetlink.
#[derive(Debug)]
pub struct RouteSocket {
    fd: OwnedFd,
    port: u32,
    sequence: u32,
    buffer: Vec<u8>,
}

impl RouteSocket {
    /// Opens a socket that receives the given multicast groups (a mask: bit n-1 is RTNLGRP n).
    pub fn open(groups: u32, waiting: Waiting) -> io::Result<RouteSocket> {
        let flags = match waiting {
            Waiting::Blocking => SockFlag::SOCK_CLOEXEC,
            Waiting::NonBlocking => SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK,
        };
        let fd = socket(AddressFamily::Netlink, SockType::Raw, flags, SockProtocol::NetlinkRoute)?;
        if waiting == Waiting::Blocking {
            setsockopt(&fd, sockopt::ReceiveTimeout, &TimeVal::seconds(PATIENCE))?;
        }
        bind(fd.as_raw_fd(), &NetlinkAddr::new(0, groups))?;
        let port = getsockname::<NetlinkAddr>(fd.as_raw_fd())?.pid();
        Ok(RouteSocket { fd, port, sequence: 0, buffer: vec![0; BUFFER] })
    }

    /// Netlink port of this socket: changes that it asked for carry it.
    pub fn port(&self) -> u32 {
        self.port
    }

    /// Sends a request and waits for its acknowledgement (NLM_F_ACK has to be among `flags`) or for the end of its dump.
    /// `Err` is the kernel's refusal.
    pub fn request(&mut self, message: &RouteNetlinkMessage, flags: u16) -> io::Result<Vec<Raw>> {
        for _ in 0..DUMP_ATTEMPTS {
            self.send(message, flags)?;
            if let Some(answer) = self.answer()? {
                return Ok(answer);
            }
            if flags & NLM_F_DUMP == 0 {
                break;
            }
        }
        Err(io::Error::other("the kernel's tables changed during every attempt to read them"))
    }

    fn send(&mut self, message: &RouteNetlinkMessage, flags: u16) -> io::Result<()> {
        self.sequence = self.sequence.wrapping_add(1);
        let mut request = NetlinkMessage::new(Default::default(), NetlinkPayload::InnerMessage(message.clone()));
        request.header.flags = flags;
        request.header.sequence_number = self.sequence;
        request.finalize();
        let mut bytes = vec![0; request.buffer_len()];
        request.serialize(&mut bytes);
        sendto(self.fd.as_raw_fd(), &bytes, &NetlinkAddr::new(0, 0), MsgFlags::empty())?;
        Ok(())
    }

    /// The messages up to acknowledgement or end; `None` if the dump was interrupted by a change.
    fn answer(&mut self) -> io::Result<Option<Vec<Raw>>> {
        let mut found = Vec::new();
        let mut is_consistent = true;
        loop {
            let sequence = self.sequence;
            let mut end = None;
            self.receive(|header, raw| {
                if header.sequence_number() != sequence {
                    return;
                }
                is_consistent &= header.flags() & NLM_F_DUMP_INTR == 0;
                match raw.kind {
                    NLMSG_ERROR | NLMSG_DONE => end = Some(code(&raw.payload)),
                    _ => found.push(raw),
                }
            })?;
            match end {
                Some(0) => return Ok(is_consistent.then_some(found)),
                Some(code) => return Err(io::Error::from_raw_os_error(-code)),
                None => {}
            }
        }
    }

    /// Receives one datagram and hands over each message in it. `Err(WouldBlock)`: none is there;
    /// `Err` with ENOBUFS: the kernel had to drop some.
    pub fn receive(&mut self, mut each: impl FnMut(&NetlinkBuffer<&[u8]>, Raw)) -> io::Result<()> {
        let (length, sender) = loop {
            match recvfrom::<NetlinkAddr>(self.fd.as_raw_fd(), &mut self.buffer) {
                Err(Errno::EINTR) => {}
                other => break other?,
            }
        };
        // Only the kernel has port 0.
        if sender.is_none_or(|sender| sender.pid() != 0) {
            return Ok(());
        }
        let mut rest = &self.buffer[..length];
        while let Ok(header) = NetlinkBuffer::new_checked(rest) {
            let length = header.length() as usize;
            if length < NLMSG_HEADER {
                break;
            }
            let raw =
                Raw { kind: header.message_type(), port: header.port_number(), payload: header.payload().to_vec() };
            each(&header, raw);
            rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        }
        Ok(())
    }
}

impl AsFd for RouteSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRawFd for RouteSocket {
    fn as_raw_fd(&self) -> std::os::fd::RawFd {
        self.fd.as_raw_fd()
    }
}

/// The code at the start of an error or end message: 0 or a negative errno.
fn code(payload: &[u8]) -> i32 {
    payload.first_chunk().map_or(0, |bytes| i32::from_ne_bytes(*bytes))
}
