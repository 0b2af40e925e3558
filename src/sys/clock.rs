//! Clocks: the monotonic one that every machine is driven by, and the wall clock that logs are written with.
#![allow(clippy::disallowed_methods, reason = "this is where clocks are read")]

use std::time::{Duration, SystemTime};

use nix::time::{ClockId, clock_gettime};

use crate::time::Instant;

/// The present, on CLOCK_MONOTONIC: it stands still while the host is suspended and is the same clock in every thread
/// and process of the host.
pub fn now() -> Instant {
    // CLOCK_MONOTONIC exists on every Linux, so the call cannot fail; the origin would only fire timers late.
    clock_gettime(ClockId::CLOCK_MONOTONIC)
        .map_or(Instant::ZERO, |time| Instant::from_nanos(time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64))
}

/// Time since 1970-01-01 UTC, for logs and headers only.
pub fn wall() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// Processor time that all threads of this process have used.
pub fn used() -> Duration {
    // The clock exists on every Linux.
    clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}

/// The wall-clock time of a monotonic instant, as far as the two clocks agree at the moment of the call.
pub fn wall_at(at: Instant) -> SystemTime {
    let now = now();
    let wall = SystemTime::now();
    if at >= now { wall + at.since(now) } else { wall.checked_sub(now.since(at)).unwrap_or(SystemTime::UNIX_EPOCH) }
}

/// The same point for tokio's timers. A point further away than 30 days becomes 30 days: nobody sleeps longer without
/// looking again.
pub fn tokio_deadline(at: Instant) -> tokio::time::Instant {
    const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);
    tokio::time::Instant::now() + at.since(now()).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_does_not_go_back() {
        let first = now();
        assert!(first > Instant::ZERO);
        assert!(now() >= first);
    }

    #[test]
    fn wall_time_of_an_earlier_instant_is_earlier() {
        let later = now();
        let earlier = later - Duration::from_secs(10);
        let between = wall_at(later).duration_since(wall_at(earlier)).unwrap();
        assert!(between > Duration::from_secs(9) && between < Duration::from_secs(11), "{between:?}");
    }

    #[test]
    fn a_point_that_never_comes_is_a_deadline_in_thirty_days() {
        let deadline = tokio_deadline(Instant::FAR_FUTURE);
        assert!(deadline > tokio::time::Instant::now() + Duration::from_secs(29 * 24 * 3600));
    }
}
