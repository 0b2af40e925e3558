//! Names of servers, and the name servers that they are followed with (HAProxy's manual §5.3).

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// A `resolvers` section: name servers that are asked together, and how long their answers hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolvers {
    /// Its name.
    pub name: String,
    /// In order; all of them are asked.
    pub servers: Vec<NameServer>,
    /// Bytes of an answer at most, 12-65535.
    pub payload: u16,
    /// Questions about a name before it is given up.
    pub retries: u32,
    /// From the end of one resolution to the next.
    pub interval: Duration,
    /// How long a question waits for its answer.
    pub patience: Duration,
    /// How long the last good answer holds.
    pub hold: Hold,
}

impl Resolvers {
    /// Bytes of an answer where nothing is written: what every name server can send.
    pub const PAYLOAD: u16 = 512;
    /// Questions where nothing is written.
    pub const RETRIES: u32 = 3;
    /// Both times where nothing is written.
    pub const PAUSE: Duration = Duration::from_secs(1);

    /// A section without name servers, everything else at HAProxy's defaults.
    pub fn new(name: String) -> Resolvers {
        Resolvers {
            name,
            servers: Vec::new(),
            payload: Resolvers::PAYLOAD,
            retries: Resolvers::RETRIES,
            interval: Resolvers::PAUSE,
            patience: Resolvers::PAUSE,
            hold: Hold::default(),
        }
    }
}

/// How long the last good answer holds, by what came after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// For `do-resolve`: before the name is asked for again.
    pub valid: Duration,
    /// The name does not exist.
    pub nx: Duration,
    /// The name servers refuse.
    pub refused: Duration,
    /// They are silent.
    pub timeout: Duration,
    /// Any other failure.
    pub other: Duration,
    /// How long a record counts that answers have no more.
    pub obsolete: Duration,
}

impl Default for Hold {
    fn default() -> Hold {
        let long = Duration::from_secs(30);
        let (valid, obsolete) = (Duration::from_secs(10), Duration::ZERO);
        Hold { valid, nx: long, refused: long, timeout: long, other: long, obsolete }
    }
}

/// Who is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameServer {
    /// Its name.
    pub name: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// How it is asked.
    pub transport: Transport,
}

/// How a name server is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// In datagrams.
    Udp,
    /// Over a connection.
    Tcp,
}

/// A family of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// IPv4: A records.
    V4,
    /// IPv6: AAAA records.
    V6,
}

impl Family {
    /// That of an address.
    pub fn of(address: IpAddr) -> Family {
        if address.is_ipv4() { Family::V4 } else { Family::V6 }
    }

    /// As the configuration writes it.
    pub fn word(self) -> &'static str {
        match self {
            Family::V4 => "ipv4",
            Family::V6 => "ipv6",
        }
    }
}

/// Families that answers may be of (`dns-accept-family`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Families {
    /// IPv4, and IPv6 where the machine has a way to it.
    #[default]
    Routed,
    /// Both.
    Both,
    /// One of them.
    Only(Family),
}

/// Where the first address of a name comes from (`init-addr`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum First {
    /// The state file.
    Last,
    /// The resolver of the machine.
    System,
    /// Nowhere: the server waits for one in maintenance.
    Nothing,
    /// This is it.
    Address(IpAddr),
}

/// Addresses with the same first bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// One of them.
    pub address: IpAddr,
    /// How many bits, 0-32 or 0-128.
    pub prefix: u8,
}

impl Network {
    /// Whether an address is one of them.
    pub fn has(&self, address: IpAddr) -> bool {
        let same = |a: u128, b: u128, width: u32| {
            let free = width - u32::from(self.prefix).min(width);
            a.checked_shr(free).unwrap_or(0) == b.checked_shr(free).unwrap_or(0)
        };
        match (self.address, address) {
            (IpAddr::V4(a), IpAddr::V4(b)) => same(u32::from(a).into(), u32::from(b).into(), 32),
            (IpAddr::V6(a), IpAddr::V6(b)) => same(a.into(), b.into(), 128),
            _ => false,
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.address, self.prefix)
    }
}

