//! The probes of servers and the questions to their agents: a machine for each, tasks for those under way, results into
//! the registry and to [`super::wards`].

use std::cell::Cell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::task::AbortHandle;

use crate::check::machine::{Stage, Suspicion};
use crate::check::report::{self, Which};
use crate::check::rules::{self, Plan};
use crate::check::{Code, Input, Machine, Outcome, Output};
use crate::model::Model;
use crate::model::check::{Agent, Check, InitialState};
use crate::rule::Registry;
use crate::state::command::{Probing, ServerChange, ServerOrder, Suspect};
use crate::state::log::Journal;
use crate::state::servers::{Admin, Backend, Health, LastCheck, Prober, Server};
use crate::sys::hosts;
use crate::time::Instant;

use super::Event;
use super::agent;
use super::facts::Knowledge;
use super::material::Content;
use super::probe::{Probe, Target};
use super::program::Environment;
use super::wards::Wards;

/// The counter of a server that is up for certain, with the `rise` and `fall` that HAProxy gives to one without a check.
const UNCHECKED_TOP: u32 = 4;
/// Probes under way at once; the others wait for their turn.
const MAX_PROBES: usize = 256;

/// What a probe's task reports.
pub(super) struct ProbeEvent {
    probe: u64,
    what: What,
}

enum What {
    Reached(Stage),
    Finished(Outcome),
    /// An agent answered.
    Said(Box<agent::Said>),
}

/// What a slot does at its time.
#[derive(Clone)]
enum Task {
    Probe { plan: Rc<Plan>, target: Target, environment: Box<Environment> },
    Ask(Agent),
}

struct Slot {
    ward: usize,
    server: Arc<Server>,
    which: Which,
    check: Rc<Check>,
    task: Task,
    /// The configured weight, of which an agent gives per cent.
    weight: u16,
    machine: Machine,
    running: Option<(u64, AbortHandle)>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some((_, task)) = self.running.take() {
            task.abort();
        }
    }
}

impl Slot {
    /// Whether it does the same as another one.
    fn is_like(&self, check: &Check, task: &Task) -> bool {
        let is_same = match (&self.task, task) {
            (Task::Probe { target: a, .. }, Task::Probe { target: b, .. }) => a == b,
            (Task::Ask(a), Task::Ask(b)) => a == b,
            _ => false,
        };
        is_same && *self.check == *check
    }
}

/// Every checked server.
pub(super) struct Servers {
    slots: Vec<Slot>,
    wards: Wards,
    backends: Rc<[Arc<Backend>]>,
    patterns: Rc<Registry>,
    /// When each slot without a probe under way wants one.
    due: BTreeSet<(Instant, usize)>,
    /// When each slot with a probe under way gives up on it.
    deadlines: BTreeSet<(Instant, usize)>,
    /// The slot of each probe under way.
    probes: HashMap<u64, usize>,
    /// The slot of each server's health check, by the address of its entry in the registry.
    by_server: HashMap<*const Server, usize>,
    last_probe: u64,
    events: mpsc::UnboundedSender<Event>,
}

impl Servers {
    pub(super) fn new(events: mpsc::UnboundedSender<Event>, levels_changed: Arc<Notify>) -> Servers {
        Servers {
            slots: Vec::new(),
            wards: Wards::new(levels_changed),
            backends: Rc::new([]),
            patterns: Rc::default(),
            due: BTreeSet::new(),
            deadlines: BTreeSet::new(),
            probes: HashMap::new(),
            by_server: HashMap::new(),
            last_probe: 0,
            events,
        }
    }

