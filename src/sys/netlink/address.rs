//! Addresses as values, and the messages that install and remove them.

use std::net::IpAddr;
use std::time::Duration;

use netlink_packet_core::Parseable;
use netlink_packet_route::AddressFamily;
use netlink_packet_route::address::{
    AddressAttribute, AddressFlags, AddressHeaderFlags, AddressMessage, AddressProtocol, AddressScope, CacheInfo,
};

use super::TAG;

/// A lifetime that never ends (INFINITY_LIFE_TIME).
const FOR_EVER: u32 = u32::MAX;

/// An address on an interface, as the kernel describes it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    /// Interface index.
    pub index: u32,
    /// The address.
    pub address: IpAddr,
    /// Prefix length.
    pub prefix: u8,
    /// It carries our tag.
    pub is_tagged: bool,
    /// It can be a source: duplicate address detection is over and found nothing.
    pub is_settled: bool,
    /// Seconds that it still lives; `None` is for ever.
    pub lifetime: Option<u32>,
}

/// An address to install.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Installation {
    /// Interface index.
    pub index: u32,
    /// The address.
    pub address: IpAddr,
    /// Prefix length.
    pub prefix: u8,
}

/// Prefix length with which an address is installed. A mask is honoured only where the node has no address of its own in
/// that network: otherwise the virtual IP could become the primary address, and take the node's own with it when it goes.
pub fn installed_prefix(address: IpAddr, wanted: u8, own: impl IntoIterator<Item = (IpAddr, u8)>) -> u8 {
    let host = host_prefix(address);
    let wanted = wanted.min(host);
    let is_shared = own.into_iter().any(|(own, prefix)| same_network(address, own, wanted.min(prefix)));
    if is_shared { host } else { wanted }
}

