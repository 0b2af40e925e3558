//! The Internet checksum (RFC 1071) and the pseudo-headers that VRRP puts under it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// IP protocol number of VRRP.
pub const VRRP: u8 = 112;

/// One's complement sum of 16-bit words, big endian; a last odd byte is padded with zero.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum(u64);

impl Sum {
    /// Adds bytes. Only the last piece may have an odd length.
    pub fn over(self, bytes: &[u8]) -> Sum {
        let (words, rest) = bytes.as_chunks::<2>();
        let mut sum: u64 = words.iter().map(|word| u64::from(u16::from_be_bytes(*word))).sum();
        if let [last] = rest {
            sum += u64::from(*last) << 8;
        }
        Sum(self.0 + sum)
    }

    /// The complement, as it stands in a header. Over a message that already carries its checksum it is zero.
    pub fn finish(self) -> u16 {
        let mut sum = self.0;
        while sum > 0xffff {
            sum = (sum >> 16) + (sum & 0xffff);
        }
        !(sum as u16)
    }
}

/// Pseudo-header of VRRP over IPv4: source, destination, zero, protocol, 16-bit length in bytes.
pub fn pseudo_v4(source: Ipv4Addr, destination: Ipv4Addr, length: usize) -> Sum {
    let length = u16::try_from(length).unwrap_or(u16::MAX);
    Sum::default().over(&source.octets()).over(&destination.octets()).over(&[0, VRRP]).over(&length.to_be_bytes())
}

/// Pseudo-header of RFC 8200 §8.1: source, destination, 32-bit length in bytes, next header.
pub fn pseudo_v6(source: Ipv6Addr, destination: Ipv6Addr, length: usize) -> Sum {
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    Sum::default().over(&source.octets()).over(&destination.octets()).over(&length.to_be_bytes()).over(&[0, 0, 0, VRRP])
}

/// The pseudo-header that fits the addresses; `None` if they are of two families.
pub fn pseudo(source: IpAddr, destination: IpAddr, length: usize) -> Option<Sum> {
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => Some(pseudo_v4(source, destination, length)),
        (IpAddr::V6(source), IpAddr::V6(destination)) => Some(pseudo_v6(source, destination, length)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sum_of_the_rfc_1071_example_is_its_result() {
        let sum = Sum::default().over(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]);
        assert_eq!(!sum.finish(), 0xddf2);
    }

    #[test]
    fn a_last_odd_byte_counts_as_the_high_half_of_a_word() {
        assert_eq!(Sum::default().over(&[0x12]).finish(), !0x1200);
    }
}
