//! What vg-vrrp tells the rest about itself: snapshots for `status`, made on change, read by vg-ctl.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use serde::Serialize;

use crate::time::Instant;

/// State of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum State {
    /// Not started.
    Initialize,
    /// Listening.
    Backup,
    /// Holds the addresses.
    Master,
    /// Holds the addresses and offers them with priority 0.
    Releasing,
    /// Cannot hold the addresses.
    Fault,
}

impl State {
    /// As `status`, logs and notify scripts write it.
    pub const fn name(self) -> &'static str {
        match self {
            State::Initialize => "INITIALIZE",
            State::Backup => "BACKUP",
            State::Master => "MASTER",
            State::Releasing => "RELEASING",
            State::Fault => "FAULT",
        }
    }

    /// Whether the addresses may be on this node.
    pub const fn may_hold(self) -> bool {
        matches!(self, State::Master | State::Releasing)
    }
}

/// A router heard on the LAN.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Peer {
    /// Source address of its adverts.
    pub address: IpAddr,
    /// Last priority that it announced.
    pub priority: u8,
    /// When its last accepted advert came.
    #[serde(skip)]
    pub last_heard: Instant,
}

/// An instance at a moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InstanceStatus {
    /// Name in the configuration.
    pub name: String,
    /// Interface.
    pub interface: String,
    /// Virtual router identifier.
    pub vrid: u8,
    /// State.
    pub state: State,
    /// Why it entered that state.
    pub reason: String,
    /// When it did.
    #[serde(skip)]
    pub since: Instant,
    /// Priority from the configuration.
    pub base_priority: u8,
    /// Priority after tracking, as advertised; 0 while it cannot hold the addresses.
    pub effective_priority: u8,
    /// Interval that timers use now.
    pub advert_interval: Duration,
    /// Its virtual addresses.
    pub addresses: Vec<IpAddr>,
    /// Whether the addresses are installed here.
    pub holds_addresses: bool,
    /// Routers heard, by address.
    pub peers: Vec<Peer>,
    /// Times it became Master.
    pub became_master: u64,
    /// Adverts sent.
    pub adverts_sent: u64,
    /// Adverts accepted.
    pub adverts_received: u64,
    /// Adverts refused, by reason.
    pub rejected: BTreeMap<&'static str, u64>,
    /// Checksum form of the last version 3 advert accepted over IPv4: `pseudo-header`, `message-only` (RFC 9568) or
    /// `pseudo-header-multicast` (keepalived up to 1.3.6); `None` before one was heard.
    pub peer_checksum: Option<&'static str>,
    /// Addresses put back after somebody else removed them.
    pub readded: u64,
    /// Answers of somebody who had an address of ours while no advert arrived.
    pub in_use: u64,
    /// Ethernet address of whoever it is now, while this node waits for its advert.
    pub in_use_by: Option<String>,
    /// Tracked objects that are down, by name.
    pub down: Vec<String>,
}

/// Everything vg-vrrp reports.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct VrrpStatus {
    /// By instance number.
    pub instances: Vec<InstanceStatus>,
    /// Whether the operator asked for maintenance.
    pub maintenance: bool,
    /// Whether every check has run.
    pub ready: bool,
    /// Messages that belong to no instance, by reason: foreign virtual routers, noise.
    pub rejected: BTreeMap<&'static str, u64>,
}
