//! Relays of syslog messages: what comes in from others and goes out to log targets (HAProxy manual §12.6, `log-forward`).

use std::net::SocketAddr;
use std::time::Duration;

use super::log::Target;
use super::proxy::Bind;

/// Connections that a relay has at once unless it says otherwise.
pub const CONNECTIONS: usize = 10;

/// A relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relay {
    /// Its name.
    pub name: String,
    /// Where it takes datagrams.
    pub datagrams: Vec<Datagrams>,
    /// Where it takes connections. None of them belongs to a virtual router.
    pub streams: Vec<Bind>,
    /// Connections at once, 1-; more wait.
    pub maxconn: usize,
    /// Inactivity after which a connection is closed; `None` never closes it.
    pub timeout: Option<Duration>,
    /// Where messages go.
    pub targets: Vec<Target>,
    /// What becomes of them on the way.
    pub relaying: Relaying,
    /// Whether every message on a connection is a line, whatever it begins with.
    pub are_lines: bool,
}

/// A place for datagrams.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Datagrams {
    /// Address and port.
    pub address: SocketAddr,
    /// Those that come in by this interface only; `None` is any.
    pub interface: Option<String>,
}

impl std::fmt::Display for Datagrams {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "udp {}", self.address)
    }
}

/// What becomes of a message on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Relaying {
    /// Whether its header is read; one that is not is part of the text.
    pub is_parsed: bool,
    /// Which host the new header names.
    pub host: Host,
}

impl Default for Relaying {
    /// As HAProxy does since 3.2.
    fn default() -> Relaying {
        Relaying { is_parsed: true, host: Host::Fill }
    }
}

/// Which host the header of a relayed message names (`option host`). A sender without an address leaves it as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// The sender's address.
    Replace,
    /// The one that the message names; if there is none, the sender's address.
    Fill,
    /// The one that the message names.
    Keep,
    /// The same, a comma, and the sender's address.
    Append,
}

impl Host {
    /// HAProxy's words.
    pub const WORDS: [(&str, Host); 4] =
        [("replace", Host::Replace), ("fill", Host::Fill), ("keep", Host::Keep), ("append", Host::Append)];

    /// As configurations write it.
    pub fn word(self) -> &'static str {
        Host::WORDS.iter().find(|(_, host)| *host == self).map_or("", |(word, _)| word)
    }

    /// The rule of that word.
    pub fn by_word(word: &str) -> Option<Host> {
        Host::WORDS.iter().find(|(known, _)| *known == word).map(|(_, host)| *host)
    }
}
