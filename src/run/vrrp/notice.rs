//! What vg-vrrp is told by the other threads, and what it tells main.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;

use tokio::sync::mpsc::Sender;

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
        /// Its listening sockets, with the addresses that they are bound to.
        listeners: Vec<(SocketAddr, Arc<TcpListener>)>,
    },
}

/// News for main.
#[derive(Debug)]
pub enum VrrpNotice {
    /// A virtual IP is on this node now.
    VipArrived(IpAddr),
    /// Another node takes these virtual IPs over: finish the requests under way.
    Finish {
        /// The virtual IPs.
        addresses: Vec<IpAddr>,
        /// Dropped by the last who has finished.
        unfinished: Sender<Infallible>,
    },
    /// A virtual IP has left this node: close the sessions on it.
    VipLeft(IpAddr),
    /// An instance changed state (for notify scripts; it is logged already).
    Transition(Transition),
    /// [`VrrpCommand::Stop`] is carried out: no address is left, the thread ends.
    Stopped,
}
