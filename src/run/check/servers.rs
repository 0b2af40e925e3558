//! The probes of servers: a machine for each, tasks for those under way, results into the registry and the log.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::task::AbortHandle;

use crate::check::machine::Suspicion;
use crate::check::{Input, Machine, Outcome, Output};
use crate::model::Model;
use crate::model::check::Check;
use crate::state::servers::{Admin, Backend, Health, LastCheck, Server};
use crate::time::Instant;

use super::Event;
use super::probe::{self, Target};

/// Probes under way at once; the others wait for their turn.
const MAX_PROBES: usize = 256;

/// What a probe's task reports.
pub(super) struct ProbeEvent {
    probe: u64,
    what: What,
}

enum What {
    Connected,
    Finished(Outcome),
}

/// A backend as far as messages need it.
struct Group {
    name: String,
    state: Arc<Backend>,
    is_backup: Vec<bool>,
}

struct Slot {
    group: Rc<Group>,
    server: Arc<Server>,
    check: Rc<Check>,
    target: Target,
    machine: Machine,
    running: Option<(u64, AbortHandle)>,
    last: Option<(Outcome, Duration)>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some((_, task)) = self.running.take() {
            task.abort();
        }
    }
}

/// Every checked server.
pub(super) struct Servers {
    slots: Vec<Slot>,
    /// When each slot without a probe under way wants one.
    due: BTreeSet<(Instant, usize)>,
    /// When each slot with a probe under way gives up on it.
    deadlines: BTreeSet<(Instant, usize)>,
    /// The slot of each probe under way.
    probes: HashMap<u64, usize>,
    /// The slot of each server, by the address of its entry in the registry.
    by_server: HashMap<*const Server, usize>,
    last_probe: u64,
    events: mpsc::UnboundedSender<Event>,
    levels_changed: Arc<Notify>,
}

impl Servers {
    pub(super) fn new(events: mpsc::UnboundedSender<Event>, levels_changed: Arc<Notify>) -> Servers {
        Servers {
            slots: Vec::new(),
            due: BTreeSet::new(),
            deadlines: BTreeSet::new(),
            probes: HashMap::new(),
            by_server: HashMap::new(),
            last_probe: 0,
            events,
            levels_changed,
        }
    }

    /// Takes the servers of a new model. One that has kept its entry in the registry, its check and its address goes on,
    /// with the probe under way; one whose check changed keeps its health and is probed anew.
    pub(super) fn configure(&mut self, now: Instant, model: &Model, backends: &[Arc<Backend>]) {
        let mut old: HashMap<*const Server, Slot> =
            self.slots.drain(..).map(|slot| (Arc::as_ptr(&slot.server), slot)).collect();
        let checks =
            model.backends.iter().flat_map(|backend| &backend.servers).filter_map(|server| server.check.as_ref());
        let checked = checks.count();
        for (backend, state) in model.backends.iter().zip(backends) {
            let is_backup = backend.servers.iter().map(|server| server.is_backup).collect();
            let group = Rc::new(Group { name: backend.name.clone(), state: Arc::clone(state), is_backup });
            let checked_servers = backend.servers.iter().zip(&state.servers);
            let checked_servers =
                checked_servers.filter_map(|(server, entry)| Some((server, server.check.as_ref()?, entry)));
            for (server, check, entry) in checked_servers {
                let check = Rc::new(check.clone());
                let target = Target::of(&check, server);
                let kept = old.remove(&Arc::as_ptr(entry)).filter(|slot| slot.check == check && slot.target == target);
                let slot = match kept {
                    Some(mut slot) => {
                        slot.group = Rc::clone(&group);
                        slot
                    }
                    None => Slot {
                        group: Rc::clone(&group),
                        server: Arc::clone(entry),
                        check: Rc::clone(&check),
                        target,
                        machine: Machine::new(
                            &check,
                            entry.health(),
                            Machine::first_probe(now, &check, self.slots.len(), checked),
                        ),
                        running: None,
                        last: None,
                    },
                };
                self.slots.push(slot);
            }
        }
        drop(old);
        self.index();
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

    pub(super) fn handle_event(&mut self, now: Instant, event: ProbeEvent) {
        // A probe that was abandoned may still have reported.
        let Some(slot) = self.probes.get(&event.probe).copied() else { return };
        let input = match event.what {
            What::Connected => Input::Connected,
            What::Finished(outcome) => {
                self.probes.remove(&event.probe);
                self.slots[slot].running = None;
                Input::Finished(outcome)
            }
        };
        self.turn(slot, |machine| machine.handle_input(now, input));
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
        tracing::debug!(server = self.slots[slot].name(), ?suspicion, "traffic has trouble with a server");
        self.turn(slot, |machine| machine.handle_input(now, Input::Suspected(suspicion)));
        self.drain(now, slot);
    }

    fn index(&mut self) {
        self.due.clear();
        self.deadlines.clear();
        self.probes.clear();
        self.by_server.clear();
        for (number, slot) in self.slots.iter().enumerate() {
            self.by_server.insert(Arc::as_ptr(&slot.server), number);
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
                Output::Start if self.slots[slot].server.admin() == Admin::Maint => {
                    self.turn(slot, |machine| machine.handle_input(now, Input::Skipped));
                }
                Output::Start => self.start(slot),
                Output::Abandon => {
                    if let Some((probe, task)) = self.slots[slot].running.take() {
                        self.probes.remove(&probe);
                        task.abort();
                    }
                }
                Output::Result(outcome, duration) => self.slots[slot].record(now, outcome, duration),
                Output::Health(health) => {
                    self.slots[slot].announce(now, health);
                    self.levels_changed.notify_one();
                }
            }
        }
    }

