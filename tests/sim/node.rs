//! A node: a router process that may sleep or be dead, a clock that drifts, a kernel that outlives the process.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use vipgate::model::vrrp::{Instance, SyncGroup, VirtualAddress};
use vipgate::state::vrrp::State;
use vipgate::time::Instant;
use vipgate::vrrp::io::{Input, Link};
use vipgate::vrrp::{Effective, Router};

/// Datagrams and netlink messages that wait for a process that sleeps.
const INBOX: usize = 200;

pub struct Node {
    pub address: IpAddr,
    pub instances: Vec<Instance>,
    pub groups: Vec<SyncGroup>,
    pub router: Option<Router>,
    /// Counts starts, so that answers to a dead process are thrown away.
    pub incarnation: u32,
    /// Number of its last wish to be woken.
    pub wish: u64,
    pub is_paused: bool,
    /// Somebody deleted an address while it slept.
    pub was_robbed: bool,
    pub inbox: VecDeque<Input>,
    pub kernel: Kernel,
    pub link_is_up: bool,
    pub effective: Effective,
    pub is_in_maintenance: bool,
    clock: Clock,
}

/// A clock with an offset of its own that is up to 1 % fast or slow.
struct Clock {
    offset: u64,
    per_mille: u64,
}

/// The node's kernel: addresses with lifetimes, and requests that it takes in order.
#[derive(Default)]
pub struct Kernel {
    /// Address and when (true time) its lifetime ends.
    pub addresses: BTreeMap<IpAddr, u64>,
    /// Requests under way, in order.
    pub requests: VecDeque<Request>,
    pub refuses: bool,
    pub is_slow: bool,
    /// When (true time) the last request under way will be done.
    pub busy_until: u64,
}

#[derive(Clone)]
pub struct Request {
    pub incarnation: u32,
    pub instance: usize,
    pub change: Change,
    pub addresses: Vec<VirtualAddress>,
}

#[derive(Clone, Copy, PartialEq)]
pub enum Change {
    Add(Duration),
    Refresh(Duration),
    Remove,
}

impl Node {
    pub fn new(address: IpAddr, instances: Vec<Instance>, groups: Vec<SyncGroup>, offset: u64, per_mille: u64) -> Node {
        let effective = Effective::Priority(instances[0].priority);
        Node {
            address,
            instances,
            groups,
            router: None,
            incarnation: 0,
            wish: 0,
            is_paused: false,
            was_robbed: false,
            inbox: VecDeque::new(),
            kernel: Kernel::default(),
            link_is_up: true,
            effective,
            is_in_maintenance: false,
            clock: Clock { offset, per_mille },
        }
    }

    /// What its clock says at a true time.
    pub fn local(&self, now: u64) -> Instant {
        Instant::from_nanos(self.clock.offset + now / 1000 * self.clock.per_mille)
    }

    /// The true time at which its clock says this.
    pub fn truth(&self, local: Instant) -> u64 {
        (local.as_nanos().saturating_sub(self.clock.offset)).div_ceil(self.clock.per_mille) * 1000
    }

    /// A lifetime by its clock in true time.
    pub fn true_duration(&self, lease: Duration) -> u64 {
        lease.as_nanos() as u64 / self.clock.per_mille * 1000
    }

    pub fn is_awake(&self) -> bool {
        self.router.is_some() && !self.is_paused
    }

    pub fn queue(&mut self, input: Input) {
        if self.inbox.len() < INBOX {
            self.inbox.push_back(input);
        }
    }

    pub fn link(&self) -> Link {
        Link { interface: "eth0".to_owned(), is_there: true, is_up: self.link_is_up, addresses: vec![self.address] }
    }

    pub fn state(&self, instance: usize, now: u64) -> Option<State> {
        let router = self.router.as_ref()?;
        Some(router.status(self.local(now)).instances.get(instance)?.state)
    }

    pub fn holds(&self, address: IpAddr) -> bool {
        self.kernel.addresses.contains_key(&address)
    }

    /// A removal of this address is on its way to the kernel.
    pub fn is_removing(&self, address: IpAddr) -> bool {
        self.kernel.requests.iter().any(|request| {
            request.change == Change::Remove && request.addresses.iter().any(|removed| removed.address == address)
        })
    }

    /// Priority that it competes with; `None` while it must not hold anything.
    pub fn effective_priority(&self) -> Option<u8> {
        match self.effective {
            Effective::Fault => None,
            Effective::Degraded => Some(1),
            Effective::Priority(priority) => Some(priority.value()),
        }
    }
}
