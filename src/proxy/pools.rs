//! Where workers find the pool of a server, and the operator what is in it.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::generation::IdleConnections;
use crate::model::options::{Namespace, Origin};
use crate::model::proxy::Server;

use super::pool::Pool;

/// Which connections may stand for each other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct PoolKey {
    backend: String,
    server: String,
    address: SocketAddr,
    source: Option<IpAddr>,
    origin: Origin,
    namespace: Option<Namespace>,
}

impl PoolKey {
    /// Of a server of a backend.
    pub(super) fn of(backend: &str, server: &Server) -> PoolKey {
        PoolKey {
            backend: backend.to_owned(),
            server: server.name.clone(),
            address: server.address,
            source: server.source,
            origin: server.options.origin.clone(),
            namespace: server.options.namespace.clone(),
        }
    }
}

/// The pools of the process. Workers come here when they get a generation, not for a request.
#[derive(Debug)]
pub struct Pools {
    workers: usize,
    /// As long as a worker uses them.
    known: Mutex<HashMap<PoolKey, Weak<Pool>>>,
}

impl Pools {
    /// None yet, for so many workers.
    pub fn new(workers: usize) -> Pools {
        Pools { workers, known: Mutex::default() }
    }

    /// The pool that all workers share.
    pub(super) fn get(&self, key: &PoolKey) -> Arc<Pool> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pool) = known.get(key).and_then(Weak::upgrade) {
            return pool;
        }
        // Not for each of thousands of servers.
        if known.len() == known.capacity() {
            known.retain(|_, pool| pool.strong_count() > 0);
        }
        let pool = Arc::new(Pool::new(self.workers));
        known.insert(key.clone(), Arc::downgrade(&pool));
        pool
    }
}

impl IdleConnections for Pools {
    fn of_workers(&self, backend: &str, server: &Server) -> Vec<[usize; 2]> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let pool = known.get(&PoolKey::of(backend, server)).and_then(Weak::upgrade);
        drop(known);
        pool.map_or_else(|| vec![[0; 2]; self.workers], |pool| pool.counts().collect())
    }
}
