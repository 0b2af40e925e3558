//! What vg-vrrp is told by the other threads, and what it tells main.

use std::net::IpAddr;
use std::sync::Arc;

use crate::model::Model;
use crate::state::command::VrrpCommand;
use crate::state::levels::Board;
use crate::state::servers::Backend;
use crate::vrrp::io::Transition;

/// An order to vg-vrrp.
#[derive(Debug)]
pub enum VrrpOrder {
    /// The operator's, or main's.
    Command(VrrpCommand),
    /// Run this configuration from now on.
    Reconfigure {
        /// The model.
        model: Arc<Model>,
        /// Its backends, by backend number.
        backends: Vec<Arc<Backend>>,
        /// Its board, by object number.
        board: Arc<Board>,
    },
}

/// News for main.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VrrpNotice {
    /// A virtual IP is on this node now.
    VipArrived(IpAddr),
    /// A virtual IP has left this node: close the sessions on it.
    VipLeft(IpAddr),
    /// An instance changed state (for notify scripts; it is logged already).
    Transition(Transition),
    /// [`VrrpCommand::Stop`] is carried out: no address is left, the thread ends.
    Stopped,
}
