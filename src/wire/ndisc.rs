//! Unsolicited neighbour advertisements (RFC 4861 §7.2.6), IPv6's gratuitous ARP.

use std::net::Ipv6Addr;

use pnet_packet::ethernet::{EtherTypes, MutableEthernetPacket};
use pnet_packet::icmpv6::ndp::{MutableNeighborAdvertPacket, NdpOption, NdpOptionTypes, NeighborAdvertFlags};
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
    let mut frame = vec![0; FRAME];
    if let Some(mut ethernet) = MutableEthernetPacket::new(&mut frame) {
        ethernet.set_destination([0x33, 0x33, 0, 0, 0, 1].into());
        ethernet.set_source(mac.into());
        ethernet.set_ethertype(EtherTypes::Ipv6);
    }
    if let Some(mut ip) = MutableIpv6Packet::new(&mut frame[14..]) {
        ip.set_version(6);
        ip.set_payload_length(32);
        ip.set_next_header(IpNextHeaderProtocols::Icmpv6);
        ip.set_hop_limit(255);
        ip.set_source(address);
        ip.set_destination(ALL_NODES);
    }
    if let Some(mut advert) = MutableNeighborAdvertPacket::new(&mut frame[54..]) {
        advert.set_icmpv6_type(Icmpv6Types::NeighborAdvert);
        advert.set_flags(match role {
            Role::Host => NeighborAdvertFlags::Override,
            Role::Router => NeighborAdvertFlags::Override | NeighborAdvertFlags::Router,
        });
        advert.set_target_addr(address);
        advert.set_options(&[NdpOption { option_type: NdpOptionTypes::TargetLLAddr, length: 1, data: mac.to_vec() }]);
    }
    let sum = Icmpv6Packet::new(&frame[54..]).map_or(0, |packet| checksum(&packet, &address, &ALL_NODES));
    frame[56..58].copy_from_slice(&sum.to_be_bytes());
    frame
}
