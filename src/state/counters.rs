//! Counters of the data path.
//!
//! Each worker writes its own shard with relaxed operations, readers sum over shards, so no cache line is contended and
//! a sum may be a few microseconds old. Counters never go down.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A number that one worker writes and others read.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds; only the owning worker calls this, so a load and a store suffice.
    pub fn add(&self, by: u64) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(by), Ordering::Relaxed);
    }

    /// The value.
    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What one worker counts about the process.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Shard {
    /// Client connections accepted.
    pub accepted: Counter,
    /// Accepts that failed (out of descriptors or memory).
    pub accept_errors: Counter,
    /// HTTP requests received completely.
    pub requests: Counter,
    /// Connections made to servers.
    pub connects: Counter,
    /// Requests sent over a pooled server connection.
    pub reuses: Counter,
    /// Requests sent again because a pooled connection had died.
    pub replays: Counter,
    /// Tasks that panicked; each cost one connection.
    pub panics: Counter,
    /// Messages refused because their framing or syntax is bad.
    pub bad_messages: Counter,
}

/// What one worker counts about a frontend or a backend.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct ProxyShard {
    /// Sessions (TCP) or requests (HTTP).
    pub sessions: Counter,
    /// Bytes from clients.
    pub bytes_in: Counter,
    /// Bytes to clients.
    pub bytes_out: Counter,
    /// Responses by class: other, 1xx, 2xx, 3xx, 4xx, 5xx.
    pub responses: [Counter; 6],
    /// Errors on the side of the client (frontend) or while connecting (backend).
    pub errors: Counter,
    /// Connection attempts after the first.
    pub retries: Counter,
    /// Attempts that went to another server.
    pub redispatches: Counter,
}

/// The shards of a frontend or a backend, one for each worker.
#[derive(Clone, Debug)]
pub struct Sharded(Arc<[ProxyShard]>);

/// Workers that have a shard of their own; further ones share, which can lose counts but nothing else.
pub const MAX_SHARDS: usize = 64;

impl Default for Sharded {
    fn default() -> Sharded {
        Sharded((0..MAX_SHARDS).map(|_| ProxyShard::default()).collect())
    }
}

impl Sharded {
    /// The shard of a worker.
    pub fn of(&self, worker: usize) -> &ProxyShard {
        &self.0[worker % MAX_SHARDS]
    }

    /// The sum of one counter over all workers.
    pub fn sum(&self, pick: impl Fn(&ProxyShard) -> &Counter) -> u64 {
        self.0.iter().map(|shard| pick(shard).value()).fold(0, u64::wrapping_add)
    }
}
