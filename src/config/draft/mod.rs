//! What a file says, before anything is looked up: spanned, unresolved, without defaults. Every syntax lowers into this.
//!
//! `None` means "not written". A value that was written but is wrong is `None` too; its diagnostic exists already.

mod backend;
mod care;
mod check;
mod frontend;
mod identity;
mod log;
mod rule;
mod vrrp;

pub use backend::{Backend, Mail, Reports, Server};
pub use care::{Agent, Care};
pub use check::{Check, Request};
pub use frontend::{Bind, Frontend, Listener};
pub use identity::Identity;
pub use log::{Log, LogTarget, ProcessLog, Relay};
pub use rule::Rule;
pub use vrrp::{
    Instance, Network, Node, PerNode, Preempt, Script, SyncGroup, Target, Track, Transport, VirtualAddress,
};

use std::path::PathBuf;
use std::time::Duration;

use crate::diag::{Span, Spanned};
use crate::model::naming::{self, Families};
use crate::model::rules::Userlist;
use crate::model::runtime::{Account, Socket};
use crate::model::stick;

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
    /// Whether those programs see the environment of the process.
    pub preserves_environment: Option<Spanned<bool>>,
    /// Whether PROXY headers of checks tell addresses as those of clients do.
    pub checks_as_client: Option<Spanned<bool>>,
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

/// A named group of error pages.
#[derive(Clone, Debug)]
pub struct ErrorPages {
    /// Its name.
    pub name: Spanned<String>,
    /// Statuses and files.
    pub pages: Vec<(Spanned<u64>, Spanned<String>)>,
}
