//! Fewest connections in proportion to the weight.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::chooser::Load;

/// Whose load changed when: between equals it is the turn of the one whose load changed longest ago, as HAProxy's tree has
/// it, which puts a server behind its equals whenever a connection of it comes or goes. Written by every worker without a
/// lock; a race costs at most one turn out of order.
#[derive(Debug)]
pub(super) struct Ties {
    changes: AtomicU64,
    changed: Box<[AtomicU64]>,
    /// Who took sessions when last looked at.
    was_there: Box<[AtomicBool]>,
}

impl Ties {
    /// Nothing changed yet.
    pub fn new(servers: usize) -> Ties {
        Ties {
            changes: AtomicU64::new(0),
            changed: (0..servers).map(|_| AtomicU64::new(0)).collect(),
            was_there: (0..servers).map(|_| AtomicBool::new(true)).collect(),
        }
    }

    /// Takes over who takes sessions: one who comes stands behind its equals.
    pub fn update(&self, is_there: impl Fn(usize) -> bool) {
        for (server, was_there) in self.was_there.iter().enumerate() {
            let is_there = is_there(server);
            if was_there.load(Ordering::Relaxed) != is_there && !was_there.swap(is_there, Ordering::Relaxed) {
                self.note(server);
            }
        }
    }

    /// A connection of a server came or went.
    pub fn note(&self, server: usize) {
        if let Some(changed) = self.changed.get(server) {
            changed.store(self.changes.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
        }
    }

    /// The least loaded server; `load` is `None` for one that does not compete.
    pub fn least(&self, load: impl Fn(usize) -> Option<Load>) -> Option<usize> {
        let keyed = |server: usize| Some((load(server)?.key(), self.changed[server].load(Ordering::Relaxed), server));
        (0..self.changed.len()).filter_map(keyed).min().map(|(_, _, server)| server)
    }
}