    /// Takes the servers of a new model. One that has kept its entry in the registry, its check and its address goes on,
    /// with the probe under way; one whose check changed keeps its health and is probed anew.
    pub(super) fn configure(&mut self, now: Instant, model: &Model, backends: &[Arc<Backend>], journals: &[Journal]) {
        let key = |slot: &Slot| (Arc::as_ptr(&slot.server), slot.which == Which::Agent);
        let mut old: HashMap<_, Slot> = self.slots.drain(..).map(|slot| (key(&slot), slot)).collect();
        self.backends = backends.into();
        let mut plans = Plans::default();
        let total =
            model.backends.iter().flat_map(|backend| &backend.servers).filter(|server| server.check.is_some()).count();
        let mut ward = 0;
        for (backend, state) in model.backends.iter().zip(backends) {
            for (server, entry) in backend.servers.iter().zip(&state.servers) {
                let health = server.check.as_ref().map(|check| {
                    let environment = Box::new(Environment::of(model, backend, server));
                    let plan = plans.of(check, model);
                    let target = Target::of(check, server, model.process.checks_as_client);
                    (Which::Health, check.clone(), Task::Probe { plan, target, environment })
                });
                let agent =
                    server.care.agent.as_ref().map(|agent| (Which::Agent, check_of(agent), Task::Ask(agent.clone())));
                for (which, check, task) in health.into_iter().chain(agent) {
                    let kept = old.remove(&(Arc::as_ptr(entry), which == Which::Agent));
                    let weight = server.weight.value();
                    let slot = match kept.filter(|slot| slot.is_like(&check, &task)) {
                        Some(mut slot) => {
                            (slot.ward, slot.task, slot.weight) = (ward, task, weight);
                            slot
                        }
                        None => {
                            let first = Machine::first_probe(now, &check, self.slots.len(), total);
                            let machine = machine(which, &check, entry, first, model.process.spread_checks);
                            let (server, check) = (Arc::clone(entry), Rc::new(check));
                            Slot { ward, server, which, check, task, weight, machine, running: None }
                        }
                    };
                    slot.show();
                    self.slots.push(slot);
                }
                ward += 1;
            }
        }
        drop(old);
        self.patterns = Rc::new(plans.registry);
        let resumed = self.wards.configure(now, model, backends, journals);
        self.index();
        resumed.into_iter().for_each(|ward| self.resume(now, ward));
        self.handle_timeout(now);
    }

    /// When [`Servers::handle_timeout`] wants to be called.
    pub(super) fn wake(&self) -> Instant {
        let at = |set: &BTreeSet<(Instant, usize)>| set.first().map_or(Instant::FAR_FUTURE, |first| first.0);
        if self.probes.len() < MAX_PROBES { at(&self.due).min(at(&self.deadlines)) } else { at(&self.deadlines) }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        while let Some((at, slot)) = self.deadlines.first().copied()
            && at <= now
        {
            self.turn(slot, |machine| machine.handle_timeout(now));
            self.drain(now, slot);
        }
        while self.probes.len() < MAX_PROBES
            && let Some((at, slot)) = self.due.first().copied()
            && at <= now
        {
            self.turn(slot, |machine| machine.handle_timeout(now));
            self.drain(now, slot);
        }
    }

    /// Puts a server in service, drains it, or takes it out.
    fn set_admin(&mut self, now: Instant, ward: usize, admin: Admin) {
        if self.wards.set_admin(now, ward, admin) {
            self.resume(now, ward);
        }
    }

    /// Probes a server that came back from maintenance at once.
    fn resume(&mut self, now: Instant, ward: usize) {
        let of_ward = |slot: &Slot| slot.ward == ward && slot.which == Which::Health;
        let Some(slot) = self.slots.iter().position(of_ward) else { return };
        self.turn(slot, |machine| machine.handle_input(now, Input::Resumed));
        self.drain(now, slot);
        self.slots[slot].show();
    }

    pub(super) fn handle_event(&mut self, now: Instant, event: ProbeEvent) {
        // A probe that was abandoned may still have reported.
        let Some(slot) = self.probes.get(&event.probe).copied() else { return };
        // Held until everything is done.
        let mut said = None;
        let input = match event.what {
            What::Reached(stage) => Input::Reached(stage),
            What::Finished(outcome) => {
                self.probes.remove(&event.probe);
                self.slots[slot].running = None;
                Input::Finished(outcome)
            }
            What::Said(answer) => {
                self.probes.remove(&event.probe);
                self.slots[slot].running = None;
                let answer = said.insert(answer);
                if let Some(admin) = agent::admin(&answer.reply) {
                    self.set_admin(now, self.slots[slot].ward, admin);
                }
                Input::Finished(agent::obey(&self.slots[slot].server, self.slots[slot].weight, &answer.reply))
            }
        };
        self.turn(slot, |machine| machine.handle_input(now, input));
        self.drain(now, slot);
        drop(said);
    }