/// 32 or 128.
pub fn host_prefix(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn same_network(a: IpAddr, b: IpAddr, prefix: u8) -> bool {
    let differing = match (a, b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros(),
        (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros(),
        _ => return false,
    };
    differing >= u32::from(prefix)
}

impl Installation {
    /// The body of RTM_NEWADDR: tagged, of global scope, without duplicate address detection, with `lease` as its
    /// lifetime (whole seconds, rounded up, at least 1; `None` is for ever). An IPv6 address is deprecated from the
    /// start, so that it is no source of connections which the node opens; a host route needs no prefix route.
    pub fn to_install(self, lease: Option<Duration>) -> AddressMessage {
        let mut message = self.to_remove();
        let lifetime = lease.map_or(FOR_EVER, seconds);
        let mut flags = AddressFlags::Nodad;
        if self.prefix == host_prefix(self.address) {
            flags |= AddressFlags::Noprefixroute;
        }
        message.header.flags = AddressHeaderFlags::Nodad;
        let mut life = CacheInfo::default();
        life.ifa_valid = lifetime;
        life.ifa_preferred = if self.address.is_ipv6() { 0 } else { lifetime };
        message.attributes.extend([
            AddressAttribute::Flags(flags),
            AddressAttribute::CacheInfo(life),
            AddressAttribute::Protocol(AddressProtocol::Other(TAG)),
        ]);
        message
    }

    /// The body of RTM_DELADDR.
    pub fn to_remove(self) -> AddressMessage {
        let mut message = AddressMessage::default();
        message.header.family = if self.address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
        message.header.prefix_len = self.prefix;
        message.header.scope = AddressScope::Universe;
        message.header.index = self.index;
        message.attributes = vec![AddressAttribute::Local(self.address), AddressAttribute::Address(self.address)];
        message
    }
}

impl From<&Address> for Installation {
    fn from(address: &Address) -> Installation {
        Installation { index: address.index, address: address.address, prefix: address.prefix }
    }
}

/// Whole seconds, rounded up, at least 1 (0 means "remove" to the kernel) and below [`FOR_EVER`].
fn seconds(lease: Duration) -> u32 {
    let whole = lease.as_secs().saturating_add(u64::from(lease.subsec_nanos() > 0));
    u32::try_from(whole).unwrap_or(FOR_EVER).clamp(1, FOR_EVER - 1)
}

impl Address {
    /// Reads the body of RTM_NEWADDR or RTM_DELADDR; `None` if it is of another family or makes no sense.
    pub fn parse(payload: &[u8]) -> Option<Address> {
        let message = AddressMessage::parse(payload).ok()?;
        if !matches!(message.header.family, AddressFamily::Inet | AddressFamily::Inet6) {
            return None;
        }
        let (mut local, mut address, mut is_tagged, mut lifetime) = (None, None, false, None);
        let mut flags = AddressFlags::from_bits_retain(u32::from(message.header.flags.bits()));
        for attribute in message.attributes {
            match attribute {
                AddressAttribute::Local(ip) => local = Some(ip),
                AddressAttribute::Address(ip) => address = Some(ip),
                AddressAttribute::Flags(all) => flags = all,
                AddressAttribute::Protocol(protocol) => is_tagged = u8::from(protocol) == TAG,
                AddressAttribute::CacheInfo(life) if life.ifa_valid != FOR_EVER => lifetime = Some(life.ifa_valid),
                _ => {}
            }
        }
        let is_settled = !flags.contains(AddressFlags::Dadfailed)
            && (!flags.contains(AddressFlags::Tentative) || flags.contains(AddressFlags::Optimistic));
        Some(Address {
            index: message.header.index,
            // On a point-to-point link IFA_ADDRESS is the other end.
            address: local.or(address)?,
            prefix: message.header.prefix_len,
            is_tagged,
            is_settled,
            lifetime,
        })
    }
}

#[cfg(test)]
mod tests {
    use netlink_packet_core::Emitable;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn parsed(installation: Installation, lease: Option<Duration>) -> Address {
        let message = installation.to_install(lease);
        let mut bytes = vec![0; message.buffer_len()];
        message.emit(&mut bytes);
        Address::parse(&bytes).unwrap()
    }

    #[test]
    fn installed_address_carries_tag_and_lifetime() {
        for (address, prefix) in [(ip("192.0.2.253"), 32), (ip("2001:db8::253"), 128)] {
            let address = parsed(Installation { index: 3, address, prefix }, Some(Duration::from_millis(2100)));
            assert_eq!((address.is_tagged, address.lifetime, address.prefix), (true, Some(3), prefix));
        }
        let eternal = parsed(Installation { index: 3, address: ip("192.0.2.253"), prefix: 32 }, None);
        assert_eq!(eternal.lifetime, None);
    }

    #[test]
    fn lease_is_never_nothing_and_never_for_ever() {
        assert_eq!(seconds(Duration::ZERO), 1);
        assert_eq!(seconds(Duration::from_millis(1)), 1);
        assert_eq!(seconds(Duration::from_secs(3)), 3);
        assert_eq!(seconds(Duration::MAX), FOR_EVER - 1);
    }

    #[test]
    fn mask_is_honoured_only_where_the_node_has_no_address() {
        let own = [(ip("192.0.2.11"), 24), (ip("2001:db8::11"), 64)];
        assert_eq!(installed_prefix(ip("192.0.2.253"), 24, own), 32);
        assert_eq!(installed_prefix(ip("192.0.2.253"), 25, own), 32);
        assert_eq!(installed_prefix(ip("192.0.2.253"), 32, own), 32);
        assert_eq!(installed_prefix(ip("198.51.100.1"), 24, own), 24);
        assert_eq!(installed_prefix(ip("2001:db8::253"), 64, own), 128);
        assert_eq!(installed_prefix(ip("2001:db8:1::253"), 64, own), 64);
        assert_eq!(installed_prefix(ip("192.0.2.253"), 200, []), 32);
    }

    #[test]
    fn nonsense_is_no_address() {
        for length in 0..40 {
            let _ = Address::parse(&vec![0xff; length]);
        }
        assert_eq!(Address::parse(&[]), None);
    }
}
