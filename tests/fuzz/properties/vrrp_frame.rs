//! A VRRP message from a hostile peer: nothing panics, and what is accepted says the same after re-encoding.

use std::net::IpAddr;

use vipgate::wire::{frame, vrrp};

/// The first byte chooses the addresses, the rest is the message; everything is an Ethernet frame, too.
pub fn holds(data: &[u8]) {
    let _ = frame::datagram(data);
    let Some((choice, bytes)) = data.split_first() else { return };
    let (source, destination): (IpAddr, IpAddr) = match choice % 3 {
        0 => ([10, 0, 0, 1].into(), [224, 0, 0, 18].into()),
        1 => ([10, 0, 0, 1].into(), [10, 0, 0, 2].into()),
        _ => ([0xfe80, 0, 0, 0, 0, 0, 0, 1].into(), [0xff02, 0, 0, 0, 0, 0, 0, 0x12].into()),
    };
    let Ok((advert, coverage)) = vrrp::parse(bytes, source, destination) else { return };
    let built = advert.build(source, destination, coverage);
    let (again, _) = vrrp::parse(&built, source, destination).expect("what is built is well-formed");
    assert_eq!(advert, again);
}
