//! The start: what can fail first, then the threads, vg-vrrp last.

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use arc_swap::ArcSwap;
use tokio::sync::mpsc;

use super::{Supervisor, reload};
use crate::admin;
use crate::generation::Generation;
use crate::model::runtime::Socket;
use crate::model::track::Object;
use crate::model::{Confinement, Model};
use crate::proxy::worker::{WorkerCommand, WorkerContext};
use crate::run::ctl::{self, Ctl, LoadRequest, RuntimeSockets, View};
use crate::run::listeners::Listeners;
use crate::run::load::Loaded;
use crate::run::readiness::Readiness;
use crate::run::vrrp::{self, Scheduling, VrrpContext};
use crate::run::wiring::{CheckOrder, Ends, Wiring, WorkerOwn, wire};
use crate::run::{Settings, check, counts, log, namespaces, outset, states, threads, worker};
use crate::state::levels::{Board, Level};
use crate::state::process::ProcessFacts;
use crate::state::servers::{Backend, Registry};
use crate::state::sessions::Sessions;
use crate::state::streams::StreamOrder;
use crate::sys;
use crate::sys::caps::Capability;
use crate::sys::confine::Cell;
use crate::sys::handover::Exposed;

/// Capabilities that vg-vrrp starts with; it locks its memory, raises its priority, and keeps the first two.
const VRRP_NEEDS: &[Capability] =
    &[Capability::CAP_NET_ADMIN, Capability::CAP_NET_RAW, Capability::CAP_SYS_NICE, Capability::CAP_IPC_LOCK];

impl Supervisor {
    /// Starts everything.
    pub(super) fn start(settings: Settings, loaded: Loaded) -> anyhow::Result<Supervisor> {
        let mut model = loaded.model;
        let admin_socket = model.process.admin_socket.clone();
        if let Some(path) = &settings.admin_socket {
            model.process.admin_socket.clone_from(path);
        }
        model.process.maxconn = settings.maxconn.or(model.process.maxconn);
        let mut node_lock = None;
        Supervisor::lock_node(&mut node_lock, &model).map_err(|reason| anyhow!(reason))?;
        let limit = sys::limits::raise_descriptors();
        let workers = worker::count(model.process.workers);
        let sessions = Arc::new(Sessions::new(Some(model.process.maxconn.unwrap_or(limit / 2))));
        reload::set_rates(&sessions, model.process.rates);
        let registry = Registry::default();
        let kept = states::restore(&mut model);
        let generation = Generation::prepare(1, model, &registry, None).map_err(|error| anyhow!("{error}"))?;
        states::apply(&generation, &kept, sys::clock::now());
        counts::resume(&generation, sys::clock::now());
        let (files, node) = (&settings.files, settings.node.as_deref());
        outset::change_environment(&generation.rules, &generation.model.process, files, node);
        outset::set_variables(&generation.rules, None);
        let cell = Arc::new(ArcSwap::from(Arc::clone(&generation)));
        let taken = settings.taken_from.as_deref().map(taken_from).unwrap_or_default();
        let mut listeners = Listeners::new(settings.joins, taken);
        let prepared = listeners
            .prepare(&generation.model, workers)
            .map_err(|(address, error)| anyhow!("cannot listen on {address}: {error}"))?;
        listeners.commit(&generation.model, prepared);
        namespaces::enter(&generation.model).map_err(|error| anyhow!("cannot connect from a {error}"))?;
        let admin = crate::admin::server::bind(&generation.model.process.admin_socket)
            .with_context(|| format!("control socket {}", generation.model.process.admin_socket.display()))?;

        let (wiring, ends) = wire(workers, Arc::clone(&sessions));
        let rings = wiring.workers.iter().map(|worker| Arc::clone(&worker.log)).collect();
        let log = log::lines::spawn(Arc::clone(&cell), rings).context("cannot start vg-log")?;
        let facts = Arc::new(ProcessFacts {
            started: sys::clock::now(),
            started_wall: sys::clock::wall(),
            threads: workers,
            descriptors: limit as u64,
            logs_dropped: log.lost(),
            startup_logs: loaded.warnings,
            ..ProcessFacts::default()
        });
        let runtime =
            runtime_sockets(&generation, &cell, &wiring, settings.master.as_ref(), &facts, listeners.exposed())?;
        let view = Arc::new(View {
            generation: Arc::clone(&cell),
            vrrp: wiring.vrrp_status.clone(),
            counters: wiring.workers.iter().map(|worker| Arc::clone(&worker.counters)).collect(),
            sessions,
            pools: Arc::clone(&wiring.pools),
            facts,
            orders: wiring.orders_sender.clone(),
            reload_error: std::sync::Mutex::new(None),
        });
        let (loads, load_requests) = mpsc::channel(1);
        let mut supervisor = Supervisor {
            wiring,
            listeners,
            registry,
            generation: cell,
            view,
            admin_socket,
            loads,
            loading: None,
            ended: Vec::new(),
            log,
            readiness: Readiness::default(),
            node_lock,
        };
        supervisor.spawn_threads(ends, settings, admin, runtime, load_requests, &generation)?;
        // The others have what they need; main binds ports and reads files.
        threads::keep_capabilities(&[Capability::CAP_NET_BIND_SERVICE, Capability::CAP_DAC_READ_SEARCH]);
        Ok(supervisor)
    }

