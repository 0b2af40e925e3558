//! Frontends and where they listen.

use std::net::SocketAddr;
use std::time::Duration;

use super::{Log, Rule};
use crate::diag::Spanned;
use crate::model::Endpoint;
use crate::model::bind::BindOptions;
use crate::model::log::Selection;
use crate::model::proxy::{DoubtfulFraming, Mode};

/// A frontend.
#[derive(Clone, Debug)]
pub struct Frontend {
    /// Its name.
    pub name: Spanned<String>,
    /// Number in statistics.
    pub id: Option<Spanned<u64>>,
    /// Its name in statistics files.
    pub guid: Option<Spanned<String>>,
    /// Text about it.
    pub description: Option<String>,
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
