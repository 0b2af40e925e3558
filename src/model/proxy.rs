//! Frontends, backends and servers.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

pub use super::balance::Balance;
use super::bind::{BindOptions, BindPlace};
use super::check::{Care, Check, Reports};
use super::log::{Logs, Selection};
use super::options::{BackendOptions, ServerOptions};
use super::rules::Line;
use super::{Endpoint, Weight};

/// A set of listening addresses and where their traffic goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frontend {
    /// Key under `frontends:`.
    pub name: String,
    /// Number in statistics, 1-; its own among all proxies but for a backend of the same name.
    pub id: u32,
    /// Its name among all things that are counted, for a statistics file (HAProxy's `guid`).
    pub guid: Option<String>,
    /// Text about it on the page of statistics.
    pub description: Option<String>,
    /// TCP or HTTP.
    pub mode: Mode,
    /// Listening addresses, at least one.
    pub binds: Vec<Bind>,
    /// Backend number; `None` answers 503.
    pub default_backend: Option<usize>,
    /// Concurrent sessions, 1-; `None` is bounded by the process only.
    pub maxconn: Option<usize>,
    /// New sessions a second, 1-; `None` is bounded by the process only.
    pub session_rate: Option<u32>,
    /// Whether its listening addresses are counted one by one (HAProxy's `option socket-stats`).
    pub counts_sockets: bool,
    /// Timeouts of the client side.
    pub timeouts: ClientTimeouts,
    /// Adds X-Forwarded-For with the client's address and X-Forwarded-Proto.
    pub forwarded: bool,
    /// What becomes of messages whose end two readers may see at different places.
    pub doubtful_framing: DoubtfulFraming,
    /// Where its lines go.
    pub log: Logs,
    /// Which sessions and requests leave a line.
    pub logged: Selection,
    /// Rules, in order.
    pub rules: Vec<Line>,
}

/// What becomes of a message with Transfer-Encoding and Content-Length, or with Transfer-Encoding in HTTP/1.0 (RFC 9112
/// §6.1). Whatever it is, servers and clients get one reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DoubtfulFraming {
    /// A request is answered by 400, a response by 502.
    #[default]
    Refuse,
    /// The chunks are read, the length is dropped, and the connection closes behind the message (HAProxy).
    Close,
    /// The same, and the connection stays (HAProxy's `h1-do-not-close-on-insecure-transfer-encoding`).
    Keep,
}

/// What the traffic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Bytes.
    Tcp,
    /// HTTP/1.
    Http,
    /// Messages of logs, of a backend that logs name as their target; no frontend has it.
    Log,
}

/// A listening address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Bind {
    /// Where it listens.
    pub endpoint: Endpoint,
    /// Instance number of the virtual address, where it is one.
    pub instance: Option<usize>,
    /// What most addresses leave at its default.
    pub options: BindOptions,
}

impl Bind {
    /// Where it listens, as far as that tells it from others.
    pub fn place(&self) -> BindPlace {
        let BindOptions { namespace, interface, .. } = &self.options;
        BindPlace { endpoint: self.endpoint.clone(), namespace: namespace.clone(), interface: interface.clone() }
    }
}

/// Timeouts of a client connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientTimeouts {
    /// From the connection to the end of its handshake: a PROXY header; `None` uses `client`.
    pub handshake: Option<Duration>,
    /// Inactivity of the client.
    pub client: Duration,
    /// From the first byte of a request to the end of its head.
    pub http_request: Duration,
    /// Between two requests.
    pub http_keep_alive: Duration,
    /// Inactivity of an upgraded or TCP connection, both sides; `None` uses `client` and `server`.
    pub tunnel: Option<Duration>,
    /// Inactivity of the client of such a connection once one of us has ended its direction; `None` changes nothing then.
    pub fin: Option<Duration>,
}

/// A group of servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backend {
    /// Key under `backends:`.
    pub name: String,
    /// Number in statistics, 1-.
    pub id: u32,
    /// What it passes on.
    pub mode: Mode,
    /// How a server is chosen.
    pub balance: Balance,
    /// At least one.
    pub servers: Vec<Server>,
    /// Timeouts of the server side.
    pub timeouts: ServerTimeouts,
    /// Connection attempts after the first, 0-.
    pub retries: u32,
    /// Whether the last retry may go to another server (HAProxy's `option redispatch`).
    pub redispatch: bool,
    /// Where messages about it and its servers go.
    pub log: Logs,
    /// Who is told about its servers.
    pub reports: Reports,
    /// What most backends leave at its default.
    pub options: BackendOptions,
    /// Rules, in order.
    pub rules: Vec<Line>,
}

/// What a backend that comes at run time begins with: a named `defaults` section of HAProxy's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// The backend, without servers; its name is the template's, its number is 0.
    pub backend: Backend,
    /// Whether it says its mode.
    pub has_mode: bool,
}

/// Timeouts of a server connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerTimeouts {
    /// TCP connect.
    pub connect: Duration,
    /// Inactivity of the server.
    pub server: Duration,
    /// Waiting for a free slot of a server.
    pub queue: Duration,
    /// Inactivity of an upgraded or TCP connection, both sides; `None` is the frontend's.
    pub tunnel: Option<Duration>,
    /// Inactivity of the server of such a connection once one of us has ended its direction; `None` changes nothing then.
    pub fin: Option<Duration>,
}

impl Backend {
    /// Whether connections to a server bear an address that is not ours.
    pub fn poses(&self) -> bool {
        self.servers.iter().any(|server| server.options.origin.pose.is_some())
    }
}

/// A server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Key under `servers:`.
    pub name: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// Share of the traffic, 0-256.
    pub weight: Weight,
    /// Concurrent connections, 1-; `None` is unlimited.
    pub maxconn: Option<usize>,
    /// Used only when no other server is usable.
    pub is_backup: bool,
    /// Source address of connections and probes.
    pub source: Option<IpAddr>,
    /// How it is probed; `None` counts it as up.
    pub check: Option<Check>,
    /// Never remembered by `stick` rules (HAProxy's `non-stick`).
    pub is_non_stick: bool,
    /// Starts in maintenance (HAProxy's `disabled`).
    pub is_disabled: bool,
    /// What is watched about it besides its check.
    pub care: Care,
    /// What most servers leave at its default.
    pub options: ServerOptions,
}
