//! One file for each kind of thread, and [`wiring`]: every channel and cell between threads is created there.
//!
//! No protocol lives here. Read [`supervisor`] first: it is the main thread, and says in which order things start and
//! stop.

mod load;
mod namespaces;
mod outset;
mod states;
mod counts;
mod listeners;
mod wiring;
mod threads;
mod readiness;

mod supervisor;
pub mod vrrp;
pub mod check;
mod ctl;
mod names;
pub mod log;
mod worker;

pub use load::{LoadError, check as check_files, environment, haproxy_start, load, master_socket};
pub use supervisor::run;

use std::path::PathBuf;

use crate::model::runtime::Socket;

/// How the process was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Configuration files, merged.
    pub files: Vec<PathBuf>,
    /// Name of this node; `None` is the short host name.
    pub node: Option<String>,
    /// Control socket; `None` is the configuration's.
    pub admin_socket: Option<PathBuf>,
    /// Client connections in all, in place of the configuration's.
    pub maxconn: Option<usize>,
    /// Where HAProxy's master CLI is offered (`-S`).
    pub master: Option<Socket>,
    /// Whether another process listens on the same addresses until this one serves (`-sf`).
    pub joins: bool,
    /// Runtime socket of the process that this one takes the place of, which gives its listening sockets away (`-x`).
    pub taken_from: Option<PathBuf>,
    /// Whether a configuration without any listener is an error, as it is on HAProxy's command line.
    pub needs_listener: bool,
    /// What a first SIGTERM or SIGINT does.
    pub stop: Stop,
}

/// What a first SIGTERM or SIGINT does. SIGUSR1 always drains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Virtual addresses are handed over, sessions may finish.
    Drain,
    /// The process ends, as HAProxy's does.
    AtOnce,
    /// The same; after SIGINT the exit status is 128 and the signal, as HAProxy's master has it.
    AtOnceAsMaster,
}
