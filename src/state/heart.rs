//! A thread's sign of life.

use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};

use crate::time::Instant;

/// When a thread last finished a turn of its loop, and which thread it is. Written by that thread alone, read by vg-vrrp
/// and `status`; a reader may see a value one turn old.
#[derive(Debug, Default)]
pub struct Heart {
    beat: AtomicU64,
    thread: AtomicI32,
}

impl Heart {
    /// Says whose heart it is: the kernel's number of the thread.
    pub fn belongs_to(&self, thread: i32) {
        self.thread.store(thread, Ordering::Relaxed);
    }

    /// The kernel's number of the thread; `None` if it has not said so.
    pub fn thread(&self) -> Option<i32> {
        Some(self.thread.load(Ordering::Relaxed)).filter(|thread| *thread != 0)
    }

    /// Records a turn.
    pub fn beat(&self, now: Instant) {
        self.beat.store(now.as_nanos(), Ordering::Relaxed);
    }

    /// The last turn; [`Instant::ZERO`] before the first.
    pub fn last(&self) -> Instant {
        Instant::from_nanos(self.beat.load(Ordering::Relaxed))
    }
}
