//! One router on a bench: time moves when told, the kernel answers when told, the LAN is a list of what was sent.

use std::net::IpAddr;
use std::time::Duration;

use crate::model::vrrp::*;
use crate::model::{Priority, Vrid};
use crate::state::command::VrrpCommand;
use crate::state::vrrp::{InstanceStatus, State};
use crate::time::Instant;
use crate::vrrp::io::{Effective, Input, Link, Output, Received};
use crate::vrrp::router::Router;
use crate::wire::vrrp::{self as wire, Advert, Authentication as WireAuthentication, Body, Coverage};

/// Own address of the rig; peers are .1 to .9 (worse in a tie) and .20 and up (better).
pub const OWN: &str = "192.0.2.10";
pub const VIP: &str = "192.0.2.253";
/// Somebody else's link address.
const OTHER: [u8; 6] = [2, 0, 0, 0, 0, 9];

pub fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub fn vip(address: &str) -> VirtualAddress {
    VirtualAddress { name: None, address: ip(address), prefix: 32, interface: "eth0".to_owned() }
}

/// Priority 100, one second, version 3, multicast, preemption without delay, a lease of 3 s.
pub fn config() -> Instance {
    Instance {
        name: "web".to_owned(),
        interface: "eth0".to_owned(),
        version: Version::V3,
        family: Family::V4,
        vrid: Vrid::new(51).unwrap(),
        priority: Priority::new(100).unwrap(),
        advert_interval: ms(1000),
        down_adverts: 3,
        preempt: Preempt::After(Duration::ZERO),
        authentication: Authentication::None,
        transport: Transport::Multicast { group: Family::V4.multicast_group() },
        addresses: vec![vip(VIP)],
        announce: Announce { burst: 5, delay: Some(ms(5000)), refresh: Some(ms(60_000)) },
        lease: Some(ms(3000)),
        checksum: ChecksumForm::PseudoHeader,
        track: Vec::new(),
    }
}

/// How the rig's kernel treats requests for addresses.
#[derive(Clone, Copy, PartialEq)]
pub enum Kernel {
    Grants,
    Refuses,
    Silent,
}

pub struct Rig {
    pub router: Router,
    pub now: Instant,
    pub kernel: Kernel,
    /// Whether requests on an address are over as soon as that is asked for, and the new Master announces itself then.
    pub is_quick: bool,
    /// Everything since the last [`Rig::take`].
    pub outputs: Vec<Output>,
}

impl Rig {
    /// A configured router whose interface is up and whose checks have run.
    pub fn new(config: Instance) -> Rig {
        let mut rig = Rig::unready(vec![config], Vec::new());
        rig.input(Input::Ready(true));
        rig
    }

    pub fn unready(instances: Vec<Instance>, groups: Vec<SyncGroup>) -> Rig {
        let mut rig = Rig::bare();
        rig.input(Input::Configure { instances, groups });
        rig.link(true, &[OWN, "fe80::10"]);
        rig
    }

    pub fn bare() -> Rig {
        let now = Instant::from_nanos(1_000_000_000_000);
        Rig { router: Router::new(now), now, kernel: Kernel::Grants, is_quick: true, outputs: Vec::new() }
    }

    /// A router that has become Master.
    pub fn master(config: Instance) -> Rig {
        let mut rig = Rig::new(config);
        rig.pass(ms(4000));
        assert_eq!(rig.state(), State::Master);
        rig.pass(ms(6000)); // the second burst is over
        rig.take();
        rig
    }

    /// A Backup of a Master with this priority at .1, heard just now.
    pub fn backup_of(config: Instance, priority: u8) -> Rig {
        let mut rig = Rig::new(config);
        rig.hear(priority);
        assert_eq!(rig.state(), State::Backup);
        rig.take();
        rig
    }

    pub fn input(&mut self, input: Input) {
        self.router.handle_input(self.now, input);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.router.poll_output() {
            let answers = match (&output, self.kernel) {
                (Output::AddAddresses { instance, is_refresh: false, .. }, Kernel::Grants) => {
                    vec![Input::AddressesAdded { instance: *instance, result: Ok(()) }]
                }
                (Output::AddAddresses { instance, is_refresh: false, .. }, Kernel::Refuses) => {
                    vec![Input::AddressesAdded { instance: *instance, result: Err("no buffer space".to_owned()) }]
                }
                (Output::Finish { instance, addresses }, _) if self.is_quick => {
                    vec![Input::Finished { instance: *instance }, in_use(&addresses[0].address.to_string())]
                }
                _ => Vec::new(),
            };
            self.outputs.push(output);
            for answer in answers {
                self.router.handle_input(self.now, answer);
            }
        }
    }

