//! What the tasks of one worker share: everything in `Rc` and `Cell`, because they all run on its thread.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Waker;
use std::time::Duration;

use slab::Slab;
use tokio::sync::Notify;
use tokio::sync::mpsc::Sender;

use crate::generation::{self, Generation, Rules};
use crate::http::Leniency;
use crate::model::log::Level;
use crate::model::options::KeepAlive;
use crate::model::proxy::{DoubtfulFraming, Mode};
use crate::rule::asks::Asks;
use crate::rule::facts::Number;
use crate::rule::logging::Profile;
use crate::rule::options::Closing;
use crate::rule::{Format, Logging, Section};
use crate::state::command::{ServerOrder, Suspect};
use crate::state::counters::{Shard, Traffic};
use crate::state::log::LogRing;
use crate::state::naming::Question;
use crate::state::process::ProcessFacts;
use crate::state::servers::{Health, Server};
use crate::state::sessions::Sessions;
use crate::sys::clock;
use crate::time::Instant;

use super::buffers::Buffers;
use super::listener::Listener;
use super::pool::Pool;
use super::pools::{PoolKey, Pools};
use super::rules::RuleState;
use super::seat::{Seat, seat};
use super::session::Desk;
use super::splice::Pipes;
use super::stream;
use super::timers::{Timer, Wheel};

/// Empty seats kept for the next requests.
const MAX_SEATS: usize = 1024;
/// Timers kept for the next sessions.
const MAX_TIMERS: usize = 1024;
/// Tasks kept for the next connections: more than are accepted at once close in the time in which others come.
const MAX_VACANCIES: usize = 64;

/// Whether connections may outlive their current request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    Normal,
    /// Every response says `Connection: close`.
    Announcing,
    /// The same, nothing is accepted, idle connections are closed.
    Draining,
}

/// What a session is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// It waits for a request: since the connection or the last response.
    Waiting(Instant),
    /// A request or its response is under way.
    Busy,
    /// Bytes both ways, for as long as both sides like.
    Tunnel,
}

/// What others may do to a session: wake it, close it.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) timer: Rc<Timer>,
    pub(super) stage: Cell<Stage>,
    /// To be closed at once.
    pub(super) is_killed: Cell<bool>,
    /// The address that the client connected to.
    pub(super) local: IpAddr,
    /// Its other end.
    pub(super) peer: SocketAddr,
    pub(super) accepted: Instant,
    pub(super) listener: Rc<Listener>,
    /// The backend that its stream went to last.
    pub(super) backend: RefCell<Weak<LocalBackend>>,
    /// Whether the stream under way has come to a server.
    pub(super) is_with_server: Cell<bool>,
    /// The server that it was connected to last, and how often its sessions had been closed by then.
    pub(super) server: RefCell<Option<(Arc<Server>, u64)>>,
}

impl Shared {
    /// Its stream goes to this backend now, and to no server yet.
    pub(super) fn enters(&self, backend: &Rc<LocalBackend>) {
        self.is_with_server.set(false);
        let mut known = self.backend.borrow_mut();
        if known.as_ptr() != Rc::as_ptr(backend) {
            *known = Rc::downgrade(backend);
        }
    }

    /// Its stream goes to this server now.
    pub(super) fn goes_to(&self, server: &Arc<Server>) {
        self.is_with_server.set(true);
        let mut known = self.server.borrow_mut();
        match &mut *known {
            Some((before, closings)) if Arc::ptr_eq(before, server) => *closings = server.closings(),
            _ => *known = Some((Arc::clone(server), server.closings())),
        }
    }

    /// Whether a stream of it is with a server whose sessions were to be closed since.
    pub(super) fn is_unwanted(&self) -> bool {
        let is_busy = !matches!(self.stage.get(), Stage::Waiting(_));
        is_busy && self.server.borrow().as_ref().is_some_and(|(server, closings)| server.closings() != *closings)
    }
}

