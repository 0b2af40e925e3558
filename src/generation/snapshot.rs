//! A generation as statistics see it: its counters, levels and server states at one moment, as plain numbers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::balance::Warmth;
use crate::model;
use crate::model::proxy::Balance;
use crate::rule::{Choice, Section, Target};
use crate::state::availability::Availability;
use crate::state::counters::Rated;
use crate::state::naming::{self, Tally};
use crate::state::process::ProcessFacts;
use crate::state::servers::{self, Admin, LastCheck, Prober};
use crate::state::sessions::{Door, Paced, Sessions};
use crate::state::socket::CountedSocket;
use crate::stats::Snapshot;
use crate::stats::snapshot::{self, Check, FrontendStatus, Level, Process, Proxy, Standing};
use crate::time::Instant;

use super::{Backend, Frontend, Generation};

/// Who knows how many connections to a server wait for a request.
pub trait IdleConnections: std::fmt::Debug + Send + Sync {
    /// Those of each worker: those that have carried one request, and those that have carried more.
    fn of_workers(&self, backend: &str, server: &model::proxy::Server) -> Vec<[usize; 2]>;

    /// Those of all.
    fn total(&self, backend: &str, server: &model::proxy::Server) -> [usize; 2] {
        self.of_workers(backend, server).iter().fold([0; 2], |[once, more], one| [once + one[0], more + one[1]])
    }
}

/// What a generation does not know of the process that it runs in.
#[derive(Clone, Debug)]
pub struct Surroundings<'a> {
    /// The monotonic clock.
    pub now: Instant,
    /// The process.
    pub facts: &'a ProcessFacts,
    /// Its client connections.
    pub sessions: &'a Sessions,
    /// Processor time that it has used.
    pub used: Duration,
    /// Its idle connections to servers.
    pub idle: &'a dyn IdleConnections,
}

impl Generation {
    /// The number of a frontend or backend.
    pub fn number_of(&self, proxy: &str) -> Option<u32> {
        // A backend that goes on has the number of the generation that it came with.
        let frontends = self.model.frontends.iter().map(|one| (&one.name, one.id));
        let backends = self.model.backends.iter().map(|one| (&one.name, one.id));
        frontends.chain(backends).find(|(name, _)| *name == proxy).map(|(_, number)| number)
    }

    /// Everything that statistics show.
    pub fn snapshot(&self, around: &Surroundings<'_>) -> Snapshot {
        Snapshot {
            process: self.process(around),
            proxies: self.proxies(around),
            name_servers: self.resolvers.iter().flat_map(name_servers).collect(),
        }
    }

    fn process(&self, around: &Surroundings<'_>) -> Process {
        let identity = &self.model.process.identity;
        let totals = around.sessions.counters.totals(around.now);
        let listeners = self.model.frontends.iter().map(|frontend| frontend.binds.len() as u64);
        Process {
            threads: around.facts.threads,
            pid: std::process::id(),
            uptime: around.now.since(around.facts.started),
            started: around.facts.started_wall,
            descriptors: around.facts.descriptors,
            maxconn: around.sessions.limit() as u64,
            rate_limits: [Paced::Connections, Paced::Sessions]
                .map(|what| around.sessions.rate(what).unwrap_or(0).into()),
            connections: around.sessions.current() as u64,
            connections_total: totals.connections,
            requests_total: totals.requests,
            connection_rate: totals.rates[Rated::Connections as usize],
            session_rate: totals.rates[Rated::Sessions as usize],
            listeners: listeners.sum(),
            version: identity.version,
            node: identity.node.clone().unwrap_or_else(|| self.model.node.clone()),
            description: identity.description.clone(),
            is_stopping: around.facts.is_stopping.load(Ordering::Relaxed),
            logs_dropped: around.facts.logs_dropped(),
            logs_received: around.facts.logs_received.load(Ordering::Relaxed),
            bytes_out: totals.bytes_out,
            bytes_out_rate: totals.rates[Rated::BytesOut as usize].now,
            idle_percent: around.facts.idle_percent(around.now, around.used),
        }
    }

