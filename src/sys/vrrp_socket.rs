//! Raw sockets of IP protocol 112, one for each interface and address family.
//!
//! A socket is bound to its interface, has joined the groups of its instances and nothing else, and does not hear itself.
//! IPv4 adverts leave with a header of our own (source, TTL, TOS 0xc0), IPv6 adverts with an explicit source address:
//! neither may ever go out from a virtual IP.
#![allow(unsafe_code)]

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::AsRawFd;
use std::task::{Context, Poll, ready};

use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, SockaddrIn6, cmsg_space, recvmsg, sendmsg, setsockopt, sockopt,
};
use pnet_packet::ip::IpNextHeaderProtocol;
use pnet_packet::ipv4::{Ipv4Packet, MutableIpv4Packet};
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, Socket, Type};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::model::vrrp::Family;
use crate::vrrp::io::{Received, Transmit};

/// IP protocol number of VRRP.
const VRRP: u8 = 112;
/// Internetwork control (DSCP CS6), as keepalived and routers send it.
const TRAFFIC_CLASS: u8 = 0xc0;
/// TC_PRIO_CONTROL is 7 and needs CAP_NET_ADMIN; 6 is the highest that CAP_NET_RAW may ask of the queue.
const QUEUE_PRIORITY: u32 = 6;
/// Bytes of an IPv4 header without options.
const IPV4_HEADER: usize = 20;
/// Bytes of the longest datagram that is read: 255 IPv6 addresses take 4,088.
pub const LONGEST: usize = 8192;

/// A raw VRRP socket. Needs a tokio runtime.
#[derive(Debug)]
pub struct VrrpSocket {
    socket: AsyncFd<Socket>,
    interface: String,
    index: u32,
    family: Family,
}

impl VrrpSocket {
    /// Opens a socket on an interface and joins `groups` (those of the other family are passed over).
    /// `Err`: no such interface (`ENODEV`), or CAP_NET_RAW is missing.
    pub fn open(interface: &str, index: u32, family: Family, groups: &[IpAddr]) -> io::Result<VrrpSocket> {
        let socket = open(interface, index, family)?;
        if family == Family::V6 {
            socket.set_recv_hoplimit_v6(true)?;
            setsockopt(&socket, sockopt::Ipv6RecvPacketInfo, &true)?;
        }
        for group in groups {
            match (family, group) {
                (Family::V4, IpAddr::V4(group)) => {
                    socket.join_multicast_v4_n(group, &InterfaceIndexOrAddress::Index(index))?;
                }
                (Family::V6, IpAddr::V6(group)) => socket.join_multicast_v6(group, index)?,
                _ => {}
            }
        }
        // SAFETY: a Socket owns its descriptor, which stays the same and open until the AsyncFd drops it.
        let socket = unsafe { AsyncFd::register(socket) }?;
        Ok(VrrpSocket { socket, interface: interface.to_owned(), index, family })
    }

    /// Interface that it is bound to.
    pub fn interface(&self) -> &str {
        &self.interface
    }

    /// Index that the interface had when the socket was opened.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// Family of its messages.
    pub fn family(&self) -> Family {
        self.family
    }

    /// Ready when [`VrrpSocket::receive`] may find something.
    pub fn poll_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.socket.poll_read_ready(context))?.retain_ready();
        Poll::Ready(Ok(()))
    }

    /// The next message, without waiting. `buffer` is scratch of [`LONGEST`] bytes. `Ok(None)` is a datagram that is no
    /// VRRP message in one piece; `Err(WouldBlock)` means that nothing is there.
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<Received>> {
        match self.family {
            Family::V4 => {
                let length = self.socket.try_io(Interest::READABLE, |socket| {
                    Ok(nix::sys::socket::recv(socket.as_raw_fd(), buffer, MsgFlags::empty())?)
                })?;
                Ok(ipv4(&self.interface, &buffer[..length]))
            }
            Family::V6 => {
                self.socket.try_io(Interest::READABLE, |socket| receive_ipv6(socket, &self.interface, buffer))
            }
        }
    }

    /// Sends a message to its group or peer. `Err` is the kernel's: no route, interface down (`ENETDOWN`), source address
    /// not there, queue full.
    pub fn send(&self, message: &Transmit) -> io::Result<()> {
        send(self.socket.get_ref(), self.index, message)
    }
}

/// Sends one message through a socket of its own, without a runtime: for a panic hook.
pub fn send_once(index: u32, message: &Transmit) -> io::Result<()> {
    send(&open(&message.interface, index, Family::of(message.destination))?, index, message)
}

/// A socket that can send.
fn open(interface: &str, index: u32, family: Family) -> io::Result<Socket> {
    let domain = if family == Family::V4 { Domain::IPV4 } else { Domain::IPV6 };
    let socket = Socket::new(domain, Type::RAW.nonblocking(), Some(Protocol::from(i32::from(VRRP))))?;
    socket.bind_device(Some(interface.as_bytes()))?;
    socket.set_priority(QUEUE_PRIORITY)?;
    match family {
        Family::V4 => {
            socket.set_header_included_v4(true)?;
            socket.set_multicast_loop_v4(false)?;
            socket.set_multicast_all_v4(false)?;
        }
        Family::V6 => {
            socket.set_multicast_loop_v6(false)?;
            socket.set_multicast_all_v6(false)?;
            socket.set_multicast_if_v6(index)?;
            socket.set_tclass_v6(u32::from(TRAFFIC_CLASS))?;
        }
    }
    Ok(socket)
}

