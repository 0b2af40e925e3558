//! What a file says, before anything is looked up: spanned, unresolved, without defaults. Every syntax lowers into this.
//!
//! `None` means "not written". A value that was written but is wrong is `None` too; its diagnostic exists already.

mod care;
mod identity;
mod log;

pub use care::{Agent, Care};
pub use identity::Identity;
pub use log::{Log, LogTarget, ProcessLog, Relay};

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crate::diag::{Span, Spanned};
use crate::model::balance::Balance;
use crate::model::bind::BindOptions;
use crate::model::check::InitialState;
use crate::model::log::{Level, Selection};
use crate::model::naming::{self, Families};
use crate::model::options::{BackendOptions, ServerOptions};
use crate::model::proxy::{DoubtfulFraming, Mode};
use crate::model::rules::Userlist;
use crate::model::runtime::{Account, Socket};
use crate::model::stick;
use crate::model::vrrp::{ChecksumForm, Version};
use crate::model::{Endpoint, track};

/// Everything that the files say.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// Nodes of the pair.
    pub nodes: Vec<Node>,
    /// Virtual routers.
    pub instances: Vec<Instance>,
    /// Groups of them.
    pub sync_groups: Vec<SyncGroup>,
    /// Track scripts.
    pub scripts: Vec<Script>,
    /// Frontends.
    pub frontends: Vec<Frontend>,
    /// Backends.
    pub backends: Vec<Backend>,
    /// What backends that come at run time begin with.
    pub templates: Vec<Backend>,
    /// Users and groups.
    pub userlists: Vec<Userlist>,
    /// Groups of error pages.
    pub error_pages: Vec<ErrorPages>,
    /// Name servers that names are followed with.
    pub resolvers: Vec<Resolvers>,
    /// Stick tables.
    pub tables: Vec<Table>,
    /// Names of `peers` sections.
    pub peers: Vec<String>,
    /// Lines of the process in the language of rules.
    pub globals: Vec<Rule>,
    /// Counters of a session.
    pub stick_counters: Option<Spanned<u64>>,
    /// Control socket.
    pub admin_socket: Option<Spanned<PathBuf>>,
    /// What workers give up.
    pub confinement: Confinement,
    /// How HAProxy's command line starts it.
    pub start: Start,
    /// What HAProxy's tools are told.
    pub identity: Identity,
    /// HAProxy's runtime sockets.
    pub runtime: Runtime,
    /// Logs of the process.
    pub log: ProcessLog,
    /// Worker threads.
    pub workers: Option<Spanned<u64>>,
    /// Client connections in all.
    pub maxconn: Option<Spanned<u64>>,
    /// The file that tells what servers were.
    pub server_state_file: Option<Spanned<String>>,
    /// The file with counters to go on from.
    pub stats_file: Option<Spanned<String>>,
    /// Families that answers of name servers may be of.
    pub families: Option<Spanned<Families>>,
    /// Client connections a second; zero is no limit.
    pub connection_rate: Option<Spanned<u64>>,
    /// Sessions a second; zero is no limit.
    pub session_rate: Option<Spanned<u64>>,
    /// How long sessions may finish after a stop.
    pub drain: Option<Spanned<Duration>>,
    /// Whether checks may start programs.
    pub external_checks: Option<Spanned<bool>>,
    /// Whether workers take each other's idle connections.
    pub shares_idle: Option<Spanned<bool>>,
    /// Per cent by which pauses between probes vary.
    pub spread_checks: Option<Spanned<u64>>,
    /// Where it says that warnings are errors.
    pub is_strict: Option<Span>,
}

/// What workers give up.
#[derive(Clone, Debug, Default)]
pub struct Confinement {
    /// Their root.
    pub root: Option<Spanned<PathBuf>>,
    /// Their user.
    pub user: Option<Spanned<Account>>,
    /// Their group.
    pub group: Option<Spanned<Account>>,
}

/// What a file of HAProxy's says of the start; only its command line looks at it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Start {
    /// `daemon`: goes to the background.
    pub is_daemon: bool,
    /// `pidfile`: where the process id is written.
    pub pid_file: Option<PathBuf>,
    /// Whether `-c` ends with 2 where nothing listens, as the declared version has it.
    pub judges_listeners: bool,
    /// Whether there is a `peers` section, which listens in HAProxy.
    pub has_peers: bool,
    /// The version that tools are told.
    pub version: crate::model::identity::Version,
}

/// HAProxy's runtime sockets.
#[derive(Clone, Debug, Default)]
pub struct Runtime {
    /// In the order of the files.
    pub sockets: Vec<Spanned<Socket>>,
    /// Inactivity of a connection.
    pub timeout: Option<Spanned<Duration>>,
    /// Connections at once.
    pub maxconn: Option<Spanned<u64>>,
}