    fn spawn_threads(
        &mut self,
        ends: Ends,
        settings: Settings,
        admin: std::os::unix::net::UnixListener,
        runtime: RuntimeSockets,
        loads: mpsc::Receiver<LoadRequest>,
        generation: &Arc<Generation>,
    ) -> anyhow::Result<()> {
        self.spawn_workers(ends.workers, generation)?;
        check::spawn(check::CheckThread {
            orders: ends.check_orders,
            probing: ends.probing,
            suspects: ends.suspects,
            heart: ends.check_heart,
            levels_changed: Arc::clone(&self.wiring.levels_changed),
        })
        .context("cannot start vg-check")?;
        let (changes, view) = (ends.server_orders, Arc::clone(&self.view));
        let probing = self.wiring.probing.clone();
        let (names, questions) = (ends.names, ends.questions);
        // First, so that vg-check knows the servers that an operator speaks of.
        let board = self.serve_generation(generation);
        ctl::spawn(Ctl { listener: admin, runtime, loads, settings, changes, probing, names, questions, view })
            .context("cannot start vg-ctl")?;
        let context = VrrpContext {
            model: Arc::clone(&generation.model),
            backends: backends(generation),
            board,
            listeners: self.listeners.all(),
            hearts: ends.hearts,
            heart: ends.vrrp_heart,
            levels_changed: Arc::clone(&self.wiring.levels_changed),
            orders: ends.vrrp_orders,
            status: ends.vrrp_status,
            notices: ends.vrrp_notices,
            scheduling: Scheduling::RealTime,
        };
        // Said before the last thread starts, so that its first words come after this one.
        tracing::info!(
            node = %generation.model.node,
            workers = self.wiring.workers.len(),
            frontends = generation.model.frontends.len(),
            version = crate::VERSION,
            "vipgate is running"
        );
        threads::start("vg-vrrp", VRRP_NEEDS, || async {
            if let Err(error) = vrrp::run(context).await {
                tracing::error!(%error, "vg-vrrp cannot work: this node holds no virtual address");
            }
        })
        .context("cannot start vg-vrrp")?;
        Ok(())
    }

    fn spawn_workers(&mut self, owns: Vec<WorkerOwn>, generation: &Generation) -> anyhow::Result<()> {
        let kept = worker_needs(&generation.model);
        let is_missing = |one: &Capability| kept.contains(one) && !sys::caps::has(*one);
        if is_missing(&Capability::CAP_NET_RAW) && !sys::caps::has(Capability::CAP_NET_ADMIN) {
            tracing::warn!("connections cannot bear addresses of clients: 'usesrc' needs CAP_NET_RAW");
        }
        if is_missing(&Capability::CAP_NET_ADMIN) {
            tracing::warn!(
                "'silent-drop' sends a reset that no router passes on, and no mark is set: they need CAP_NET_ADMIN"
            );
        }
        let cell = Cell { kept, ..cell(&generation.model.process.confinement)? };
        for (index, (own, shared)) in owns.into_iter().zip(&self.wiring.workers).enumerate() {
            let context = WorkerContext {
                index,
                commands: own.commands,
                heart: own.heart,
                suspects: own.suspects,
                log: Arc::clone(&shared.log),
                counters: Arc::clone(&shared.counters),
                sessions: Arc::clone(&self.wiring.sessions),
                facts: Arc::clone(&self.view.facts),
                orders: own.orders,
                questions: own.questions,
                pools: Arc::clone(&self.wiring.pools),
            };
            let ended = worker::spawn(context, cell.clone()).context("cannot start a worker")?;
            self.ended.push(ended);
        }
        Ok(())
    }

    /// Gives a generation to workers and vg-check; its board is for vg-vrrp.
    pub(super) fn serve_generation(&self, generation: &Arc<Generation>) -> Arc<Board> {
        let board = Arc::new(Board::new(generation.model.objects.len()));
        for (object, tracked) in generation.model.objects.iter().enumerate() {
            if let Object::Bind { .. } = tracked.object {
                // A generation is committed only when each of its sockets is open.
                board.set(object, Level::Up);
            }
        }
        self.give_listeners(generation);
        // A thread whose receiver is gone has died; its heart tells vg-vrrp.
        let _ = self.wiring.check.send(CheckOrder::Configure(Arc::clone(generation), Arc::clone(&board)));
        let _ = self.wiring.names.send(Arc::clone(generation));
        board
    }

    /// Gives every worker the generation with its sockets that listen.
    pub(super) fn give_listeners(&self, generation: &Arc<Generation>) {
        for (index, worker) in self.wiring.workers.iter().enumerate() {
            match self.listeners.for_worker(&generation.model, index) {
                Ok(listeners) => {
                    let serve = WorkerCommand::Serve { generation: Arc::clone(generation), listeners };
                    if worker.commands.send(serve).is_err() {
                        tracing::error!(worker = index, "a worker has died");
                    }
                }
                Err(error) => tracing::error!(worker = index, %error, "cannot hand sockets to a worker"),
            }
        }
        self.give_relays(generation);
    }

