//! One virtual router on this node: its state and every way from one state to another.
//!
//! Read this file for the state, then `hear.rs` (adverts), `tick.rs` (timers), `probe.rs` (who has the addresses?),
//! `release.rs` (leaving on purpose), `handover.rs` (from a living Master to another), `hold.rs` (addresses and their
//! lease), `report.rs` (counters and status). Sync groups are one floor up.

mod hear;
mod tick;
mod probe;
mod hold;
mod release;
mod handover;
mod report;

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use self::handover::{GivingWay, Takeover};
use self::hear::Rival;
use self::hold::Hold;
use self::probe::Probe;
use self::release::Release;
use self::report::Report;
use super::announce::Schedule;
use super::io::{Effective, Link, Output, Transition, Transmit};
use super::{receive, timers};
use crate::model::vrrp::{Authentication, Family, Instance as Config, Preempt, Transport, Version};
use crate::state::vrrp::State;
use crate::time::Instant;
use crate::wire::vrrp as wire;

/// How long an instance waits for the first word about its interface before it calls that a fault.
const INTERFACE_GRACE: Duration = Duration::from_secs(1);
/// How long a kernel that refused an address is left alone.
const KERNEL_RETRY: Duration = Duration::from_secs(10);

/// What an instance may use while it handles one thing.
pub struct Context<'a> {
    /// Now.
    pub now: Instant,
    /// When every check had run; `None` before.
    pub ready_since: Option<Instant>,
    /// Where effects go.
    pub outputs: &'a mut VecDeque<Output>,
}

/// The state, with what exists in that state only.
#[derive(Clone, Debug)]
enum Phase {
    Initialize,
    Backup(Watch),
    Master,
    Releasing(Release),
    GivingWay(GivingWay),
    Fault,
}

/// A Backup's view of the Master.
#[derive(Clone, Copy, Debug)]
struct Watch {
    /// When the down timer was last started.
    from: Instant,
    /// When it fires.
    down_at: Instant,
    /// It fired, and the rest of the sync group has not agreed yet.
    wants: bool,
    /// It fired too late to be believed, and was given one more interval.
    was_late: bool,
    /// The Master whose advert started the down timer.
    master: Option<IpAddr>,
    /// A Master said that it leaves while this node was in no shape to hurry.
    heard_farewell: bool,
    /// How far the question who has the addresses has come.
    probe: Probe,
}

/// An instance.
pub struct Instance {
    number: usize,
    config: Config,
    phase: Phase,
    effective: Effective,
    /// `None` before the first word about the interface.
    link: Option<Link>,
    /// When silence about the interface becomes a fault.
    grace_until: Instant,
    /// The kernel refused an address: why, and until when it is left alone.
    kernel_refusal: Option<(String, Instant)>,
    /// Another member of the sync group is in fault: its name.
    group_fault: Option<String>,
    is_grouped: bool,
    is_in_maintenance: bool,
    is_stopped: bool,
    /// A planned failover gave the addresses away: no preemption until the Master goes.
    gave_way: bool,
    /// The addresses were offered since tracking degraded this node.
    has_offered: bool,
    /// Since when nothing spoke against this node: the preempt delay counts from the later of this and readiness.
    sound_since: Instant,
    /// Interval that the timers use: own, or learned from the Master (version 3).
    interval: Duration,
    /// When the next advert goes out, while Master or Releasing.
    advert_at: Instant,
    /// When the last advert was accepted, whatever it said.
    heard_at: Option<Instant>,
    /// Who advertises too while this node is Master, and loses.
    rival: Option<Rival>,
    /// When the last answer to a losing advert went out.
    answered_at: Option<Instant>,
    /// When one is answered that came too soon after the last answer.
    answer_at: Option<Instant>,
    announcements: Schedule,
    takeover: Takeover,
    hold: Hold,
    report: Report,
}

impl Instance {
    /// An instance that has heard nothing yet.
    pub fn new(number: usize, config: Config, now: Instant) -> Instance {
        Instance {
            number,
            phase: Phase::Initialize,
            effective: Effective::Priority(config.priority),
            link: None,
            grace_until: now + INTERFACE_GRACE,
            kernel_refusal: None,
            group_fault: None,
            is_grouped: false,
            is_in_maintenance: false,
            is_stopped: false,
            gave_way: false,
            has_offered: false,
            sound_since: Instant::ZERO,
            interval: config.advert_interval,
            advert_at: Instant::FAR_FUTURE,
            heard_at: None,
            rival: None,
            answered_at: None,
            answer_at: None,
            announcements: Schedule::default(),
            takeover: Takeover::default(),
            hold: Hold::default(),
            report: Report::new(format!("waiting for interface {}", config.interface), now),
            config,
        }
    }

    /// The configuration that it runs.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Its state.
    pub fn state(&self) -> State {
        match self.phase {
            Phase::Initialize => State::Initialize,
            Phase::Backup(_) => State::Backup,
            Phase::Master => State::Master,
            Phase::Releasing(_) | Phase::GivingWay(_) => State::Releasing,
            Phase::Fault => State::Fault,
        }
    }

