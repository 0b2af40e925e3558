//! What is known of the streams that are under way: each worker tells about its own when it is asked.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::model::proxy::Mode;
use crate::time::Instant;

use super::servers::Server;

/// What the operator asks a worker about its streams. What answers is called on the worker, and dropped without a call by
/// one that ends.
pub enum StreamOrder {
    /// Tell about every one.
    List(Box<dyn FnOnce(Vec<StreamFacts>) + Send>),
    /// Close the session of this one; says whether there is one.
    Close(usize, Box<dyn FnOnce(bool) + Send>),
}

impl fmt::Debug for StreamOrder {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StreamOrder::List(_) => out.write_str("List"),
            StreamOrder::Close(id, _) => write!(out, "Close({id:#x})"),
        }
    }
}

/// A stream at one moment.
#[derive(Clone, Debug)]
pub struct StreamFacts {
    /// Tells it from every other one that lives; as HAProxy's, an address.
    pub id: usize,
    /// The worker that has it, 0-.
    pub worker: usize,
    /// The client; `None` comes through a Unix socket.
    pub peer: Option<SocketAddr>,
    /// Where the client connected to; `None` likewise.
    pub local: Option<SocketAddr>,
    /// Its frontend.
    pub frontend: String,
    /// Mode of the frontend.
    pub mode: Mode,
    /// Its backend, as soon as it has one.
    pub backend: Option<String>,
    /// The server that it is with, or was with last.
    pub server: Option<Arc<Server>>,
    /// When its connection was accepted.
    pub accepted: Instant,
    /// When it is looked at next if nothing happens; [`Instant::FAR_FUTURE`] is never.
    pub deadline: Instant,
}
