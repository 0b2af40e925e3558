//! The proxies and the process at one moment, as plain numbers.

use std::net::SocketAddr;
use std::time::Duration;

use crate::model::identity::Version;
use crate::model::proxy::Mode;
use crate::state::counters::{Rate, Totals};
use crate::state::naming::Tally;
use crate::state::servers::{Admin, Health, LastCheck};

/// Everything that statistics show.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The process.
    pub process: Process,
    /// Frontends and backends, in the order of their numbers; a `listen` section is one of them.
    pub proxies: Vec<Proxy>,
    /// Name servers of the `resolvers` sections.
    pub name_servers: Vec<NameServer>,
}

/// A name server.
#[derive(Clone, Debug)]
pub struct NameServer {
    /// Its section.
    pub section: String,
    /// Its name.
    pub name: String,
    /// What was counted of it, by [`Tally`].
    pub counts: [u64; Tally::ALL.len()],
}

/// The process.
#[derive(Clone, Debug, Default)]
pub struct Process {
    /// Worker threads.
    pub threads: usize,
    /// Process id.
    pub pid: u32,
    /// Time since the start.
    pub uptime: Duration,
    /// Wall clock at the start, since 1970.
    pub started: Duration,
    /// Descriptors that the process may have.
    pub descriptors: u64,
    /// Client connections at a time, at most.
    pub maxconn: u64,
    /// Client connections now.
    pub connections: u64,
    /// Client connections since the start.
    pub connections_total: u64,
    /// Requests since the start.
    pub requests_total: u64,
    /// Client connections, and sessions, that may come in a second; 0 is any number.
    pub rate_limits: [u64; 2],
    /// Client connections a second.
    pub connection_rate: Rate,
    /// Sessions a second.
    pub session_rate: Rate,
    /// Listening sockets, one for each address.
    pub listeners: u64,
    /// The version of HAProxy that it speaks like.
    pub version: Version,
    /// Name of this node.
    pub node: String,
    /// `description` of the configuration.
    pub description: Option<String>,
    /// Whether it finishes its sessions and takes no new ones.
    pub is_stopping: bool,
    /// Log lines that were lost.
    pub logs_dropped: u64,
    /// Messages of others that relays took.
    pub logs_received: u64,
    /// Bytes sent to clients since the start.
    pub bytes_out: u64,
    /// Bytes sent to clients in the last second.
    pub bytes_out_rate: u64,
    /// Percentage of the time since the last question that the processors allowed to it were idle.
    pub idle_percent: u32,
}

/// A frontend, a backend, or both (`listen`).
#[derive(Clone, Debug)]
pub struct Proxy {
    /// Its name.
    pub name: String,
    /// Its number, from 1.
    pub id: u32,
    /// Its name in statistics files.
    pub guid: Option<String>,
    /// TCP or HTTP.
    pub mode: Mode,
    /// `description` of the section.
    pub description: Option<String>,
    /// The side of the clients.
    pub frontend: Option<Frontend>,
    /// Its listening addresses, where they are counted apart (`option socket-stats`).
    pub listeners: Vec<Listener>,
    /// The side of the servers.
    pub backend: Option<Backend>,
    /// Servers of the backend.
    pub servers: Vec<Server>,
}

impl Proxy {
    /// One without sides yet.
    pub fn new(name: &str, id: u32, mode: Mode) -> Proxy {
        Proxy {
            name: name.to_owned(),
            id,
            guid: None,
            mode,
            description: None,
            frontend: None,
            listeners: Vec::new(),
            backend: None,
            servers: Vec::new(),
        }
    }
}

/// Sessions at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Level {
    /// Now.
    pub now: u64,
    /// The most so far.
    pub most: u64,
    /// At most; `None` is unlimited.
    pub limit: Option<u64>,
}

/// Whether a frontend takes connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FrontendStatus {
    /// It does.
    #[default]
    Open,
    /// It is full: connections wait in the kernel.
    Full,
    /// It does not any more.
    Stopped,
    /// The operator paused it.
    Paused,
}

/// A frontend.
#[derive(Clone, Debug, Default)]
pub struct Frontend {
    /// Whether it takes connections.
    pub status: FrontendStatus,
    /// Client connections.
    pub sessions: Level,
    /// Sessions a second, at most; 0 is unlimited.
    pub rate_limit: u64,
    /// What was counted.
    pub totals: Totals,
}

