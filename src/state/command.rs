//! Orders between threads.

use std::fmt;
use std::sync::Arc;

use crate::model;

use super::servers::{Prober, Server};

/// What the operator, through vg-ctl or main, asks vg-vrrp for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VrrpCommand {
    /// Offer the addresses to a peer, once (`vipgate failover`); `None` is every instance.
    Failover {
        /// Name of an instance.
        instance: Option<String>,
    },
    /// Keep offering until told otherwise (`vipgate maintenance on|off`).
    Maintenance(bool),
    /// Offer the addresses, then remove them, then report stopped.
    Stop,
}

/// What a worker tells vg-check of a server.
#[derive(Clone, Debug)]
pub enum Suspect {
    /// Connections to it fail or hang.
    Trouble(Arc<Server>),
    /// Its traffic has failed so often in a row (HAProxy's `observe`).
    Observed {
        /// The server.
        server: Arc<Server>,
        /// Errors.
        count: u32,
        /// What the last one was, in HAProxy's words.
        last: &'static str,
    },
}

/// A change of a server that the operator asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerChange {
    /// In service.
    Ready,
    /// No new sessions.
    Drain,
    /// Out of service.
    Maintenance,
    /// Its sessions are closed.
    CloseSessions,
    /// Something about its check or its agent, which vg-check does.
    Probing(Prober, Probing),
}

/// A change of what a check or an agent says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probing {
    /// It asks.
    Enable,
    /// It asks no more, and what it said last stays.
    Disable,
    /// The server is up, until it says otherwise.
    Up,
    /// The server takes no new sessions, until it says otherwise.
    Stopping,
    /// The server is down, until it says otherwise.
    Down,
}

impl ServerChange {
    /// Whether there is something to change.
    pub fn concerns(self, model: &model::proxy::Server, state: &Server) -> bool {
        let has_agent = model.care.agent.is_some();
        match self {
            ServerChange::Probing(Prober::Check, Probing::Enable | Probing::Disable) => model.check.is_some(),
            ServerChange::Probing(Prober::Check, _) => model.care.track.is_none(),
            ServerChange::Probing(Prober::Agent, Probing::Enable | Probing::Disable) => has_agent,
            ServerChange::Probing(Prober::Agent, _) => has_agent && state.is_enabled(Prober::Agent),
            ServerChange::Ready | ServerChange::Drain | ServerChange::Maintenance | ServerChange::CloseSessions => true,
        }
    }
}

/// What the operator asks for, on a statistics page or at a runtime socket. vg-check carries it out: what it does first comes
/// first in the log, too, and of two changes that follow each other at once both are told.
pub struct ServerOrder {
    /// The server.
    pub server: Arc<Server>,
    /// What is to become of it.
    pub change: ServerChange,
    /// From where, as lines about the server tell: `CLI`, `Web interface`.
    pub whence: &'static str,
    /// Called when that is done.
    pub done: Box<dyn FnOnce() + Send>,
}

impl fmt::Debug for ServerOrder {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("ServerOrder").field("server", &self.server.name).field("change", &self.change).finish()
    }
}
