//! Time, the LAN, and everything that happens on it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use vipgate::model::vrrp::*;
use vipgate::model::{Priority, Vrid};
use vipgate::state::command::VrrpCommand;
use vipgate::vrrp::io::{Input, Output, Received, Transmit};
use vipgate::vrrp::{Effective, Router};

use crate::judge;
use crate::node::{Change, Node, Request};
use crate::random::Random;
use crate::weather::{self, Stroke, Tally};

/// How long the storm lasts, in advert intervals, at least 20 s.
const STORM_INTERVALS: u32 = 60;
/// Quiet before the end: readiness, preempt delay, a kernel that is left alone for 10 s, elections.
const CALM: Duration = Duration::from_secs(50);
/// The end of the calm, in which nothing may change any more.
const STILL: Duration = Duration::from_secs(5);
/// Lines of trace that are kept.
const TRACE: usize = 4000;
/// Kernel timers drop an address this late at most.
const LEASE_SLACK: Duration = Duration::from_millis(700);

/// A world of one seed.
pub struct World {
    pub now: u64,
    pub nodes: Vec<Node>,
    pub random: Random,
    pub profile: Profile,
    /// Who answers for an address, as the client saw it announced last.
    pub client: BTreeMap<IpAddr, usize>,
    /// `cut[from][to]`; the client is the last index.
    pub cut: Vec<Vec<bool>>,
    /// Per cent of frames lost.
    pub loss: u8,
    pub is_still: bool,
    events: BinaryHeap<Reverse<(u64, u64)>>,
    pending: BTreeMap<u64, Event>,
    sequence: u64,
    trace: VecDeque<String>,
    tally: Tally,
    complaint: Option<String>,
}

/// What kind of world it is.
#[derive(Clone, Copy, Debug)]
pub struct Profile {
    pub interval: Duration,
    /// Loss, one-way cuts, a client that is cut off.
    pub is_lossy: bool,
    /// Nothing but splits that heal: every winner is heard, so the client must be right without any refresh. Whoever
    /// dies or leaves while it is cut off leaves the client with a stale address, and only the refresh mends that.
    pub has_splits_only: bool,
    /// No `Preempt::Never` and no operator's failover: the best must win.
    pub is_fair: bool,
    /// A third host sends adverts that must be refused, faster than the Master.
    pub has_stranger: bool,
}

enum Event {
    /// A node's router wanted to be woken; only the latest wish counts.
    Timer(usize, u64),
    /// A frame arrives.
    Deliver(usize, Received),
    /// The kernel is done with its oldest request.
    Kernel(usize),
    /// A lifetime may have ended.
    Expiry(usize),
    /// Every check of this incarnation has run.
    Ready(usize, u32),
    /// Everything under way on an instance's addresses is finished.
    Finished(usize, u32, usize),
    /// Somebody's kernel answers a node's question who has an address.
    InUse(usize, IpAddr, usize),
    /// An announcement reaches the client.
    Announced(usize, IpAddr),
    Stroke(Stroke),
    Stranger,
}

impl World {
    pub fn new(seed: u64) -> World {
        let mut random = Random::new(seed);
        let count = 2 + random.index(3);
        let version = random.pick(&[Version::V2, Version::V3, Version::V3]);
        let interval = match version {
            Version::V2 => Duration::from_secs(1),
            Version::V3 => random.pick(&[Duration::from_secs(1), Duration::from_millis(100)]),
        };
        let weather = random.below(3);
        let profile = Profile {
            interval,
            is_lossy: weather == 0,
            has_splits_only: weather == 1,
            is_fair: !random.one_in(3),
            has_stranger: random.one_in(4),
        };
        let members = if random.one_in(4) { 2 } else { 1 };
        let preempt = if !profile.is_fair && random.one_in(2) {
            Preempt::Never
        } else {
            Preempt::After(random.pick(&[Duration::ZERO, Duration::ZERO, Duration::from_secs(5)]))
        };
        let nodes = (0..count).map(|number| node(&mut random, number, &profile, version, preempt, members)).collect();
        let mut world = World {
            now: 1_000_000_000,
            nodes,
            random,
            profile,
            client: BTreeMap::new(),
            cut: vec![vec![false; count + 1]; count + 1],
            loss: 0,
            is_still: false,
            events: BinaryHeap::new(),
            pending: BTreeMap::new(),
            sequence: 0,
            trace: VecDeque::new(),
            tally: Tally::default(),
            complaint: None,
        };
        world.note(format!("{count} nodes, {members} instances, {version:?}, {preempt:?}, {profile:?}"));
        world
    }

