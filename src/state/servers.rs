//! The server registry: what is known about each server while the process lives.
//!
//! It survives a reload by name (`backend/server`), so a reload neither forgets that a server is down nor loses its
//! counters. Health is written by vg-check alone, administrative state by vg-ctl alone; workers read both with relaxed
//! loads for every request and may see a value that is microseconds old. Connection slots are written by every worker.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;

use super::gauge::{Gauge, Shown};
use crate::model;
use crate::model::check::{Check, InitialState};
use crate::model::naming::Lack;
use crate::time::Instant;

use super::availability::{Availability, Group};
use super::counters::Sharded;
use super::source_ports::SourcePorts;

/// What the health checks say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[repr(u8)]
pub enum Health {
    /// Not probed: counts as up.
    #[serde(rename = "no check")]
    Unchecked = 0,
    /// No probe has finished yet: counts as up for traffic, but the node is not ready.
    #[serde(rename = "INI")]
    Starting = 1,
    /// Passed `rise` probes.
    #[serde(rename = "UP")]
    Up = 2,
    /// Failed `fall` probes.
    #[serde(rename = "DOWN")]
    Down = 3,
    /// Passed, but wants no new sessions (`http-check disable-on-404`).
    #[serde(rename = "NOLB")]
    Stopping = 4,
}

/// What the operator says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "UPPERCASE")]
#[repr(u8)]
pub enum Admin {
    /// In service.
    Ready = 0,
    /// No new sessions.
    Drain = 1,
    /// Out of service, not probed.
    Maint = 2,
}

impl Admin {
    /// What the configuration begins with.
    pub fn configured(server: &model::proxy::Server) -> Admin {
        if server.is_disabled { Admin::Maint } else { Admin::Ready }
    }

    fn from_number(number: u8) -> Admin {
        match number {
            1 => Admin::Drain,
            2 => Admin::Maint,
            _ => Admin::Ready,
        }
    }
}

/// Who tells a server's health.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prober {
    /// The health check.
    Check,
    /// The agent.
    Agent,
}

/// The result of the last probe, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LastCheck {
    /// HAProxy's code: `L4OK`, `L4CON`, `L4TOUT`, `L7OK`, `L7STS`, `L7TOUT`, `L7RSP`...
    pub code: &'static str,
    /// The code in words: `Layer4 check passed`.
    #[serde(skip)]
    pub meaning: &'static str,
    /// Status code, where one belongs to the code: of the response, the exit status.
    pub status: Option<i64>,
    /// Reason or error text.
    pub detail: String,
    /// How long the probe took.
    pub duration: Duration,
    /// When it ended.
    #[serde(skip)]
    pub at: Instant,
}

/// The `rise` that HAProxy gives to a server without a check.
const UNCHECKED_RISE: u32 = 2;

/// How often sessions of any server were to be closed: a worker looks closer when it changed.
static CLOSINGS: AtomicU64 = AtomicU64::new(0);

/// How often sessions of any server of this process were to be closed.
pub fn closings() -> u64 {
    CLOSINGS.load(Ordering::Acquire)
}

