//! When gratuitous ARP and unsolicited neighbour advertisements are due: a burst at once, a second one after a pause,
//! then one frame a period. Holds times only; the instance knows which addresses are really there.

use crate::model::vrrp::Announce;
use crate::time::Instant;

/// What is still to come.
#[derive(Clone, Copy, Debug, Default)]
pub struct Schedule {
    /// The first burst waits until then.
    first_at: Option<Instant>,
    again_at: Option<Instant>,
    refresh_at: Option<Instant>,
}

impl Schedule {
    /// Puts the first burst off.
    pub fn hold_back(&mut self, until: Instant) {
        self.first_at = Some(until);
    }

    /// Nothing keeps the first burst back any more.
    pub fn let_go(&mut self) {
        self.first_at = None;
    }

    /// Whether the first burst is put off.
    pub fn is_held_back(&self) -> bool {
        self.first_at.is_some()
    }

    /// Notes that a burst went out: the second one and the refresh are on their way. What was planned already stays,
    /// so that a peer that keeps asking cannot push them away.
    pub fn burst_sent(&mut self, now: Instant, config: &Announce) {
        if self.again_at.is_none() {
            self.again_at = config.delay.map(|delay| now + delay);
        }
        if self.refresh_at.is_none() {
            self.refresh_at = config.refresh.map(|period| now + period);
        }
    }

    /// The next burst comes at `at` or before.
    pub fn burst_soon(&mut self, at: Instant) {
        self.again_at = self.again_at.into_iter().chain([at]).min();
    }

    /// Frames for each address that are due; the next time is planned.
    pub fn due(&mut self, now: Instant, config: &Announce) -> Option<u32> {
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        let again = is_due(self.again_at);
        let refresh = is_due(self.refresh_at);
        if refresh {
            self.refresh_at = config.refresh.map(|period| now + period);
        }
        if again {
            self.again_at = None;
            Some(config.burst)
        } else if refresh {
            Some(1)
        } else {
            None
        }
    }

    /// The next thing to come.
    pub fn next(&self) -> Option<Instant> {
        self.first_at.or_else(|| self.again_at.into_iter().chain(self.refresh_at).min())
    }
}
