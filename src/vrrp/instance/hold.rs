//! The addresses: asked for, held, leased, taken away by somebody else, put back, given up.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use super::{Context, Instance, KERNEL_RETRY};
use crate::model::vrrp::VirtualAddress;
use crate::time::Instant;
use crate::vrrp::io::Output;

/// How long the kernel may take to answer.
const ANSWER_TIME: Duration = Duration::from_secs(1);
/// Removals by somebody else that are repaired within [`REPAIR_WINDOW`]; one more is a fault.
const REPAIRS: usize = 5;
/// See [`REPAIRS`].
const REPAIR_WINDOW: Duration = Duration::from_secs(10);
/// Unanswered requests that are remembered.
const MAX_REQUESTS: usize = 64;

/// Where the addresses are.
#[derive(Clone, Debug, Default)]
pub struct Hold {
    /// Confirmed by the kernel.
    held: Vec<VirtualAddress>,
    /// Asked for; the kernel answers in order.
    requests: VecDeque<Request>,
    /// When the kernel drops the first of them by itself.
    lease_until: Option<Instant>,
    /// When the lease is renewed.
    refresh_at: Option<Instant>,
    /// When somebody else removed one, newest last.
    removals: VecDeque<Instant>,
}

#[derive(Clone, Debug)]
struct Request {
    addresses: Vec<VirtualAddress>,
    answer_by: Instant,
    /// Given up before the kernel answered.
    is_void: bool,
}

impl Hold {
    /// Whether any address is confirmed.
    pub fn is_any(&self) -> bool {
        !self.held.is_empty()
    }

    pub fn lease_is_over(&self, now: Instant) -> bool {
        self.is_any() && self.lease_until.is_some_and(|until| until <= now)
    }

    pub fn answer_is_overdue(&self, now: Instant) -> bool {
        self.pending().is_some_and(|request| request.answer_by <= now)
    }

    pub fn forget_requests(&mut self) {
        self.requests.clear();
    }

    pub fn next(&self) -> Option<Instant> {
        self.refresh_at.into_iter().chain(self.pending().map(|request| request.answer_by)).min()
    }

    fn pending(&self) -> Option<&Request> {
        self.requests.iter().find(|request| !request.is_void)
    }
}

impl Instance {
    /// Asks the kernel for addresses.
    pub(super) fn add_addresses(&mut self, context: &mut Context<'_>, addresses: Vec<VirtualAddress>) {
        if addresses.is_empty() {
            return;
        }
        let until = self.config.lease.map(|lease| context.now + lease);
        self.hold.lease_until = self.hold.lease_until.into_iter().chain(until).min();
        if self.hold.refresh_at.is_none() {
            self.hold.refresh_at = self.config.lease.map(|lease| context.now + lease / 3);
        }
        if self.hold.requests.len() >= MAX_REQUESTS {
            self.hold.requests.pop_front();
        }
        let answer_by = context.now + ANSWER_TIME;
        self.hold.requests.push_back(Request { addresses: addresses.clone(), answer_by, is_void: false });
        context.outputs.push_back(Output::AddAddresses {
            instance: self.number,
            addresses,
            lease: self.config.lease,
            is_refresh: false,
        });
    }

    /// The kernel answered the oldest request.
    pub fn addresses_added(&mut self, context: &mut Context<'_>, result: Result<(), String>) {
        let Some(request) = self.hold.requests.pop_front() else { return };
        if request.is_void || !self.state().may_hold() {
            return;
        }
        match result {
            Ok(()) => {
                self.hold.held.extend(request.addresses.iter().cloned());
                if !self.announcements.is_held_back() {
                    self.announce(context, request.addresses, self.config.announce.burst);
                    self.announcements.burst_sent(context.now, &self.config.announce);
                }
            }
            Err(why) => self.kernel_refuses(context, format!("the kernel refused an address: {why}")),
        }
    }

    /// Goes into fault for a while.
    pub(super) fn kernel_refuses(&mut self, context: &mut Context<'_>, reason: String) {
        self.kernel_refusal = Some((reason, context.now + KERNEL_RETRY));
        self.settle(context);
    }

