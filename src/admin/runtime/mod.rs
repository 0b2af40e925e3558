//! HAProxy's runtime socket: commands as lines of text, answered as HAProxy answers them (management guide §9.3).
//!
//! It reads what threads share and changes what vg-ctl is the writer of; what belongs to another thread is asked of it
//! through [`state`](crate::state). It never touches traffic. Read [`connection`] for the protocol, [`table`] for the
//! list of commands; each family of commands has its file.

mod connection;
mod line;
mod session;
mod table;
mod server;

mod help;
mod own;
mod alone;
mod process;
mod insight;
mod events;
mod proxies;
mod backends;
mod streams;
mod servers;
mod probing;
mod statistics;
mod dynamic;
mod dumps;
mod resolvers;
mod errors;
mod maps;
mod sticks;
mod cookies;
mod wait;
mod absent;
mod master;

pub use alone::Alone;
pub use server::{Open, bind, serve};
pub use table::{Described, described};

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::mpsc;

use crate::admin::Order;
use crate::generation::{Generation, IdleConnections};
use crate::model::runtime::{Level, SeverityOutput};
use crate::state::command::ServerOrder;
use crate::state::counters::Shard;
use crate::state::process::ProcessFacts;
use crate::state::sessions::Sessions;
use crate::state::streams::StreamOrder;
use crate::sys::handover::Exposed;
use crate::time::Instant;

use events::Follow;
use master::Target;
use session::Session;

/// What commands read and change.
pub struct Process {
    /// The configuration that runs.
    pub generation: Arc<ArcSwap<Generation>>,
    /// What is known of the process.
    pub facts: Arc<ProcessFacts>,
    /// Client connections.
    pub sessions: Arc<Sessions>,
    /// Most that they can be: the limit that the process began with.
    pub most_sessions: usize,
    /// Idle connections to servers.
    pub idle: Arc<dyn IdleConnections>,
    /// When the process began to serve.
    pub started: Instant,
    /// What each worker counts about the process.
    pub counters: Vec<Arc<Shard>>,
    /// Number of workers.
    pub workers: usize,
    /// Where changes of checks and agents are ordered.
    pub probing: mpsc::Sender<ServerOrder>,
    /// Each gives a worker an order about its streams; one that has ended drops it.
    pub streams: Vec<Box<dyn Fn(StreamOrder) + Send>>,
    /// Where changes of the configuration are ordered.
    pub orders: mpsc::Sender<Order>,
    /// The listening sockets of the traffic, for a process that takes the place of this one.
    pub listeners: Arc<Exposed>,
    /// The sockets, for `show cli sockets`.
    pub sockets: Vec<(String, Level)>,
    /// Inactivity after which a connection is closed.
    pub timeout: Duration,
}

impl Process {
    /// The version that tools are told.
    fn version(&self) -> String {
        self.generation.load().model.process.identity.version.told()
    }
}

/// A command that somebody typed.
struct Call<'a> {
    /// Its words, those that name it included.
    words: &'a [String],
    /// What followed `<<`, without the empty line.
    payload: Option<&'a str>,
    process: &'a Process,
    session: &'a Session,
    /// Whom it is for; `None` on a socket that is no master's.
    target: Option<Target>,
}

impl Call<'_> {
    /// A word, or nothing.
    fn word(&self, number: usize) -> &str {
        self.words.get(number).map_or("", String::as_str)
    }
}

/// What is said in answer.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Answer {
    /// A dump, as it is.
    Text(String),
    /// A sentence with a severity, which the client may want to see.
    Message(Severity, String),
    /// Nothing: done.
    Done,
    /// Nothing, not even an empty line: the master CLI did it by itself.
    Silent,
    /// Nothing, and the connection ends.
    Quit,
    /// A sentence without an empty line, and the connection ends.
    Last(String),
    /// Lines of a ring, as they come.
    Follow(Follow),
}

impl Answer {
    /// An error of the client's.
    fn error(text: impl Into<String>) -> Answer {
        let mut text = text.into();
        text.push('\n');
        Answer::Message(Severity::Error, text)
    }

    /// Something to know.
    fn info(text: impl Into<String>) -> Answer {
        let mut text = text.into();
        text.push('\n');
        Answer::Message(Severity::Info, text)
    }

    /// The text as the client gets it.
    fn render(&self, output: SeverityOutput) -> String {
        match (self, output) {
            (Answer::Done | Answer::Silent | Answer::Quit | Answer::Follow(_), _) => String::new(),
            (Answer::Text(text) | Answer::Last(text), _) | (Answer::Message(_, text), SeverityOutput::None) => {
                text.clone()
            }
            (Answer::Message(severity, text), SeverityOutput::Number) => format!("[{}]: {text}", *severity as u8),
            (Answer::Message(severity, text), SeverityOutput::String) => format!("[{}]: {text}", severity.word()),
        }
    }
}

/// Severities of answers, as syslog counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Severity {
    Error = 3,
    Warning = 4,
    Notice = 5,
    Info = 6,
}

impl Severity {
    fn word(self) -> &'static str {
        match self {
            Severity::Error => "err",
            Severity::Warning => "warning",
            Severity::Notice => "notice",
            Severity::Info => "info",
        }
    }
}