    /// What a worker says of a server.
    pub(super) fn hear(&mut self, now: Instant, suspect: Suspect) {
        match suspect {
            Suspect::Trouble(server) => self.suspect(now, &server),
            Suspect::Observed { server, count, last } => self.observed(now, &server, count, last),
        }
    }

    /// Traffic of a server has failed too often in a row.
    fn observed(&mut self, now: Instant, server: &Arc<Server>, count: u32, last: &str) {
        let Some(slot) = self.by_server.get(&Arc::as_ptr(server)).copied() else { return };
        let Some(observe) = self.wards.list[self.slots[slot].ward].care.observe else { return };
        let outcome = Outcome::new(Code::Hana, format!("Detected {count} consecutive errors, last one was: {last}"));
        self.turn(slot, |machine| machine.handle_input(now, Input::Observed(observe.on_error, outcome)));
        self.drain(now, slot);
    }

    /// A worker has trouble with a server.
    pub(super) fn suspect(&mut self, now: Instant, server: &Arc<Server>) {
        // Cleared first: a failure after this is told again.
        server.is_suspect.store(false, Ordering::Release);
        let Some(slot) = self.by_server.get(&Arc::as_ptr(server)).copied() else { return };
        let Some(observe) = self.slots[slot].check.observe else { return };
        let has_failed = server.connect_failures.load(Ordering::Relaxed) >= observe;
        let suspicion = if has_failed { Suspicion::Failing } else { Suspicion::Slow };
        let name = &server.name;
        tracing::debug!(server = name, ?suspicion, "traffic has trouble with a server");
        self.turn(slot, |machine| machine.handle_input(now, Input::Suspected(suspicion)));
        self.drain(now, slot);
    }

    /// What the operator says of a server, its check or its agent.
    pub(super) fn change(&mut self, now: Instant, order: ServerOrder) {
        match order.change {
            ServerChange::Ready => self.put(now, &order.server, Admin::Ready),
            ServerChange::Drain => self.put(now, &order.server, Admin::Drain),
            ServerChange::Maintenance => self.put(now, &order.server, Admin::Maint),
            ServerChange::CloseSessions => order.server.close_sessions(),
            ServerChange::Probing(whose, what) => self.probing(now, &order, whose, what),
        }
        (order.done)();
    }

    fn put(&mut self, now: Instant, server: &Arc<Server>, admin: Admin) {
        match self.wards.list.iter().position(|ward| Arc::ptr_eq(&ward.server, server)) {
            Some(ward) => self.set_admin(now, ward, admin),
            // It was deleted meanwhile; nobody is told of it.
            None => server.set_admin(admin, now),
        }
    }

    fn probing(&mut self, now: Instant, order: &ServerOrder, whose: Prober, what: Probing) {
        let server = &order.server;
        let health = match what {
            Probing::Enable | Probing::Disable => {
                server.set_enabled(whose, what == Probing::Enable);
                // Nobody waits for the first word of one that says nothing.
                let is_silent = what == Probing::Disable && server.health() == Health::Starting;
                return if is_silent {
                    self.wards.force(now, server, whose, Health::Up, order.whence)
                };
            }
            Probing::Up => Health::Up,
            Probing::Stopping => Health::Stopping,
            Probing::Down => Health::Down,
        };
        let is_its = |slot: &Slot| Arc::ptr_eq(&slot.server, server) && prober(slot.which) == whose;
        if let Some(slot) = self.slots.iter().position(is_its) {
            self.turn(slot, |machine| machine.handle_input(now, Input::Told { is_up: health != Health::Down }));
            self.slots[slot].show();
        } else if whose == Prober::Check {
            // As HAProxy counts for a server without a check.
            server.set_check_counter(if health == Health::Down { 0 } else { UNCHECKED_TOP });
        }
        self.wards.force(now, server, whose, health, order.whence);
    }

