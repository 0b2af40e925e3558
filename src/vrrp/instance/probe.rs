//! The question before a claim: does somebody have the addresses although no advert arrives?
//!
//! A Backup asks one interval before its down timer fires, when the second of three adverts is missing. Silence, the
//! usual answer, costs nothing. An answer makes it wait one more Master_Down for an advert of the holder, and then it
//! claims nevertheless: an address that two have is better than one that nobody serves.
//!
//! Two answers prove nothing and are reported only. While adverts are heard (a Master that is worse, or says farewell) the
//! holder is known, so nobody asks. And the kernel of a Master that just died answers until the lease ends: the peer is
//! taken to have the lease that is configured here, so until that has passed a takeover is not put off.

use std::net::IpAddr;
use std::time::Duration;

use super::{Context, Instance, Phase, Watch};
use crate::time::Instant;
use crate::vrrp::io::Output;
use crate::wire::Mac;

/// A kernel drops an address up to so much later than its lease says.
const LEASE_SLACK: Duration = Duration::from_millis(700);

/// How far the question has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// Asked at this time, if adverts are missing then.
    Planned(Instant),
    /// Nobody has answered yet.
    Asked,
    /// This one has the addresses, and the down timer has not fired yet.
    Answered(Mac),
    /// The down timer fired; this one was given one more Master_Down.
    Waiting(Mac),
    /// There is nothing to ask.
    Needless,
}

impl Probe {
    /// When it is to be asked.
    pub fn next(self) -> Option<Instant> {
        if let Probe::Planned(at) = self { Some(at) } else { None }
    }

    /// Whether the answer has yet to be heeded.
    pub fn was_answered(self) -> bool {
        matches!(self, Probe::Answered(_))
    }
}

impl Watch {
    /// Starts the down timer again, once, because somebody has the addresses.
    pub fn wait_for_holder(&mut self, now: Instant, master_down: Duration) {
        if let Probe::Answered(mac) = self.probe {
            self.probe = Probe::Waiting(mac);
            self.from = now;
            self.down_at = now + master_down;
        }
    }
}

impl Instance {
    /// Asks if it is time to.
    pub(super) fn probe_in_time(&mut self, context: &mut Context<'_>) {
        let heard_at = self.heard_at;
        let Phase::Backup(watch) = &mut self.phase else { return };
        if watch.wants || watch.probe.next().is_none_or(|at| context.now < at) {
            return;
        }
        if heard_at.is_some_and(|at| at > watch.from) {
            watch.probe = Probe::Needless;
            return;
        }
        watch.probe = Probe::Asked;
        context.outputs.push_back(Output::Probe { addresses: self.config.addresses.clone() });
    }

    /// Somebody has an address.
    pub fn address_in_use(&mut self, context: &mut Context<'_>, interface: &str, address: IpAddr, by: Mac) {
        let is_ours =
            |ours: &crate::model::vrrp::VirtualAddress| ours.address == address && ours.interface == interface;
        if !self.config.addresses.iter().any(is_ours) {
            return;
        }
        self.old_master_is_there(context.now);
        self.successor_is_there(context);
        let may_be_leased = self.may_be_leased(context.now);
        let Phase::Backup(watch) = &mut self.phase else { return };
        if watch.probe != Probe::Asked {
            return;
        }
        watch.probe = if may_be_leased { Probe::Needless } else { Probe::Answered(by) };
        self.report.in_use += 1;
        let holder = mac_text(by);
        self.warn(context, "in_use", || match may_be_leased {
            true => {
                format!(
                    "vip_in_use: {holder} still has {address}, but no advert arrives: its lease may be running, or its \
                     adverts are dropped (IP protocol 112) or have another virtual_router_id"
                )
            }
            false => {
                format!(
                    "vip_in_use: {holder} has {address}, but no advert arrives (is IP protocol 112 dropped, or its \
                     virtual_router_id another?): waiting one more interval for one"
                )
            }
        });
    }

    /// Whether the last Master that was heard may be dead and its kernel still have the addresses.
    fn may_be_leased(&self, now: Instant) -> bool {
        match (self.config.lease, self.heard_at) {
            (Some(lease), Some(heard_at)) => now.since(heard_at) < lease + LEASE_SLACK,
            (None, _) | (_, None) => false,
        }
    }

    /// Who has the addresses without advertising, while that makes this node wait.
    pub(super) fn holder(&self) -> Option<Mac> {
        match &self.phase {
            Phase::Backup(Watch { probe: Probe::Answered(mac) | Probe::Waiting(mac), .. }) => Some(*mac),
            _ => None,
        }
    }
}

/// `02:00:00:00:00:01`.
pub fn mac_text(mac: Mac) -> String {
    mac.map(|byte| format!("{byte:02x}")).join(":")
}