/// A server of a backend.
#[derive(Debug)]
pub struct Server {
    /// Name within its backend.
    pub name: String,
    health: AtomicU8,
    /// Whether something tells its health.
    is_checked: bool,
    /// Whether the operator silenced its check, its agent; vg-check alone writes them.
    is_silenced: [AtomicBool; 2],
    admin: AtomicU8,
    /// Why it has no address; main alone writes it, 0 where it has one.
    lack: AtomicU8,
    weight: AtomicU16,
    /// The weight of the configuration.
    configured: AtomicU16,
    /// Of this server.
    pub availability: Availability,
    group: Arc<Group>,
    /// When it last came up or back; zero if never.
    returned: AtomicU64,
    last_check: Mutex<Option<LastCheck>>,
    check_failures: AtomicU64,
    check_counter: AtomicU32,
    last_agent_check: Mutex<Option<LastCheck>>,
    /// The server that it tracks: `backend/server`.
    pub tracked: Option<String>,
    /// What the operator says of that server, which counts here too; vg-check alone writes it.
    shared: AtomicU8,
    /// Answers of the health check, of the tracked server's if it tracks one.
    pub check: Gauge,
    /// Answers of the agent, of the tracked server's if it tracks one.
    pub agent: Gauge,
    /// Concurrent connections that an agent or the operator allows; `usize::MAX` leaves it to the file.
    limit: AtomicUsize,
    /// How often its sessions were to be closed.
    closings: AtomicU64,
    /// Connections in use by sessions, and those about to be made. Written by every worker.
    pub connections: AtomicUsize,
    /// Most of them at once since idle connections were given up last. Written by every worker.
    most_connections: AtomicUsize,
    /// How many are needed at once, by what was seen for some time. Written by every worker.
    needed_connections: AtomicUsize,
    /// Consecutive connect failures of traffic; any success stores zero. Written by every worker, read by vg-check.
    pub connect_failures: AtomicU32,
    /// Errors of traffic in a row, where `observe` looks; any success stores zero. Written by every worker.
    pub observed_errors: AtomicU32,
    /// Set by a worker that saw `observe` failures in a row, cleared by vg-check.
    pub is_suspect: AtomicBool,
    /// Requests and sessions that wait for a slot of this server and no other. Written by every worker.
    pub queued: AtomicUsize,
    /// Connections that workers keep idle for it, counted where it limits them. Written by every worker.
    pub idle: AtomicUsize,
    /// Ports that connections to it leave by, where it has a range of them.
    pub source_ports: SourcePorts,
    /// Traffic since start.
    pub counters: Sharded,
}

impl Server {
    fn new(server: &model::proxy::Server, tracked: Option<String>, group: Arc<Group>) -> Server {
        let begins_down = |check: &Check| matches!(check.initial, InitialState::Down | InitialState::FullyDown);
        let health = match &server.check {
            Some(check) if begins_down(check) => Health::Down,
            _ if is_checked(server) => Health::Starting,
            _ => Health::Unchecked,
        };
        Server {
            name: server.name.clone(),
            health: AtomicU8::new(health as u8),
            is_checked: is_checked(server),
            is_silenced: Default::default(),
            admin: AtomicU8::new(Admin::configured(server) as u8),
            lack: AtomicU8::new(server.options.naming.lack.map_or(0, |lack| lack as u8)),
            weight: AtomicU16::new(server.weight.value()),
            configured: AtomicU16::new(server.weight.value()),
            availability: Availability::default(),
            group,
            returned: AtomicU64::new(0),
            last_check: Mutex::new(None),
            check_failures: AtomicU64::new(0),
            check_counter: AtomicU32::new(server.check.as_ref().map_or(UNCHECKED_RISE, |check| check.rise)),
            last_agent_check: Mutex::new(None),
            tracked,
            shared: AtomicU8::new(Admin::Ready as u8),
            check: Gauge::default(),
            agent: Gauge::default(),
            limit: AtomicUsize::new(usize::MAX),
            closings: AtomicU64::new(0),
            connections: AtomicUsize::new(0),
            most_connections: AtomicUsize::new(0),
            needed_connections: AtomicUsize::new(0),
            connect_failures: AtomicU32::new(0),
            observed_errors: AtomicU32::new(0),
            is_suspect: AtomicBool::new(false),
            queued: AtomicUsize::new(0),
            idle: AtomicUsize::new(0),
            source_ports: SourcePorts::default(),
            counters: Sharded::default(),
        }
    }

    /// Notes how many connections are in use now; between two threads the lower figure may stay.
    pub fn note_connections(&self) {
        let used = self.connections.load(Ordering::Relaxed);
        for most in [&self.most_connections, &self.needed_connections] {
            if most.load(Ordering::Relaxed) < used {
                most.store(used, Ordering::Relaxed);
            }
        }
    }

    /// Most connections in use at once since idle ones were given up last, and how many are needed at once.
    pub fn connections_needed(&self) -> [usize; 2] {
        [&self.most_connections, &self.needed_connections].map(|count| count.load(Ordering::Relaxed))
    }

