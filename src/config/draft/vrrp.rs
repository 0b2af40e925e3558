//! Nodes, virtual routers and what they track.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::diag::{Span, Spanned};
use crate::model::track;
use crate::model::vrrp::{ChecksumForm, Version};

/// A node.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its name.
    pub name: Spanned<String>,
    /// Its own address.
    pub address: Option<Spanned<IpAddr>>,
    /// Priority of its instances where they set none.
    pub priority: Option<Spanned<u64>>,
    /// Interface of its instances, in place of theirs.
    pub interface: Option<Spanned<String>>,
}

/// A value for every node, or one for each.
#[derive(Clone, Debug)]
pub enum PerNode<T> {
    /// The same everywhere.
    Same(Spanned<T>),
    /// By name of the node.
    Each(Vec<(Spanned<String>, Spanned<T>)>),
}

/// A virtual router.
#[derive(Clone, Debug)]
pub struct Instance {
    /// Its name.
    pub name: Spanned<String>,
    /// Interface of its adverts.
    pub interface: Option<PerNode<String>>,
    /// Protocol version.
    pub version: Option<Spanned<Version>>,
    /// Virtual router identifier.
    pub vrid: Option<Spanned<u64>>,
    /// Base priority.
    pub priority: Option<PerNode<u64>>,
    /// Advertisement interval.
    pub advert_interval: Option<Spanned<Duration>>,
    /// Adverts missed before the Master is gone.
    pub down_adverts: Option<Spanned<u64>>,
    /// Preemption.
    pub preempt: Option<Spanned<Preempt>>,
    /// Password.
    pub pass: Option<Spanned<String>>,
    /// How adverts travel.
    pub transport: Option<Spanned<Transport>>,
    /// Virtual addresses.
    pub addresses: Vec<VirtualAddress>,
    /// Kernel lifetime of the addresses; inner `None` is for ever.
    pub lease: Option<Spanned<Option<Duration>>>,
    /// Announcements at once.
    pub announce_burst: Option<Spanned<u64>>,
    /// Pause before the second burst; inner `None` is never.
    pub announce_delay: Option<Spanned<Option<Duration>>>,
    /// Period of refreshes; inner `None` is never.
    pub announce_refresh: Option<Spanned<Option<Duration>>>,
    /// Form of the version 3 checksum over IPv4.
    pub checksum: Option<Spanned<ChecksumForm>>,
    /// What moves the priority, besides the defaults.
    pub track: Vec<Track>,
}

/// Preemption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preempt {
    /// Never.
    Never,
    /// After the default delay.
    Default,
    /// After this delay.
    After(Duration),
}

/// How adverts travel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// To the well-known group.
    Multicast,
    /// To peers.
    Unicast {
        /// Own address; `None` is the node's.
        source: Option<Spanned<IpAddr>>,
        /// Peers; `None` is the other nodes.
        peers: Option<Vec<Spanned<IpAddr>>>,
        /// Least TTL accepted.
        min_ttl: Option<Spanned<u64>>,
        /// Whether strangers are refused.
        check_source: Option<Spanned<bool>>,
    },
}

/// An address with a mask or without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    /// The address.
    pub address: IpAddr,
    /// Prefix length, if one was written.
    pub prefix: Option<u8>,
}

/// A virtual address.
#[derive(Clone, Debug)]
pub struct VirtualAddress {
    /// Name for binds.
    pub name: Option<Spanned<String>>,
    /// The address.
    pub network: Spanned<Network>,
    /// Another interface than the adverts'.
    pub interface: Option<Spanned<String>>,
}

/// Something tracked.
#[derive(Clone, Debug)]
pub struct Track {
    /// What: exactly one, if the file is right.
    pub targets: Vec<Spanned<Target>>,
    /// Where the entry begins.
    pub span: Span,
    /// Least usable servers; for a backend only.
    pub min_up: Option<Spanned<u64>>,
    /// What it does.
    pub weight: Option<Spanned<track::Weight>>,
}

/// What is tracked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// An interface.
    Interface(String),
    /// A script by name.
    Script(String),
    /// A file.
    File(PathBuf),
    /// A process by `comm`.
    Process(String),
    /// A backend by name.
    Backend(String),
    /// A server by name.
    Server {
        /// Name of its backend.
        backend: String,
        /// Its name.
        server: String,
    },
}

/// Instances that change state together.
#[derive(Clone, Debug)]
pub struct SyncGroup {
    /// Its name.
    pub name: Spanned<String>,
    /// Names of instances.
    pub members: Vec<Spanned<String>>,
}

/// A track script.
#[derive(Clone, Debug)]
pub struct Script {
    /// Its name.
    pub name: Spanned<String>,
    /// Program and arguments.
    pub command: Option<Spanned<Vec<String>>>,
    /// Pause between starts.
    pub interval: Option<Spanned<Duration>>,
    /// Time limit.
    pub timeout: Option<Spanned<Duration>>,
    /// Successes before up.
    pub rise: Option<Spanned<u64>>,
    /// Failures before down.
    pub fall: Option<Spanned<u64>>,
}
