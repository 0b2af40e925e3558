//! Fewest connections in proportion to the weight.

use std::sync::atomic::{AtomicU64, Ordering};

use super::chooser::Load;

/// Who was chosen when: between equals it is the turn of the one chosen longest ago, as HAProxy's tree has it, which
/// inserts behind its equals. Written by every worker without a lock; a race costs at most one turn out of order.
#[derive(Debug)]
pub(super) struct Ties {
    turn: AtomicU64,
    chosen: Box<[AtomicU64]>,
}

impl Ties {
    /// Nobody was chosen yet.
    pub fn new(servers: usize) -> Ties {
        Ties { turn: AtomicU64::new(1), chosen: (0..servers).map(|_| AtomicU64::new(0)).collect() }
    }

    /// The least loaded server; `load` is `None` for one that does not compete.
    pub fn least(&self, load: impl Fn(usize) -> Option<Load>) -> Option<usize> {
        let keyed = |server: usize| Some((load(server)?.key(), self.chosen[server].load(Ordering::Relaxed), server));
        let (_, _, server) = (0..self.chosen.len()).filter_map(keyed).min()?;
        self.chosen[server].store(self.turn.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        Some(server)
    }
}
