//! What vipgate is told to be: plain data, every name resolved, no default left to fill in.
//!
//! `config` makes it from text, `generation` and the threads run it, `diff` says what changes between two of them
//! and `changes` says it in words.
//! Nothing here parses, decides or does. Start with [`Model`].

mod units;
pub mod endpoint;
pub mod vrrp;
pub mod track;
pub mod bind;
pub mod proxy;
pub mod balance;
pub mod check;
pub mod cookie;
pub mod options;
pub mod naming;
pub mod rules;
pub mod runtime;
pub mod identity;
pub mod log;
pub mod relay;
pub mod stick;
pub mod diff;
pub mod changes;
#[cfg(test)]
pub mod fixture;

pub use endpoint::Endpoint;
pub use units::{Priority, Vrid, Weight};

use std::net::IpAddr;
use std::path::PathBuf;

/// One committed configuration of one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// Name of this node (its key under `nodes:`).
    pub node: String,
    /// Every node of the file, this one included, in file order.
    pub nodes: Vec<Node>,
    /// Virtual routers of this node. An index into this list is an *instance number*.
    pub instances: Vec<vrrp::Instance>,
    /// Instances that change state together.
    pub sync_groups: Vec<vrrp::SyncGroup>,
    /// Everything that is tracked, each once. An index into this list is an *object number*.
    pub objects: Vec<track::Tracked>,
    /// Frontends, in file order.
    pub frontends: Vec<proxy::Frontend>,
    /// Backends, in file order. An index into this list is a *backend number*.
    pub backends: Vec<proxy::Backend>,
    /// What backends that come at run time begin with, in file order.
    pub templates: Vec<proxy::Template>,
    /// Name servers that names are followed with, in file order.
    pub resolvers: Vec<naming::Resolvers>,
    /// What the rules of all sections share.
    pub rules: rules::Material,
    /// Process-wide settings.
    pub process: Process,
}

impl Model {
    /// Whether anybody can reach the process, or it may hold virtual addresses.
    pub fn listens(&self) -> bool {
        let has_binds = self.frontends.iter().any(|frontend| !frontend.binds.is_empty());
        let has_relays = !self.process.log.relays.is_empty();
        has_binds || has_relays || !self.process.runtime.sockets.is_empty() || !self.instances.is_empty()
    }
}

/// A node of the pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Key under `nodes:`.
    pub name: String,
    /// Its own address: source and peer of unicast VRRP.
    pub address: Option<IpAddr>,
    /// Base priority of its instances where they set none of their own.
    pub priority: Option<Priority>,
}

/// Settings of the process rather than of a router or a proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Worker threads; `None` is one for each core.
    pub workers: Option<usize>,
    /// Client connections in all, 1-; `None` is derived from the descriptor limit.
    pub maxconn: Option<usize>,
    /// The file that tells what servers were before the start; only the start looks at it.
    pub server_state_file: Option<String>,
    /// The file with counters that the start goes on from (HAProxy's `stats-file`).
    pub stats_file: Option<String>,
    /// Client connections, and sessions, that come in a second.
    pub rates: Rates,
    /// Path of the control socket.
    pub admin_socket: PathBuf,
    /// What workers give up beside their capabilities.
    pub confinement: Confinement,
    /// What HAProxy's tools are told of it.
    pub identity: identity::Identity,
    /// HAProxy's runtime sockets.
    pub runtime: runtime::Runtime,
    /// What is logged, and where.
    pub log: log::ProcessLogs,
    /// Families that answers of name servers may be of.
    pub families: naming::Families,
    /// How long sessions may finish after a stop was asked for.
    pub drain: std::time::Duration,
    /// Whether checks may start programs (HAProxy's `external-check`).
    pub external_checks: bool,
    /// Whether programs of checks see the environment of the process (HAProxy's `external-check preserve-env`).
    pub preserves_environment: bool,
    /// Whether PROXY headers of checks tell addresses as those of clients do (HAProxy's `pp2-never-send-local`).
    pub checks_as_client: bool,
    /// Whether a worker without an idle connection to a server takes one of another worker (HAProxy's
    /// `tune.idle-pool.shared`).
    pub shares_idle: bool,
    /// Most per cent by which the pause between two probes is longer or shorter at random, 0-50.
    pub spread_checks: u8,
}

/// How many come in a second at most, 1-; `None` any number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// Client connections (HAProxy's `maxconnrate`).
    pub connections: Option<u32>,
    /// Client connections that rules let pass (HAProxy's `maxsessrate`).
    pub sessions: Option<u32>,
}

/// What workers give up before they serve, where the process has the right to: vg-vrrp, vg-check and vg-ctl stay as they
/// are, since scripts, addresses and files of the configuration need it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Confinement {
    /// The directory that becomes their root.
    pub root: Option<PathBuf>,
    /// The user that they become.
    pub user: Option<runtime::Account>,
    /// The group that they become.
    pub group: Option<runtime::Account>,
}
