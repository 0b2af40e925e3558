//! ARP: telling the link where a virtual address is, and asking whether somebody has it.

use std::net::Ipv4Addr;

use pnet_packet::Packet;
use pnet_packet::arp::{ArpHardwareTypes, ArpOperations, ArpPacket, MutableArpPacket};
use pnet_packet::ethernet::{EtherTypes, EthernetPacket, MutableEthernetPacket};

use super::Mac;

/// Length of the frame, bytes, without padding.
pub const FRAME: usize = 42;

const BROADCAST: Mac = [0xff; 6];

/// A whole Ethernet frame that tells everybody on the link that `address` is at `mac`: the form that keepalived sends and
/// RFC 9568 §6.4.2 asks for, a broadcast request in which sender and target are the virtual address.
pub fn gratuitous(mac: Mac, address: Ipv4Addr) -> Vec<u8> {
    request(mac, address, BROADCAST, address)
}

/// A whole Ethernet frame that asks everybody who has `address` and leaves no trace in anybody's cache: the probe of
/// RFC 5227 §2.1.1, whose sender address is 0.0.0.0.
pub fn probe(mac: Mac, address: Ipv4Addr) -> Vec<u8> {
    request(mac, Ipv4Addr::UNSPECIFIED, [0; 6], address)
}

/// Who says in this frame that it has which address: the sender of any ARP packet, request or reply (RFC 5227 §2.1.1).
/// `None` if it is no ARP packet for IPv4 over Ethernet, or a probe.
pub fn sender(frame: &[u8]) -> Option<(Mac, Ipv4Addr)> {
    let ethernet = EthernetPacket::new(frame).filter(|ethernet| ethernet.get_ethertype() == EtherTypes::Arp)?;
    let arp = ArpPacket::new(ethernet.payload())?;
    let lengths = (arp.get_hw_addr_len(), arp.get_proto_addr_len());
    if (arp.get_hardware_type(), arp.get_protocol_type(), lengths)
        != (ArpHardwareTypes::Ethernet, EtherTypes::Ipv4, (6, 4))
    {
        return None;
    }
    let address = arp.get_sender_proto_addr();
    (!address.is_unspecified()).then(|| (arp.get_sender_hw_addr().octets(), address))
}

fn request(mac: Mac, sender: Ipv4Addr, target_mac: Mac, target: Ipv4Addr) -> Vec<u8> {
    let mut frame = vec![0; FRAME];
    if let Some(mut ethernet) = MutableEthernetPacket::new(&mut frame) {
        ethernet.set_destination(BROADCAST.into());
        ethernet.set_source(mac.into());
        ethernet.set_ethertype(EtherTypes::Arp);
    }
    if let Some(mut arp) = MutableArpPacket::new(&mut frame[14..]) {
        arp.set_hardware_type(ArpHardwareTypes::Ethernet);
        arp.set_protocol_type(EtherTypes::Ipv4);
        arp.set_hw_addr_len(6);
        arp.set_proto_addr_len(4);
        arp.set_operation(ArpOperations::Request);
        arp.set_sender_hw_addr(mac.into());
        arp.set_sender_proto_addr(sender);
        arp.set_target_hw_addr(target_mac.into());
        arp.set_target_proto_addr(target);
    }
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: Mac = [2, 0, 0, 0, 0, 1];
    const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 253);

    #[test]
    fn an_announcement_claims_its_address_and_a_probe_claims_none() {
        assert_eq!(sender(&gratuitous(MAC, ADDRESS)), Some((MAC, ADDRESS)));
        assert_eq!(sender(&probe(MAC, ADDRESS)), None);
    }

    #[test]
    fn a_probe_asks_everybody_for_the_address() {
        let frame = probe(MAC, ADDRESS);
        assert_eq!((&frame[..6], &frame[38..]), (BROADCAST.as_slice(), ADDRESS.octets().as_slice()));
        assert_eq!(frame[28..32], [0; 4]);
    }

    #[test]
    fn other_frames_and_pieces_claim_nothing() {
        let frame = gratuitous(MAC, ADDRESS);
        for length in 0..frame.len() {
            assert_eq!(sender(&frame[..length]), None);
        }
        let mut foreign = frame;
        foreign[12] = 0x86;
        assert_eq!(sender(&foreign), None);
    }
}
