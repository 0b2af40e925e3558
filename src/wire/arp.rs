//! Gratuitous ARP, the form that keepalived sends and RFC 9568 §6.4.2 asks for: a broadcast request in which sender and
//! target are the virtual address.

use std::net::Ipv4Addr;

use pnet_packet::arp::{ArpHardwareTypes, ArpOperations, MutableArpPacket};
use pnet_packet::ethernet::{EtherTypes, MutableEthernetPacket};

use super::Mac;

/// Length of the frame, bytes, without padding.
pub const FRAME: usize = 42;

/// A whole Ethernet frame that tells everybody on the link that `address` is at `mac`.
pub fn gratuitous(mac: Mac, address: Ipv4Addr) -> Vec<u8> {
    const BROADCAST: Mac = [0xff; 6];
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
        arp.set_sender_proto_addr(address);
        arp.set_target_hw_addr(BROADCAST.into());
        arp.set_target_proto_addr(address);
    }
    frame
}