    pub fn trace(&self) -> impl Iterator<Item = &String> {
        self.trace.iter()
    }

    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Runs start, storm and calm.
    pub fn run(&mut self) -> Result<(), String> {
        for number in 0..self.nodes.len() {
            self.start(number);
        }
        if self.profile.has_stranger {
            self.after(Duration::from_millis(10), Event::Stranger);
        }
        let storm = (self.profile.interval * STORM_INTERVALS).max(Duration::from_secs(20));
        for (after, stroke) in weather::storm(&mut self.random, storm, self.nodes.len(), &self.profile) {
            self.after(after, Event::Stroke(stroke));
        }
        self.advance(self.now + storm.as_nanos() as u64)?;
        self.calm_down();
        self.advance(self.now + (CALM - STILL).as_nanos() as u64)?;
        self.is_still = true;
        judge::in_the_end(self)?;
        self.advance(self.now + STILL.as_nanos() as u64)?;
        judge::in_the_end(self)
    }

    fn advance(&mut self, end: u64) -> Result<(), String> {
        while let Some(Reverse((at, sequence))) = self.events.peek().copied().filter(|Reverse((at, _))| *at <= end) {
            self.events.pop();
            self.now = self.now.max(at);
            if let Some(event) = self.pending.remove(&sequence) {
                self.happen(event);
                self.complaint.take().map_or(Ok(()), Err)?;
                judge::after_every_step(self)?;
            }
        }
        self.now = end;
        Ok(())
    }

    fn after(&mut self, delay: Duration, event: Event) {
        self.at(self.now + delay.as_nanos() as u64, event);
    }

    fn at(&mut self, at: u64, event: Event) {
        self.sequence += 1;
        self.events.push(Reverse((at, self.sequence)));
        self.pending.insert(self.sequence, event);
    }

    pub fn note(&mut self, line: String) {
        if self.trace.len() >= TRACE {
            self.trace.pop_front();
        }
        self.trace.push_back(format!("{:10.4} {line}", self.now as f64 / 1e9));
    }