/// The state of a worker.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) index: usize,
    pub(super) buffers: Buffers,
    pub(super) wheel: RefCell<Wheel<Timer>>,
    pub(super) sessions: RefCell<Slab<Rc<Shared>>>,
    /// Told when the last session has ended.
    pub(super) emptied: Notify,
    pub(super) service: Cell<Service>,
    /// Addresses that are about to leave this node: every response on them says `Connection: close`.
    pub(super) leaving: RefCell<Vec<IpAddr>>,
    pub(super) log: Arc<LogRing>,
    pub(super) counters: Arc<Shard>,
    pub(super) process: Arc<Sessions>,
    pub(super) facts: Arc<ProcessFacts>,
    /// To vg-ctl: changes of servers.
    pub(super) orders: Sender<ServerOrder>,
    /// To vg-ctl: names that rules ask for.
    pub(super) questions: Sender<Question>,
    suspects: Sender<Suspect>,
    /// Of all servers of the process.
    pub(super) shared_pools: Arc<Pools>,
    /// Those that this worker uses.
    pools: RefCell<HashMap<PoolKey, Arc<Pool>>>,
    pub(super) pipes: Rc<Pipes>,
    seats: RefCell<Vec<Box<dyn Seat>>>,
    /// Timers that nobody uses; the wheel may still look at them.
    timers: RefCell<Vec<Rc<Timer>>>,
    /// Tasks that have no connection.
    vacancies: RefCell<Vec<(Desk, Waker)>>,
    /// Room for the line of a stream for which rules keep nothing.
    pub(super) spare_rules: RefCell<Option<Box<RuleState>>>,
    /// When the task of a connection that runs now was woken, or the connection was accepted.
    pub(super) now: Cell<Instant>,
    /// Wall clock minus monotonic clock, looked at on every tick.
    wall_offset: Cell<Duration>,
}

/// A frontend with what this worker keeps for it.
#[derive(Debug)]
pub(super) struct LocalFrontend {
    pub(super) running: Arc<generation::Frontend>,
    /// The default one, if it has one that is published.
    pub(super) backend: Option<Rc<LocalBackend>>,
    /// Whether lines of its log would be read by anybody.
    pub(super) logs: bool,
    /// Its rules; `None` has none.
    pub(super) rules: Option<Arc<Section>>,
    /// Whether a request of it may meet rules that look at it: its own, or those of its default backend.
    pub(super) runs_rules: bool,
    /// Whether targets may have bytes beyond ASCII.
    pub(super) leniency: Leniency,
    /// Bytes that a head may have as received, and that are read of a message whose body rules wait for.
    pub(super) max_head: usize,
    /// Bytes that a head may have after rules edited it.
    pub(super) max_edited_head: usize,
    pub(super) others: Rc<Others>,
    /// Whether its lines show how many there were.
    pub(super) counts_lines: bool,
    /// What rules and lines of the generation ask for.
    pub(super) asks: Asks,
    /// Whether something may ask for the number of a stream.
    pub(super) numbers_streams: bool,
    /// What it says of its connections.
    pub(super) manners: Manners,
}

/// What rules may name: everything of the generation.
#[derive(Debug)]
pub(super) struct Others {
    frontends: Vec<Arc<generation::Frontend>>,
    backends: Vec<Rc<LocalBackend>>,
    /// Numbers of the backends by name: requests may name one of thousands.
    by_name: HashMap<String, usize>,
    pub(super) rules: Arc<Rules>,
    /// All of it, for statistics.
    pub(super) generation: Arc<Generation>,
}

impl Others {
    pub(super) fn backend(&self, name: &str) -> Option<&Rc<LocalBackend>> {
        self.backends.get(*self.by_name.get(name)?)
    }

    /// The one of that name, unless its servers take messages of logs.
    pub(super) fn backend_for_traffic(&self, name: &[u8]) -> Option<&Rc<LocalBackend>> {
        self.backend(std::str::from_utf8(name).ok()?).filter(|backend| backend.running.model.mode != Mode::Log)
    }

    /// A backend by its number in the model.
    pub(super) fn numbered(&self, number: usize) -> Option<&Rc<LocalBackend>> {
        self.backends.get(number)
    }

    pub(super) fn frontend(&self, name: &str) -> Option<&generation::Frontend> {
        self.frontends.iter().map(Arc::as_ref).find(|frontend| frontend.model.name == name)
    }
}

