//! Orders between threads.

use std::fmt;
use std::sync::Arc;

use crate::time::Instant;

use super::servers::{Admin, Server};

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

/// A change of a server that the operator asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerChange {
    /// In service.
    Ready,
    /// No new sessions.
    Drain,
    /// Out of service.
    Maintenance,
}

/// What somebody on a statistics page, which a worker serves, asks vg-ctl for.
pub struct ServerOrder {
    /// The server.
    pub server: Arc<Server>,
    /// What is to become of it.
    pub change: ServerChange,
    /// Called when that is done.
    pub done: Box<dyn FnOnce() + Send>,
}

impl fmt::Debug for ServerOrder {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("ServerOrder").field("server", &self.server.name).field("change", &self.change).finish()
    }
}

impl ServerOrder {
    /// Does what is asked for (vg-ctl only).
    pub fn carry_out(self, now: Instant) {
        let admin = match self.change {
            ServerChange::Ready => Admin::Ready,
            ServerChange::Drain => Admin::Drain,
            ServerChange::Maintenance => Admin::Maint,
        };
        self.server.set_admin(admin, now);
        (self.done)();
    }
}
