//! Time, and everything that happens in it, in order.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use vipgate::vrrp::io::{Input, Received};

use crate::judge;
use crate::node::Node;
use crate::profile::{self, Profile};
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
    pub is_calm: bool,
    pub is_still: bool,
    events: BinaryHeap<Reverse<(u64, u64)>>,
    pending: BTreeMap<u64, Event>,
    sequence: u64,
    trace: VecDeque<String>,
    pub tally: Tally,
    complaint: Option<String>,
}

/// Something that will happen.
pub enum Event {
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
    /// A node hears that another has an address: the other's kernel answered, or the other announced itself.
    InUse(usize, IpAddr, usize),
    /// An announcement reaches the client.
    Announced(usize, IpAddr),
    Stroke(Stroke),
    Stranger,
}

impl World {
    pub fn new(seed: u64) -> World {
        let mut random = Random::new(seed);
        let (profile, nodes, words) = profile::draw(&mut random);
        let count = nodes.len();
        let mut world = World {
            now: 1_000_000_000,
            nodes,
            random,
            profile,
            client: BTreeMap::new(),
            cut: vec![vec![false; count + 1]; count + 1],
            loss: 0,
            is_calm: false,
            is_still: false,
            events: BinaryHeap::new(),
            pending: BTreeMap::new(),
            sequence: 0,
            trace: VecDeque::new(),
            tally: Tally::default(),
            complaint: None,
        };
        world.note(words);
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

    pub fn after(&mut self, delay: Duration, event: Event) {
        self.at(self.now + delay.as_nanos() as u64, event);
    }

    pub fn at(&mut self, at: u64, event: Event) {
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

    pub fn complain(&mut self, complaint: String) {
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
}
