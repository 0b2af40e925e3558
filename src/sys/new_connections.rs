//! New connections held back for a moment while an address moves to another node: a listening socket lets none in, what
//! asked meanwhile is kept, and sent on to whoever has the address then.
#![allow(unsafe_code)]

use std::io::{self, Read};
use std::net::{IpAddr, SocketAddr, TcpListener};

use socket2::{Domain, Protocol, SockAddr, SockAddrStorage, SockRef, Socket, Type};

use super::syn_filter;
use crate::wire::tcp;

/// Requests kept for one address; more ask again by themselves, a second later.
const MOST: usize = 4096;
/// Longest request in bytes: an IP header, a TCP header with options, and the data of TCP fast open.
const LONGEST: usize = 2048;

/// Lets no new connection to `address` in. Requests are dropped without an answer; connections that are half open
/// come in.
///
/// # Errors
/// The kernel's: CAP_NET_ADMIN is missing (kernels of 2025 and later ask for it), no memory for the filter.
pub fn hold_back(listener: &TcpListener, address: IpAddr) -> io::Result<()> {
    SockRef::from(listener).attach_filter(&syn_filter::no_requests_to(address))
}

/// Takes [`hold_back`] back.
///
/// # Errors
/// The kernel's. It is none that nothing was held back.
pub fn let_in(listener: &TcpListener) -> io::Result<()> {
    match SockRef::from(listener).detach_filter() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// Keeps the requests for new connections to an address that arrive on an interface.
#[derive(Debug)]
pub struct Requests {
    socket: Socket,
    address: IpAddr,
}

impl Requests {
    /// From now on.
    ///
    /// # Errors
    /// The kernel's: CAP_NET_RAW is missing, the interface is gone.
    pub fn to(address: IpAddr, interface: u32) -> io::Result<Requests> {
        // Protocol 0 receives nothing until the filter is there and bind(2) says what.
        let socket = Socket::new(Domain::PACKET, Type::DGRAM.nonblocking(), None)?;
        socket.attach_filter(&syn_filter::only_requests_to(address))?;
        socket.bind(&all_of(address, interface)?)?;
        Ok(Requests { socket, address })
    }

    /// Sends what came on to the node that has the address now. Returns how many there were.
    ///
    /// # Errors
    /// The kernel's: CAP_NET_RAW is missing, no route.
    pub fn send_on(mut self) -> io::Result<usize> {
        let (domain, header) = match self.address {
            IpAddr::V4(_) => (Domain::IPV4, libc::IPPROTO_RAW),
            IpAddr::V6(_) => (Domain::IPV6, libc::IPPROTO_RAW),
        };
        // IPPROTO_RAW: the IP header is part of what is sent (raw(7)), the client's address as its source too.
        let sender = Socket::new(domain, Type::RAW.nonblocking(), Some(Protocol::from(header)))?;
        let to = SockAddr::from(SocketAddr::new(self.address, 0));
        let mut buffer = [0; LONGEST];
        let mut count = 0;
        while count < MOST {
            let length = match self.socket.read(&mut buffer) {
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            };
            // From a client on this host or a neighbouring guest the checksum is not filled in yet.
            if tcp::fill_checksum(&mut buffer[..length]).is_some() {
                sender.send_to(&buffer[..length], &to)?;
                count += 1;
            }
        }
        Ok(count)
    }
}

/// The packet socket address of all packets of a family on an interface.
fn all_of(address: IpAddr, interface: u32) -> io::Result<SockAddr> {
    let protocol = match address {
        IpAddr::V4(_) => libc::ETH_P_IP,
        IpAddr::V6(_) => libc::ETH_P_IPV6,
    };
    let mut storage = SockAddrStorage::zeroed();
    // SAFETY: a sockaddr_ll fits into the storage of any address and any bytes are one.
    let link = unsafe { storage.view_as::<libc::sockaddr_ll>() };
    link.sll_family = libc::AF_PACKET as u16;
    link.sll_protocol = (protocol as u16).to_be();
    link.sll_ifindex = i32::try_from(interface).map_err(|_| io::ErrorKind::InvalidInput)?;
    let length = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
    // SAFETY: the storage holds an address of that length, written above.
    Ok(unsafe { SockAddr::new(storage, length) })
}