    fn complain(&mut self, complaint: String) {
        self.note(complaint.clone());
        self.complaint.get_or_insert(complaint);
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Timer(number, wish) if self.nodes[number].wish == wish => self.wake(number),
            Event::Timer(..) => {}
            Event::Deliver(number, received) => self.input(number, Input::Advert(received)),
            Event::Kernel(number) => self.kernel_answers(number),
            Event::Expiry(number) => self.expire(number),
            Event::Ready(number, incarnation) => {
                if self.nodes[number].incarnation == incarnation {
                    self.input(number, Input::Ready(true));
                }
            }
            Event::Finished(number, incarnation, instance) => {
                if self.nodes[number].incarnation == incarnation {
                    self.input(number, Input::Finished { instance });
                }
            }
            Event::InUse(number, address, holder) => {
                self.tally.answers += 1;
                self.note(format!("n{number} hears that n{holder} has {address}"));
                let by = [2, 0, 0, 0, 0, holder as u8];
                self.input(number, Input::AddressInUse { interface: "eth0".to_owned(), address, by });
            }
            Event::Announced(number, address) => {
                self.client.insert(address, number);
            }
            Event::Stroke(stroke) => self.strike(stroke),
            Event::Stranger => self.stranger_sends(),
        }
    }

    /// Starts a process: addresses of an earlier one are cleaned up first.
    pub fn start(&mut self, number: usize) {
        let now = self.now;
        let ready_after = self.random.duration(Duration::ZERO..Duration::from_secs(3));
        let node = &mut self.nodes[number];
        node.incarnation += 1;
        node.is_paused = false;
        node.is_in_maintenance = false;
        node.inbox.clear();
        node.kernel.addresses.clear();
        node.kernel.requests.iter_mut().for_each(|request| request.change = Change::Remove);
        node.router = Some(Router::new(node.local(now)));
        let incarnation = node.incarnation;
        let configure = Input::Configure { instances: node.instances.clone(), groups: node.groups.clone() };
        let link = Input::Link(node.link());
        self.note(format!("n{number} starts"));
        self.input(number, configure);
        self.input(number, link);
        self.tell_effective(number);
        self.after(ready_after, Event::Ready(number, incarnation));
    }

    fn tell_effective(&mut self, number: usize) {
        let effective = self.nodes[number].effective;
        for instance in 0..self.nodes[number].instances.len() {
            let down = if matches!(effective, Effective::Priority(_)) { vec![] } else { vec!["x".to_owned()] };
            self.input(number, Input::Effective { instance, effective, down });
        }
    }

    /// Something reaches a process, or waits until it wakes.
    pub fn input(&mut self, number: usize, input: Input) {
        let now = self.now;
        let node = &mut self.nodes[number];
        let local = node.local(now);
        match &mut node.router {
            None => return,
            Some(_) if node.is_paused => return node.queue(input),
            Some(router) => {
                router.handle_timeout(local);
                router.handle_input(local, input);
            }
        }
        self.drain(number);
    }

    fn wake(&mut self, number: usize) {
        let now = self.now;
        let node = &mut self.nodes[number];
        let local = node.local(now);
        if let (false, Some(router)) = (node.is_paused, &mut node.router) {
            router.handle_timeout(local);
            self.drain(number);
        }
    }

    fn drain(&mut self, number: usize) {
        while let Some(output) = self.nodes[number].router.as_mut().and_then(Router::poll_output) {
            self.perform(number, output);
        }
        let node = &mut self.nodes[number];
        node.wish += 1;
        let wish = node.wish;
        if let Some(next) = node.router.as_ref().and_then(Router::poll_timeout) {
            // A thread is woken a little late.
            let at = node.truth(next).max(self.now);
            let late = self.random.duration(Duration::from_micros(1)..Duration::from_millis(2));
            self.at(at + late.as_nanos() as u64, Event::Timer(number, wish));
        }
    }

    fn perform(&mut self, number: usize, output: Output) {
        match output {
            Output::Send(transmit) => self.transmit(number, &transmit),
            Output::AddAddresses { instance, addresses, lease, is_refresh } => {
                let lease = lease.unwrap_or(Duration::from_secs(1_000_000));
                let change = if is_refresh { Change::Refresh(lease) } else { Change::Add(lease) };
                self.ask_kernel(number, instance, change, addresses);
            }
            Output::Finish { instance, .. } => {
                let long = self.random.pick(&[5, 100, 400]);
                let takes = self.random.duration(Duration::from_micros(50)..Duration::from_millis(long));
                self.after(takes, Event::Finished(number, self.nodes[number].incarnation, instance));
            }
            Output::RemoveAddresses { instance, addresses } => {
                self.ask_kernel(number, instance, Change::Remove, addresses);
            }
            Output::Announce { addresses, repeat, .. } => self.announce(number, &addresses, repeat),
            Output::Probe { addresses } => self.probe(number, &addresses),
            Output::Transition(transition) => {
                let (from, to) = (transition.from.name(), transition.to.name());
                self.note(format!("n{number} {} {from} -> {to}: {}", transition.name, transition.reason));
                self.tally.transitions += 1;
                if self.is_still {
                    self.complain(format!("n{number} changes state long after the storm"));
                }
            }
            Output::Warn { message, .. } => self.note(format!("n{number} warns: {message}")),
            Output::Stopped => {
                self.note(format!("n{number} stopped"));
                self.nodes[number].router = None;
            }
        }
    }

    fn transmit(&mut self, number: usize, transmit: &Transmit) {
        self.note(format!("n{number} sends vrid {} priority {}", transmit.bytes[1], transmit.bytes[2]));
        if !self.nodes[number].link_is_up {
            return;
        }
        for to in 0..self.nodes.len() {
            if to == number || !self.passes(number, to) {
                continue;
            }
            let received = Received {
                interface: "eth0".to_owned(),
                source: transmit.source,
                destination: transmit.destination,
                ttl: Some(transmit.ttl),
                bytes: transmit.bytes.clone(),
            };
            let latency = self.latency();
            self.after(latency, Event::Deliver(to, received));
        }
    }

    /// Whether a frame gets through just now.
    fn passes(&mut self, from: usize, to: usize) -> bool {
        let is_reachable = self.nodes.get(to).is_none_or(|node| node.link_is_up) && !self.cut[from][to];
        is_reachable && !self.random.percent(self.loss)
    }

    fn latency(&mut self) -> Duration {
        let usual = self.random.duration(Duration::from_micros(50)..Duration::from_millis(2));
        if self.profile.is_lossy && self.loss > 0 && self.random.one_in(10) { usual * 20 } else { usual }
    }

    fn announce(&mut self, number: usize, addresses: &[VirtualAddress], repeat: u32) {
        for address in addresses {
            self.tally.announcements += 1;
            self.note(format!("n{number} announces {} x{repeat}", address.address));
            let node = &self.nodes[number];
            // A theft during its sleep it cannot know before it has read its inbox.
            if !node.holds(address.address) && !node.was_robbed {
                self.complain(format!("n{number} announces {} and does not have it", address.address));
            }
            let client = self.nodes.len();
            for _ in 0..repeat {
                if self.nodes[number].link_is_up && self.passes(number, client) {
                    self.after(Duration::from_micros(100), Event::Announced(number, address.address));
                }
            }
        }
    }

    /// Every kernel that has the address answers, whatever its process does.
    fn probe(&mut self, number: usize, addresses: &[VirtualAddress]) {
        self.note(format!("n{number} asks who has its addresses"));
        for to in (0..self.nodes.len()).filter(|to| *to != number) {
            for address in addresses.iter().map(|virtual_ip| virtual_ip.address) {
                let may_ask = self.nodes[number].link_is_up && self.passes(number, to);
                if may_ask && self.nodes[to].holds(address) && self.passes(to, number) {
                    let latency = self.latency();
                    self.after(latency, Event::InUse(number, address, to));
                }
            }
        }
    }

    fn ask_kernel(&mut self, number: usize, instance: usize, change: Change, addresses: Vec<VirtualAddress>) {
        let is_slow = self.nodes[number].kernel.is_slow;
        let longest = if is_slow { Duration::from_millis(1500) } else { Duration::from_millis(3) };
        let work = self.random.duration(Duration::from_micros(20)..longest);
        let node = &mut self.nodes[number];
        let done = node.kernel.busy_until.max(self.now) + work.as_nanos() as u64;
        node.kernel.busy_until = done;
        node.kernel.requests.push_back(Request { incarnation: node.incarnation, instance, change, addresses });
        self.at(done, Event::Kernel(number));
    }

    fn kernel_answers(&mut self, number: usize) {
        let slack = self.random.duration(Duration::ZERO..LEASE_SLACK).as_nanos() as u64;
        let now = self.now;
        let node = &mut self.nodes[number];
        let Some(request) = node.kernel.requests.pop_front() else { return };
        let refuses = node.kernel.refuses;
        match request.change {
            Change::Remove => request.addresses.iter().for_each(|gone| {
                node.kernel.addresses.remove(&gone.address);
            }),
            Change::Add(_) if refuses => {}
            Change::Add(lease) | Change::Refresh(lease) => {
                let until = now + node.true_duration(lease) + slack;
                for added in &request.addresses {
                    node.kernel.addresses.insert(added.address, until);
                }
                self.at(until, Event::Expiry(number));
            }
        }
        let is_current = self.nodes[number].incarnation == request.incarnation;
        if let (true, Change::Add(_)) = (is_current, request.change) {
            let result = if refuses { Err("refused by the weather".to_owned()) } else { Ok(()) };
            self.tally.refusals += u64::from(refuses);
            self.input(number, Input::AddressesAdded { instance: request.instance, result });
        }
    }

    fn expire(&mut self, number: usize) {
        let now = self.now;
        let addresses = &mut self.nodes[number].kernel.addresses;
        let gone: Vec<IpAddr> = addresses.iter().filter(|(_, until)| **until <= now).map(|(at, _)| *at).collect();
        addresses.retain(|_, until| *until > now);
        for address in gone {
            self.tally.expiries += 1;
            self.note(format!("n{number}: the kernel drops {address}, its lease is over"));
            self.input(number, Input::AddressRemoved { interface: "eth0".to_owned(), address });
        }
    }

    /// Noise that must be refused: wrong checksum, TTL, VRID.
    fn stranger_sends(&mut self) {
        use vipgate::wire::vrrp::{Advert, Body, Coverage};
        let source = IpAddr::from([192, 0, 2, 200]);
        let destination = Family::V4.multicast_group();
        let template = &self.nodes[0].instances[0];
        let addresses = vec![template.addresses[0].address];
        let kind = self.random.below(3);
        let vrid = template.vrid.value() + u8::from(kind == 2) * 100;
        let advert = Advert { vrid, priority: 254, addresses, body: Body::V3 { interval: 100 } };
        let mut bytes = advert.build(source, destination, Coverage::PseudoHeader);
        bytes[6] ^= u8::from(kind == 1);
        let ttl = Some(if kind == 0 { 254 } else { 255 });
        for to in 0..self.nodes.len() {
            let received = Received { interface: "eth0".to_owned(), source, destination, ttl, bytes: bytes.clone() };
            self.input(to, Input::Advert(received));
        }
        self.after(self.profile.interval / 3, Event::Stranger);
    }

    fn strike(&mut self, stroke: Stroke) {
        self.note(format!("-- {stroke:?}"));
        self.tally.strokes += 1;
        match stroke {
            Stroke::Cut { from, to } => self.cut[from][to] = true,
            Stroke::Partition { mask } => {
                let ends = self.nodes.len() + usize::from(self.profile.is_lossy);
                let side = |index: usize| mask >> index & 1;
                for from in 0..ends {
                    for to in 0..ends {
                        self.cut[from][to] = side(from) != side(to);
                    }
                }
            }
            Stroke::Heal => self.cut.iter_mut().flatten().for_each(|cut| *cut = false),
            Stroke::Loss(percent) => self.loss = percent,
            Stroke::Crash(number) => {
                self.nodes[number].router = None;
                self.nodes[number].inbox.clear();
            }
            Stroke::Start(number) => {
                if self.nodes[number].router.is_none() {
                    self.start(number);
                }
            }
            Stroke::Pause(number) => {
                self.nodes[number].is_paused = true;
                self.nodes[number].was_robbed = false;
            }
            Stroke::Resume(number) => self.resume(number),
            Stroke::KernelRefuses(number, refuses) => self.nodes[number].kernel.refuses = refuses,
            Stroke::KernelIsSlow(number, is_slow) => self.nodes[number].kernel.is_slow = is_slow,
            Stroke::Thief(number) => {
                if let Some((address, _)) = self.nodes[number].kernel.addresses.pop_first() {
                    self.nodes[number].was_robbed = self.nodes[number].is_paused;
                    self.input(number, Input::AddressRemoved { interface: "eth0".to_owned(), address });
                }
            }
            Stroke::Link(number, is_up) => {
                self.nodes[number].link_is_up = is_up;
                let link = self.nodes[number].link();
                self.input(number, Input::Link(link));
            }
            Stroke::Tracking(number, condition) => {
                let own = self.nodes[number].instances[0].priority;
                self.nodes[number].effective = condition.effective(own);
                self.tell_effective(number);
            }
            Stroke::Command(number, command) => {
                if let VrrpCommand::Maintenance(is_on) = command {
                    self.nodes[number].is_in_maintenance = is_on;
                }
                self.input(number, Input::Command(command));
            }
        }
    }

    /// A process wakes: first it looks at the clock, then it reads what waited.
    fn resume(&mut self, number: usize) {
        if !std::mem::take(&mut self.nodes[number].is_paused) || self.nodes[number].router.is_none() {
            return;
        }
        self.tally.resumes += 1;
        self.wake(number);
        judge::just_after_waking(self, number).unwrap_or_else(|complaint| self.complain(complaint));
        while let Some(input) = self.nodes[number].inbox.pop_front() {
            self.input(number, input);
        }
        self.nodes[number].was_robbed = false;
    }

    /// Everything that the weather broke is repaired; what tracking says stays as it is by chance.
    fn calm_down(&mut self) {
        self.note("== calm".to_owned());
        self.strike(Stroke::Heal);
        self.loss = 0;
        for number in 0..self.nodes.len() {
            for stroke in [
                Stroke::KernelRefuses(number, false),
                Stroke::KernelIsSlow(number, false),
                Stroke::Resume(number),
                Stroke::Start(number),
                Stroke::Link(number, true),
                Stroke::Command(number, VrrpCommand::Maintenance(false)),
                Stroke::Tracking(number, weather::Condition::in_the_end(&mut self.random, number)),
            ] {
                self.strike(stroke);
            }
        }
    }
}