    /// How many of so many idle connections are not needed any more: half of what is beyond those that were in use at once.
    /// What is needed falls half-way to what was, as in HAProxy (`pool-purge-delay`).
    pub fn give_up_idle(&self, idle: usize) -> usize {
        let used = self.connections.load(Ordering::Relaxed);
        let [most, needed] = self.connections_needed();
        let excess = (used + idle).saturating_sub(most.max(needed));
        self.needed_connections.store(((needed + most) / 2).max(most), Ordering::Relaxed);
        self.most_connections.store(used, Ordering::Relaxed);
        excess.div_ceil(2)
    }

    /// What the health checks say.
    pub fn health(&self) -> Health {
        match self.health.load(Ordering::Relaxed) {
            1 => Health::Starting,
            2 => Health::Up,
            3 => Health::Down,
            4 => Health::Stopping,
            _ => Health::Unchecked,
        }
    }

    /// Stores a new health (vg-check only).
    pub fn set_health(&self, health: Health, now: Instant) {
        let was_usable = self.is_usable();
        let before = self.health.swap(health as u8, Ordering::AcqRel);
        match (before == Health::Down as u8, health) {
            _ if before == health as u8 => {}
            (false, Health::Down) => self.availability.note_down(now),
            (true, _) => self.availability.note_up(now),
            // The first probe passed: it was up for traffic before.
            (false, _) => self.availability.note_change(now),
        }
        self.tell_group(was_usable, now);
        if before == Health::Down as u8 && health == Health::Up {
            self.returned.store(now.as_nanos(), Ordering::Relaxed);
        }
    }

    /// Whether a check or an agent may ask.
    pub fn is_enabled(&self, prober: Prober) -> bool {
        !self.is_silenced[prober as usize].load(Ordering::Relaxed)
    }

    /// Lets a check or an agent ask, or not (vg-check only).
    pub fn set_enabled(&self, prober: Prober, is_enabled: bool) {
        self.is_silenced[prober as usize].store(!is_enabled, Ordering::Relaxed);
    }

    /// Value, rise and fall of a check or an agent that asks.
    pub fn gauge(&self, prober: Prober) -> Option<(u32, u32, u32)> {
        let gauge = match prober {
            Prober::Check => &self.check,
            Prober::Agent => &self.agent,
        };
        gauge.load().filter(|_| self.is_enabled(prober))
    }

    /// What the operator says.
    pub fn admin(&self) -> Admin {
        Admin::from_number(self.admin.load(Ordering::Relaxed))
    }

    /// Stores a new administrative state (vg-check, which tells of it; main for a server that just came).
    pub fn set_admin(&self, admin: Admin, now: Instant) {
        let was_usable = self.is_usable();
        let before = self.admin.swap(admin as u8, Ordering::AcqRel);
        let is_up = self.health() != Health::Down;
        match (Admin::from_number(before), admin) {
            (before, after) if before == after => {}
            // Maintenance counts as being down.
            (_, Admin::Maint) if is_up => self.availability.note_down(now),
            (Admin::Maint, _) if is_up => self.availability.note_up(now),
            _ => self.availability.note_change(now),
        }
        self.tell_group(was_usable, now);
        if before == Admin::Maint as u8 && admin == Admin::Ready {
            self.returned.store(now.as_nanos(), Ordering::Relaxed);
        }
    }

    /// Why it has no address.
    pub fn lack(&self) -> Option<Lack> {
        Lack::from_number(self.lack.load(Ordering::Relaxed))
    }

    /// Stores whether it has an address (main only): one without is out of service.
    pub fn set_lack(&self, lack: Option<Lack>, now: Instant) {
        let was_usable = self.is_usable();
        let before = Lack::from_number(self.lack.swap(lack.map_or(0, |lack| lack as u8), Ordering::AcqRel));
        let is_up = self.health() != Health::Down && self.admin() != Admin::Maint;
        match (before.is_some(), lack.is_some()) {
            (false, true) if is_up => self.availability.note_down(now),
            (true, false) if is_up => self.availability.note_up(now),
            (before, after) if before == after => {}
            _ => self.availability.note_change(now),
        }
        self.tell_group(was_usable, now);
        if before.is_some() && lack.is_none() && self.own() == Admin::Ready {
            self.returned.store(now.as_nanos(), Ordering::Relaxed);
        }
    }