/// Name servers that names are followed with.
#[derive(Clone, Debug)]
pub struct Resolvers {
    /// Its name.
    pub name: Span,
    /// What it is, without the servers of the machine's own file.
    pub model: naming::Resolvers,
    /// Where it takes those, and how many of its own stand before them.
    pub machine: Option<Spanned<usize>>,
}

/// A stick table.
#[derive(Clone, Debug)]
pub struct Table {
    /// That of its section; `peers/table` in a peers section.
    pub name: Spanned<String>,
    /// What it is; its name counts from above.
    pub model: stick::Table,
    /// Name of a `peers` section that it is shared in.
    pub peers: Option<Spanned<String>>,
}

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

/// A frontend.
#[derive(Clone, Debug)]
pub struct Frontend {
    /// Its name.
    pub name: Spanned<String>,
    /// Number in statistics.
    pub id: Option<Spanned<u64>>,
    /// Its name in statistics files.
    pub guid: Option<Spanned<String>>,
    /// Whether its listening addresses are counted one by one.
    pub counts_sockets: bool,
    /// Listening addresses.
    pub binds: Vec<Spanned<Listener>>,
    /// TCP or HTTP.
    pub mode: Option<Spanned<Mode>>,
    /// Name of a backend.
    pub default_backend: Option<Spanned<String>>,
    /// Concurrent sessions.
    pub maxconn: Option<Spanned<u64>>,
    /// Sessions a second; zero is no limit.
    pub session_rate: Option<Spanned<u64>>,
    /// Client inactivity.
    pub client: Option<Spanned<Duration>>,
    /// Handshake.
    pub handshake: Option<Spanned<Duration>>,
    /// Request head.
    pub http_request: Option<Spanned<Duration>>,
    /// Between requests.
    pub http_keep_alive: Option<Spanned<Duration>>,
    /// Tunnel inactivity; inner `None` leaves it to the client's and the server's.
    pub tunnel: Option<Spanned<Option<Duration>>>,
    /// Client inactivity of a half-closed tunnel.
    pub fin: Option<Spanned<Duration>>,
    /// X-Forwarded-For and -Proto.
    pub forwarded: Option<Spanned<bool>>,
    /// Messages whose end is doubtful.
    pub doubtful_framing: Option<Spanned<DoubtfulFraming>>,
    /// Where its lines go.
    pub log: Log,
    /// Which sessions and requests leave a line.
    pub logged: Selection,
    /// ACLs, `use_backend` and actions, in the order of the file.
    pub rules: Vec<Rule>,
}

impl Frontend {
    /// Whether requests of it may go to this backend.
    pub fn may_use(&self, backend: &str) -> bool {
        let is_default = self.default_backend.as_ref().is_some_and(|name| name.value == backend);
        is_default || self.rules.iter().any(|rule| rule.is_choice_of(backend))
    }
}

/// A line of rules as it is written: `acl`, `use_backend`, `http-request`...
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its words, unquoted; at least one.
    pub words: Vec<Spanned<String>>,
    /// From the first to the last.
    pub span: Span,
}

impl Rule {
    /// The place of a byte of a word; the end of the line where the word is missing.
    pub fn place(&self, at: usize, offset: usize) -> Span {
        match self.words.get(at) {
            // A text that was cut into words is known as a whole only.
            Some(word) if self.words.iter().filter(|other| other.span == word.span).count() > 1 => word.span,
            Some(word) => Span { start: (word.span.start + offset).min(word.span.end), ..word.span },
            None => Span { start: self.span.end, ..self.span },
        }
    }

    /// Whether it says what `balance` hashes.
    pub fn is_hash(&self) -> bool {
        self.words.first().is_some_and(|word| word.value == "balance")
    }

    /// Whether it is a `use_backend` that names this backend.
    pub fn is_choice_of(&self, backend: &str) -> bool {
        let is = |at: usize, text: &str| self.words.get(at).is_some_and(|word| word.value == text);
        is(0, "use_backend") && is(1, backend)
    }
}

/// A named group of error pages.
#[derive(Clone, Debug)]
pub struct ErrorPages {
    /// Its name.
    pub name: Spanned<String>,
    /// Statuses and files.
    pub pages: Vec<(Spanned<u64>, Spanned<String>)>,
}

/// A listening address and its options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Where it listens.
    pub bind: Bind,
    /// What most addresses leave at its default.
    pub options: BindOptions,
}

/// A listening address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bind {
    /// Port of a named virtual address.
    Virtual {
        /// Its name.
        name: String,
        /// Port.
        port: u16,
    },
    /// An address.
    Address(SocketAddr),
    /// Something else than a TCP address.
    Other(Endpoint),
}