fn send(socket: &Socket, index: u32, message: &Transmit) -> io::Result<()> {
    match (message.source, message.destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            let datagram = datagram(source, destination, message.ttl, &message.bytes)?;
            let to = SocketAddr::V4(SocketAddrV4::new(destination, 0));
            socket.send_to(&datagram, &to.into())?;
            Ok(())
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => send_ipv6(socket, index, source, destination, message),
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "source and destination differ in family")),
    }
}

fn send_ipv6(socket: &Socket, index: u32, source: Ipv6Addr, to: Ipv6Addr, message: &Transmit) -> io::Result<()> {
    let information = libc::in6_pktinfo { ipi6_addr: libc::in6_addr { s6_addr: source.octets() }, ipi6_ifindex: index };
    let hops = i32::from(message.ttl);
    let control = [ControlMessage::Ipv6PacketInfo(&information), ControlMessage::Ipv6HopLimit(&hops)];
    let to = SockaddrIn6::from(SocketAddrV6::new(to, 0, 0, index));
    let parts = [IoSlice::new(&message.bytes)];
    sendmsg(socket.as_raw_fd(), &parts, &control, MsgFlags::empty(), Some(&to))?;
    Ok(())
}

fn receive_ipv6(socket: &Socket, interface: &str, buffer: &mut [u8]) -> io::Result<Option<Received>> {
    const CONTROL: usize = cmsg_space::<libc::in6_pktinfo>() + cmsg_space::<libc::c_int>();
    let mut control = [0; CONTROL];
    let mut parts = [IoSliceMut::new(buffer)];
    let message = recvmsg::<SockaddrIn6>(socket.as_raw_fd(), &mut parts, Some(&mut control), MsgFlags::empty())?;
    let (mut destination, mut ttl) = (None, None);
    for control in message.cmsgs()? {
        match control {
            ControlMessageOwned::Ipv6PacketInfo(information) => {
                destination = Some(Ipv6Addr::from(information.ipi6_addr.s6_addr));
            }
            ControlMessageOwned::Ipv6HopLimit(hops) => ttl = u8::try_from(hops).ok(),
            _ => {}
        }
    }
    let (length, source, is_whole) = (message.bytes, message.address, !message.flags.contains(MsgFlags::MSG_TRUNC));
    Ok(match (destination, source) {
        (Some(destination), Some(source)) if is_whole => Some(Received {
            interface: interface.to_owned(),
            source: IpAddr::V6(source.ip()),
            destination: IpAddr::V6(destination),
            ttl,
            bytes: buffer[..length].to_vec(),
        }),
        _ => None,
    })
}

/// Takes a received IPv4 datagram apart. The message ends where the header's total length says, not where the link's
/// padding does.
fn ipv4(interface: &str, datagram: &[u8]) -> Option<Received> {
    let header = Ipv4Packet::new(datagram)?;
    let start = usize::from(header.get_header_length()) * 4;
    let bytes = datagram.get(start..usize::from(header.get_total_length()))?;
    if start < IPV4_HEADER {
        return None;
    }
    Some(Received {
        interface: interface.to_owned(),
        source: IpAddr::V4(header.get_source()),
        destination: IpAddr::V4(header.get_destination()),
        ttl: Some(header.get_ttl()),
        bytes: bytes.to_vec(),
    })
}

/// A message with its IPv4 header. The kernel fills in identification and header checksum.
fn datagram(source: Ipv4Addr, destination: Ipv4Addr, ttl: u8, message: &[u8]) -> io::Result<Vec<u8>> {
    let too_long = || io::Error::new(io::ErrorKind::InvalidInput, "message does not fit a datagram");
    let mut bytes = vec![0; IPV4_HEADER + message.len()];
    let total = u16::try_from(bytes.len()).map_err(|_| too_long())?;
    let mut packet = MutableIpv4Packet::new(&mut bytes).ok_or_else(too_long)?;
    packet.set_version(4);
    packet.set_header_length((IPV4_HEADER / 4) as u8);
    packet.set_dscp(TRAFFIC_CLASS >> 2);
    packet.set_total_length(total);
    packet.set_ttl(ttl);
    packet.set_next_level_protocol(IpNextHeaderProtocol(VRRP));
    packet.set_source(source);
    packet.set_destination(destination);
    packet.set_payload(message);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 11);
    const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);

    #[test]
    fn message_survives_its_header_and_link_padding() {
        let mut bytes = datagram(SOURCE, GROUP, 255, b"advert").unwrap();
        assert_eq!(bytes[1], 0xc0);
        bytes.resize(60, 0xaa);
        let received = ipv4("eth0", &bytes).unwrap();
        assert_eq!((received.source, received.destination), (SOURCE.into(), GROUP.into()));
        assert_eq!((received.ttl, received.bytes.as_slice()), (Some(255), b"advert".as_slice()));
    }

    #[test]
    fn header_with_options_is_stripped_by_its_length() {
        let mut bytes = datagram(SOURCE, GROUP, 255, b"xxxxadvert").unwrap();
        bytes[0] = 0x46;
        assert_eq!(ipv4("eth0", &bytes).unwrap().bytes, b"advert");
    }

    #[test]
    fn broken_headers_are_no_message() {
        let good = datagram(SOURCE, GROUP, 255, b"advert").unwrap();
        for length in 0..good.len() {
            assert_eq!(ipv4("eth0", &good[..length]), None);
        }
        for first in 0..=255_u8 {
            let mut bytes = good.clone();
            bytes[0] = first;
            let _ = ipv4("eth0", &bytes);
        }
        let mut short = good;
        short[0] = 0x44;
        assert_eq!(ipv4("eth0", &short), None);
    }
}
