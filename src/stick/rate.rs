//! Events in a period that slides: those of the present one, and of the one before as much as it still reaches into it.

use std::time::Duration;

/// Events that may happen at once, whatever an even pace allows: as many bytes as a buffer of HAProxy's holds.
const BURST: u64 = 16 * 1024;
/// Milliseconds that events may be ahead of an even pace: timers of workers are no finer.
const LEAD: u64 = 40;

/// How many events may happen in a period, and who shares them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Events in a period, at least 1.
    pub limit: u64,
    /// The period, at least a millisecond.
    pub period: Duration,
    /// Those who share it, at least 1.
    pub users: u64,
    /// Fewer events than these are not worth their while, unless they are the last.
    pub least: u64,
}

/// What a quota allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// So many events now, at least one.
    Now(u64),
    /// None before this time is over.
    After(Duration),
}

impl Grant {
    /// What two quotas together allow.
    pub fn and(self, other: Grant) -> Grant {
        match (self, other) {
            (Grant::Now(one), Grant::Now(other)) => Grant::Now(one.min(other)),
            (Grant::After(one), Grant::After(other)) => Grant::After(one.max(other)),
            (Grant::After(time), _) | (_, Grant::After(time)) => Grant::After(time),
        }
    }
}

/// A counter of events. Times are milliseconds of the clock, periods milliseconds above 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rate {
    /// When the present period began.
    began: u64,
    present: u64,
    past: u64,
}

impl Rate {
    /// Counts events at `now`.
    pub fn add(&mut self, now: u64, period: u64, events: u64) {
        let age = now.saturating_sub(self.began);
        if age >= period {
            if age >= 2 * period {
                (self.past, self.began) = (0, now);
            } else {
                (self.past, self.began) = (self.present, self.began + period);
            }
            self.present = 0;
        }
        self.present = self.present.saturating_add(events);
    }

    /// Events in the period up to `now`.
    pub fn read(&self, now: u64, period: u64) -> u64 {
        let age = now.saturating_sub(self.began);
        let (present, past, left) = match age {
            age if age <= period => (self.present, self.past, period - age),
            age if age <= 2 * period => (0, self.present, 2 * period - age),
            _ => return 0,
        };
        // A single event counts for the whole of the next period, or it would hardly ever be seen.
        if present == 0 && past <= 1 {
            return past;
        }
        let total = u128::from(past) * u128::from(left) + u128::from(present) * u128::from(period);
        u64::try_from(total / u128::from(period.max(1))).unwrap_or(u64::MAX)
    }

    /// How many of the wanted events a quota allows, which have to be counted then. They are to come at an even pace: the
    /// present period is never ahead of it by more than a burst, and one that begins has what the last one left.
    pub fn allows(&self, now: u64, quota: Quota, wanted: u64) -> Grant {
        let Quota { limit, users, least, .. } = quota;
        let period = u64::try_from(quota.period.as_millis()).unwrap_or(u64::MAX).max(1);
        let (limit, users) = (limit.max(1), users.max(1));
        let time_of = |events: u64| {
            let time = u128::from(events) * u128::from(period) * u128::from(users) / u128::from(limit);
            Grant::After(Duration::from_millis(u64::try_from(time).unwrap_or(u64::MAX).clamp(1, 2 * period)))
        };
        let paced =
            |time: u64| u64::try_from(u128::from(limit) * u128::from(time) / u128::from(period)).unwrap_or(limit);
        let age = now.saturating_sub(self.began);
        let present = if age < period { self.present } else { 0 };
        let even = paced(age % period + LEAD);
        if present > even {
            return time_of((present - even).saturating_add(least));
        }
        let left = limit.saturating_sub(self.read(now, period));
        let share = left.div_ceil(users).max(least.min(left));
        let granted = wanted.min(share).min(BURST.max(paced(LEAD)).max(least));
        if granted < wanted.min(least).min(limit) || granted == 0 { time_of(least.max(1)) } else { Grant::Now(granted) }
    }

    /// The same counter, each of whose events stands for so many.
    pub(super) fn times(self, factor: u64) -> Rate {
        let times = |events: u64| events.saturating_mul(factor);
        Rate { present: times(self.present), past: times(self.past), ..self }
    }

    /// Makes it read this for a period, and less and less in the next.
    pub fn set(&mut self, now: u64, events: u64) {
        *self = Rate { began: now, present: events, past: 0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_fade_over_the_next_period() {
        let mut rate = Rate::default();
        rate.add(10_000, 1000, 4);
        assert_eq!(rate.read(10_000, 1000), 4);
        assert_eq!(rate.read(11_000, 1000), 4);
        assert_eq!(rate.read(11_500, 1000), 2);
        assert_eq!(rate.read(12_000, 1000), 0);
        assert_eq!(rate.read(12_001, 1000), 0);
    }

    #[test]
    fn both_periods_count() {
        let mut rate = Rate::default();
        rate.add(10_000, 1000, 10);
        rate.add(11_500, 1000, 2);
        assert_eq!(rate.read(11_500, 1000), 7);
        rate.add(14_000, 1000, 1);
        assert_eq!(rate.read(14_000, 1000), 1, "two periods without events leave nothing");
    }

    fn quota(limit: u64, users: u64) -> Quota {
        Quota { limit, period: Duration::from_secs(1), users, least: 0 }
    }

    /// Events of so many seconds, each asked for as soon as it may be.
    fn taken(rate: &mut Rate, quota: Quota, seconds: u64) -> u64 {
        let (mut now, mut total) = (10_000, 0);
        while now < 10_000 + seconds * 1000 {
            match rate.allows(now, quota, 1 << 20) {
                Grant::Now(events) => {
                    rate.add(now, 1000, events);
                    total += events;
                }
                Grant::After(time) => now += u64::try_from(time.as_millis()).unwrap(),
            }
        }
        total
    }

    #[test]
    fn a_quota_is_used_up_and_hardly_exceeded() {
        for limit in [10, 1000, 100_000, 10_000_000] {
            let total = taken(&mut Rate::default(), quota(limit, 1), 10);
            let most = limit * 10 + limit.min(BURST) + limit * LEAD / 1000 + 1;
            assert!((limit * 8..=most).contains(&total), "{limit}: {total}");
        }
    }

    #[test]
    fn those_who_share_a_quota_get_a_part_and_wait_for_longer() {
        let mut rate = Rate::default();
        assert_eq!(rate.allows(10_000, quota(10_000, 4), 1 << 20), Grant::Now(2500));
        rate.add(10_000, 1000, 2500);
        assert_eq!(rate.allows(10_000, quota(10_000, 4), 1 << 20), Grant::After(Duration::from_millis(840)));
        assert_eq!(rate.allows(10_000, quota(10_000, 1), 1 << 20), Grant::After(Duration::from_millis(210)));
    }

    #[test]
    fn less_than_is_worth_while_waits() {
        let mut rate = Rate::default();
        let quota = Quota { least: 600, ..quota(1000, 1) };
        assert_eq!(rate.allows(10_000, quota, 5000), Grant::Now(1000));
        rate.add(10_000, 1000, 1000);
        assert!(matches!(rate.allows(11_100, quota, 5000), Grant::After(_)), "only 100 are left of the sliding period");
        assert_eq!(rate.allows(11_100, quota, 50), Grant::Now(50), "the last ones may be fewer");
        assert_eq!(rate.allows(11_700, quota, 5000), Grant::Now(700));
    }

    #[test]
    fn a_single_event_is_seen_for_two_periods() {
        let mut rate = Rate::default();
        rate.add(10_000, 1000, 1);
        assert_eq!(rate.read(11_900, 1000), 1);
    }
}