    fn index(&mut self) {
        self.due.clear();
        self.deadlines.clear();
        self.probes.clear();
        self.by_server.clear();
        for (number, slot) in self.slots.iter().enumerate() {
            if slot.which == Which::Health {
                self.by_server.insert(Arc::as_ptr(&slot.server), number);
            }
            if let Some((probe, _)) = slot.running {
                self.probes.insert(probe, number);
            }
            let queue = if slot.machine.is_probing() { &mut self.deadlines } else { &mut self.due };
            queue.insert((slot.machine.poll_timeout(), number));
        }
    }

    /// Changes a machine and files its next timeout where it belongs.
    fn turn(&mut self, slot: usize, change: impl FnOnce(&mut Machine)) {
        let machine = &mut self.slots[slot].machine;
        let before = (machine.poll_timeout(), slot);
        if machine.is_probing() {
            self.deadlines.remove(&before)
        } else {
            self.due.remove(&before)
        };
        change(machine);
        let after = (machine.poll_timeout(), slot);
        if machine.is_probing() {
            self.deadlines.insert(after)
        } else {
            self.due.insert(after)
        };
    }

    fn drain(&mut self, now: Instant, slot: usize) {
        while let Some(output) = self.slots[slot].machine.poll_output() {
            match output {
                // An agent may end the maintenance that it asked for.
                Output::Start if self.is_paused(slot) => {
                    self.turn(slot, |machine| machine.handle_input(now, Input::Skipped));
                }
                Output::Start => self.start(slot),
                Output::Abandon => {
                    if let Some((probe, task)) = self.slots[slot].running.take() {
                        self.probes.remove(&probe);
                        task.abort();
                    }
                }
                Output::Result { outcome, duration, is_news } => self.record(now, slot, &outcome, duration, is_news),
            }
        }
    }

    fn is_paused(&self, slot: usize) -> bool {
        let slot = &self.slots[slot];
        let is_away = slot.which == Which::Health && slot.server.own() == Admin::Maint;
        is_away || !slot.server.is_enabled(prober(slot.which))
    }

    fn start(&mut self, slot: usize) {
        self.last_probe += 1;
        let number = self.last_probe;
        let events = self.events.clone();
        // The loop outlives its tasks, so a failed send happens only while the thread ends.
        let report = move |what| _ = events.send(Event::Probe(ProbeEvent { probe: number, what }));
        let task = match self.slots[slot].task.clone() {
            Task::Ask(agent) => tokio::task::spawn_local(async move {
                match agent::ask(&agent, |stage| report(What::Reached(stage))).await {
                    Ok(reply) => report(What::Said(Box::new(reply))),
                    Err(outcome) => report(What::Finished(outcome)),
                }
            }),
            Task::Probe { plan, target, environment } => {
                let server = &self.slots[slot].server;
                let connections = server.connections.load(Ordering::Relaxed);
                let environment = environment.with_connections(connections);
                let (patterns, knowledge) = (Rc::clone(&self.patterns), self.knowledge(slot, &target));
                let probe = Probe { plan, target, patterns, knowledge, environment };
                tokio::task::spawn_local(async move {
                    let outcome = probe.run(|stage| report(What::Reached(stage))).await;
                    report(What::Finished(outcome));
                })
            }
        };
        self.slots[slot].running = Some((number, task.abort_handle()));
        self.probes.insert(number, slot);
    }

    fn knowledge(&self, slot: usize, target: &Target) -> Knowledge {
        let slot = &self.slots[slot];
        let ward = &self.wards.list[slot.ward];
        let server = &slot.server;
        let servers = &ward.group.state.servers;
        let usable = servers.iter().filter(|server| server.is_usable());
        let total: u32 = usable.map(|server| u32::from(server.weight())).sum();
        let sessions: usize = servers.iter().map(|server| server.connections.load(Ordering::Relaxed)).sum();
        // HAProxy tells the server's own address, which is the probe's unless the check has another.
        let (address, port) = (target.address.ip(), target.address.port());
        let state = format!(
            "{}; address={address}; port={port}; name={}/{}; node={}; weight={}/{total}; scur={}/{sessions}; qcur=0",
            server.status(),
            ward.group.name,
            server.name,
            hosts::hostname(),
            server.weight(),
            server.connections.load(Ordering::Relaxed),
        );
        Knowledge {
            backends: Rc::clone(&self.backends),
            backend: Arc::clone(&ward.group.state),
            server: ward.number,
            id: ward.id,
            state,
            is_up: server.health() != Health::Down,
            ends: Cell::default(),
        }
    }