    fn start(&mut self, slot: usize) {
        self.last_probe += 1;
        let number = self.last_probe;
        let Slot { check, target, running, .. } = &mut self.slots[slot];
        let (check, target, events) = (Rc::clone(check), *target, self.events.clone());
        let task = tokio::task::spawn_local(async move {
            // The loop outlives its tasks, so a failed send happens only while the thread ends.
            let report = |what| _ = events.send(Event::Probe(ProbeEvent { probe: number, what }));
            let outcome = probe::run(target, &check.probe, || report(What::Connected)).await;
            report(What::Finished(outcome));
        });
        *running = Some((number, task.abort_handle()));
        self.probes.insert(number, slot);
    }
}

impl Slot {
    fn name(&self) -> String {
        format!("{}/{}", self.group.name, self.server.name)
    }

    fn record(&mut self, now: Instant, outcome: Outcome, duration: Duration) {
        if !outcome.code.is_success() {
            let (code, detail) = (outcome.code.name(), &outcome.detail);
            tracing::debug!(server = self.name(), code, detail, "probe failed");
        }
        let (code, detail) = (outcome.code.name(), outcome.detail.clone());
        let meaning = outcome.code.meaning();
        self.server.set_last_check(LastCheck { code, meaning, detail, duration, at: now });
        self.server.set_check_counter(self.machine.counter());
        self.last = Some((outcome, duration));
    }

    fn announce(&mut self, now: Instant, health: Health) {
        let before = self.server.health();
        self.server.set_health(health, now);
        let Some((outcome, duration)) = &self.last else { return };
        let (server, state) = (self.name(), &self.group.state);
        let (reason, code, detail) = (outcome.code.meaning(), outcome.code.name(), outcome.detail.as_str());
        let check_ms = duration.as_millis() as u64;
        let standing = |is_backup: bool| {
            let servers = state.servers.iter().zip(&self.group.is_backup);
            servers.filter(|(server, backup)| **backup == is_backup && server.is_usable()).count()
        };
        let (active_left, backup_left) = (standing(false), standing(true));
        let sessions = self.server.connections.load(Ordering::Relaxed);
        match (before, health) {
            (_, Health::Down) => {
                tracing::warn!(
                    server,
                    reason,
                    code,
                    detail,
                    check_ms,
                    active_left,
                    backup_left,
                    sessions,
                    "server is DOWN"
                );
                if active_left + backup_left == 0 {
                    tracing::error!(backend = self.group.name, "backend has no server available");
                }
            }
            (Health::Down, _) => {
                tracing::info!(server, reason, code, detail, check_ms, active_left, backup_left, "server is UP");
            }
            _ => tracing::debug!(server, reason, code, detail, check_ms, "server is UP for the first time"),
        }
    }
}