    /// Lets time pass, with every timer at its time.
    pub fn pass(&mut self, duration: Duration) {
        let end = self.now + duration;
        while let Some(next) = self.router.poll_timeout().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            self.router.handle_timeout(self.now);
            self.drain();
            assert!(self.router.poll_timeout().is_none_or(|next| next > self.now), "a timer stays due");
        }
        self.now = end;
    }

    /// Lets time pass while the process sleeps, then wakes it.
    pub fn sleep(&mut self, duration: Duration) {
        self.now += duration;
        self.router.handle_timeout(self.now);
        self.drain();
    }

    pub fn link(&mut self, is_up: bool, addresses: &[&str]) {
        let addresses = addresses.iter().map(|address| ip(address)).collect();
        self.input(Input::Link(Link { interface: "eth0".to_owned(), is_there: true, is_up, addresses }));
    }

    pub fn effective(&mut self, effective: Effective) {
        self.effective_of(0, effective);
    }

    pub fn effective_of(&mut self, instance: usize, effective: Effective) {
        let down = if matches!(effective, Effective::Priority(_)) { vec![] } else { vec!["backend app".to_owned()] };
        self.input(Input::Effective { instance, effective, down });
    }

    pub fn command(&mut self, command: VrrpCommand) {
        self.input(Input::Command(command));
    }

    /// A good advert from .1.
    pub fn hear(&mut self, priority: u8) {
        self.hear_from("192.0.2.1", priority);
    }

    pub fn hear_from(&mut self, source: &str, priority: u8) {
        self.input(Input::Advert(advert(source, priority).received()));
    }

    pub fn status(&self) -> InstanceStatus {
        self.router.status(self.now).instances.remove(0)
    }

    pub fn state(&self) -> State {
        self.status().state
    }

    pub fn rejected(&self, counter: &str) -> u64 {
        self.status().rejected.get(counter).copied().unwrap_or(0)
    }

    /// What happened since the last time, in words.
    pub fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.outputs).iter().map(describe).collect()
    }

    /// Priorities sent since the last [`Rig::take`].
    pub fn sent(&mut self) -> Vec<u8> {
        let sent = self.outputs.iter().filter_map(|output| match output {
            Output::Send(transmit) => {
                Some(wire::parse(&transmit.bytes, transmit.source, transmit.destination).unwrap().0.priority)
            }
            _ => None,
        });
        let sent = sent.collect();
        self.outputs.clear();
        sent
    }

    pub fn has_output(&self, word: &str) -> bool {
        self.outputs.iter().any(|output| describe(output).contains(word))
    }
}

/// Somebody else says that it has an address.
pub fn in_use(address: &str) -> Input {
    Input::AddressInUse { interface: "eth0".to_owned(), address: ip(address), by: OTHER }
}

/// An output in a few words.
fn describe(output: &Output) -> String {
    let list = |addresses: &[VirtualAddress]| {
        addresses.iter().map(|virtual_ip| virtual_ip.address.to_string()).collect::<Vec<_>>().join(" ")
    };
    match output {
        Output::Send(transmit) => {
            let advert = wire::parse(&transmit.bytes, transmit.source, transmit.destination).unwrap().0;
            format!("send {}", advert.priority)
        }
        Output::AddAddresses { addresses, is_refresh: true, .. } => format!("refresh {}", list(addresses)),
        Output::AddAddresses { addresses, .. } => format!("add {}", list(addresses)),
        Output::Finish { addresses, .. } => format!("finish {}", list(addresses)),
        Output::RemoveAddresses { addresses, .. } => format!("remove {}", list(addresses)),
        Output::Announce { addresses, repeat, .. } => format!("announce {} x{repeat}", list(addresses)),
        Output::Probe { addresses } => format!("probe {}", list(addresses)),
        Output::Transition(transition) => {
            format!("{} -> {}: {}", transition.from.name(), transition.to.name(), transition.reason)
        }
        Output::Warn { message, .. } => format!("warn {message}"),
        Output::Stopped => "stopped".to_owned(),
    }
}

/// An advert on its way, to be bent.
pub struct Crafted {
    pub source: IpAddr,
    pub destination: IpAddr,
    pub ttl: Option<u8>,
    pub advert: Advert,
    pub coverage: Coverage,
}

/// A good version 3 advert for [`config`].
pub fn advert(source: &str, priority: u8) -> Crafted {
    Crafted {
        source: ip(source),
        destination: ip("224.0.0.18"),
        ttl: Some(255),
        advert: Advert { vrid: 51, priority, addresses: vec![ip(VIP)], body: Body::V3 { interval: 100 } },
        coverage: Coverage::PseudoHeader,
    }
}

/// A good version 2 advert with a password.
pub fn advert_v2(source: &str, priority: u8, password: [u8; 8]) -> Crafted {
    let mut crafted = advert(source, priority);
    crafted.advert.body = Body::V2 { interval: 1, authentication: WireAuthentication::Pass(password) };
    crafted
}

impl Crafted {
    pub fn with(mut self, bend: impl FnOnce(&mut Crafted)) -> Crafted {
        bend(&mut self);
        self
    }

    pub fn received(self) -> Received {
        Received {
            interface: "eth0".to_owned(),
            source: self.source,
            destination: self.destination,
            ttl: self.ttl,
            bytes: self.advert.build(self.source, self.destination, self.coverage),
        }
    }
}