    /// Gives up every address, those that the kernel has not confirmed too.
    pub(super) fn remove_addresses(&mut self, context: &mut Context<'_>) {
        for request in &mut self.hold.requests {
            request.is_void = true;
        }
        self.hold.held.clear();
        self.hold.lease_until = None;
        self.hold.refresh_at = None;
        self.announcements = Default::default();
        context
            .outputs
            .push_back(Output::RemoveAddresses { instance: self.number, addresses: self.config.addresses.clone() });
    }

    /// Somebody else removed an address: put it back without leaving Master, unless it happens again and again.
    pub fn address_removed(&mut self, context: &mut Context<'_>, interface: &str, address: IpAddr) {
        let is_it = |held: &VirtualAddress| held.address == address && held.interface == interface;
        let Some(position) = self.hold.held.iter().position(is_it) else { return };
        let lost = self.hold.held.remove(position);
        let removals = &mut self.hold.removals;
        removals.retain(|at| context.now.since(*at) < REPAIR_WINDOW);
        if removals.len() >= REPAIRS {
            removals.clear();
            let reason = format!("somebody removes {address} again and again");
            return self.kernel_refuses(context, reason);
        }
        removals.push_back(context.now);
        self.report.readded += 1;
        self.add_addresses(context, vec![lost]);
        self.warn(context, "readded", || format!("somebody removed {address}: put back"));
    }

    /// Renews the lease when a third of it has passed. The caller has seen to it that this process did not sleep.
    pub(super) fn refresh_lease(&mut self, context: &mut Context<'_>) {
        let (Some(lease), Some(at)) = (self.config.lease, self.hold.refresh_at) else { return };
        if context.now < at {
            return;
        }
        self.hold.refresh_at = Some(context.now + lease / 3);
        if self.hold.is_any() {
            self.hold.lease_until = Some(context.now + lease);
            context.outputs.push_back(Output::AddAddresses {
                instance: self.number,
                addresses: self.hold.held.clone(),
                lease: Some(lease),
                is_refresh: true,
            });
        }
    }

    /// Announces what is really there.
    pub(super) fn announce_held(&mut self, context: &mut Context<'_>, repeat: u32) {
        self.announce(context, self.hold.held.clone(), repeat);
    }

    /// A burst now and one later: somebody may have been told otherwise.
    pub(super) fn announce_again(&mut self, context: &mut Context<'_>) {
        if self.hold.is_any() {
            self.announce_held(context, self.config.announce.burst);
            self.announcements.burst_sent(context.now, &self.config.announce);
        }
    }

    fn announce(&mut self, context: &mut Context<'_>, addresses: Vec<VirtualAddress>, repeat: u32) {
        if !addresses.is_empty() {
            context.outputs.push_back(Output::Announce { instance: self.number, addresses, repeat });
        }
    }

    /// Follows a new address list in place: the difference is added and removed, the rest stays where it is.
    pub(super) fn change_addresses(&mut self, context: &mut Context<'_>, old: &[VirtualAddress]) {
        let new = self.config.addresses.clone();
        let gone: Vec<_> = old.iter().filter(|address| !new.contains(address)).cloned().collect();
        if !gone.is_empty() {
            self.hold.held.retain(|address| !gone.contains(address));
            for request in &mut self.hold.requests {
                request.addresses.retain(|address| !gone.contains(address));
            }
            context.outputs.push_back(Output::RemoveAddresses { instance: self.number, addresses: gone });
        }
        self.add_addresses(context, new.into_iter().filter(|address| !old.contains(address)).collect());
    }

    /// Follows a new lease in place: renewed at once.
    pub(super) fn change_lease(&mut self, context: &mut Context<'_>) {
        self.hold.lease_until = self.config.lease.map(|lease| context.now + lease);
        self.hold.refresh_at = self.config.lease.map(|lease| context.now + lease / 3);
        if self.hold.is_any() {
            context.outputs.push_back(Output::AddAddresses {
                instance: self.number,
                addresses: self.hold.held.clone(),
                lease: self.config.lease,
                is_refresh: true,
            });
        }
    }
}
