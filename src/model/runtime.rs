//! HAProxy's runtime sockets: where commands are taken, and what whoever connects there may do.

use std::time::Duration;

use super::Endpoint;

/// The runtime sockets of the process and what they have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runtime {
    /// In the order of the file.
    pub sockets: Vec<Socket>,
    /// Inactivity after which a connection is closed.
    pub timeout: Duration,
    /// Connections at once, 1-; more wait.
    pub maxconn: usize,
}

impl Default for Runtime {
    /// HAProxy's: no socket, 10 s, 10 connections.
    fn default() -> Runtime {
        Runtime { sockets: Vec::new(), timeout: Duration::from_secs(10), maxconn: 10 }
    }
}

/// A runtime socket (HAProxy's `stats socket`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Socket {
    /// Where it listens.
    pub endpoint: Endpoint,
    /// What its clients may do at first.
    pub level: Level,
    /// Whether answers begin with their severity at first.
    pub severity: SeverityOutput,
    /// Whether a new process may take the listening sockets over it (`expose-fd listeners`).
    pub exposes_listeners: bool,
    /// Whom the file of a Unix socket belongs to.
    pub ownership: Ownership,
}

impl Socket {
    /// A socket with HAProxy's defaults.
    pub fn new(endpoint: Endpoint) -> Socket {
        Socket {
            endpoint,
            level: Level::Operator,
            severity: SeverityOutput::None,
            exposes_listeners: false,
            ownership: Ownership::default(),
        }
    }
}

/// What a client of a runtime socket may do; each level includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Reads what is not secret, changes nothing.
    User,
    /// Reads everything, resets counters.
    Operator,
    /// Everything.
    Admin,
}

impl Level {
    /// HAProxy's words for the levels.
    pub const WORDS: [(&str, Level); 3] =
        [("user", Level::User), ("operator", Level::Operator), ("admin", Level::Admin)];

    /// As HAProxy writes it.
    pub fn word(self) -> &'static str {
        match self {
            Level::User => "user",
            Level::Operator => "operator",
            Level::Admin => "admin",
        }
    }
}

/// How the severity of an answer is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeverityOutput {
    /// Not at all.
    None,
    /// `[3]: `.
    Number,
    /// `[err]: `.
    String,
}

impl SeverityOutput {
    /// HAProxy's words.
    pub const WORDS: [(&str, SeverityOutput); 3] =
        [("none", SeverityOutput::None), ("number", SeverityOutput::Number), ("string", SeverityOutput::String)];

    /// As HAProxy writes it.
    pub fn word(self) -> &'static str {
        match self {
            SeverityOutput::None => "none",
            SeverityOutput::Number => "number",
            SeverityOutput::String => "string",
        }
    }
}

/// Whom the file of a Unix socket belongs to, and who may connect; `None` leaves it as the process makes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ownership {
    /// Permission bits.
    pub mode: Option<u32>,
    /// Its user.
    pub user: Option<Account>,
    /// Its group.
    pub group: Option<Account>,
}

/// A user or a group.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Account {
    /// By number.
    Id(u32),
    /// By name, looked up when it is needed.
    Name(String),
}

impl std::fmt::Display for Account {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Account::Id(number) => write!(formatter, "{number}"),
            Account::Name(name) => formatter.write_str(name),
        }
    }
}
