//! A thread's sign of life.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::time::Instant;

/// When a thread last finished a turn of its loop. Written by that thread alone, read by vg-vrrp and `status`; a reader
/// may see a value one turn old.
#[derive(Debug, Default)]
pub struct Heart(AtomicU64);

impl Heart {
    /// Records a turn.
    pub fn beat(&self, now: Instant) {
        self.0.store(now.as_nanos(), Ordering::Relaxed);
    }

    /// The last turn; [`Instant::ZERO`] before the first.
    pub fn last(&self) -> Instant {
        Instant::from_nanos(self.0.load(Ordering::Relaxed))
    }
}