/// A backend with what this worker keeps for it.
#[derive(Debug)]
pub(super) struct LocalBackend {
    pub(super) running: Arc<generation::Backend>,
    /// Idle connections, by server number.
    pub(super) pools: Vec<Arc<Pool>>,
    /// Its rules; `None` has none.
    pub(super) rules: Option<Arc<Section>>,
    /// Whether they look at messages: what only says which pages there are does not.
    pub(super) runs_rules: bool,
    /// What it says of its connections.
    pub(super) manners: Manners,
}

/// What a section says of connections.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Manners {
    /// Whose close after a request.
    pub(super) closing: Closing,
    /// Servers are not told that theirs will.
    pub(super) pretends: bool,
    /// Requests whose clients leave are given up.
    pub(super) gives_up: bool,
    /// Its connections are closed with a reset.
    pub(super) resets: bool,
    /// Times of TCP keep-alive of clients, if they have it.
    pub(super) keep_alive: Option<KeepAlive>,
    /// Servers are told their names.
    pub(super) names_servers: bool,
    /// Servers get no trailers, as a backend says.
    pub(super) drops_request_trailers: bool,
    /// Clients get none, as a frontend says.
    pub(super) drops_response_trailers: bool,
    /// A connection that ends before its first byte leaves nothing.
    pub(super) ignores_probes: bool,
    /// A stop waits for the next request of its idle connections.
    pub(super) keeps_idle_at_stop: bool,
    /// What its side is sent does not make it less silent.
    pub(super) counts_reads_alone: bool,
    /// Its clients get names of fields in the letter case that the process says.
    pub(super) adjusts_names_for_clients: bool,
    /// Its servers do.
    pub(super) adjusts_names_for_servers: bool,
}

impl Manners {
    fn of(section: Option<&Arc<Section>>) -> Manners {
        section.map_or(Manners::default(), |section| Manners {
            closing: section.options.closing,
            pretends: section.options.pretends,
            gives_up: section.options.gives_up,
            resets: section.options.resets,
            keep_alive: section.options.keeps_alive.then_some(section.options.keep_alive),
            names_servers: section.options.name_field.is_some(),
            drops_request_trailers: section.options.drops_request_trailers,
            drops_response_trailers: section.options.drops_response_trailers,
            ignores_probes: section.options.ignores_probes,
            keeps_idle_at_stop: section.options.keeps_idle_at_stop,
            counts_reads_alone: section.options.counts_reads_alone,
            adjusts_names_for_clients: section.options.adjusts_names_for_clients,
            adjusts_names_for_servers: section.options.adjusts_names_for_servers,
        })
    }
}

impl LocalFrontend {
    /// Gives the names of a head for a client the letter case that it insists on.
    pub(super) fn adjust_names(&self, head: &mut [u8]) {
        if self.manners.adjusts_names_for_clients {
            self.others.rules.globals.name_cases.write_over(head);
        }
    }
}

impl LocalBackend {
    /// Whether frontends may use it without being told to.
    pub(super) fn is_published(&self) -> bool {
        !self.running.model.options.is_unpublished
    }
}

impl LocalFrontend {
    fn new(
        frontend: &Arc<generation::Frontend>,
        rules: &Option<Arc<Section>>,
        others: &Rc<Others>,
        (asks, numbers_streams): (Asks, bool),
    ) -> LocalFrontend {
        let section = rules.as_deref();
        let backend = frontend.model.default_backend.and_then(|number| others.backends.get(number));
        let backend = backend.filter(|backend| backend.is_published()).cloned();
        let logs = frontend.journal.takes(Level::Emerg);
        let profiles = others.rules.globals.profiles.iter().filter(|_| logs);
        let formats = || profiles.clone().flat_map(Profile::formats);
        let runs_rules = section.is_some_and(Section::looks_at_messages)
            || backend.as_ref().is_some_and(|backend| backend.runs_rules)
            || formats().any(Format::looks_at_requests);
        let framing = frontend.model.doubtful_framing;
        let leniency = Leniency {
            odd_bytes: section.is_some_and(|section| section.options.tolerates_odd_bytes),
            transfer_wins: framing != DoubtfulFraming::Refuse,
            keeps_doubtful: framing == DoubtfulFraming::Keep,
            old_bodies: others.rules.globals.accepts_old_bodies,
            max_fields: others.rules.globals.max_fields,
        };
        let (max_head, max_edited_head) = others.rules.globals.head_limits();
        let counts_lines = section.is_some_and(|section| section.logging.counts_lines())
            || formats().any(|format| format.asks_for(Number::LogNumber));
        LocalFrontend {
            running: Arc::clone(frontend),
            backend,
            logs,
            rules: rules.clone(),
            runs_rules,
            leniency,
            max_head,
            max_edited_head,
            others: Rc::clone(others),
            counts_lines,
            asks,
            numbers_streams,
            manners: Manners::of(rules.as_ref()),
        }
    }

