//! Timers: what is due, what is next, and what being late means.

use std::time::Duration;

use super::handover::GivingWay;
use super::{Context, Instance, Phase};
use crate::time::Instant;

/// Lateness of a down timer that is still believed, however short the interval.
const BELIEVED_LATENESS: Duration = Duration::from_millis(20);

impl Instance {
    /// Does what is due.
    pub fn tick(&mut self, context: &mut Context<'_>) {
        if let Some(reason) = self.stall(context.now) {
            // Whoever slept that long is not Master any more, whatever it remembers.
            self.sound_since = context.now;
            return self.leave(context, reason);
        }
        self.probe_in_time(context);
        match self.phase {
            Phase::Initialize | Phase::Fault => self.settle(context),
            Phase::Backup(watch) if !watch.wants && context.now >= watch.down_at => self.down_timer_fires(context),
            Phase::Backup(_) => {}
            Phase::Releasing(release) if context.now >= release.until => self.finish_release(context),
            Phase::GivingWay(GivingWay { until, .. }) if context.now >= until => self.hand_over(context),
            Phase::Master | Phase::Releasing(_) | Phase::GivingWay(_) => self.serve(context),
        }
    }

    /// Why a holder has to step down before it does anything else: it woke later than the peers wait, or its lease ended.
    fn stall(&self, now: Instant) -> Option<String> {
        if !self.state().may_hold() {
            return None;
        }
        if self.hold.lease_is_over(now) {
            return Some("the lease of the addresses ran out while this process slept".to_owned());
        }
        let late = now.since(self.next()?);
        (late > self.master_down()).then(|| format!("this process slept for {:.1} s", late.as_secs_f64()))
    }

    fn down_timer_fires(&mut self, context: &mut Context<'_>) {
        let interval = self.interval;
        let again = context.now + interval + self.skew();
        let master_down = self.master_down();
        let Phase::Backup(watch) = &mut self.phase else { return };
        let late = context.now.since(watch.down_at);
        let is_late = late > (interval / 2).max(BELIEVED_LATENESS);
        if late > master_down || (is_late && !watch.was_late) {
            // This process slept: adverts of a living Master may wait in the socket.
            watch.was_late = true;
            watch.down_at = again;
        } else if watch.probe.was_answered() {
            watch.wait_for_holder(context.now, master_down);
        } else if self.is_grouped {
            watch.wants = true;
        } else {
            self.claim(context, "master down timer expired".to_owned());
        }
    }

    /// The routine of a holder.
    fn serve(&mut self, context: &mut Context<'_>) {
        if self.hold.answer_is_overdue(context.now) {
            self.hold.forget_requests();
            return self.kernel_refuses(context, "the kernel did not answer a request for addresses".to_owned());
        }
        if self.answer_at.is_some_and(|at| context.now >= at) {
            self.answer(context);
        }
        if context.now >= self.advert_at {
            self.send_advert(context);
        }
        self.refresh_lease(context);
        if self.announcements.is_held_back() {
            if self.announcements.next().is_some_and(|at| at <= context.now) {
                self.wait_is_over(context);
            }
        } else if let Some(repeat) = self.announcements.due(context.now, &self.config.announce) {
            self.announce_held(context, repeat);
        }
    }

    /// When [`Instance::tick`] has something to do.
    pub fn next(&self) -> Option<Instant> {
        let refusal = || self.kernel_refusal.as_ref().map(|(_, until)| *until);
        match &self.phase {
            _ if self.is_stopped => None,
            Phase::Initialize => self.link.is_none().then_some(self.grace_until),
            Phase::Fault => refusal(),
            Phase::Backup(watch) => {
                (!watch.wants).then(|| watch.probe.next().map_or(watch.down_at, |at| at.min(watch.down_at)))
            }
            Phase::Master => Some(self.next_of_holder()),
            Phase::Releasing(release) => Some(self.next_of_holder().min(release.until)),
            Phase::GivingWay(giving) => Some(self.next_of_holder().min(giving.until)),
        }
    }

    fn next_of_holder(&self) -> Instant {
        let others = self.hold.next().into_iter().chain(self.announcements.next()).chain(self.answer_at);
        others.fold(self.advert_at, Instant::min)
    }
}
