//! Events in a period that slides: those of the present one, and of the one before as much as it still reaches into it.

/// A counter of events. Times are milliseconds of the clock, periods milliseconds above 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Rate {
    /// When the present period began.
    began: u64,
    present: u64,
    past: u64,
}

impl Rate {
    /// Counts events at `now`.
    pub(super) fn add(&mut self, now: u64, period: u64, events: u64) {
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
    pub(super) fn read(&self, now: u64, period: u64) -> u64 {
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

    /// Makes it read this for a period, and less and less in the next.
    pub(super) fn set(&mut self, now: u64, events: u64) {
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

    #[test]
    fn a_single_event_is_seen_for_two_periods() {
        let mut rate = Rate::default();
        rate.add(10_000, 1000, 1);
        assert_eq!(rate.read(11_900, 1000), 1);
    }
}
