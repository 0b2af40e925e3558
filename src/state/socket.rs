//! Listening addresses that are counted one by one (`option socket-stats`).

use std::sync::atomic::{AtomicUsize, Ordering};

use super::counters::Sharded;

/// Connections by one listening address. Written by every worker.
#[derive(Debug, Default)]
pub struct CountedSocket {
    current: AtomicUsize,
    /// What they add up to.
    pub counters: Sharded,
}

impl CountedSocket {
    /// A connection came.
    pub fn enter(&self) {
        let before = self.current.fetch_add(1, Ordering::Relaxed);
        self.counters.note_sessions(before + 1);
    }

    /// A connection is over.
    pub fn leave(&self) {
        self.current.fetch_sub(1, Ordering::Relaxed);
    }

    /// Connections now.
    pub fn current(&self) -> usize {
        self.current.load(Ordering::Relaxed)
    }
}
