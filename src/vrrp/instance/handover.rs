//! A move from one living node to another, without a request lost.
//!
//! | new Master                       | old Master                                                          |
//! |----------------------------------|---------------------------------------------------------------------|
//! | advert; adds the addresses       |                                                                     |
//! |                                  | one own advert: "I heard you"; begins nothing new, finishes the rest |
//! |                                  | priority 0: "they are yours"                                        |
//! | announces                        |                                                                     |
//! |                                  | addresses away                                                      |
//! | announces again after a while    |                                                                     |
//!
//! Until it hears priority 0 the new Master serves whoever finds it but tells no bridge: what is under way goes on where
//! it began. It waits [`WORD`] for the first word of the old Master. Without one it asks the link who has the addresses: a
//! Master that is no vipgate has stepped down silently and nobody answers, the kernel of one that is only short of CPU time
//! does. Then it waits [`FINISH`] and a little for the farewell.
//!
//! The old Master has the addresses until it sees the announcement, however long a busy new one takes for it, but no
//! longer than [`FINISH`] in all: one that is no vipgate may have announced itself before anybody listened. Whoever asks
//! for an address in between may be answered by both; the second announcement settles that.

use std::net::IpAddr;
use std::time::Duration;

use super::release::{Cause, Release};
use super::{Context, Instance, Phase};
use crate::time::Instant;
use crate::vrrp::io::Output;
use crate::vrrp::receive::Accepted;

/// How long a new Master waits for a word of an old one that was alive.
const WORD: Duration = Duration::from_millis(10);
/// How long a new Master waits for the answer to its question who else has the addresses.
const QUESTION: Duration = Duration::from_millis(20);
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
    /// The new Master; `None` if only another member of the sync group has heard it.
    pub to: Option<IpAddr>,
    reason: String,
    /// Nothing is under way any more, and the new Master was told.
    has_said_farewell: bool,
    /// The new Master has announced itself.
    is_succeeded: bool,
}

/// What a new Master that has not announced itself waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Takeover {
    /// The first word of the old Master.
    #[default]
    Word,
    /// The answer to the question who else has the addresses.
    Question,
    /// The old Master's farewell.
    Farewell,
}

impl Instance {
    /// Gives way to another Master: says so with an advert of this priority, and asks for everything under way to be
    /// finished.
    pub fn give_way(&mut self, context: &mut Context<'_>, to: Option<IpAddr>, last_advert: Option<u8>, reason: String) {
        let from = self.state();
        let cause = match self.phase {
            Phase::Releasing(Release { cause, .. }) => Some(cause),
            _ => None,
        };
        self.announcements = Default::default();
        self.answer_at = None;
        self.phase = Phase::GivingWay(GivingWay {
            cause,
            until: context.now + FINISH,
            to,
            reason: reason.clone(),
            has_said_farewell: false,
            is_succeeded: false,
        });
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

    /// Everything under way on the addresses is finished: the new Master may announce itself.
    pub fn finished(&mut self, context: &mut Context<'_>) {
        let Phase::GivingWay(giving) = &mut self.phase else { return };
        if giving.is_succeeded {
            return self.hand_over(context);
        }
        giving.has_said_farewell = true;
        self.say_farewell(context);
    }

    /// Somebody else has announced an address: the new Master, if this one is giving way.
    pub(super) fn successor_is_there(&mut self, context: &mut Context<'_>) {
        let Phase::GivingWay(giving) = &mut self.phase else { return };
        giving.is_succeeded = true;
        if giving.has_said_farewell {
            self.hand_over(context);
        }
    }

    /// Lets go of the addresses.
    pub(super) fn hand_over(&mut self, context: &mut Context<'_>) {
        let Phase::GivingWay(giving) = &self.phase else { return };
        let giving = giving.clone();
        let from = self.state();
        self.remove_addresses(context);
        if !giving.has_said_farewell {
            self.say_farewell(context);
        }
        self.step_back(context, from, giving.to, giving.reason);
        self.gave_way = giving.cause == Some(Cause::Failover);
    }

    /// Whether a Master was heard so lately that it lives: it was preempted, or offered its addresses.
    pub(super) fn takes_over_from_the_living(&self, now: Instant) -> bool {
        self.heard_at.is_some_and(|at| now.since(at) < 2 * self.interval)
    }

    /// Keeps the first announcement back until the old Master has said its last word.
    pub(super) fn await_old_master(&mut self, now: Instant) {
        self.takeover = Takeover::Word;
        self.announcements.hold_back(now + WORD);
    }

    /// The time to wait for the old Master is over, or for its first word.
    pub(super) fn wait_is_over(&mut self, context: &mut Context<'_>) {
        match self.takeover {
            Takeover::Word => {
                self.takeover = Takeover::Question;
                self.announcements.hold_back(context.now + QUESTION);
                context.outputs.push_back(Output::Probe { addresses: self.config.addresses.clone() });
            }
            Takeover::Question | Takeover::Farewell => self.announce_at_last(context),
        }
    }

    /// Announces itself, and once more when the old Master has let go in any case.
    fn announce_at_last(&mut self, context: &mut Context<'_>) {
        self.announcements.let_go();
        self.announce_again(context);
        self.announcements.burst_soon(context.now + FINISH + MARGIN);
    }

    /// Somebody else has an address that this Master has not announced yet.
    pub(super) fn old_master_is_there(&mut self, now: Instant) {
        if self.announcements.is_held_back() && self.takeover != Takeover::Farewell {
            self.takeover = Takeover::Farewell;
            self.announcements.hold_back(now + FINISH + MARGIN);
        }
    }

    /// A new Master hears an advert below its own: true if that is the old one, on its way out.
    pub(super) fn hears_old_master(&mut self, context: &mut Context<'_>, advert: &Accepted) -> bool {
        if !self.announcements.is_held_back() {
            return false;
        }
        if advert.priority == 0 {
            self.announce_at_last(context);
        } else {
            self.old_master_is_there(context.now);
        }
        true
    }
}
