//! Ethernet frames down to the IP payload: what a raw socket does in the daemon, for recordings and tests.

use std::net::IpAddr;

use pnet_packet::Packet;
use pnet_packet::ethernet::{EtherTypes, EthernetPacket};
use pnet_packet::ipv4::Ipv4Packet;
use pnet_packet::ipv6::Ipv6Packet;

/// An IP packet without its header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// IP source.
    pub source: IpAddr,
    /// IP destination.
    pub destination: IpAddr,
    /// TTL or hop limit.
    pub ttl: u8,
    /// Protocol or next header.
    pub protocol: u8,
    /// What follows the IP header, cut to the length that the header says: Ethernet pads short frames.
    pub payload: Vec<u8>,
}

/// The datagram in an Ethernet frame; `None` if it holds no whole IPv4 or IPv6 packet.
pub fn datagram(frame: &[u8]) -> Option<Datagram> {
    let ethernet = EthernetPacket::new(frame)?;
    match ethernet.get_ethertype() {
        EtherTypes::Ipv4 => {
            let bytes = ethernet.payload();
            let ip = Ipv4Packet::new(bytes)?;
            let header = usize::from(ip.get_header_length()) * 4;
            let payload = bytes.get(header.max(20)..usize::from(ip.get_total_length()))?;
            Some(Datagram {
                source: ip.get_source().into(),
                destination: ip.get_destination().into(),
                ttl: ip.get_ttl(),
                protocol: ip.get_next_level_protocol().0,
                payload: payload.to_vec(),
            })
        }
        EtherTypes::Ipv6 => {
            let bytes = ethernet.payload();
            let ip = Ipv6Packet::new(bytes)?;
            let payload = bytes.get(40..40 + usize::from(ip.get_payload_length()))?;
            Some(Datagram {
                source: ip.get_source().into(),
                destination: ip.get_destination().into(),
                ttl: ip.get_hop_limit(),
                protocol: ip.get_next_header().0,
                payload: payload.to_vec(),
            })
        }
        _ => None,
    }
}