    /// Frontends with the backends of the same name (`listen`) and the other backends, by their numbers: as in the files.
    fn proxies(&self, around: &Surroundings<'_>) -> Vec<Proxy> {
        let mut backends: BTreeMap<&str, &Backend> =
            self.backends.iter().map(|backend| (backend.model.name.as_str(), &**backend)).collect();
        let mut proxies = Vec::with_capacity(self.frontends.len() + self.backends.len());
        for frontend in &self.frontends {
            let model = &frontend.model;
            let mut proxy = Proxy::new(&model.name, model.id, model.mode);
            proxy.guid.clone_from(&model.guid);
            proxy.description.clone_from(&model.description);
            proxy.frontend = Some(self::frontend(frontend, around));
            proxy.listeners = listeners(frontend, around);
            if let Some(backend) = backends.remove(model.name.as_str()) {
                self.add_backend(&mut proxy, backend, around);
            }
            proxies.push(proxy);
        }
        for backend in self.backends.iter().filter(|backend| backends.contains_key(backend.model.name.as_str())) {
            let mut proxy =
                Proxy::new(&backend.model.name, self.number_of(&backend.model.name).unwrap_or(0), backend.model.mode);
            self.add_backend(&mut proxy, backend, around);
            proxies.push(proxy);
        }
        proxies.sort_by_key(|proxy| proxy.id);
        proxies
    }

    fn add_backend(&self, proxy: &mut Proxy, backend: &Backend, around: &Surroundings<'_>) {
        let options = &backend.model.options;
        proxy.guid = options.guid.clone().or(proxy.guid.take());
        proxy.description = options.description.clone().or(proxy.description.take());
        proxy.backend = Some(self.backend(backend, around));
        proxy.servers = servers(backend, around);
    }

    fn backend(&self, backend: &Backend, around: &Surroundings<'_>) -> snapshot::Backend {
        let totals = backend.counters.totals(around.now);
        let level = |now: usize, most: u64, limit| Level { now: now as u64, most, limit };
        snapshot::Backend {
            sessions: level(
                backend.current.load(Ordering::Relaxed),
                backend.counters.most_sessions(),
                Some(self.full(backend, around).max(1)),
            ),
            queued: level(backend.queue.length(), backend.counters.most_queued(), None),
            algorithm: algorithm(&backend.model.balance),
            is_unpublished: backend.model.options.is_unpublished,
            cookie: backend.model.options.cookie.as_ref().map(|cookie| cookie.name.clone()),
            standing: match backend.model.servers.is_empty() {
                true => Standing { since: around.now.since(around.facts.started), ..Standing::default() },
                false => standing(backend.state.group.look(around.now), around),
            },
            last_session: age(totals.last_session, around),
            totals,
        }
    }

    /// The load of a full backend: a tenth of what the frontends that lead to it may bring, where `fullconn` does not say
    /// it (HAProxy manual §4.2). Names that are computed for each request lead nowhere.
    fn full(&self, backend: &Backend, around: &Surroundings<'_>) -> u64 {
        if let Some(written) = backend.model.options.fullconn {
            return written as u64;
        }
        let name = backend.model.name.as_str();
        let leads = |(frontend, rules): &(&Arc<Frontend>, &Option<Arc<Section>>)| {
            let is_named = |choice: &Choice| matches!(&choice.target, Target::Named(target) if **target == *name);
            frontend.model.name == name
                || frontend.backend.as_ref().is_some_and(|target| target.model.name == name)
                || rules.as_ref().is_some_and(|section| section.choices.iter().any(is_named))
        };
        let frontends = self.frontends.iter().zip(&self.rules.frontends).filter(leads);
        frontends.map(|(frontend, _)| limit_of(frontend, around)).sum::<u64>().div_ceil(10)
    }
}

fn name_servers(section: &naming::Section) -> impl Iterator<Item = snapshot::NameServer> + '_ {
    section.servers.iter().map(|(name, tallies)| snapshot::NameServer {
        section: section.name.clone(),
        name: name.clone(),
        counts: Tally::ALL.map(|(tally, ..)| tallies.get(tally)),
    })
}

fn limit_of(frontend: &Frontend, around: &Surroundings<'_>) -> u64 {
    frontend.sessions.limit().min(around.sessions.limit()) as u64
}

fn frontend(frontend: &Frontend, around: &Surroundings<'_>) -> snapshot::Frontend {
    let now = frontend.sessions.current() as u64;
    let limit = limit_of(frontend, around);
    snapshot::Frontend {
        status: match now >= limit && limit > 0 {
            _ if around.facts.is_stopping.load(Ordering::Relaxed) => FrontendStatus::Stopped,
            _ if frontend.sessions.door() == Door::Closed => FrontendStatus::Stopped,
            _ if frontend.sessions.door() == Door::Paused => FrontendStatus::Paused,
            true => FrontendStatus::Full,
            false => FrontendStatus::Open,
        },
        sessions: Level { now, most: frontend.counters.most_sessions(), limit: Some(limit) },
        rate_limit: frontend.sessions.rate(Paced::Sessions).unwrap_or(0).into(),
        totals: frontend.counters.totals(around.now),
    }
}

