//! What decides whether this node should hold a virtual IP.

use std::path::PathBuf;
use std::time::Duration;

/// Something tracked, once for the whole process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracked {
    /// Name in `status` and logs: `workers`, `bind web 192.0.2.253:80`, `backend app`, or the operator's.
    pub name: String,
    /// What it is.
    pub object: Object,
}

/// A kind of thing whose health is tracked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Object {
    /// The proxy's worker threads and vg-check answer their heartbeat.
    Workers,
    /// A listening socket is open; frontend number and bind number in the model.
    Bind {
        /// Frontend number.
        frontend: usize,
        /// Index into its binds.
        bind: usize,
    },
    /// At least `min_up` servers of the backend are usable.
    Backend {
        /// Backend number.
        backend: usize,
        /// 1-.
        min_up: usize,
    },
    /// One server is usable.
    Server {
        /// Backend number.
        backend: usize,
        /// Index into its servers.
        server: usize,
    },
    /// The interface has carrier and is administratively up.
    Interface(String),
    /// A command exits with 0.
    Script(Script),
    /// A process with this `comm` exists.
    Process(String),
    /// A file's first number is 0 (or it is absent); anything else is down.
    File(PathBuf),
}

/// A track script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// Program and arguments, executed without a shell.
    pub command: Vec<String>,
    /// Pause between starts.
    pub interval: Duration,
    /// Time after which it is killed and counts as failed.
    pub timeout: Duration,
    /// Consecutive successes before it is up, 1-.
    pub rise: u32,
    /// Consecutive failures before it is down, 1-.
    pub fall: u32,
}

/// A tracked object's effect on one instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Object number of the model.
    pub object: usize,
    /// What happens while it is down (or up, for a bonus).
    pub weight: Weight,
}

/// What a tracked object does to the priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Down: priority 0, the addresses are released at once (keepalived's weight 0).
    Fault,
    /// Down: offer the addresses to any peer, keep them if nobody takes them.
    Degrade,
    /// Up: so much is added (keepalived's +n), 1-253.
    Bonus(u8),
    /// Down: so much is subtracted (keepalived's -n), 1-253.
    Penalty(u8),
}