/// Why a server has no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Lack {
    /// Nobody has found one yet.
    Unknown = 1,
    /// The service has no record for it any more.
    NoRecord = 2,
    /// The answer has no address that it may have.
    NoAddress = 3,
    /// The name does not exist.
    Nx = 4,
    /// The name servers are silent.
    Timeout = 5,
    /// The name servers refuse.
    Refused = 6,
    /// Any other failure.
    Other = 7,
}

impl Lack {
    const ALL: [Lack; 7] =
        [Lack::Unknown, Lack::NoRecord, Lack::NoAddress, Lack::Nx, Lack::Timeout, Lack::Refused, Lack::Other];

    /// That of a number, if it is one.
    pub fn from_number(number: u8) -> Option<Lack> {
        Lack::ALL.into_iter().find(|lack| *lack as u8 == number)
    }

    /// In HAProxy's words; empty for one that is there from the beginning.
    pub fn words(self) -> &'static str {
        match self {
            Lack::Unknown => "",
            Lack::NoRecord => "entry removed from SRV record",
            Lack::NoAddress => "No IP for server ",
            Lack::Nx => "DNS NX status",
            Lack::Timeout => "DNS timeout status",
            Lack::Refused => "DNS refused status",
            Lack::Other => "unspecified DNS error",
        }
    }
}

/// What a server is called instead of an address, and how its addresses are found. All of it is empty where an address is
/// written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Naming {
    /// Its name now; `None` of a service that has no record for it yet.
    pub host: Option<String>,
    /// The name of the SRV records that say its name and port.
    pub service: Option<String>,
    /// Why it has no address now; its IP is 0.0.0.0 then, and nothing is sent to it.
    pub lack: Option<Lack>,
    /// Whether its name is not the one of the file: the operator's or that of a record.
    pub is_renamed: bool,
    /// Where its first address comes from, one after the other; empty is HAProxy's default.
    pub first: Vec<First>,
    /// The section that it is followed with; `None` keeps its first address.
    pub resolvers: Option<String>,
    /// The one family that its first address may be of (`ipv4@`); `None` either.
    pub only: Option<Family>,
    /// The family that is taken where there are both; `None` is IPv6.
    pub preference: Option<Family>,
    /// Addresses in these are taken before others.
    pub networks: Vec<Network>,
    /// Whether it may have the address of another server of the backend.
    pub allows_duplicates: bool,
    /// Whether weights of SRV records count for nothing.
    pub ignores_weight: bool,
}

impl Naming {
    /// Whether the server is known by a name.
    pub fn is_there(&self) -> bool {
        self.host.is_some() || self.service.is_some()
    }

    /// What the file calls it: the service before the name that it gave.
    pub fn written(&self) -> Option<&str> {
        self.service.as_deref().or(self.host.as_deref())
    }

    /// Where its first address comes from, defaults filled in.
    pub fn sources(&self) -> Vec<First> {
        match (&self.first[..], &self.resolvers) {
            ([], None) => vec![First::Last, First::System],
            // Whoever follows a name may wait for its first address.
            ([], Some(_)) => vec![First::Last, First::System, First::Nothing],
            (written, _) => written.to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_the_addresses_of_its_first_bits() {
        let network = |address: &str, prefix| Network { address: address.parse().unwrap(), prefix };
        for (network, address, is_in) in [
            (network("10.0.0.0", 8), "10.200.1.2", true),
            (network("10.0.0.0", 8), "11.0.0.1", false),
            (network("10.0.0.7", 32), "10.0.0.7", true),
            (network("0.0.0.0", 0), "192.0.2.1", true),
            (network("0.0.0.0", 0), "::1", false),
            (network("2001:db8::", 32), "2001:db8:1::1", true),
            (network("::", 0), "2001:db8::1", true),
        ] {
            assert_eq!(network.has(address.parse().unwrap()), is_in, "{network} {address}");
        }
    }

    #[test]
    fn a_reason_is_the_one_of_its_number() {
        for lack in Lack::ALL {
            assert_eq!(Lack::from_number(lack as u8), Some(lack));
        }
        assert_eq!(Lack::from_number(0), None);
    }
}