    fn record(&mut self, now: Instant, slot: usize, outcome: &Outcome, duration: Duration, is_news: bool) {
        let Slot { ward, server, which, machine, .. } = &self.slots[slot];
        // The operator silenced it while it asked.
        if !server.is_enabled(prober(*which)) {
            return;
        }
        let (ward, which) = (*ward, *which);
        let counter = *machine.counter();
        let last = LastCheck {
            code: outcome.code.name(),
            meaning: outcome.code.meaning(),
            status: outcome.code.has_status().then_some(outcome.status),
            detail: outcome.detail.clone(),
            duration,
            at: now,
        };
        match which {
            Which::Health => server.set_last_check(last),
            Which::Agent => server.set_last_agent_check(last),
        }
        self.slots[slot].show();
        let (subject, weight) = (self.wards.subject(ward), self.slots[slot].server.weight());
        let line = report::result(which, subject, outcome, duration, &counter, weight);
        if is_news && self.wards.list[ward].group.logs_checks {
            self.wards.log_result(ward, &line);
        } else {
            tracing::debug!("{line}");
        }
        let details = report::details(outcome, duration);
        self.wards.judge(now, ward, which, counter.level(), outcome, &details);
    }
}

impl Slot {
    /// Shows how many answers it has.
    fn show(&self) {
        let value = self.machine.counter().value();
        match self.which {
            Which::Health => {
                self.server.check.store(value);
                self.server.set_check_counter(value.0);
            }
            Which::Agent => self.server.agent.store(value),
        }
    }
}

/// The one whose answers these are.
fn prober(which: Which) -> Prober {
    match which {
        Which::Health => Prober::Check,
        Which::Agent => Prober::Agent,
    }
}

fn machine(which: Which, check: &Check, entry: &Server, first: Instant, spread: u8) -> Machine {
    let mut machine = match which {
        Which::Agent => Machine::of_agent(check, first),
        Which::Health => Machine::new(check, entry.health(), first),
    };
    let is_new = entry.changed() == Instant::ZERO;
    if which == Which::Health && check.initial == InitialState::Down && is_new {
        machine.hope();
    }
    machine.spread(spread, first.as_nanos() ^ std::ptr::from_ref(entry).addr() as u64);
    machine
}

/// The timing of an agent: its first word decides.
fn check_of(agent: &Agent) -> Check {
    Check {
        rules: Vec::new(),
        address: Some(agent.address),
        port: None,
        interval: agent.interval,
        fast_interval: agent.interval,
        down_interval: agent.interval,
        timeout: agent.timeout,
        answer_timeout: agent.answer_timeout,
        rise: 1,
        fall: 1,
        observe: None,
        sends_proxy: false,
        socks: None,
        initial: InitialState::Up,
    }
}

/// Plans by their words: servers of a backend share one.
#[derive(Default)]
struct Plans {
    known: HashMap<Vec<Vec<String>>, Rc<Plan>>,
    registry: Registry,
}

impl Plans {
    fn of(&mut self, check: &Check, model: &Model) -> Rc<Plan> {
        if let Some(plan) = self.known.get(&check.rules) {
            return Rc::clone(plan);
        }
        let userlists = model.rules.userlists.iter().map(|list| (list.name.clone(), Arc::new(list.clone()))).collect();
        let compiled = rules::compile(&check.rules, &Content(&model.rules), &mut self.registry, &userlists);
        // The same words were compiled when the configuration was read.
        for error in &compiled.errors {
            tracing::error!(
                rule = check.rules[error.line].join(" "),
                why = error.what.what,
                "a check cannot be compiled"
            );
        }
        let plan = Rc::new(compiled.plan);
        self.known.insert(check.rules.clone(), Rc::clone(&plan));
        plan
    }
}
