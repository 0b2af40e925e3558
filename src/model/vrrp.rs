//! Virtual routers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use super::{Priority, Vrid};

/// A virtual router on this node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// Key under `vrrp:`. The IPv6 half of an entry with both families is `NAME/v6`.
    pub name: String,
    /// Interface that carries the adverts.
    pub interface: String,
    /// Protocol version; IPv6 is always [`Version::V3`].
    pub version: Version,
    /// Address family of the adverts and of every virtual address.
    pub family: Family,
    /// Virtual router identifier, 1-255.
    pub vrid: Vrid,
    /// Base priority before tracking; 255 is the address owner.
    pub priority: Priority,
    /// Own advertisement interval. Version 2: whole seconds, 1-255 s. Version 3: 10 ms-40.95 s in steps of 10 ms.
    pub advert_interval: Duration,
    /// Adverts missed before the Master counts as gone, 1-; the RFCs' 3.
    pub down_adverts: u32,
    /// Whether and when a better Backup takes over from a living Master.
    pub preempt: Preempt,
    /// Version 2 only.
    pub authentication: Authentication,
    /// How adverts travel.
    pub transport: Transport,
    /// The virtual IPs, in file order, at least one, all of `family`.
    pub addresses: Vec<VirtualAddress>,
    /// Gratuitous ARP and unsolicited neighbour advertisements.
    pub announce: Announce,
    /// Kernel lifetime (`valid_lft`) of each virtual address, whole seconds; `None` is for ever.
    pub lease: Option<Duration>,
    /// Form of the version 3 checksum over IPv4 that is sent; every form is accepted.
    pub checksum: ChecksumForm,
    /// What moves the priority: an object number of the model, and how.
    pub track: Vec<super::track::Rule>,
}

/// Protocol version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Version {
    /// RFC 3768.
    V2,
    /// RFC 9568.
    V3,
}

/// Address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// The family of an address.
    pub const fn of(address: IpAddr) -> Family {
        if address.is_ipv4() { Family::V4 } else { Family::V6 }
    }

    /// Destination of multicast adverts (RFC 9568 §5.1.1.2, §5.1.2.2).
    pub const fn multicast_group(self) -> IpAddr {
        match self {
            Family::V4 => IpAddr::V4(Ipv4Addr::new(224, 0, 0, 18)),
            Family::V6 => IpAddr::V6(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12)),
        }
    }
}

/// Preemption of a living Master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preempt {
    /// Never: failback is the operator's (`vipgate failover`).
    Never,
    /// After this node has been ready for so long.
    After(Duration),
}

/// Version 2 authentication (RFC 2338 §5.3.6; removed by RFC 3768, still used by everybody).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authentication {
    /// Type 0.
    None,
    /// Type 1: up to 8 bytes in clear text, padded with zeros.
    Pass([u8; 8]),
}

/// How adverts travel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// To the well-known group.
    Multicast {
        /// Normally [`Family::multicast_group`].
        group: IpAddr,
    },
    /// A copy to each peer.
    Unicast {
        /// Own address; `None` is the interface's primary address.
        source: Option<IpAddr>,
        /// At least one.
        peers: Vec<IpAddr>,
        /// Least TTL or hop limit accepted, 1-255.
        min_ttl: u8,
        /// Whether an advert from an address that is no peer is refused.
        check_source: bool,
    },
}

/// A virtual IP.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VirtualAddress {
    /// Name for binds (`vip@www`).
    pub name: Option<String>,
    /// The address.
    pub address: IpAddr,
    /// Prefix length that was asked for; 32 or 128 unless the operator wrote a mask.
    pub prefix: u8,
    /// Interface that receives it.
    pub interface: String,
}

/// When gratuitous ARP (RFC 5227 announcement form) and unsolicited neighbour advertisements are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announce {
    /// Frames for each address at once on becoming Master, 1-.
    pub burst: u32,
    /// Pause before a second burst; `None` sends none.
    pub delay: Option<Duration>,
    /// Period of one more frame for each address while Master; `None` sends none.
    pub refresh: Option<Duration>,
}

/// The three IPv4 version 3 checksums that are met in the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChecksumForm {
    /// With IPv4 pseudo-header: keepalived, FRR (a reading of RFC 5798).
    PseudoHeader,
    /// The message alone: RFC 9568 §5.2.8, Cisco, Juniper.
    MessageOnly,
    /// With a pseudo-header that says 224.0.0.18 although sent unicast: keepalived up to 1.3.6. Received only.
    PseudoHeaderMulticast,
}

/// Instances that change state together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncGroup {
    /// Name of the group.
    pub name: String,
    /// Instance numbers, at least two.
    pub members: Vec<usize>,
}