    /// Gives every worker its sockets of relays. One that has died was told of above.
    fn give_relays(&self, generation: &Generation) {
        for (index, worker) in self.wiring.workers.iter().enumerate() {
            match self.listeners.for_relays(&generation.relays, index) {
                Ok(relays) => _ = worker.commands.send(WorkerCommand::Relay(relays)),
                Err(error) => tracing::error!(worker = index, %error, "cannot hand sockets of relays to a worker"),
            }
        }
    }
}

/// Capabilities that workers keep for the sake of what the file says: addresses that are not ours, connections that end
/// without a packet, marks.
fn worker_needs(model: &Model) -> Vec<Capability> {
    let rules = || {
        let own = model.frontends.iter().map(|frontend| &frontend.rules);
        own.chain(model.backends.iter().map(|backend| &backend.rules)).flatten()
    };
    let is_quiet = |words: &[String]| {
        let at = words.iter().position(|word| word == "silent-drop");
        at.is_some_and(|at| words.get(at + 1).is_none_or(|next| next != "rst-ttl"))
    };
    let marks = |word: &String| matches!(word.as_str(), "set-mark" | "set-fc-mark" | "set-bc-mark");
    let mut needs = Vec::new();
    if model.backends.iter().any(|backend| backend.poses()) {
        needs.push(Capability::CAP_NET_RAW);
    }
    if rules().any(|line| is_quiet(&line.words) || line.words.iter().any(marks)) {
        needs.push(Capability::CAP_NET_ADMIN);
    }
    needs
}

/// What workers give up, with the numbers of the accounts. A process that is not root's gives up nothing more, and says so.
fn cell(confinement: &Confinement) -> anyhow::Result<Cell> {
    if *confinement != Confinement::default() && !sys::confine::is_possible() {
        tracing::warn!("chroot, user and group are not taken: the process does not run as root");
        return Ok(Cell::default());
    }
    if let Some(root) = confinement.root.as_ref().filter(|root| !root.is_dir()) {
        return Err(anyhow!("cannot chroot to {}: it is no directory", root.display()));
    }
    let user = confinement.user.as_ref().map(sys::users::uid_of).transpose().context("cannot find the user")?;
    let group = confinement.group.as_ref().map(sys::users::gid_of).transpose().context("cannot find the group")?;
    Ok(Cell { root: confinement.root.clone(), uid: user, gid: group, kept: Vec::new() })
}

/// The listening sockets of the process behind a runtime socket. Without them this one opens its own.
fn taken_from(path: &Path) -> Vec<TcpListener> {
    sys::handover::take(path).unwrap_or_else(|error| {
        tracing::warn!(path = %path.display(), %error, "the old process gives no listening sockets");
        Vec::new()
    })
}

/// Opens HAProxy's runtime sockets, with what their commands work on.
fn runtime_sockets(
    generation: &Generation,
    cell: &Arc<ArcSwap<Generation>>,
    wiring: &Wiring,
    master: Option<&Socket>,
    facts: &Arc<ProcessFacts>,
    listeners: Arc<Exposed>,
) -> anyhow::Result<RuntimeSockets> {
    let runtime = &generation.model.process.runtime;
    let open = admin::runtime::bind(runtime, master)
        .map_err(|(endpoint, error)| anyhow!("cannot open the stats socket {endpoint}: {error}"))?;
    let process = admin::runtime::Process {
        generation: Arc::clone(cell),
        sessions: Arc::clone(&wiring.sessions),
        most_sessions: wiring.sessions.limit(),
        facts: Arc::clone(facts),
        idle: wiring.pools.clone(),
        started: facts.started,
        workers: facts.threads,
        orders: wiring.orders_sender.clone(),
        probing: wiring.probing.clone(),
        counters: wiring.workers.iter().map(|worker| Arc::clone(&worker.counters)).collect(),
        streams: wiring.workers.iter().map(|worker| stream_orders(worker.commands.clone())).collect(),
        listeners,
        sockets: runtime.sockets.iter().map(|socket| (socket.endpoint.to_string(), socket.level)).collect(),
        timeout: runtime.timeout,
    };
    Ok(RuntimeSockets { open, maxconn: runtime.maxconn, process })
}

/// Gives a worker orders about its streams.
fn stream_orders(worker: mpsc::UnboundedSender<WorkerCommand>) -> Box<dyn Fn(StreamOrder) + Send> {
    // What a worker that has died does not take is dropped, and whoever waits for an answer hears that.
    Box::new(move |order| _ = worker.send(WorkerCommand::Streams(order)))
}

/// State of a generation's backends, by backend number.
pub(super) fn backends(generation: &Generation) -> Vec<Arc<Backend>> {
    generation.backends.iter().map(|backend| Arc::clone(&backend.state)).collect()
}
