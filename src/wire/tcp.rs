//! TCP segments that are sent on as they came.

use pnet_packet::Packet;
use pnet_packet::ip::IpNextHeaderProtocols;
use pnet_packet::ipv4::Ipv4Packet;
use pnet_packet::ipv6::Ipv6Packet;
use pnet_packet::tcp::{MutableTcpPacket, TcpPacket, ipv4_checksum, ipv6_checksum};

/// Length of an IPv6 header in bytes; extension headers count as payload.
const IPV6_HEADER: usize = 40;

/// Fills in the TCP checksum of an IP packet (RFC 9293 §3.1, RFC 8200 §8.1). `None`: it is no TCP over IPv4 or IPv6, or
/// shorter than it says.
pub fn fill_checksum(packet: &mut [u8]) -> Option<()> {
    let (start, checksum) = match packet.first()? >> 4 {
        4 => {
            let ip = Ipv4Packet::new(packet)?;
            if ip.get_next_level_protocol() != IpNextHeaderProtocols::Tcp {
                return None;
            }
            let tcp = TcpPacket::new(ip.payload())?;
            let checksum = ipv4_checksum(&tcp, &ip.get_source(), &ip.get_destination());
            (usize::from(ip.get_header_length()) * 4, checksum)
        }
        6 => {
            let ip = Ipv6Packet::new(packet)?;
            if ip.get_next_header() != IpNextHeaderProtocols::Tcp {
                return None;
            }
            let tcp = TcpPacket::new(ip.payload())?;
            (IPV6_HEADER, ipv6_checksum(&tcp, &ip.get_source(), &ip.get_destination()))
        }
        _ => return None,
    };
    MutableTcpPacket::new(packet.get_mut(start..)?)?.set_checksum(checksum);
    Some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A SYN from 192.0.2.1:54321 to 192.0.2.253:80, as a capture has it.
    const SYN: &str = "4500002c1c46400040069966c0000201c00002fdd43100500000000100000000600272105ad60000020405b4";

    fn syn() -> Vec<u8> {
        (0..SYN.len()).step_by(2).map(|at| u8::from_str_radix(&SYN[at..at + 2], 16).unwrap()).collect()
    }

    #[test]
    fn checksum_makes_the_segment_sum_to_zero() {
        let mut packet = syn();
        packet[36..38].copy_from_slice(&[0, 0]);
        fill_checksum(&mut packet).unwrap();
        let pseudo = [192, 0, 2, 1, 192, 0, 2, 253, 0, 6, 0, 24];
        assert_eq!(crate::wire::checksum::Sum::default().over(&pseudo).over(&packet[20..]).finish(), 0);
    }

    proptest! {
        #[test]
        fn nonsense_is_no_segment_and_no_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            let _ = fill_checksum(&mut bytes);
        }

        #[test]
        fn lying_lengths_do_no_harm(at in 0usize..44, value: u8) {
            let mut packet = syn();
            packet[at] = value;
            let _ = fill_checksum(&mut packet);
        }
    }
}
