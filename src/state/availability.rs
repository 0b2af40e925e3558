//! How long servers and backends have been down.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use crate::time::Instant;

/// Since when a thing is what it is, how often it went down, for how long it was. Written by the threads that judge
/// (vg-check, vg-ctl), read by statistics; the fields are read one by one and may be apart by one change.
#[derive(Debug, Default)]
pub struct Availability {
    changed: AtomicU64,
    downs: AtomicU64,
    /// Nanoseconds, up to `down_since`.
    down_for: AtomicU64,
    /// 0 while it is up.
    down_since: AtomicU64,
}

impl Availability {
    /// Its state changed in some way.
    pub fn note_change(&self, now: Instant) {
        self.changed.store(now.as_nanos(), Ordering::Relaxed);
    }

    /// It went down.
    pub fn note_down(&self, now: Instant) {
        self.note_change(now);
        self.downs.fetch_add(1, Ordering::Relaxed);
        self.down_since.store(now.as_nanos().max(1), Ordering::Relaxed);
    }

    /// It came up.
    pub fn note_up(&self, now: Instant) {
        self.note_change(now);
        let since = self.down_since.swap(0, Ordering::Relaxed);
        if since > 0 {
            self.down_for.fetch_add(now.as_nanos().saturating_sub(since), Ordering::Relaxed);
        }
    }

    /// Goes on counting from so many times that it went down before the start.
    pub fn resume(&self, downs: u64) {
        self.downs.store(downs, Ordering::Relaxed);
    }

    /// When its state last changed; [`Instant::ZERO`] if never.
    pub fn changed(&self) -> Instant {
        Instant::from_nanos(self.changed.load(Ordering::Relaxed))
    }

    /// Times that it went down.
    pub fn downs(&self) -> u64 {
        self.downs.load(Ordering::Relaxed)
    }

    /// Time that it was down, the present one included.
    pub fn downtime(&self, now: Instant) -> Duration {
        let since = self.down_since.load(Ordering::Relaxed);
        let present = if since > 0 { now.as_nanos().saturating_sub(since) } else { 0 };
        Duration::from_nanos(self.down_for.load(Ordering::Relaxed) + present)
    }
}

/// The servers of a backend together: it is down while none of them takes sessions. Lives as long as the backend's name.
#[derive(Debug, Default)]
pub struct Group {
    usable: AtomicUsize,
    availability: Availability,
}

impl Group {
    /// A server takes sessions again.
    pub fn enter(&self, now: Instant) {
        self.usable.fetch_add(1, Ordering::AcqRel);
        self.look(now);
    }

    /// A server takes no more sessions.
    pub fn leave(&self, now: Instant) {
        self.usable.fetch_sub(1, Ordering::AcqRel);
        self.look(now);
    }

    /// Goes on counting from so many times that it was down before the start.
    pub fn resume(&self, downs: u64) {
        self.availability.resume(downs);
    }

    /// There are other servers now, so many of them usable. Seen by the next [`Group::look`].
    pub fn set_usable(&self, usable: usize) {
        self.usable.store(usable, Ordering::Release);
    }

    /// Since when the backend is up or down.
    pub fn look(&self, now: Instant) -> &Availability {
        let was_down = self.availability.down_since.load(Ordering::Relaxed) > 0;
        match (was_down, self.usable.load(Ordering::Acquire)) {
            (true, 1..) => self.availability.note_up(now),
            (false, 0) => self.availability.note_down(now),
            _ => {}
        }
        &self.availability
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::ZERO + Duration::from_secs(seconds)
    }

    #[test]
    fn downtime_adds_up_and_runs_on() {
        let group = Group::default();
        group.set_usable(2);
        group.leave(at(8));
        group.leave(at(10));
        assert_eq!(group.look(at(13)).downtime(at(13)), Duration::from_secs(3));
        group.enter(at(15));
        group.set_usable(0);
        let availability = group.look(at(20));
        assert_eq!((availability.downtime(at(21)), availability.downs()), (Duration::from_secs(6), 2));
        assert_eq!(availability.changed(), at(20));
    }
}
