//! Options of servers and backends beyond what every proxy has; their defaults are HAProxy's.

use std::net::SocketAddr;
use std::time::Duration;

use super::Endpoint;
use super::balance::{HashKey, Hashing};
use super::cookie::Cookie;
use super::log::Syslog;
use super::naming::Naming;

/// Options of a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerOptions {
    /// Its number in the backend, 1-: what stands for it in hashes, and its turn in `balance first`.
    pub id: u32,
    /// Its name among all things that are counted, for a statistics file (HAProxy's `guid`).
    pub guid: Option<String>,
    /// What stands for it in consistent hashes.
    pub hash_key: HashKey,
    /// Time in which its weight and limits grow once it has come up; zero is at once.
    pub slowstart: Duration,
    /// Its `maxconn` while the backend has nothing to do, 1-; `None` is `maxconn` always.
    pub minconn: Option<usize>,
    /// What stands for it in the backend's cookie; `None` has no cookie.
    pub cookie: Option<String>,
    /// Requests that may wait for it alone, 1-; `None` any number.
    pub maxqueue: Option<usize>,
    /// Idle connections that are kept for it, by all workers together; `None` as many as each worker may have.
    pub pool_max: Option<usize>,
    /// Idle connections that are kept beyond those that are needed, and below which no worker takes one of another.
    pub pool_low: usize,
    /// How often half of the idle connections that are not needed are closed; `None` is [`POOL_IDLE`](Self::POOL_IDLE), and
    /// zero keeps none.
    pub pool_idle: Option<Duration>,
    /// Requests that a connection carries, 1-; `None` any number.
    pub max_uses: Option<u32>,
    /// The PROXY header that connections to it begin with.
    pub proxy_header: ProxyHeader,
    /// The SOCKS4 proxy that traffic to it goes through.
    pub socks: Option<SocketAddr>,
    /// What clients are sent to in place of its answer to GET and HEAD: what stands before the path, `/` for nothing.
    pub redirect: Option<String>,
    /// What is added to the port that the client came in by, where the address has port 0.
    pub port_offset: i32,
    /// The Unix socket where it listens; its address is 0.0.0.0:0 then.
    pub socket: Option<Endpoint>,
    /// What connections to it pass for.
    pub origin: Origin,
    /// The network namespace that they are made in; `None` is that of the process.
    pub namespace: Option<Namespace>,
    /// How long what was sent may stay unacknowledged (`tcp-ut`); `None` leaves it to the kernel.
    pub user_timeout: Option<Duration>,
    /// Congestion control of connections to it, by the kernel's name; `None` leaves it to the kernel.
    pub congestion: Option<String>,
    /// Password that segments to it are signed with (RFC 2385).
    pub signature: Option<String>,
    /// Whether the first bytes go with the SYN where the kernel has a cookie (`tfo`).
    pub fast_open: bool,
    /// What it is called, where that is no address.
    pub naming: Naming,
    /// How messages go to it, in a backend in log mode.
    pub syslog: Syslog,
}

impl ServerOptions {
    /// How often idle connections are given up where nothing is said.
    pub const POOL_IDLE: Duration = Duration::from_secs(5);
}

/// What connections to a server pass for, beside their source address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Origin {
    /// Interface that they leave by (`source ... interface`).
    pub interface: Option<String>,
    /// Whose address they bear (`source ... usesrc`); `None` our own. It needs CAP_NET_RAW, and answers routed back to us.
    pub pose: Option<Pose>,
    /// The ports that they leave by; `None` is the kernel's choice.
    pub ports: Option<PortRange>,
}

/// A network namespace for connections to a server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Namespace {
    /// The one of this name under `/run/netns`.
    Named(String),
    /// The one that the PROXY header of the client names, if the configuration names it, too.
    OfClient,
}

/// Ports in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PortRange {
    /// The lowest, 1-65535.
    pub first: u16,
    /// The highest, not below the first. The same is one port, which any number of connections to different ends share.
    pub last: u16,
}

/// An address that is not ours.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Pose {
    /// The client's, port included.
    Client,
    /// The client's, with a port of the kernel's choice.
    ClientAddress,
    /// This; port 0 is the kernel's choice.
    Address(SocketAddr),
    /// The one in a field of the request. Without the field a stream ends, as in HAProxy.
    Field {
        /// Name of the field.
        name: String,
        /// Which of its values: 1- from the first, -1 and lower from the last; 0 none.
        occurrence: i32,
    },
}

