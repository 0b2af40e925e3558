//! Addresses and networks, found by the longest mask.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::rule::argument::{mask4, mask6};

/// An address with a mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Network {
    V4 { address: u32, mask: u32 },
    V6 { address: u128, mask: u128 },
}

impl Network {
    /// Reads `10.0.0.0/8`, `10/8`-like short forms (`127.1` is `127.0.0.1`), masks as addresses, and IPv6.
    ///
    /// # Errors
    /// What the text is not.
    pub fn parse(text: &str) -> Result<Network, String> {
        let (address, mask) = text.split_once('/').map_or((text, None), |(address, mask)| (address, Some(mask)));
        let wrong = |what: &str| format!("'{text}' is not {what}");
        if address.contains(':') {
            let address: Ipv6Addr = address.parse().map_err(|_| wrong("an IPv6 address"))?;
            let mask = match mask {
                // A mask of IPv6 is a number of bits here.
                Some(mask) if mask.contains(':') => return Err(wrong("an IPv6 network")),
                Some(mask) => mask6(mask).ok_or_else(|| wrong("an IPv6 network"))?.to_bits(),
                None => u128::MAX,
            };
            return Ok(Network::V6 { address: address.to_bits() & mask, mask });
        }
        let Some(address) = short_ipv4(address) else {
            let is_name = address.starts_with(|c: char| c.is_ascii_alphabetic());
            let why = if is_name { "an address (host names are not resolved in patterns)" } else { "an address" };
            return Err(wrong(why));
        };
        let mask = match mask {
            Some(mask) => mask4(mask).ok_or_else(|| wrong("an IPv4 network"))?.to_bits(),
            None => u32::MAX,
        };
        Ok(Network::V4 { address: address.to_bits() & mask, mask })
    }

    /// Whether it has an address of its own family.
    pub fn has(self, address: IpAddr) -> bool {
        match (self, address) {
            (Network::V4 { address, mask }, IpAddr::V4(other)) => other.to_bits() & mask == address,
            (Network::V6 { address, mask }, IpAddr::V6(other)) => other.to_bits() & mask == address,
            _ => false,
        }
    }
}

/// `192.168.1` is `192.168.0.1`: the last part fills what is left, each part before it one byte.
fn short_ipv4(text: &str) -> Option<Ipv4Addr> {
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    if text.contains('+') {
        return None;
    }
    let parts: Vec<u32> = text.split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let (last, first) = parts.split_last()?;
    if first.len() > 2 {
        return None;
    }
    let room = 32 - 8 * first.len() as u32;
    if first.iter().any(|part| *part > 255) || room < 32 && *last >= 1 << room {
        return None;
    }
    let high = first.iter().fold(0_u32, |high, part| high << 8 | part);
    Some(Ipv4Addr::from_bits(high.checked_shl(room).unwrap_or(0) | last))
}

/// Networks of one family with one mask, by address; the value is the entry's number. Most lists are short: comparing is
/// cheaper than hashing.
type Level<T> = (T, BTreeMap<T, u32>);

/// Networks and the entries that they came from.
#[derive(Clone, Debug, Default)]
pub(super) struct Networks {
    v4: Vec<Level<u32>>,
    v6: Vec<Level<u128>>,
}

impl Networks {
    pub(super) fn add(&mut self, network: Network, entry: u32) {
        match network {
            Network::V4 { address, mask } => insert(&mut self.v4, mask, address, entry, u32::count_ones),
            Network::V6 { address, mask } => insert(&mut self.v6, mask, address, entry, u128::count_ones),
        }
    }

    /// The entry with the longest mask. IPv4 and IPv6 meet as §7.1.6 says.
    pub(super) fn find(&self, address: IpAddr) -> Option<u32> {
        let v4 = |address: Ipv4Addr| search(&self.v4, address.to_bits(), |a, b| a & b);
        let v6 = |address: Ipv6Addr| search(&self.v6, address.to_bits(), |a, b| a & b);
        match address {
            IpAddr::V4(address) => v4(address).or_else(|| v6(address.to_ipv6_mapped())),
            IpAddr::V6(address) => v6(address).or_else(|| embedded(address).and_then(v4)),
        }
    }
}

fn insert<T: Copy + Ord>(levels: &mut Vec<Level<T>>, mask: T, address: T, entry: u32, ones: fn(T) -> u32) {
    let at = match levels.iter().position(|(known, _)| *known == mask) {
        Some(at) => at,
        None => {
            let at = levels.iter().position(|(known, _)| ones(*known) < ones(mask)).unwrap_or(levels.len());
            levels.insert(at, (mask, BTreeMap::new()));
            at
        }
    };
    levels[at].1.entry(address).or_insert(entry);
}

fn search<T: Copy + Ord>(levels: &[Level<T>], address: T, and: fn(T, T) -> T) -> Option<u32> {
    levels.iter().find_map(|(mask, known)| known.get(&and(address, *mask)).copied())
}

/// The IPv4 address in `::ffff:a.b.c.d`, `::a.b.c.d` or `2002:a.b.c.d::`.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let bits = address.to_bits();
    let is_mapped = bits >> 32 == 0 || bits >> 32 == 0xffff;
    if is_mapped {
        return Some(Ipv4Addr::from_bits(bits as u32));
    }
    (bits >> 112 == 0x2002).then(|| Ipv4Addr::from_bits((bits >> 80) as u32))
}