/// A backend.
#[derive(Clone, Debug)]
pub struct Backend {
    /// Its name.
    pub name: Spanned<String>,
    /// Number in statistics.
    pub id: Option<Spanned<u64>>,
    /// TCP or HTTP.
    pub mode: Option<Spanned<Mode>>,
    /// Algorithm.
    pub balance: Option<Spanned<Balance>>,
    /// Attempts after the first.
    pub retries: Option<Spanned<u64>>,
    /// Whether the last retry may change the server.
    pub redispatch: Option<Spanned<bool>>,
    /// Who is told about its servers.
    pub reports: Reports,
    /// TCP connect.
    pub connect: Option<Spanned<Duration>>,
    /// Server inactivity.
    pub server: Option<Spanned<Duration>>,
    /// Waiting for a slot.
    pub queue: Option<Spanned<Duration>>,
    /// Tunnel inactivity.
    pub tunnel: Option<Spanned<Duration>>,
    /// Server inactivity of a half-closed tunnel.
    pub fin: Option<Spanned<Duration>>,
    /// Where messages about it go.
    pub log: Log,
    /// Health checks of the servers that have none of their own.
    pub check: Option<Spanned<Check>>,
    /// Servers.
    pub servers: Vec<Server>,
    /// What most backends leave at its default.
    pub options: BackendOptions,
    /// ACLs, `use-server` and actions, in the order of the file.
    pub rules: Vec<Rule>,
}

/// Health checks.
#[derive(Clone, Debug, Default)]
pub struct Check {
    /// Whether what to probe is written, right or wrong.
    pub is_probe_written: bool,
    /// TCP was asked for.
    pub tcp: Option<Spanned<bool>>,
    /// An HTTP request was asked for.
    pub http: Option<Spanned<Request>>,
    /// Accepted status codes; empty is the default.
    pub status: Vec<Spanned<(u16, u16)>>,
    /// Text in the body.
    pub body: Option<Spanned<String>>,
    /// Lines of HAProxy's check language.
    pub rules: Vec<Rule>,
    /// Settled.
    pub interval: Option<Spanned<Duration>>,
    /// Changing.
    pub fast_interval: Option<Spanned<Duration>>,
    /// Down.
    pub down_interval: Option<Spanned<Duration>>,
    /// Time limit of a probe.
    pub timeout: Option<Spanned<Duration>>,
    /// Successes before up.
    pub rise: Option<Spanned<u64>>,
    /// Failures before down.
    pub fall: Option<Spanned<u64>>,
    /// Another port.
    pub port: Option<Spanned<u64>>,
    /// Another address.
    pub address: Option<Spanned<SocketAddr>>,
    /// Connect failures of traffic that bring a probe forward; inner `None` is off.
    pub observe: Option<Spanned<Option<u64>>>,
    /// Time limit of an answer.
    pub answer_timeout: Option<Spanned<Duration>>,
    /// Connections begin with a PROXY header.
    pub sends_proxy: Option<Spanned<bool>>,
    /// A SOCKS4 proxy.
    pub socks: Option<Spanned<SocketAddr>>,
    /// State before the first probe.
    pub initial: Option<Spanned<InitialState>>,
}

/// Who is told about the servers of a backend.
#[derive(Clone, Debug, Default)]
pub struct Reports {
    /// Probes are logged.
    pub logs_checks: Option<Spanned<bool>>,
    /// Mails.
    pub mail: Option<Spanned<Mail>>,
}

/// Mails about servers.
#[derive(Clone, Debug, Default)]
pub struct Mail {
    /// Mail servers.
    pub mailers: Vec<Spanned<SocketAddr>>,
    /// Time for a mail to be taken.
    pub timeout: Option<Spanned<Duration>>,
    /// Sender.
    pub from: Option<Spanned<String>>,
    /// Recipient.
    pub to: Option<Spanned<String>>,
    /// Least severity.
    pub level: Option<Spanned<Level>>,
    /// Own name.
    pub hostname: Option<Spanned<String>>,
}

/// The request of an HTTP probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Method.
    pub method: String,
    /// Target.
    pub path: String,
    /// Header fields.
    pub headers: Vec<(String, String)>,
}

/// A server.
#[derive(Clone, Debug)]
pub struct Server {
    /// Its name.
    pub name: Spanned<String>,
    /// Where it listens.
    pub address: Option<Spanned<SocketAddr>>,
    /// Share.
    pub weight: Option<Spanned<u64>>,
    /// Concurrent connections.
    pub maxconn: Option<Spanned<u64>>,
    /// Used only when no other is usable.
    pub backup: Option<Spanned<bool>>,
    /// Source address.
    pub source: Option<Spanned<IpAddr>>,
    /// Health checks; `None` is the backend's.
    pub check: Option<Spanned<Check>>,
    /// Never remembered by `stick` rules.
    pub non_stick: Option<Spanned<bool>>,
    /// Starts in maintenance.
    pub is_disabled: Option<Spanned<bool>>,
    /// What is watched about it besides its check.
    pub care: Care,
    /// What most servers leave at its default; the number is 0 where none is written.
    pub options: ServerOptions,
}