/// The PROXY header that connections to a server begin with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProxyHeader {
    /// Sent as a line (`send-proxy`).
    pub is_line: bool,
    /// Sent in its binary form (`send-proxy-v2`); weighs more than the line.
    pub is_binary: bool,
    /// Whether the binary form tells what is known of the client's TLS.
    pub tells_tls: bool,
    /// Whether the binary form has a checksum.
    pub has_checksum: bool,
    /// Whether the binary form passes on the authority of the client's header.
    pub has_authority: bool,
    /// Whether the binary form tells the unique id of the request.
    pub has_unique_id: bool,
    /// Own values of the binary form: type, and format of the value, which is empty without one.
    pub values: Vec<(u8, Option<String>)>,
}

impl ProxyHeader {
    /// Whether connections begin with one.
    pub fn is_sent(&self) -> bool {
        self.is_line || self.is_binary
    }
}

/// Failures after which a request is sent again (HAProxy's `retry-on`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryOn {
    /// The connection could not be made.
    pub no_connection: bool,
    /// The server closed without a byte.
    pub empty_response: bool,
    /// What it sent is no response.
    pub junk_response: bool,
    /// It did not answer in time.
    pub timeout: bool,
    /// It answered with one of these status codes.
    pub statuses: Vec<u16>,
}

impl Default for RetryOn {
    fn default() -> RetryOn {
        RetryOn { no_connection: true, empty_response: false, junk_response: false, timeout: false, statuses: vec![] }
    }
}

impl RetryOn {
    /// Whether a request has to be kept until its response is there.
    pub fn keeps_requests(&self) -> bool {
        self.empty_response || self.junk_response || self.timeout || !self.statuses.is_empty()
    }
}

/// Which requests may share a connection to a server (HAProxy's `http-reuse`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reuse {
    /// Those of one client connection.
    Never,
    /// Any but the first one of a client connection.
    #[default]
    Safe,
    /// The first one too, on connections that were shared before.
    Aggressive,
    /// Any.
    Always,
}

/// Which retries may go to another server (HAProxy's `option redispatch <interval>`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interval {
    /// Every so many, 1-.
    Every(u32),
    /// Counted from the last one backwards, 1-: 1 is the last.
    BeforeLast(u32),
}

impl Default for Interval {
    fn default() -> Interval {
        Interval::BeforeLast(1)
    }
}

/// Whose file tells what servers were (HAProxy's `load-server-state-from-file`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StateSource {
    /// Nobody's: they begin anew.
    #[default]
    Nothing,
    /// That of the process.
    Global,
    /// The backend's own.
    Local,
}

/// Times of TCP keep-alive (`srvtcpka-*`, `clitcpka-*`); `None` is the kernel's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeepAlive {
    /// Silence before the first probe, in whole seconds.
    pub idle: Option<Duration>,
    /// Time between probes, in whole seconds.
    pub interval: Option<Duration>,
    /// Probes that may be lost, 1-.
    pub count: Option<u32>,
}

/// Options of a backend.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BackendOptions {
    /// Its name among all things that are counted, for a statistics file (HAProxy's `guid`).
    pub guid: Option<String>,
    /// Text about it on the page of statistics.
    pub description: Option<String>,
    /// What becomes of hashes.
    pub hashing: Hashing,
    /// Whether all backup servers stand in at once (`option allbackups`).
    pub all_backups: bool,
    /// Streams at which servers with a `minconn` reach their `maxconn`, 1-.
    pub fullconn: Option<usize>,
    /// Which retries may go to another server, where redispatch is on.
    pub redispatch_interval: Interval,
    /// The cookie by which clients come back to their server.
    pub cookie: Option<Cookie>,
    /// What the values of a `dynamic` cookie are made of, beside the servers' addresses.
    pub dynamic_cookie_key: Option<String>,
    /// Whether connections to servers have TCP keep-alive (`option srvtcpka`).
    pub keeps_alive: bool,
    /// Its times.
    pub keep_alive: KeepAlive,
    /// Whether clients come back to a server that is down, too (`option persist`).
    pub persists: bool,
    /// The RDP cookie that names a client's server by its address (`persist rdp-cookie`), in tcp mode.
    pub rdp_cookie: Option<String>,
    /// After which failures a request is sent again.
    pub retry_on: RetryOn,
    /// Which requests may share a connection.
    pub reuse: Reuse,
    /// Whether a client that has a connection to a server stays with it (`option prefer-last-server`).
    pub prefers_last: bool,
    /// Waiting requests up to which it does (`max-keep-alive-queue`); `None` any number.
    pub keep_alive_queue: Option<usize>,
    /// Whose file tells what its servers were before the start.
    pub state_source: StateSource,
    /// The file, where it is the backend's own; `None` is one that is called as the backend.
    pub state_file: Option<String>,
    /// Whether frontends pass it over (`be-unpublished`).
    pub is_unpublished: bool,
}