/// A listening address.
#[derive(Clone, Debug)]
pub struct Listener {
    /// Its name: that of the bind, or `sock-N`.
    pub name: String,
    /// Its number within the frontend, from 1.
    pub id: u32,
    /// Its name in statistics files.
    pub guid: Option<String>,
    /// Its address; `unix` for what has none.
    pub address: String,
    /// Client connections.
    pub sessions: Level,
    /// What was counted.
    pub totals: Totals,
}

/// Since when a server or a backend is as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Time since the last change, or since the start.
    pub since: Duration,
    /// Times that it went down.
    pub downs: u64,
    /// Time that it was down.
    pub downtime: Duration,
}

/// A backend.
#[derive(Clone, Debug, Default)]
pub struct Backend {
    /// Requests or TCP sessions.
    pub sessions: Level,
    /// Requests that wait for a slot.
    pub queued: Level,
    /// Name of its algorithm.
    pub algorithm: &'static str,
    /// Name of its persistence cookie.
    pub cookie: Option<String>,
    /// Whether frontends pass it over.
    pub is_unpublished: bool,
    /// Since when it is up or down.
    pub standing: Standing,
    /// Time since its last session.
    pub last_session: Option<Duration>,
    /// What was counted.
    pub totals: Totals,
}

/// A server.
#[derive(Clone, Debug)]
pub struct Server {
    /// Its name.
    pub name: String,
    /// Its number within the backend, from 1.
    pub id: u32,
    /// Its name in statistics files.
    pub guid: Option<String>,
    /// Its address.
    pub address: SocketAddr,
    /// Value of the persistence cookie that leads to it.
    pub cookie: Option<String>,
    /// What the operator says.
    pub admin: Admin,
    /// Whether it has no address.
    pub lacks_address: bool,
    /// `backend/server` whose health it follows.
    pub tracked: Option<String>,
    /// What the checks say.
    pub health: Health,
    /// How it is checked, or the server that it tracks; `None` is not at all.
    pub check: Option<Check>,
    /// The agent beside it, or beside the server that it tracks.
    pub agent: Option<Check>,
    /// What the operator says of the server that it tracks.
    pub shared: Admin,
    /// Weight now, 0-256, and that of the configuration.
    pub weight: (u16, u16),
    /// Used only when no other server is usable.
    pub is_backup: bool,
    /// Connections in use; the limit is `maxconn`.
    pub sessions: Level,
    /// Requests that wait for this server; the limit is `maxqueue`.
    pub queued: Level,
    /// Open connections that nobody uses: those that have carried one request, and those that have carried more.
    pub idle: [u64; 2],
    /// At most; `None` is bounded by the workers only.
    pub idle_limit: Option<u64>,
    /// Percentage of its weight that a server which warms up has; `None` does not.
    pub throttle: Option<u32>,
    /// Since when it is up or down.
    pub standing: Standing,
    /// Time since its last session.
    pub last_session: Option<Duration>,
    /// What was counted.
    pub totals: Totals,
}

/// The checks of a server.
#[derive(Clone, Debug, Default)]
pub struct Check {
    /// Successes before up.
    pub rise: u32,
    /// Failures before down.
    pub fall: u32,
    /// Where between them it is, 0 to `rise + fall - 1`: up from `rise` on.
    pub counter: u32,
    /// Checks that failed while it was up.
    pub failures: u64,
    /// The last one.
    pub last: Option<LastCheck>,
}

impl Server {
    /// What holds: the stricter of what the operator says of it and of the server that it tracks; one without an address is
    /// in maintenance.
    pub fn order(&self) -> Admin {
        if self.lacks_address { Admin::Maint } else { self.admin.max(self.shared) }
    }

    /// Whether it takes new sessions by load balancing.
    pub fn is_active(&self) -> bool {
        let is_well = !matches!(self.health, Health::Down | Health::Stopping);
        is_well && self.order() == Admin::Ready && self.weight.0 > 0
    }
}

impl Backend {
    /// Whether sessions may be sent to a server of these.
    pub fn is_up(servers: &[Server]) -> bool {
        servers.is_empty() || servers.iter().any(Server::is_active)
    }
}
