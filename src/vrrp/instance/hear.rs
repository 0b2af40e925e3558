//! Adverts: what an accepted one does in each state (RFC 9568 §6.4, vipgate's rules where they say more).

use std::net::IpAddr;
use std::time::Duration;

use super::{Context, Instance, Phase};
use crate::model::vrrp::Version;
use crate::time::Instant;
use crate::vrrp::io::Received;
use crate::vrrp::receive::{self, Accepted, List};

/// Least time between two answers to losing adverts: a flood is answered ten times a second, no more.
const ANSWER_GAP: Duration = Duration::from_millis(100);
/// When the answer's announcement is repeated.
const ONCE_MORE: Duration = Duration::from_secs(1);

/// A Master that should have given way.
#[derive(Clone, Copy, Debug)]
pub struct Rival {
    address: IpAddr,
    /// Since when it has been heard without a gap.
    since: Instant,
    heard_at: Instant,
}

impl Instance {
    /// Takes a message with this instance's VRID.
    pub fn hear(&mut self, context: &mut Context<'_>, received: &Received) {
        match receive::check(&self.config, self.source(), received) {
            Err(refusal) => {
                self.report.refuse(refusal.counter());
                self.warn(context, refusal.counter(), || format!("advert from {} refused: {refusal}", received.source));
            }
            Ok(accepted) => self.accept(context, &accepted),
        }
    }

    fn accept(&mut self, context: &mut Context<'_>, advert: &Accepted) {
        self.report.note_peer(context.now, advert, self.config.version);
        self.heard_at = Some(context.now);
        if advert.list == List::Overlapping && !self.report.warned_of_overlap {
            self.report.warned_of_overlap = true;
            self.warn(context, "overlap", || {
                format!("{} advertises other addresses beside ours: is a change under way?", advert.from)
            });
        } else if advert.list == List::Equal {
            self.report.warned_of_overlap = false;
        }
        match self.phase {
            Phase::Initialize | Phase::Fault => {}
            Phase::Backup(_) if advert.priority == 0 => self.backup_hears_farewell(context, advert.from),
            Phase::Backup(_) => self.backup_hears(context, advert),
            Phase::Master => self.master_hears(context, advert),
            Phase::Releasing(_) if advert.priority == 0 => self.offering_hears_farewell(context),
            Phase::Releasing(_) => {
                self.learn(advert);
                // Whoever took the offer must not hear of a priority that is not below its own.
                let last_advert = (advert.priority > 1).then_some(1);
                let reason = format!("{} took over", describe(advert.priority, advert.from));
                self.give_way(context, Some(advert.from), last_advert, reason);
            }
            Phase::GivingWay(ref giving) if advert.priority == 0 && giving.to.is_none_or(|to| to == advert.from) => {
                // The new one goes already.
                self.hand_over(context);
                self.backup_hears_farewell(context, advert.from);
            }
            Phase::GivingWay(_) => {}
        }
    }

    /// A Master leaves. Who is well moves after its skew; who is not waits a whole Master_Down, once, because the Master
    /// may only be looking for somebody better. The farewell of a Master that has lost to the present one means nothing.
    fn backup_hears_farewell(&mut self, context: &mut Context<'_>, from: IpAddr) {
        let hurries = self.priority() > 1 && context.ready_since.is_some();
        let soon = context.now + self.skew();
        let late = context.now + self.master_down();
        let Phase::Backup(watch) = &mut self.phase else { return };
        if watch.master.is_some_and(|master| master != from) {
            return;
        }
        if hurries {
            // A farewell that is repeated must not put the end off, so never later than planned.
            watch.down_at = watch.down_at.min(soon);
        } else if !watch.heard_farewell {
            watch.heard_farewell = true;
            watch.down_at = late;
        }
    }

    fn backup_hears(&mut self, context: &mut Context<'_>, advert: &Accepted) {
        let own = self.priority();
        let is_better = own > advert.priority;
        // Priority 1 means degraded: whoever is well takes over, whatever the preempt mode and delay.
        if is_better && advert.priority == 1 && context.ready_since.is_some() {
            let soon = context.now + self.skew();
            if let Phase::Backup(watch) = &mut self.phase {
                watch.down_at = watch.down_at.min(soon);
            }
            return;
        }
        if is_better && self.may_preempt(context) {
            return; // Discarded: the timer runs on, and that is how preemption happens.
        }
        self.learn(advert);
        self.watch(context.now, Some(advert.from));
    }

    fn master_hears(&mut self, context: &mut Context<'_>, advert: &Accepted) {
        let own = self.priority();
        if own == 255 && advert.priority == 255 {
            self.warn(context, "owner_conflict", || format!("{} too calls itself owner of the addresses", advert.from));
        }
        let is_equal_and_wins = own == advert.priority && self.source().is_some_and(|source| advert.from > source);
        if advert.priority > own || is_equal_and_wins {
            self.learn(advert);
            return self.give_way(context, Some(advert.from), Some(own), describe(advert.priority, advert.from));
        }
        if self.hears_old_master(context, advert) {
            return self.send_advert(context);
        }
        if advert.priority > 0 {
            self.note_rival(context, advert.from);
        }
        // RFC 9568 §6.4.3: say who is Master, and to the bridges too. Who leaves, or thought itself Master, has announced.
        match self.answered_at {
            Some(at) if context.now.since(at) < ANSWER_GAP => self.answer_at = Some(at + ANSWER_GAP),
            _ => self.answer(context),
        }
    }

    /// Warns of a Master that goes on although it must have heard better: it hears nothing, and the addresses are on both.
    fn note_rival(&mut self, context: &mut Context<'_>, address: IpAddr) {
        let (now, gap) = (context.now, self.master_down());
        let since = match self.rival {
            Some(rival) if rival.address == address && now.since(rival.heard_at) < gap => rival.since,
            Some(_) | None => now,
        };
        self.rival = Some(Rival { address, since, heard_at: now });
        if now.since(since) > gap {
            self.warn(context, "two_masters", || {
                format!(
                    "{address} is Master too, and does not hear this node: is IP protocol 112 dropped on the way there?"
                )
            });
        }
    }

    /// Another Master leaves: it has announced since the split that healed just now, and the addresses are served here. An
    /// announcement is all, for an advert would be answered by a Master that offers them too.
    fn offering_hears_farewell(&mut self, context: &mut Context<'_>) {
        if self.answered_at.is_none_or(|at| context.now.since(at) >= ANSWER_GAP) {
            self.answered_at = Some(context.now);
            self.announce_again(context);
        }
    }

    /// Answers a losing advert, and announces once more soon: the loser's announcement may be on its way still.
    pub(super) fn answer(&mut self, context: &mut Context<'_>) {
        self.answer_at = None;
        self.answered_at = Some(context.now);
        self.send_advert(context);
        self.announce_again(context);
        self.announcements.burst_soon(context.now + ONCE_MORE);
    }

    /// Takes the interval of an advert that was accepted from the Master (version 3).
    fn learn(&mut self, advert: &Accepted) {
        self.interval = match self.config.version {
            Version::V2 => self.config.advert_interval,
            Version::V3 => advert.interval,
        };
    }
}

fn describe(priority: u8, from: IpAddr) -> String {
    format!("heard priority {priority} from {from}")
}
