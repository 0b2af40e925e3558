//! Options of listening addresses; their defaults are HAProxy's.

use std::time::Duration;

use super::Endpoint;
use super::runtime::Ownership;

/// Options of a listening address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct BindOptions {
    /// Whether connections begin with a PROXY header (HAProxy's `accept-proxy`).
    pub accepts_proxy: bool,
    /// Name for lines of log and rules.
    pub name: Option<String>,
    /// Number for rules, 1-; `None` is its place in the frontend.
    pub id: Option<u32>,
    /// Its name among all things that are counted, for a statistics file (HAProxy's `guid-prefix` and a number).
    pub guid: Option<String>,
    /// The only interface that it takes connections from.
    pub interface: Option<String>,
    /// Largest segment that peers may send, *bytes*, 1-65535; `None` leaves it to the kernel.
    pub mss: Option<u16>,
    /// Whether clients may send data with their first packet (TCP fast open).
    pub fast_open: bool,
    /// Whether a connection is accepted only when data has come (`defer-accept`).
    pub defers_accept: bool,
    /// Connections that wait to be accepted, 1-; `None` is as many as the kernel allows.
    pub backlog: Option<u32>,
    /// How long data may stay unacknowledged; `None` leaves it to the kernel.
    pub user_timeout: Option<Duration>,
    /// Sessions of clients that came in by it, at most, 1-; `None` is what the frontend may have.
    pub maxconn: Option<usize>,
    /// Congestion control of its connections, by the kernel's name; `None` leaves it to the kernel.
    pub congestion: Option<String>,
    /// The network namespace that it listens in, by its name under `/run/netns`; `None` is that of the process.
    pub namespace: Option<String>,
    /// Whether an address of all of IPv6 takes connections of IPv4, too; `None` leaves it to the kernel.
    pub takes_ipv4: Option<bool>,
    /// Password that clients sign their segments with (RFC 2385).
    pub signature: Option<String>,
    /// How much of a client's first packet is kept for rules.
    pub saved_syn: SavedSyn,
    /// Whom the file of a Unix socket belongs to.
    pub ownership: Ownership,
}

/// Where a bind listens: two with the same share their sockets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BindPlace {
    /// Its address, or what stands for one.
    pub endpoint: Endpoint,
    /// The network namespace; `None` is that of the process.
    pub namespace: Option<String>,
    /// The only interface; `None` is any.
    pub interface: Option<String>,
}

impl From<Endpoint> for BindPlace {
    fn from(endpoint: Endpoint) -> BindPlace {
        BindPlace { endpoint, namespace: None, interface: None }
    }
}

/// What of a client's first packet is kept for rules (HAProxy's `tcp-ss`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SavedSyn {
    /// Nothing.
    #[default]
    Nothing = 0,
    /// From the IP header on.
    Packet = 1,
    /// From the Ethernet header on.
    Frame = 2,
}