    /// What holds of its own: one without an address is in maintenance, whatever the operator says.
    pub fn own(&self) -> Admin {
        if self.lack.load(Ordering::Relaxed) != 0 { Admin::Maint } else { self.admin() }
    }

    /// Current weight, 0-256.
    pub fn weight(&self) -> u16 {
        self.weight.load(Ordering::Relaxed)
    }

    /// Stores a new weight, 0-256 (vg-ctl only).
    pub fn set_weight(&self, weight: model::Weight) {
        self.weight.store(weight.value(), Ordering::Relaxed);
    }

    /// Concurrent connections that an agent or the operator allows, in place of the file's limit; 0 is unlimited.
    pub fn set_limit(&self, limit: usize) {
        self.limit.store(if limit == 0 { usize::MAX - 1 } else { limit }, Ordering::Relaxed);
    }

    /// That limit; `None` leaves it to the file.
    pub fn limit(&self) -> Option<usize> {
        Some(self.limit.load(Ordering::Relaxed)).filter(|limit| *limit != usize::MAX)
    }

    /// Has every session with it closed: each worker looks at its next beat.
    pub fn close_sessions(&self) {
        self.closings.fetch_add(1, Ordering::Release);
        CLOSINGS.fetch_add(1, Ordering::Release);
    }

    /// How often its sessions were to be closed.
    pub fn closings(&self) -> u64 {
        self.closings.load(Ordering::Acquire)
    }

    /// Whether new sessions may be sent here.
    pub fn is_usable(&self) -> bool {
        let is_well = !matches!(self.health(), Health::Down | Health::Stopping);
        is_well && self.order() == Admin::Ready
    }

    /// What the operator says of the server that it tracks.
    pub fn shared(&self) -> Admin {
        Admin::from_number(self.shared.load(Ordering::Relaxed))
    }

    /// What holds: the stricter of what holds of its own and of the server that it tracks.
    pub fn order(&self) -> Admin {
        self.own().max(self.shared())
    }

    /// Shares what the operator says of the server that it tracks (vg-check only); what that was before.
    pub fn set_shared(&self, admin: Admin, now: Instant) -> Admin {
        let was_usable = self.is_usable();
        let before = self.shared.swap(admin as u8, Ordering::AcqRel);
        self.tell_group(was_usable, now);
        Admin::from_number(before)
    }

    fn tell_group(&self, was_usable: bool, now: Instant) {
        match (was_usable, self.is_usable()) {
            (true, false) => self.group.leave(now),
            (false, true) => self.group.enter(now),
            _ => {}
        }
    }

    /// When health or administrative state last changed; [`Instant::ZERO`] if never.
    pub fn changed(&self) -> Instant {
        self.availability.changed()
    }

    /// When it last came up or back from maintenance; `None` if it has been there since the start.
    pub fn returned(&self) -> Option<Instant> {
        Some(self.returned.load(Ordering::Relaxed)).filter(|at| *at != 0).map(Instant::from_nanos)
    }