    /// Stopped for good.
    pub fn is_stopped(&self) -> bool {
        self.is_stopped
    }

    /// Its down timer fired and it waits for its sync group.
    pub fn wants_to_claim(&self) -> bool {
        matches!(self.phase, Phase::Backup(Watch { wants: true, .. }))
    }

    /// Priority that it would compete with, 1-255. Fault is a state, not a priority.
    pub fn priority(&self) -> u8 {
        match self.effective {
            _ if self.is_in_maintenance => 1,
            Effective::Priority(priority) => priority.value(),
            Effective::Degraded | Effective::Fault => 1,
        }
    }

    /// The source of its adverts; never a virtual address.
    fn source(&self) -> Option<IpAddr> {
        let link = self.link.as_ref()?;
        let mut own = link.addresses.iter().copied().filter(|address| {
            Family::of(*address) == self.config.family
                && !self.config.addresses.iter().any(|virtual_ip| virtual_ip.address == *address)
        });
        let is_link_local = |address: &IpAddr| matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local());
        match (&self.config.transport, self.config.family) {
            (Transport::Unicast { source: Some(source), .. }, _) => own.find(|address| address == source),
            (Transport::Multicast { .. }, Family::V4) | (Transport::Unicast { .. }, Family::V4) => own.next(),
            (Transport::Multicast { .. }, Family::V6) => own.find(is_link_local),
            (Transport::Unicast { peers, .. }, Family::V6) => {
                let wants_link_local = peers.first().is_some_and(is_link_local);
                own.find(|address| is_link_local(address) == wants_link_local)
            }
        }
    }

    fn skew(&self) -> Duration {
        timers::skew(self.config.version, self.priority(), self.interval)
    }

    fn master_down(&self) -> Duration {
        timers::master_down(self.config.version, self.priority(), self.interval, self.config.down_adverts)
    }

    /// Whether it may take over from a Master that is alive and worse.
    fn may_preempt(&self, context: &Context<'_>) -> bool {
        match (self.config.preempt, context.ready_since) {
            (Preempt::After(delay), Some(ready)) => {
                !self.gave_way && context.now >= ready.max(self.sound_since) + delay
            }
            (Preempt::Never, _) | (_, None) => false,
        }
    }

    /// What keeps it from holding the addresses, apart from its sync group.
    pub fn obstacle(&self, now: Instant) -> Option<String> {
        let interface = &self.config.interface;
        match &self.link {
            None => return (now >= self.grace_until).then(|| format!("interface {interface} is not there")),
            Some(link) if !link.is_there => return Some(format!("interface {interface} is not there")),
            Some(link) if !link.is_up => return Some(format!("interface {interface} is down")),
            Some(_) => {}
        }
        if self.source().is_none() {
            return Some(match &self.config.transport {
                Transport::Unicast { source: Some(source), .. } => {
                    format!("interface {interface} has no address {source}")
                }
                _ => match self.config.family {
                    Family::V4 => format!("interface {interface} has no IPv4 address"),
                    Family::V6 => format!("interface {interface} has no IPv6 address to send from"),
                },
            });
        }
        if self.effective == Effective::Fault {
            let down = &self.report.down;
            return Some(if down.is_empty() { "tracking".to_owned() } else { format!("down: {}", down.join(", ")) });
        }
        self.kernel_refusal.as_ref().filter(|(_, until)| now < *until).map(|(why, _)| why.clone())
    }

    /// Starts, or goes into fault, as the obstacles say. Called after everything that can move one.
    pub fn settle(&mut self, context: &mut Context<'_>) {
        if self.is_stopped {
            return;
        }
        self.kernel_refusal.take_if(|(_, until)| context.now >= *until);
        let group = || self.group_fault.as_ref().map(|name| format!("{name} of its sync group is in fault"));
        match (self.obstacle(context.now).or_else(group), &self.phase) {
            (Some(reason), Phase::Fault) => self.report.reason = reason,
            (Some(reason), _) => self.fail(context, reason),
            (None, Phase::Fault) => {
                self.sound_since = context.now;
                self.start(context);
            }
            (None, Phase::Initialize) if self.link.is_some() => self.start(context),
            (None, _) => {}
        }
    }

    /// Begins to compete.
    fn start(&mut self, context: &mut Context<'_>) {
        if self.priority() == 255 && !self.is_grouped {
            return self.claim(context, "owner of the addresses".to_owned());
        }
        let from = self.state();
        self.interval = self.config.advert_interval;
        self.watch(context.now, None);
        let is_owner = self.priority() == 255;
        if let Phase::Backup(watch) = &mut self.phase {
            watch.wants = is_owner; // An owner does not wait, but for its sync group.
        }
        self.report_state(context, from, "competing".to_owned());
    }

    /// Becomes a Backup of that Master, if one is known, with a fresh down timer. The caller reports the change.
    fn watch(&mut self, now: Instant, master: Option<IpAddr>) {
        let down_at = now + self.master_down();
        self.phase = Phase::Backup(Watch {
            from: now,
            down_at,
            wants: false,
            was_late: false,
            master,
            heard_farewell: false,
            probe: Probe::Planned(down_at - self.interval),
        });
        self.advert_at = Instant::FAR_FUTURE;
    }

    /// Becomes Master: advert first, then the addresses; the announcement follows the kernel's answer, and the old
    /// Master's farewell if it lives.
    pub fn claim(&mut self, context: &mut Context<'_>, reason: String) {
        let from = self.state();
        let is_handover = self.takes_over_from_the_living(context.now);
        self.phase = Phase::Master;
        self.interval = self.config.advert_interval;
        self.gave_way = false;
        // Who claims while degraded knows that nobody better is there.
        self.has_offered = self.effective == Effective::Degraded;
        self.announcements = Schedule::default();
        self.answer_at = None;
        if is_handover {
            self.await_old_master(context.now);
        }
        self.report.became_master += 1;
        self.send_advert(context);
        self.add_addresses(context, self.config.addresses.clone());
        self.report_state(context, from, reason);
    }

    /// Gives the addresses up, says priority 0 twice, and becomes a Backup: whoever is Master announces again, and if nobody
    /// is a Backup need not wait.
    pub fn leave(&mut self, context: &mut Context<'_>, reason: String) {
        let from = self.state();
        self.remove_addresses(context);
        self.say_farewell(context);
        self.step_back(context, from, None, reason);
    }

    /// Becomes a Backup that has no address any more, of that Master if one is known.
    fn step_back(&mut self, context: &mut Context<'_>, from: State, master: Option<IpAddr>, reason: String) {
        if self.is_stopping() {
            return self.finish_stop(context, from, reason);
        }
        self.watch(context.now, master);
        self.report_state(context, from, reason);
    }

    /// Says priority 0, and once more because frames get lost.
    fn say_farewell(&mut self, context: &mut Context<'_>) {
        for _ in 0..2 {
            self.send(context, 0);
        }
    }

    /// Goes into fault: priority 0 twice, addresses away at once.
    fn fail(&mut self, context: &mut Context<'_>, reason: String) {
        let from = self.state();
        if from.may_hold() {
            self.say_farewell(context);
            self.remove_addresses(context);
        }
        self.advert_at = Instant::FAR_FUTURE;
        if self.is_stopping() {
            return self.finish_stop(context, from, reason);
        }
        self.phase = Phase::Fault;
        self.report_state(context, from, reason);
    }

    /// Sends the advert of the present state and starts the advert timer: the only place that does.
    fn send_advert(&mut self, context: &mut Context<'_>) {
        let priority = if matches!(self.phase, Phase::Releasing(_)) { 0 } else { self.priority() };
        self.send(context, priority);
        self.advert_at = context.now + self.config.advert_interval;
    }

    /// Sends a copy to every destination.
    fn send(&mut self, context: &mut Context<'_>, priority: u8) {
        let is_up = self.link.as_ref().is_some_and(|link| link.is_up);
        let Some(source) = self.source().filter(|_| is_up) else { return };
        let advert = self.advert(priority);
        let destinations = match &self.config.transport {
            Transport::Multicast { group } => std::slice::from_ref(group),
            Transport::Unicast { peers, .. } => peers,
        };
        for destination in destinations {
            context.outputs.push_back(Output::Send(Transmit {
                instance: self.number,
                interface: self.config.interface.clone(),
                source,
                destination: *destination,
                ttl: 255,
                bytes: advert.build(source, *destination, receive::coverage(self.config.checksum)),
            }));
        }
        self.report.adverts_sent += 1;
    }

    fn advert(&self, priority: u8) -> wire::Advert {
        let interval = self.config.advert_interval;
        let body = match self.config.version {
            Version::V2 => wire::Body::V2 {
                interval: u8::try_from(interval.as_secs()).unwrap_or(u8::MAX),
                authentication: match self.config.authentication {
                    Authentication::None => wire::Authentication::None,
                    Authentication::Pass(password) => wire::Authentication::Pass(password),
                },
            },
            Version::V3 => {
                wire::Body::V3 { interval: u16::try_from(interval.as_millis() / 10).unwrap_or(wire::MAX_INTERVAL) }
            }
        };
        let addresses = self.config.addresses.iter().map(|virtual_ip| virtual_ip.address).collect();
        wire::Advert { vrid: self.config.vrid.value(), priority, addresses, body }
    }

    /// Tells the world about a change of state; nothing if there was none.
    fn report_state(&mut self, context: &mut Context<'_>, from: State, reason: String) {
        let to = self.state();
        self.report.enter(context.now, to, reason.clone());
        if from != to {
            context.outputs.push_back(Output::Transition(Transition {
                instance: self.number,
                name: self.config.name.clone(),
                from,
                to,
                reason,
            }));
        }
    }
}