fn node(
    random: &mut Random,
    number: usize,
    profile: &Profile,
    version: Version,
    preempt: Preempt,
    members: usize,
) -> Node {
    let priority = if random.one_in(12) { 255 } else { random.pick(&[2, 50, 100, 100, 150, 200, 254]) };
    let lease = (profile.interval * 3).max(Duration::from_secs(2));
    let instances = (0..members).map(|member| Instance {
        name: format!("i{member}"),
        interface: "eth0".to_owned(),
        version,
        family: Family::V4,
        vrid: Vrid::new(51 + member as u8).expect("not zero"),
        priority: Priority::new(priority).expect("not zero"),
        advert_interval: profile.interval,
        down_adverts: 3,
        preempt,
        authentication: Authentication::None,
        transport: Transport::Multicast { group: Family::V4.multicast_group() },
        addresses: vec![VirtualAddress {
            name: None,
            address: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 250 + member as u8)),
            prefix: 32,
            interface: "eth0".to_owned(),
        }],
        announce: Announce {
            burst: 5,
            delay: Some(Duration::from_secs(5)),
            refresh: (!profile.has_splits_only).then_some(Duration::from_secs(10)),
        },
        lease: Some(lease),
        checksum: ChecksumForm::PseudoHeader,
        track: Vec::new(),
    });
    let groups = if members > 1 {
        vec![SyncGroup { name: "all".to_owned(), members: (0..members).collect() }]
    } else {
        Vec::new()
    };
    let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 10 + number as u8));
    let offset = random.below(1 << 40);
    let per_mille = 990 + random.below(21);
    Node::new(address, instances.collect(), groups, offset, per_mille)
}
