//! vg-ctl: the control socket, and the loading of configurations.
//!
//! It owns nothing that traffic needs, so a slow operator or a large file disturbs nobody.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use arc_swap::ArcSwap;
use tokio::sync::{mpsc, oneshot, watch};

use crate::admin::runtime;
use crate::admin::server::{self, Node};
use crate::admin::status::{FrontendCounts, Sources};
use crate::admin::{Order, Status};
use crate::generation::{Generation, Surroundings};
use crate::model::proxy::Mode;
use crate::proxy::pools::Pools;
use crate::state::command::ServerOrder;
use crate::state::counters::Shard;
use crate::state::naming::Question;
use crate::state::process::ProcessFacts;
use crate::state::sessions::Sessions;
use crate::state::vrrp::VrrpStatus;
use crate::stats::Snapshot;
use crate::sys;
use crate::sys::caps::Capability;

use super::load::{LoadError, Loaded};
use super::{Settings, load, log, names, threads};

/// A request to read the configuration, and where the result goes.
pub(super) type LoadRequest = oneshot::Sender<Result<Loaded, LoadError>>;

/// What vg-ctl takes with it.
pub(super) struct Ctl {
    pub(super) listener: std::os::unix::net::UnixListener,
    pub(super) loads: mpsc::Receiver<LoadRequest>,
    pub(super) settings: Settings,
    /// Changes of servers, from statistics pages.
    pub(super) changes: mpsc::Receiver<ServerOrder>,
    /// To vg-check, which carries them out.
    pub(super) probing: mpsc::Sender<ServerOrder>,
    /// Generations, whose names are followed.
    pub(super) names: mpsc::UnboundedReceiver<Arc<Generation>>,
    /// Names that rules ask for.
    pub(super) questions: mpsc::Receiver<Question>,
    pub(super) view: Arc<View>,
    pub(super) runtime: RuntimeSockets,
}

/// HAProxy's runtime sockets, open.
pub(super) struct RuntimeSockets {
    pub(super) open: Vec<runtime::Open>,
    pub(super) maxconn: usize,
    pub(super) process: runtime::Process,
}

/// What `status` reads: cells that their owners keep current.
pub(super) struct View {
    pub(super) generation: Arc<ArcSwap<Generation>>,
    pub(super) vrrp: watch::Receiver<Arc<VrrpStatus>>,
    pub(super) counters: Vec<Arc<Shard>>,
    pub(super) sessions: Arc<Sessions>,
    pub(super) pools: Arc<Pools>,
    pub(super) facts: Arc<ProcessFacts>,
    pub(super) orders: mpsc::Sender<Order>,
    /// Written by main after each reload.
    pub(super) reload_error: Mutex<Option<String>>,
}

impl Node for View {
    fn status(&self) -> Status {
        let (generation, now) = (self.generation.load_full(), sys::clock::now());
        let frontends = generation.frontends.iter().map(|frontend| {
            let totals = frontend.sessions.counters.totals(now);
            FrontendCounts {
                sessions: frontend.sessions.current() as u64,
                sessions_total: totals.sessions,
                requests_total: match frontend.model.mode {
                    Mode::Http => frontend.counters.totals(now).requests,
                    Mode::Tcp | Mode::Log => totals.sessions,
                },
            }
        });
        Status::collect(&Sources {
            generation: &generation,
            vrrp: &self.vrrp.borrow().clone(),
            now,
            started: self.facts.started,
            workers: self.counters.len(),
            reload_error: self.reload_error.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            log_lines_lost: log::messages::lost() + self.facts.logs_dropped(),
            sessions: self.sessions.current() as u64,
            frontends: frontends.collect(),
        })
    }

    fn snapshot(&self) -> Snapshot {
        let (now, used) = (sys::clock::now(), sys::clock::used());
        let around = Surroundings { now, facts: &self.facts, sessions: &self.sessions, used, idle: &*self.pools };
        self.generation.load_full().snapshot(&around)
    }

    fn orders(&self) -> mpsc::Sender<Order> {
        self.orders.clone()
    }
}

/// Starts the thread.
///
/// # Errors
/// The thread cannot be created.
pub(super) fn spawn(ctl: Ctl) -> io::Result<JoinHandle<()>> {
    threads::start("vg-ctl", &[Capability::CAP_DAC_READ_SEARCH], || run(ctl))
}

async fn run(mut ctl: Ctl) {
    drop(tokio::task::spawn_local(names::follow(ctl.names, ctl.questions, ctl.view.orders())));
    match ctl.listener.set_nonblocking(true).and_then(|()| tokio::net::UnixListener::from_std(ctl.listener)) {
        Ok(listener) => drop(tokio::task::spawn_local(server::serve(listener, ctl.view))),
        Err(error) => tracing::error!(%error, "the control socket cannot be served"),
    }
    let RuntimeSockets { open, maxconn, process } = ctl.runtime;
    runtime::serve(open, maxconn, process);
    let mut changes = ctl.changes;
    drop(tokio::task::spawn_local(async move {
        while let Some(order) = changes.recv().await {
            tracing::info!(server = order.server.name, change = ?order.change, "a server is changed on a statistics page");
            // A vg-check that is gone has died; whoever asked hears that nothing was done.
            let _ = ctl.probing.send(order).await;
        }
    }));
    while let Some(reply) = ctl.loads.recv().await {
        let settings = ctl.settings.clone();
        let loaded = tokio::task::spawn_blocking(move || load(&settings.files, settings.node.as_deref())).await;
        if let Ok(loaded) = loaded {
            let _ = reply.send(loaded);
        }
    }
}