/// What its listening addresses count, where they are counted one by one.
fn listeners(frontend: &Frontend, around: &Surroundings<'_>) -> Vec<snapshot::Listener> {
    let sockets = frontend.model.binds.iter().zip(&frontend.sockets).zip(1..);
    let listener = |((bind, socket), place): ((&model::proxy::Bind, &Arc<CountedSocket>), u32)| {
        let id = bind.options.id.unwrap_or(place);
        snapshot::Listener {
            name: bind.options.name.clone().unwrap_or_else(|| format!("sock-{id}")),
            id,
            guid: bind.options.guid.clone(),
            address: bind.endpoint.tcp().map_or_else(|| "unix".to_owned(), |address| address.to_string()),
            sessions: Level {
                now: socket.current() as u64,
                most: socket.counters.most_sessions(),
                // What bounds a bind is what bounds its frontend.
                limit: Some(0),
            },
            totals: socket.counters.totals(around.now),
        }
    };
    sockets.map(listener).collect()
}

fn servers(backend: &Backend, around: &Surroundings<'_>) -> Vec<snapshot::Server> {
    let servers = backend.model.servers.iter().zip(&backend.state.servers);
    let numbered = servers.enumerate();
    numbered
        .map(|(index, (model, state))| snapshot::Server {
            idle: around.idle.total(&backend.model.name, model).map(|count| count as u64),
            ..server(model, state, backend.chooser.warmth(index, around.now), around)
        })
        .collect()
}

fn server(
    model: &model::proxy::Server,
    state: &servers::Server,
    warmth: Option<Warmth>,
    around: &Surroundings<'_>,
) -> snapshot::Server {
    let totals = state.counters.totals(around.now);
    let load = |cell: &AtomicUsize| cell.load(Ordering::Relaxed) as u64;
    snapshot::Server {
        name: model.name.clone(),
        id: model.options.id,
        guid: model.options.guid.clone(),
        address: model.address,
        cookie: model.options.cookie.clone(),
        admin: state.admin(),
        lacks_address: state.lack().is_some(),
        tracked: state.tracked.clone(),
        shared: state.shared(),
        agent: gauge(state.gauge(Prober::Agent), 0, state.last_agent_check()),
        health: state.health(),
        check: gauge(state.gauge(Prober::Check), state.check_failures(), state.last_check()),
        weight: (warmth.map_or(state.weight(), |warmth| warmth.weight), state.weight()),
        is_backup: model.is_backup,
        sessions: Level {
            now: load(&state.connections),
            most: state.counters.most_sessions(),
            limit: state.limit().or(model.maxconn).filter(|limit| *limit < usize::MAX - 1).map(|limit| limit as u64),
        },
        queued: Level {
            now: load(&state.queued),
            most: state.counters.most_queued(),
            limit: model.options.maxqueue.map(|most| most as u64),
        },
        idle: [0; 2],
        idle_limit: model.options.pool_max.map(|most| most as u64),
        throttle: warmth.map(|warmth| warmth.percentage),
        standing: standing_of_server(state, around),
        last_session: age(totals.last_session, around),
        totals,
    }
}

/// What is shown of a check; `None` without one.
fn gauge(gauge: Option<(u32, u32, u32)>, failures: u64, last: Option<LastCheck>) -> Option<Check> {
    gauge.map(|(counter, rise, fall)| Check { rise, fall, counter, failures, last })
}

/// The time since the last change; where there was none, since the start.
fn standing(availability: &Availability, around: &Surroundings<'_>) -> Standing {
    let changed = Some(availability.changed()).filter(|at| *at != Instant::ZERO).unwrap_or(around.facts.started);
    Standing {
        since: around.now.since(changed),
        downs: availability.downs(),
        downtime: availability.downtime(around.now),
    }
}

/// That of a server: one that the configuration disabled has been down since the start.
fn standing_of_server(state: &servers::Server, around: &Surroundings<'_>) -> Standing {
    let standing = standing(&state.availability, around);
    match state.own() == Admin::Maint && standing.downtime.is_zero() {
        true => Standing { downtime: standing.since, ..standing },
        false => standing,
    }
}

fn age(at: Instant, around: &Surroundings<'_>) -> Option<Duration> {
    (at != Instant::ZERO).then(|| around.now.since(at))
}

/// As HAProxy's `balance` names it.
fn algorithm(balance: &Balance) -> &'static str {
    match balance {
        Balance::RoundRobin => "roundrobin",
        Balance::StaticRr => "static-rr",
        Balance::LeastConn => "leastconn",
        Balance::Source => "source",
        Balance::Random { .. } => "random",
        Balance::First => "first",
        Balance::Uri(_) => "uri",
        Balance::UrlParam { .. } => "url_param",
        Balance::Header { .. } => "hdr",
        Balance::RdpCookie { .. } => "rdp-cookie",
        Balance::Expression(_) => "hash",
        Balance::LogHash(_) | Balance::Sticky => "unknown",
    }
}