    /// Whether the connection of a server of that backend closes after a request (HAProxy manual §4.2 "option httpclose").
    pub(super) fn closes_server(&self, backend: &LocalBackend) -> bool {
        self.manners.closing == Closing::Server || backend.manners.closing != Closing::Neither
    }

    /// What its lines are like.
    pub(super) fn logging(&self) -> Option<&Logging> {
        self.rules.as_ref().map(|section| &section.logging)
    }

    pub(super) fn counters(&self, worker: &Worker) -> &Traffic {
        self.running.counters.of(worker.index)
    }
}

impl Worker {
    #[expect(clippy::too_many_arguments, reason = "each is one end of the worker's wiring")]
    pub(super) fn new(
        index: usize,
        log: Arc<LogRing>,
        counters: Arc<Shard>,
        process: Arc<Sessions>,
        suspects: Sender<Suspect>,
        facts: Arc<ProcessFacts>,
        orders: Sender<ServerOrder>,
        questions: Sender<Question>,
        shared_pools: Arc<Pools>,
    ) -> Worker {
        let worker = Worker {
            index,
            buffers: Buffers::new(),
            wheel: RefCell::new(Wheel::new(clock::now())),
            sessions: RefCell::default(),
            emptied: Notify::new(),
            leaving: RefCell::default(),
            service: Cell::new(Service::Normal),
            log,
            counters,
            process,
            facts,
            orders,
            questions,
            suspects,
            shared_pools,
            pools: RefCell::default(),
            pipes: Rc::default(),
            seats: RefCell::default(),
            timers: RefCell::default(),
            vacancies: RefCell::default(),
            spare_rules: RefCell::default(),
            now: clock::now().into(),
            wall_offset: Cell::default(),
        };
        worker.look_at_wall_clock(clock::now());
        worker
    }

    /// The frontends of a generation with the pools that this worker already has; pools of servers that are gone close.
    pub(super) fn localize(&self, generation: &Arc<Generation>) -> Vec<Rc<LocalFrontend>> {
        let backends = self.localize_backends(generation);
        let numbers_streams = numbers_streams(&generation.rules);
        let asks = generation.rules.frontends.iter().chain(&generation.rules.backends).flatten();
        let asks = asks.fold(generation.rules.globals.asks, |asks, section| asks.and(section.asks));
        let (frontends, rules) = (generation.frontends.clone(), Arc::clone(&generation.rules));
        let by_name = |(number, backend): (usize, &Rc<LocalBackend>)| (backend.running.model.name.clone(), number);
        let by_name = backends.iter().enumerate().rev().map(by_name).collect();
        let others = Rc::new(Others { frontends, backends, by_name, rules, generation: Arc::clone(generation) });
        let pairs = generation.frontends.iter().zip(&generation.rules.frontends);
        let local = |(frontend, rules)| LocalFrontend::new(frontend, rules, &others, (asks, numbers_streams));
        pairs.map(|pair| Rc::new(local(pair))).collect()
    }

    fn localize_backends(&self, generation: &Generation) -> Vec<Rc<LocalBackend>> {
        let mut known = self.pools.borrow_mut();
        let mut next = HashMap::new();
        let mut local = |(backend, rules): (&Arc<generation::Backend>, &Option<Arc<Section>>)| {
            let pools = backend.model.servers.iter().zip(&backend.state.servers).map(|(server, state)| {
                let key = PoolKey::of(&backend.model.name, server);
                let pool = self.shared_pools.get(&key);
                pool.configure(self.index, state, &server.options, generation.model.process.shares_idle);
                next.insert(key, Arc::clone(&pool));
                pool
            });
            Rc::new(LocalBackend {
                running: Arc::clone(backend),
                pools: pools.collect(),
                rules: rules.clone(),
                runs_rules: rules.as_ref().is_some_and(|section| section.looks_at_messages()),
                manners: Manners::of(rules.as_ref()),
            })
        };
        let backends = generation.backends.iter().zip(&generation.rules.backends).map(&mut local).collect();
        for (key, pool) in known.iter() {
            if !next.contains_key(key) {
                pool.retire(self.index);
            }
        }
        *known = next;
        backends
    }

