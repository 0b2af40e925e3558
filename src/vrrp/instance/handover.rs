//! A move from one living node to another, without a request lost.
//!
//! | new Master                       | old Master                                                          |
//! |----------------------------------|---------------------------------------------------------------------|
//! | advert; adds the addresses       |                                                                     |
//! |                                  | one own advert: "I heard you"; begins nothing new, finishes the rest |
//! |                                  | addresses away, priority 0: "they are yours"                        |
//! | announces                        |                                                                     |
//!
//! Until it hears priority 0 the new Master serves whoever finds it but tells no bridge: what is under way goes on where
//! it began. It waits [`ANSWER`] for the first word of the old Master (one that is no vipgate steps down silently, or is
//! dead) and [`FINISH`] and a little for the second.

use std::time::Duration;

use super::release::{Cause, Release};
use super::{Context, Instance, Phase};
use crate::time::Instant;
use crate::vrrp::io::Output;
use crate::vrrp::receive::Accepted;

/// How long a new Master waits for a word of an old one that was alive: a round trip and a busy host.
const ANSWER: Duration = Duration::from_millis(10);
/// How long an old Master may finish requests.
const FINISH: Duration = Duration::from_millis(200);
/// How much longer than [`FINISH`] the new Master waits.
const MARGIN: Duration = Duration::from_millis(50);

/// An old Master that finishes what it has begun.
#[derive(Clone, Debug)]
pub struct GivingWay {
    /// The offer that was taken, if it was one.
    pub cause: Option<Cause>,
    /// When it leaves in any case.
    pub until: Instant,
    reason: String,
}

impl Instance {
    /// Gives way to another Master: says so with an advert of this priority, and asks for everything under way to be
    /// finished.
    pub fn give_way(&mut self, context: &mut Context<'_>, last_advert: Option<u8>, reason: String) {
        let from = self.state();
        let cause = match self.phase {
            Phase::Releasing(Release { cause, .. }) => Some(cause),
            _ => None,
        };
        self.announcements = Default::default();
        self.phase = Phase::GivingWay(GivingWay { cause, until: context.now + FINISH, reason: reason.clone() });
        // RFC 9568 has the loser fall silent. The winner may be Master since a split, and has to hear that it won.
        if let Some(priority) = last_advert {
            self.send(context, priority);
        }
        self.advert_at = Instant::FAR_FUTURE;
        let addresses = self.config.addresses.clone();
        context.outputs.push_back(Output::Finish { instance: self.number, addresses });
        self.report_state(context, from, reason);
    }

    /// Whether it is on its way out.
    pub fn is_giving_way(&self) -> bool {
        matches!(self.phase, Phase::GivingWay(_))
    }

    /// Everything under way on the addresses is finished, or its time is over.
    pub fn finished(&mut self, context: &mut Context<'_>) {
        let Phase::GivingWay(GivingWay { cause, reason, .. }) = &self.phase else { return };
        let (cause, reason) = (*cause, reason.clone());
        self.leave(context, reason);
        self.gave_way = cause == Some(Cause::Failover);
    }

    /// Whether a Master was heard so lately that it lives: it was preempted, or offered its addresses.
    pub(super) fn takes_over_from_the_living(&self, now: Instant) -> bool {
        self.heard_at.is_some_and(|at| now.since(at) < 2 * self.interval)
    }

    /// Keeps the first announcement back until the old Master has said its last word.
    pub(super) fn await_old_master(&mut self, now: Instant) {
        self.announcements.hold_back(now + ANSWER);
    }

    /// A new Master hears an advert below its own: true if that is the old one, on its way out.
    pub(super) fn hears_old_master(&mut self, context: &mut Context<'_>, advert: &Accepted) -> bool {
        if !self.announcements.is_held_back() {
            return false;
        }
        if advert.priority == 0 {
            self.announce_again(context);
        } else {
            self.announcements.hold_back(context.now + FINISH + MARGIN);
        }
        true
    }
}