    /// Result of the last probe.
    pub fn last_check(&self) -> Option<LastCheck> {
        self.last_check.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Probes that failed while the server was up.
    pub fn check_failures(&self) -> u64 {
        self.check_failures.load(Ordering::Relaxed)
    }

    /// Goes on counting from so many probes that had failed before the start.
    pub fn resume_check_failures(&self, failures: u64) {
        self.check_failures.store(failures, Ordering::Relaxed);
    }

    /// What the checks' counter says, 0 to `rise + fall - 1`: up from `rise` on.
    pub fn check_counter(&self) -> u32 {
        self.check_counter.load(Ordering::Relaxed)
    }

    /// Stores the checks' counter (vg-check only).
    pub fn set_check_counter(&self, counter: u32) {
        self.check_counter.store(counter, Ordering::Relaxed);
    }

    /// Result of the agent's last answer.
    pub fn last_agent_check(&self) -> Option<LastCheck> {
        self.last_agent_check.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Stores the result of an agent's answer (vg-check only).
    pub fn set_last_agent_check(&self, check: LastCheck) {
        *self.last_agent_check.lock().unwrap_or_else(PoisonError::into_inner) = Some(check);
    }

    /// Its state as `show stat` prints it: `UP 1/3`, `DOWN`, `MAINT (via b/s)`, `no check`.
    pub fn status(&self) -> String {
        Shown {
            admin: self.admin(),
            lacks_address: self.lack().is_some(),
            shared: self.tracked.as_deref().map(|tracked| (tracked, self.shared())),
            health: self.health(),
            check: self.gauge(Prober::Check),
            agent: self.gauge(Prober::Agent),
        }
        .text()
    }

    /// Shows the answers that another server gets, which it tracks (vg-check only).
    pub fn show_as(&self, leader: &Server) {
        for (own, shown) in [(&self.check, &leader.check), (&self.agent, &leader.agent)] {
            if let Some(gauge) = shown.load() {
                own.store(gauge);
            }
        }
    }

    /// Stores the result of a probe, before what it means for the health (vg-check only).
    pub fn set_last_check(&self, check: LastCheck) {
        if self.health() != Health::Down && !check.code.contains("OK") {
            self.check_failures.fetch_add(1, Ordering::Relaxed);
        }
        *self.last_check.lock().unwrap_or_else(PoisonError::into_inner) = Some(check);
    }
}

/// Whether something tells its health.
fn is_checked(server: &model::proxy::Server) -> bool {
    server.check.is_some() || server.care.agent.is_some() || server.care.track.is_some()
}

/// The servers of a backend, in the order of the model's list.
#[derive(Debug)]
pub struct Backend {
    /// Name of the backend.
    pub name: String,
    /// Its servers; index = index in `model::proxy::Backend::servers`.
    pub servers: Vec<Arc<Server>>,
    /// Since when they are up or down together.
    pub group: Arc<Group>,
}

impl Backend {
    /// How many servers may receive sessions.
    pub fn usable(&self) -> usize {
        self.servers.iter().filter(|server| server.is_usable()).count()
    }

    /// Whether every configured check has run.
    pub fn is_settled(&self) -> bool {
        self.servers.iter().all(|server| server.health() != Health::Starting || server.own() == Admin::Maint)
    }
}

/// Every server that this process has known, by `(backend, server)`, and the groups that they are in.
#[derive(Debug, Default)]
pub struct Registry(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    servers: HashMap<(String, String), Arc<Server>>,
    groups: HashMap<String, Arc<Group>>,
}

impl Registry {
    /// The backends of a model, index for index. A server known by name, with the same presence of a check, keeps its
    /// state; a weight that changed is applied. Servers that are gone are forgotten.
    pub fn resolve(&self, model: &model::Model) -> Vec<Arc<Backend>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = Known::default();
        let backends = model.backends.iter().map(|backend| {
            let group = known.groups.get(&backend.name).cloned().unwrap_or_default();
            next.groups.insert(backend.name.clone(), Arc::clone(&group));
            let servers = backend.servers.iter().map(|server| {
                let tracked = server.care.track.as_ref().map(|(backend, server)| format!("{backend}/{server}"));
                let key = (backend.name.clone(), server.name.clone());
                let state = match known.servers.get(&key) {
                    Some(state) if state.is_checked == is_checked(server) && state.tracked == tracked => {
                        Arc::clone(state)
                    }
                    _ => Arc::new(Server::new(server, tracked, Arc::clone(&group))),
                };
                // Another edit of the model that runs must not touch what an agent or the operator set.
                if state.configured.swap(server.weight.value(), Ordering::Relaxed) != server.weight.value() {
                    state.set_weight(server.weight);
                }
                next.servers.insert(key, Arc::clone(&state));
                state
            });
            let servers: Vec<_> = servers.collect();
            group.set_usable(servers.iter().filter(|server| server.is_usable()).count());
            Arc::new(Backend { name: backend.name.clone(), servers, group })
        });
        let backends = backends.collect();
        *known = next;
        backends
    }
}
