//! The listening sockets of the process. Main owns them; workers get duplicates, vg-vrrp a look.
//!
//! A bind is one socket for each worker (`SO_REUSEPORT`), kept over reloads by its address, so that a reload never
//! refuses a connection. [`Listeners::prepare`] opens what a new configuration needs without touching what runs;
//! [`Listeners::commit`] cannot fail.

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use crate::model::Model;
use crate::proxy::worker::{ListenerKey, WorkerListener};
use crate::sys::listener::{self, Claim};

/// Open sockets, by address; one for each worker.
#[derive(Debug, Default)]
pub(super) struct Listeners(HashMap<SocketAddr, Vec<Arc<TcpListener>>>);

/// Sockets that a new configuration needs beyond those that are open.
#[derive(Debug)]
pub(super) struct Prepared(HashMap<SocketAddr, Vec<Arc<TcpListener>>>);

impl Listeners {
    /// Opens what `model` needs and is not open yet.
    ///
    /// # Errors
    /// The first address that cannot be bound, with the kernel's reason.
    pub(super) fn prepare(&self, model: &Model, workers: usize) -> Result<Prepared, (SocketAddr, io::Error)> {
        let mut fresh = HashMap::new();
        for bind in model.frontends.iter().flat_map(|frontend| &frontend.binds) {
            if !self.0.contains_key(&bind.address) && !fresh.contains_key(&bind.address) {
                let has_own = self.0.keys().chain(fresh.keys()).any(|known| overlap(*known, bind.address));
                let claim = if has_own { Claim::Join } else { Claim::First };
                let sockets = open(bind.address, workers, claim).map_err(|error| (bind.address, error))?;
                fresh.insert(bind.address, sockets);
            }
        }
        Ok(Prepared(fresh))
    }

    /// Keeps the sockets that `model` names, adds the prepared ones, closes the rest.
    pub(super) fn commit(&mut self, model: &Model, prepared: Prepared) {
        self.0.extend(prepared.0);
        let is_named = |address: &SocketAddr| {
            model.frontends.iter().flat_map(|frontend| &frontend.binds).any(|bind| bind.address == *address)
        };
        self.0.retain(|address, _| is_named(address));
    }

    /// Every socket with the address that it is bound to, for vg-vrrp.
    pub(super) fn all(&self) -> Vec<(SocketAddr, Arc<TcpListener>)> {
        self.0.iter().flat_map(|(bound, sockets)| sockets.iter().map(|socket| (*bound, Arc::clone(socket)))).collect()
    }

    /// Duplicates of one worker's sockets.
    ///
    /// # Errors
    /// No descriptor is free.
    pub(super) fn for_worker(&self, model: &Model, worker: usize) -> io::Result<Vec<WorkerListener>> {
        let mut listeners = Vec::new();
        for (number, frontend) in model.frontends.iter().enumerate() {
            for bind in &frontend.binds {
                let Some(socket) = self.0.get(&bind.address).and_then(|sockets| sockets.get(worker)) else { continue };
                listeners.push(WorkerListener {
                    key: ListenerKey { frontend: frontend.name.clone(), address: bind.address },
                    frontend: number,
                    socket: socket.try_clone()?,
                });
            }
        }
        Ok(listeners)
    }
}

/// Whether two addresses can only be listened on together by sockets that allow it: a wildcard and one of its ports.
fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    one.port() == other.port() && (one.ip().is_unspecified() || other.ip().is_unspecified())
}

/// One socket for each worker; the first one finds a foreign holder, unless it has to join a socket of our own.
fn open(address: SocketAddr, workers: usize, claim: Claim) -> io::Result<Vec<Arc<TcpListener>>> {
    let first = Arc::new(listener::bind(address, claim)?);
    let mut sockets = vec![first];
    for _ in 1..workers {
        sockets.push(Arc::new(listener::bind(address, Claim::Join)?));
    }
    Ok(sockets)
}
