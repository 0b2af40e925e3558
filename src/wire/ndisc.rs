//! Neighbour discovery (RFC 4861): telling the link where a virtual address is, and asking whether somebody has it.

use std::net::Ipv6Addr;

use pnet_packet::ethernet::{EtherTypes, MutableEthernetPacket};
use pnet_packet::icmpv6::ndp::{
    MutableNeighborAdvertPacket, MutableNeighborSolicitPacket, NdpOption, NdpOptionTypes, NeighborAdvertFlags,
    NeighborAdvertPacket,
};
use pnet_packet::icmpv6::{Icmpv6Packet, Icmpv6Types, checksum};
use pnet_packet::ip::IpNextHeaderProtocols;
use pnet_packet::ipv6::MutableIpv6Packet;

use super::Mac;

/// Length of the frame, bytes.
pub const FRAME: usize = 14 + 40 + 32;
/// All nodes on the link.
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

/// Whether the sender says that it forwards packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Router flag clear: what keepalived sends unless the kernel forwards.
    Host,
    /// Router flag set.
    Router,
}

/// A whole Ethernet frame that tells every node on the link that `address` is at `mac`: from the address itself to
/// ff02::1, hop limit 255, Override set, Router clear.
pub fn unsolicited(mac: Mac, address: Ipv6Addr) -> Vec<u8> {
    unsolicited_as(mac, address, Role::Host)
}

/// As [`unsolicited`], with the Router flag by choice.
pub fn unsolicited_as(mac: Mac, address: Ipv6Addr, role: Role) -> Vec<u8> {
    let mut frame = datagram(mac, address, ALL_NODES);
    if let Some(mut advert) = MutableNeighborAdvertPacket::new(&mut frame[54..]) {
        advert.set_icmpv6_type(Icmpv6Types::NeighborAdvert);
        advert.set_flags(match role {
            Role::Host => NeighborAdvertFlags::Override,
            Role::Router => NeighborAdvertFlags::Override | NeighborAdvertFlags::Router,
        });
        advert.set_target_addr(address);
        advert.set_options(&[NdpOption { option_type: NdpOptionTypes::TargetLLAddr, length: 1, data: mac.to_vec() }]);
    }
    seal(&mut frame, address, ALL_NODES);
    frame
}

/// A whole Ethernet frame that asks who has `address`: a neighbour solicitation to the address's solicited-node group
/// (RFC 4861 §4.3). The answer comes to `source`, one of the asking interface's own addresses.
pub fn solicitation(mac: Mac, source: Ipv6Addr, address: Ipv6Addr) -> Vec<u8> {
    let [.., a, b, c] = address.octets();
    let group = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00 | u16::from(a), u16::from_be_bytes([b, c]));
    let mut frame = datagram(mac, source, group);
    if let Some(mut question) = MutableNeighborSolicitPacket::new(&mut frame[54..]) {
        question.set_icmpv6_type(Icmpv6Types::NeighborSolicit);
        question.set_target_addr(address);
        question.set_options(&[NdpOption { option_type: NdpOptionTypes::SourceLLAddr, length: 1, data: mac.to_vec() }]);
    }
    seal(&mut frame, source, group);
    frame
}

/// Who says in this frame that it has which address: a neighbour advertisement with the sender's link-layer address.
/// `None` if it is none, or came through a router (hop limit below 255, RFC 4861 §7.1.2).
pub fn advertised(frame: &[u8]) -> Option<(Mac, Ipv6Addr)> {
    let datagram = super::frame::datagram(frame).filter(|datagram| datagram.protocol == 58 && datagram.ttl == 255)?;
    let advert = NeighborAdvertPacket::new(&datagram.payload)?;
    if advert.get_icmpv6_type() != Icmpv6Types::NeighborAdvert {
        return None;
    }
    // Options start after 24 bytes; the first is the only one that nodes send.
    let mac = datagram.payload.get(26..32).filter(|_| datagram.payload[24] == NdpOptionTypes::TargetLLAddr.0)?;
    Some((mac.try_into().ok()?, advert.get_target_addr()))
}

/// Ethernet and IPv6 header of a frame that carries 32 bytes of neighbour discovery.
fn datagram(mac: Mac, source: Ipv6Addr, group: Ipv6Addr) -> Vec<u8> {
    let mut frame = vec![0; FRAME];
    let [.., a, b, c, d] = group.octets();
    if let Some(mut ethernet) = MutableEthernetPacket::new(&mut frame) {
        // RFC 2464 §7.
        ethernet.set_destination([0x33, 0x33, a, b, c, d].into());
        ethernet.set_source(mac.into());
        ethernet.set_ethertype(EtherTypes::Ipv6);
    }
    if let Some(mut ip) = MutableIpv6Packet::new(&mut frame[14..]) {
        ip.set_version(6);
        ip.set_payload_length(32);
        ip.set_next_header(IpNextHeaderProtocols::Icmpv6);
        ip.set_hop_limit(255);
        ip.set_source(source);
        ip.set_destination(group);
    }
    frame
}

/// Puts the checksum in.
fn seal(frame: &mut [u8], source: Ipv6Addr, group: Ipv6Addr) {
    let sum = Icmpv6Packet::new(&frame[54..]).map_or(0, |packet| checksum(&packet, &source, &group));
    frame[56..58].copy_from_slice(&sum.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: Mac = [2, 0, 0, 0, 0, 1];

    fn address() -> Ipv6Addr {
        "2001:db8::fd12:3456".parse().unwrap()
    }

    #[test]
    fn an_advertisement_claims_its_address_and_a_question_claims_none() {
        assert_eq!(advertised(&unsolicited(MAC, address())), Some((MAC, address())));
        assert_eq!(advertised(&solicitation(MAC, "fe80::1".parse().unwrap(), address())), None);
    }

    #[test]
    fn a_question_goes_to_the_solicited_node_group() {
        let frame = solicitation(MAC, "fe80::1".parse().unwrap(), address());
        assert_eq!(frame[..6], [0x33, 0x33, 0xff, 0x12, 0x34, 0x56]);
        assert_eq!(frame[38..54], "ff02::1:ff12:3456".parse::<Ipv6Addr>().unwrap().octets());
    }

    #[test]
    fn routed_and_broken_advertisements_claim_nothing() {
        let frame = unsolicited(MAC, address());
        for length in 0..frame.len() {
            assert_eq!(advertised(&frame[..length]), None);
        }
        let mut routed = frame;
        routed[21] = 254;
        assert_eq!(advertised(&routed), None);
    }
}
