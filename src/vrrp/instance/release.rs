//! Leaving on purpose: orders, tracking, configuration. An offer is priority 0 while serving goes on.
//!
//! | cause       | somebody takes over                  | nobody does                        |
//! |-------------|--------------------------------------|------------------------------------|
//! | Stop        | addresses away, Initialize           | the same, after a Master_Down      |
//! | Failover    | Backup; no preemption of this Master | Master as before, and says so      |
//! | Maintenance | Backup with priority 1               | Master with priority 1, says so    |
//! | Degraded    | Backup with priority 1               | Master with priority 1             |
//!
//! Priority 1 is the sign of a node that would rather not: any node that is well takes over from it at once. After a
//! failover this node leaves the new Master alone, for ever if need be; it claims when that Master falls silent, says
//! farewell or becomes degraded.

use super::handover::GivingWay;
use super::{Context, Instance, Phase};
use crate::model::vrrp::Instance as Config;
use crate::state::vrrp::State;
use crate::time::Instant;
use crate::vrrp::io::{Effective, Link};
use crate::vrrp::timers;

/// Why the addresses are offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    Stop,
    Failover,
    Maintenance,
    Degraded,
}

impl Cause {
    const fn reason(self) -> &'static str {
        match self {
            Cause::Stop => "stopping",
            Cause::Failover => "failover asked for",
            Cause::Maintenance => "maintenance",
            Cause::Degraded => "degraded",
        }
    }
}

/// An offer under way.
#[derive(Clone, Copy, Debug)]
pub struct Release {
    pub cause: Cause,
    pub until: Instant,
}

impl Instance {
    /// Offers the addresses.
    fn release(&mut self, context: &mut Context<'_>, cause: Cause, reason: String) {
        let from = self.state();
        let window = if cause == Cause::Stop { timers::farewell(&self.config) } else { timers::offer(&self.config) };
        self.phase = Phase::Releasing(Release { cause, until: context.now + window });
        self.send_advert(context);
        self.report_state(context, from, reason);
    }

    /// Back from an offer to serving.
    fn resume(&mut self, context: &mut Context<'_>, reason: String) {
        let from = self.state();
        self.phase = Phase::Master;
        self.send_advert(context);
        self.report_state(context, from, reason);
    }

    /// Whether the addresses go for good.
    pub(super) fn is_stopping(&self) -> bool {
        match &self.phase {
            Phase::Releasing(Release { cause, .. }) | Phase::GivingWay(GivingWay { cause: Some(cause), .. }) => {
                *cause == Cause::Stop
            }
            _ => false,
        }
    }

    fn releases_for(&self, asked: Cause) -> bool {
        matches!(self.phase, Phase::Releasing(Release { cause, .. }) if cause == asked)
    }

    /// The peers' time is over and nobody took the addresses.
    pub(super) fn finish_release(&mut self, context: &mut Context<'_>) {
        let Phase::Releasing(Release { cause, .. }) = self.phase else { return };
        if cause == Cause::Stop {
            let from = self.state();
            self.remove_addresses(context);
            return self.finish_stop(context, from, "stopped; no peer took over".to_owned());
        }
        if cause != Cause::Degraded {
            self.warn(context, cause.reason(), || format!("{}: no peer took over, still serving", cause.reason()));
        }
        self.resume(context, format!("{}, but no peer took over", cause.reason()));
    }

    /// The end of a stop. The addresses are gone already.
    pub(super) fn finish_stop(&mut self, context: &mut Context<'_>, from: State, reason: String) {
        self.is_stopped = true;
        self.phase = Phase::Initialize;
        self.advert_at = Instant::FAR_FUTURE;
        self.report_state(context, from, reason);
    }

    /// Stops: offers the addresses first if it has them. A second order does not wait.
    pub fn stop(&mut self, context: &mut Context<'_>) {
        match self.phase {
            _ if self.is_stopped => {}
            Phase::Releasing(Release { cause: Cause::Stop, .. }) => self.finish_release(context),
            Phase::Master | Phase::Releasing(_) => self.release(context, Cause::Stop, Cause::Stop.reason().to_owned()),
            Phase::GivingWay(ref mut giving) => giving.cause = Some(Cause::Stop),
            Phase::Initialize | Phase::Backup(_) | Phase::Fault => {
                let from = self.state();
                self.finish_stop(context, from, "stopped".to_owned());
            }
        }
    }

    /// Offers the addresses once.
    pub fn fail_over(&mut self, context: &mut Context<'_>) {
        match self.phase {
            Phase::Master => self.release(context, Cause::Failover, Cause::Failover.reason().to_owned()),
            Phase::Releasing(_) | Phase::GivingWay(_) => {}
            Phase::Initialize | Phase::Backup(_) | Phase::Fault => {
                self.warn(context, "failover", || "failover asked for, but this node is not Master".to_owned());
            }
        }
    }

