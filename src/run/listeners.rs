//! The listening sockets of the process. Main owns them; workers get duplicates, vg-vrrp a look.
//!
//! A TCP bind is one socket for each worker (`SO_REUSEPORT`), kept over reloads by its address, so that a reload never
//! refuses a connection. A Unix socket and one that was inherited are one socket each, which the workers share.
//! [`Listeners::prepare`] opens what a new configuration needs without touching what runs; [`Listeners::commit`] cannot
//! fail.

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use crate::model::{Endpoint, Model};
use crate::proxy::worker::{ListenerKey, WorkerListener};
use crate::sys::listener::{self, Claim, Ownership};

/// Open sockets, by where they listen; one for each worker.
#[derive(Debug, Default)]
pub(super) struct Listeners {
    open: HashMap<Endpoint, Vec<Arc<TcpListener>>>,
    /// Whether another process of this user may listen there, too.
    joins: bool,
}

/// Sockets that a new configuration needs beyond those that are open.
#[derive(Debug)]
pub(super) struct Prepared(HashMap<Endpoint, Vec<Arc<TcpListener>>>);

impl Listeners {
    /// None yet. Where `joins` is said, another process of this user may listen on the same addresses.
    pub(super) fn new(joins: bool) -> Listeners {
        Listeners { open: HashMap::new(), joins }
    }

    /// Opens what `model` needs and is not open yet.
    ///
    /// # Errors
    /// The first endpoint that cannot be bound, with the kernel's reason.
    pub(super) fn prepare(&self, model: &Model, workers: usize) -> Result<Prepared, (Endpoint, io::Error)> {
        let mut fresh = HashMap::new();
        for bind in model.frontends.iter().flat_map(|frontend| &frontend.binds) {
            if !self.open.contains_key(&bind.endpoint) && !fresh.contains_key(&bind.endpoint) {
                let has_own = self.open.keys().chain(fresh.keys()).any(|known| overlap(known, &bind.endpoint));
                let claim = if has_own || self.joins { Claim::Join } else { Claim::First };
                let sockets = open(&bind.endpoint, workers, claim).map_err(|error| (bind.endpoint.clone(), error))?;
                fresh.insert(bind.endpoint.clone(), sockets);
            }
        }
        Ok(Prepared(fresh))
    }

    /// Keeps the sockets that `model` names, adds the prepared ones, closes the rest.
    pub(super) fn commit(&mut self, model: &Model, prepared: Prepared) {
        self.open.extend(prepared.0);
        let is_named = |endpoint: &Endpoint| {
            model.frontends.iter().flat_map(|frontend| &frontend.binds).any(|bind| bind.endpoint == *endpoint)
        };
        self.open.retain(|endpoint, _| is_named(endpoint));
    }

    /// Every TCP socket with the address that it is bound to, for vg-vrrp.
    pub(super) fn all(&self) -> Vec<(SocketAddr, Arc<TcpListener>)> {
        let tcp = self.open.iter().filter_map(|(endpoint, sockets)| Some((endpoint.tcp()?, sockets)));
        tcp.flat_map(|(bound, sockets)| sockets.iter().map(move |socket| (bound, Arc::clone(socket)))).collect()
    }

    /// Duplicates of one worker's sockets.
    ///
    /// # Errors
    /// No descriptor is free.
    pub(super) fn for_worker(&self, model: &Model, worker: usize) -> io::Result<Vec<WorkerListener>> {
        let mut listeners = Vec::new();
        for (number, frontend) in model.frontends.iter().enumerate() {
            for bind in &frontend.binds {
                let Some(socket) = self.open.get(&bind.endpoint).and_then(|sockets| sockets.get(worker)) else {
                    continue;
                };
                listeners.push(WorkerListener {
                    key: ListenerKey { frontend: frontend.name.clone(), endpoint: bind.endpoint.clone() },
                    frontend: number,
                    socket: socket.try_clone()?,
                });
            }
        }
        Ok(listeners)
    }
}

/// Whether two addresses can only be listened on together by sockets that allow it: a wildcard and one of its ports.
fn overlap(one: &Endpoint, other: &Endpoint) -> bool {
    let (Some(one), Some(other)) = (one.tcp(), other.tcp()) else { return false };
    one.port() == other.port() && (one.ip().is_unspecified() || other.ip().is_unspecified())
}

/// One socket for each worker; the first one of a TCP address finds a foreign holder, unless it has to join a socket of
/// our own.
fn open(endpoint: &Endpoint, workers: usize, claim: Claim) -> io::Result<Vec<Arc<TcpListener>>> {
    let first = Arc::new(match endpoint {
        Endpoint::Tcp(address) => listener::bind(*address, claim)?,
        Endpoint::Inherited(descriptor) => listener::inherit((*descriptor).into())?,
        Endpoint::Unix(path) => listener::bind_unix(path, &Ownership::default())?,
        Endpoint::Abstract(name) => listener::bind_abstract(name)?,
    });
    let mut sockets = vec![first];
    for _ in 1..workers {
        sockets.push(match (endpoint, sockets.first()) {
            (Endpoint::Tcp(address), _) => Arc::new(listener::bind(*address, Claim::Join)?),
            (_, Some(shared)) => Arc::clone(shared),
            (_, None) => break,
        });
    }
    Ok(sockets)
}