    /// Closes pooled connections that died or idled too long.
    pub(super) fn trim_pools(&self, now: Instant) {
        for pool in self.pools.borrow().values() {
            pool.trim(self.index, now);
        }
    }

    /// Closes all idle connections: nobody takes those of a thread that ends.
    pub(super) fn retire_pools(&self) {
        for pool in self.pools.borrow().values() {
            pool.retire(self.index);
        }
    }

    pub(super) fn look_at_clock(&self) {
        self.now.set(clock::now());
    }

    pub(super) fn look_at_wall_clock(&self, now: Instant) {
        self.wall_offset.set(clock::wall().saturating_sub(now.since(Instant::ZERO)));
    }

    /// The wall clock at a monotonic instant, since 1970.
    pub(super) fn wall(&self, at: Instant) -> Duration {
        self.wall_offset.get() + at.since(Instant::ZERO)
    }

    /// An empty seat.
    pub(super) fn take_seat(&self) -> Box<dyn Seat> {
        let kept = self.seats.borrow_mut().pop();
        kept.unwrap_or_else(|| seat(stream::answer))
    }

    /// Takes an empty seat back.
    pub(super) fn give_seat(&self, seat: Box<dyn Seat>) {
        let mut kept = self.seats.borrow_mut();
        if kept.len() < MAX_SEATS {
            kept.push(seat);
        }
    }

    /// A timer for a session. One that was used before stands in the wheel already, where a new one would have to be put,
    /// to stay for seconds after the session.
    pub(super) fn take_timer(&self) -> Rc<Timer> {
        let kept = self.timers.borrow_mut().pop();
        kept.unwrap_or_else(|| Rc::new(Timer::new()))
    }

    /// Takes the timer of a session that is over.
    pub(super) fn give_timer(&self, timer: &Rc<Timer>) {
        timer.forget();
        let mut kept = self.timers.borrow_mut();
        if kept.len() < MAX_TIMERS {
            kept.push(Rc::clone(timer));
        }
    }

    /// A task that waits for a connection.
    pub(super) fn take_vacancy(&self) -> Option<(Desk, Waker)> {
        self.vacancies.borrow_mut().pop()
    }

    /// Keeps a task for the next connection; `false` if enough are kept.
    pub(super) fn give_vacancy(&self, desk: &Desk, task: &Waker) -> bool {
        let mut kept = self.vacancies.borrow_mut();
        let has_room = kept.len() < MAX_VACANCIES;
        if has_room {
            kept.push((Rc::clone(desk), task.clone()));
        }
        has_room
    }

    /// Tells vg-check of a server; `false` if it has too much to do.
    pub(super) fn tell(&self, suspect: Suspect) -> bool {
        self.suspects.try_send(suspect).is_ok()
    }

    /// Counts a connect that failed or is slow, and tells vg-check, which knows how many in a row are too many.
    pub(super) fn note_trouble(&self, server: &Arc<Server>, observe: Option<u32>) {
        server.connect_failures.fetch_add(1, Ordering::Relaxed);
        let is_news = || server.health() != Health::Down && !server.is_suspect.swap(true, Ordering::AcqRel);
        if observe.is_some() && is_news() && !self.tell(Suspect::Trouble(Arc::clone(server))) {
            server.is_suspect.store(false, Ordering::Release);
        }
    }
}

/// Whether something may ask for the number of a stream. Rules may wherever there are some.
fn numbers_streams(rules: &Rules) -> bool {
    let mut formats = rules.globals.profiles.iter().flat_map(Profile::formats);
    let mut sections = rules.frontends.iter().flatten();
    sections.any(|section| section.looks_at_messages() || section.logging.shows_numbers())
        || formats.any(|format| format.asks_for(Number::RequestNumber))
}