    /// Maintenance begins or ends.
    pub fn maintain(&mut self, context: &mut Context<'_>, is_on: bool) {
        if self.is_in_maintenance == is_on {
            return;
        }
        self.is_in_maintenance = is_on;
        match self.phase {
            Phase::Master if is_on => self.release(context, Cause::Maintenance, Cause::Maintenance.reason().to_owned()),
            Phase::Master => self.send_advert(context),
            Phase::Releasing(_) if !is_on && self.releases_for(Cause::Maintenance) => {
                self.resume(context, "maintenance is over".to_owned());
            }
            Phase::Backup(_) => self.priority_changed(),
            Phase::Releasing(_) | Phase::GivingWay(_) | Phase::Initialize | Phase::Fault => {}
        }
    }

    /// Tracking came to a result.
    pub fn track(&mut self, context: &mut Context<'_>, effective: Effective, down: Vec<String>) {
        let before = self.priority();
        let was = std::mem::replace(&mut self.effective, effective);
        self.report.down = down;
        if matches!(effective, Effective::Priority(_)) && !matches!(was, Effective::Priority(_)) {
            self.sound_since = context.now;
            self.has_offered = false;
        }
        match self.phase {
            Phase::Master if effective == Effective::Degraded && !self.has_offered && !self.is_in_maintenance => {
                self.has_offered = true;
                let reason = format!("degraded, down: {}", self.report.down.join(", "));
                self.release(context, Cause::Degraded, reason);
            }
            Phase::Releasing(_) if self.releases_for(Cause::Degraded) && effective != Effective::Degraded => {
                if effective != Effective::Fault {
                    self.resume(context, "tracked objects are up again".to_owned());
                }
            }
            Phase::Master if self.priority() != before && effective != Effective::Fault => self.send_advert(context),
            Phase::Backup(_) => self.priority_changed(),
            Phase::Initialize | Phase::Master | Phase::Releasing(_) | Phase::GivingWay(_) | Phase::Fault => {}
        }
        self.settle(context);
    }

    /// A Backup's skew follows its priority. The running timer may come earlier, never later.
    fn priority_changed(&mut self) {
        let master_down = self.master_down();
        if let Phase::Backup(watch) = &mut self.phase {
            watch.down_at = watch.down_at.min(watch.from + master_down);
        }
    }

    /// The interface changed.
    pub fn follow_link(&mut self, context: &mut Context<'_>, link: &Link) {
        if link.interface == self.config.interface {
            self.link = Some(link.clone());
            self.settle(context);
        }
    }

    /// Another member of its sync group is in fault, or none is any more.
    pub fn follow_group(&mut self, context: &mut Context<'_>, faulty: Option<String>) {
        if self.group_fault != faulty {
            self.group_fault = faulty;
            self.settle(context);
        }
    }

    /// Whether it is a member of a sync group: then it claims with the others only.
    pub fn join_group(&mut self, is_grouped: bool) {
        self.is_grouped = is_grouped;
        if !is_grouped {
            self.group_fault = None;
            if let Phase::Backup(watch) = &mut self.phase {
                watch.wants = false;
            }
        }
    }

    /// Whether a new configuration is still the same virtual router.
    pub fn is_same_router(&self, config: &Config) -> bool {
        let key = |config: &Config| {
            (config.name.clone(), config.interface.clone(), config.family, config.version, config.vrid)
        };
        key(&self.config) == key(config)
    }

    /// Runs another configuration of the same virtual router from now on, without leaving its state.
    pub fn reconfigure(&mut self, context: &mut Context<'_>, number: usize, config: Config) {
        self.number = number;
        let old = std::mem::replace(&mut self.config, config);
        if old.priority != self.config.priority && matches!(self.effective, Effective::Priority(_)) {
            self.effective = Effective::Priority(self.config.priority);
        }
        let timers_changed =
            old.advert_interval != self.config.advert_interval || old.down_adverts != self.config.down_adverts;
        if self.state().may_hold() {
            self.interval = self.config.advert_interval;
            if old.addresses != self.config.addresses {
                self.change_addresses(context, &old.addresses);
            }
            if old.lease != self.config.lease {
                self.change_lease(context);
            }
            if old.addresses != self.config.addresses || timers_changed || old.priority != self.config.priority {
                self.send_advert(context);
            }
        } else if timers_changed {
            self.interval = self.config.advert_interval;
            if let Phase::Backup(_) = self.phase {
                self.watch(context.now, None);
            }
        } else {
            self.priority_changed();
        }
    }

    /// Is no longer configured.
    pub fn retire(&mut self, context: &mut Context<'_>) {
        let from = self.state();
        if from.may_hold() {
            self.send(context, 0);
            self.remove_addresses(context);
        }
        self.finish_stop(context, from, "no longer configured".to_owned());
    }
}
