//! Changes of links and addresses, whoever made them.
#![allow(unsafe_code)]

use std::io;
use std::task::{Context, Poll, ready};

use tokio::io::unix::AsyncFd;

use super::address::Address;
use super::link::Interface;
use super::socket::{Raw, RouteSocket, Waiting};

const RTM_NEWLINK: u16 = 16;
const RTM_DELLINK: u16 = 17;
const RTM_NEWADDR: u16 = 20;
const RTM_DELADDR: u16 = 21;

/// RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV6_IFADDR.
const GROUPS: u32 = 1 | 16 | 256;

/// Bytes of kernel memory for events that have not been read: some thousand of them.
const BACKLOG: usize = 1 << 20;

/// Something changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// An interface appeared or changed.
    Link(Interface),
    /// An interface is gone.
    LinkGone(Interface),
    /// An address appeared or changed (a renewed lease too).
    Address {
        /// The address as it is now.
        address: Address,
        /// Port of the socket that asked for it ([`super::Kernel::port`]); 0 is the kernel.
        by: u32,
    },
    /// An address is gone.
    AddressGone {
        /// The address as it was.
        address: Address,
        /// Port of the socket that asked for it; 0 is the kernel: the lifetime ended or the interface went down.
        by: u32,
    },
    /// The kernel had no room for some events (ENOBUFS): read the tables again.
    Lost,
}

/// A subscription. Needs a tokio runtime.
#[derive(Debug)]
pub struct Events {
    socket: AsyncFd<RouteSocket>,
}

impl Events {
    /// Subscribes. Read the tables after this call and nothing is missed.
    pub fn subscribe() -> io::Result<Events> {
        Ok(Events { socket: subscription()? })
    }

    /// Ready when [`Events::read`] may find something.
    pub fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.socket.poll_read_ready(context))?.retain_ready();
        Poll::Ready(Ok(()))
    }

    /// What has arrived, without waiting: the messages of one datagram, often one. Empty means that nothing is there.
    pub fn read(&mut self) -> io::Result<Vec<Event>> {
        let mut events = Vec::new();
        let result = self
            .socket
            .try_io_mut(tokio::io::Interest::READABLE, |socket| socket.receive(|_, raw| events.extend(event(raw))));
        match result {
            Ok(()) => Ok(events),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(events),
            Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => {
                // The kernel says so once, and then drops without a word until the queue has been empty. A new
                // subscription starts empty, and before the tables are read again.
                self.socket = subscription()?;
                Ok(vec![Event::Lost])
            }
            Err(error) => Err(error),
        }
    }
}

fn subscription() -> io::Result<AsyncFd<RouteSocket>> {
    let socket = RouteSocket::open(GROUPS, Waiting::NonBlocking)?;
    // The kernel grants at most net.core.rmem_max.
    let _ = socket2::SockRef::from(&socket).set_recv_buffer_size(BACKLOG);
    // SAFETY: a RouteSocket owns its descriptor, which stays the same and open until the AsyncFd drops it.
    Ok(unsafe { AsyncFd::register(socket) }?)
}

fn event(raw: Raw) -> Option<Event> {
    let by = raw.port;
    match raw.kind {
        RTM_NEWLINK => Interface::parse(&raw.payload).map(Event::Link),
        RTM_DELLINK => Interface::parse(&raw.payload).map(Event::LinkGone),
        RTM_NEWADDR => Address::parse(&raw.payload).map(|address| Event::Address { address, by }),
        RTM_DELADDR => Address::parse(&raw.payload).map(|address| Event::AddressGone { address, by }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_and_broken_messages_are_no_events() {
        for kind in 0..32 {
            for length in 0..24 {
                assert_eq!(event(Raw { kind, port: 0, payload: vec![0xff; length] }), None);
            }
        }
    }
}
