//! Events a second, counted where they happen and added up where they are read.
//!
//! Each worker counts into its own cell: the second that it counts in, how many events that second has had, how many the
//! one before had. A cell that has seen nothing for a while keeps its old second; readers know by that how old it is.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::time::Instant;

/// Nanoseconds of a second.
const SECOND: u64 = 1_000_000_000;

/// The events that one worker has seen lately.
#[derive(Debug, Default)]
pub struct RateCell {
    second: AtomicU64,
    current: AtomicU64,
    previous: AtomicU64,
}

impl RateCell {
    /// Counts events; only the owning worker calls this. `Some` is the second that is over since the last ones.
    pub fn count(&self, by: u64, now: Instant) -> Option<u64> {
        let second = now.as_nanos() / SECOND;
        let known = self.second.load(Ordering::Relaxed);
        if known == second {
            self.current.store(self.current.load(Ordering::Relaxed).wrapping_add(by), Ordering::Relaxed);
            return None;
        }
        let before = if known + 1 == second { self.current.load(Ordering::Relaxed) } else { 0 };
        self.previous.store(before, Ordering::Relaxed);
        self.current.store(by, Ordering::Relaxed);
        self.second.store(second, Ordering::Relaxed);
        Some(known)
    }

    /// Events in that second, as far as the cell remembers.
    pub fn during(&self, second: u64) -> u64 {
        let known = self.second.load(Ordering::Relaxed);
        match second {
            _ if second == known => self.current.load(Ordering::Relaxed),
            _ if second + 1 == known => self.previous.load(Ordering::Relaxed),
            _ => 0,
        }
    }

    /// The second of its last event; 0 before the first.
    pub fn last_second(&self) -> u64 {
        self.second.load(Ordering::Relaxed)
    }
}

/// Events in the second that ends now: those of this second so far, and the share of the last one that is still in it.
pub fn over_the_last_second(cells: impl Iterator<Item: std::ops::Deref<Target = RateCell>>, now: Instant) -> u64 {
    let (second, into) = (now.as_nanos() / SECOND, now.as_nanos() % SECOND);
    let (mut current, mut previous) = (0, 0);
    for cell in cells {
        current += cell.during(second);
        previous += second.checked_sub(1).map_or(0, |before| cell.during(before));
    }
    current + (u128::from(previous) * u128::from(SECOND - into) / u128::from(SECOND)) as u64
}

/// How long nothing may come for the events of the last second to be fewer than `limit`; zero if they are.
pub fn pause(cells: impl Iterator<Item: std::ops::Deref<Target = RateCell>>, limit: u64, now: Instant) -> Duration {
    let (second, into) = (now.as_nanos() / SECOND, now.as_nanos() % SECOND);
    let (mut current, mut previous) = (0, 0);
    for cell in cells {
        current += cell.during(second);
        previous += second.checked_sub(1).map_or(0, |before| cell.during(before));
    }
    // Where in its second the share that counts of `old` events has become less than `room`.
    let faded = |old: u64, room: u64| match old < room {
        true => 0,
        false => SECOND - ((u128::from(room) * u128::from(SECOND) - 1) / u128::from(old)) as u64,
    };
    let nanos = match limit.checked_sub(current) {
        Some(room) if room > 0 => faded(previous, room).saturating_sub(into),
        _ => SECOND - into + faded(current, limit.max(1)),
    };
    Duration::from_nanos(nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(millis)
    }

    #[test]
    fn events_of_the_last_second_fade_out() {
        let cell = RateCell::default();
        for millis in [7100, 7200, 7300, 7400] {
            cell.count(1, at(millis));
        }
        let rate = |millis| over_the_last_second(std::iter::once(&cell), at(millis));
        assert_eq!([7400, 8000, 8500, 8900, 9000, 60_000].map(rate), [4, 4, 2, 0, 0, 0]);
    }

    #[test]
    fn whoever_waits_as_long_as_is_said_is_within_the_limit_and_not_sooner() {
        for (limit, events) in
            [(1, &[7100][..]), (3, &[7100, 7200, 7300]), (3, &[6100, 6200, 6300, 7100]), (2, &[6900, 6950])]
        {
            let cell = RateCell::default();
            events.iter().for_each(|millis| _ = cell.count(1, at(*millis)));
            let now = at(7400);
            let wait = pause(std::iter::once(&cell), limit, now);
            let rate = |now| over_the_last_second(std::iter::once(&cell), now);
            assert!(rate(now + wait) < limit, "{limit} {events:?}");
            assert!(wait.is_zero() == (rate(now) < limit), "{limit} {events:?}");
            assert!(wait.is_zero() || rate(now + wait - Duration::from_nanos(1)) >= limit, "{limit} {events:?}");
        }
    }

    #[test]
    fn a_new_second_tells_which_one_is_over() {
        let cell = RateCell::default();
        cell.count(1, at(3000));
        assert_eq!((cell.count(1, at(3999)), cell.count(1, at(4000)), cell.during(3)), (None, Some(3), 2));
        assert_eq!((cell.count(1, at(9000)), cell.during(8), cell.during(9)), (Some(4), 0, 1));
    }
}
