//! The main thread: it owns the listening sockets, starts and stops the others, and carries out orders.
//!
//! Start: configuration, sockets, vg-log, workers, vg-check, vg-ctl, and vg-vrrp last, so that an address is claimed
//! only when everything behind it serves.
//!
//! Stop (SIGTERM, SIGINT): workers announce `Connection: close`; vg-vrrp offers the addresses and keeps them until a
//! peer has taken over; then workers drain, and the process ends. A second signal ends it at once, without addresses.

use std::process::ExitCode;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use anyhow::{Context, anyhow};
use arc_swap::ArcSwap;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};

use crate::admin::{Order, OrderKind};
use crate::generation::Generation;
use crate::model::Model;
use crate::proxy::worker::{WorkerCommand, WorkerContext};
use crate::state;
use crate::state::command::VrrpCommand;
use crate::state::levels::{Board, Level};
use crate::state::servers::Registry;
use crate::state::sessions::Sessions;
use crate::sys;
use crate::sys::caps::Capability;

use super::ctl::{self, Ctl, LoadRequest, View};
use super::listeners::Listeners;
use super::load::{LoadError, Loaded};
use super::readiness::Readiness;
use super::vrrp::{Scheduling, VrrpContext, VrrpNotice, VrrpOrder};
use super::wiring::{CheckOrder, Ends, Wiring, wire};
use super::{Settings, check, load, log, threads, vrrp, worker};

/// Capabilities that vg-vrrp starts with; it locks its memory, raises its priority, and keeps the first two.
const VRRP_NEEDS: &[Capability] =
    &[Capability::CAP_NET_ADMIN, Capability::CAP_NET_RAW, Capability::CAP_SYS_NICE, Capability::CAP_IPC_LOCK];

/// How long clients are told to close before the addresses move on purpose.
const ANNOUNCE: Duration = Duration::from_millis(300);

/// Runs until stopped. The exit code is 0 after an orderly stop and 1 after a failed start.
///
/// # Errors
/// The process cannot start: wrong configuration, an address in use, no threads.
pub fn run(settings: Settings) -> anyhow::Result<ExitCode> {
    let loaded = match load(&settings.files, settings.node.as_deref()) {
        Ok(loaded) => loaded,
        Err(LoadError::Invalid(diagnostics)) => {
            log::messages::say(&diagnostics);
            return Ok(ExitCode::FAILURE);
        }
        Err(error) => return Err(error.into()),
    };
    log::messages::say(&loaded.warnings);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build_local(Default::default())
        .context("cannot start the main runtime")?;
    runtime.block_on(async {
        let supervisor = Supervisor::start(settings, loaded.model)?;
        Ok(supervisor.serve().await)
    })
}

/// Where an order's answer goes: a sentence, or the reason why nothing happened.
type Answer = oneshot::Sender<Result<String, String>>;
/// A file that vg-ctl is reading, and who asked.
type Loading = (oneshot::Receiver<Result<Loaded, LoadError>>, Option<Answer>);

struct Supervisor {
    wiring: Wiring,
    listeners: Listeners,
    registry: Registry,
    generation: Arc<ArcSwap<Generation>>,
    view: Arc<View>,
    loads: mpsc::Sender<LoadRequest>,
    /// Reloads whose file is being read: the answer waits here.
    loading: Option<Loading>,
    ended: Vec<oneshot::Receiver<()>>,
    log: log::access::LogThread,
    readiness: Readiness,
}

impl Supervisor {
    fn start(settings: Settings, mut model: Model) -> anyhow::Result<Supervisor> {
        if let Some(path) = &settings.admin_socket {
            model.process.admin_socket.clone_from(path);
        }
        let limit = sys::limits::raise_descriptors();
        let workers = worker::count(model.process.workers);
        let sessions = Arc::new(Sessions::new(Some(model.process.maxconn.unwrap_or(limit / 2))));
        let registry = Registry::default();
        let generation = Generation::prepare(1, model, &registry, None).map_err(|error| anyhow!("{error}"))?;
        let mut listeners = Listeners::default();
        let prepared = listeners
            .prepare(&generation.model, workers)
            .map_err(|(address, error)| anyhow!("cannot listen on {address}: {error}"))?;
        listeners.commit(&generation.model, prepared);
        let admin = crate::admin::server::bind(&generation.model.process.admin_socket)
            .with_context(|| format!("control socket {}", generation.model.process.admin_socket.display()))?;

        let (wiring, ends) = wire(workers, Arc::clone(&sessions));
        let log = log::access::spawn(
            &generation.model,
            wiring.workers.iter().map(|worker| Arc::clone(&worker.log)).collect(),
        )
        .context("cannot start vg-log")?;
        let cell = Arc::new(ArcSwap::from(Arc::clone(&generation)));
        let view = Arc::new(View {
            generation: Arc::clone(&cell),
            vrrp: wiring.vrrp_status.clone(),
            counters: wiring.workers.iter().map(|worker| Arc::clone(&worker.counters)).collect(),
            sessions,
            started: sys::clock::now(),
            orders: wiring.orders_sender.clone(),
            reload_error: std::sync::Mutex::new(None),
            access_lines_lost: log.lost(),
        });
        let (loads, load_requests) = mpsc::channel(1);
        let mut supervisor = Supervisor {
            wiring,
            listeners,
            registry,
            generation: cell,
            view,
            loads,
            loading: None,
            ended: Vec::new(),
            log,
            readiness: Readiness::default(),
        };
        supervisor.spawn_threads(ends, settings, admin, load_requests, &generation)?;
        // The others have what they need; main binds ports and reads files.
        threads::keep_capabilities(&[Capability::CAP_NET_BIND_SERVICE, Capability::CAP_DAC_READ_SEARCH]);
        tracing::info!(
            node = %generation.model.node,
            workers,
            frontends = generation.model.frontends.len(),
            version = crate::VERSION,
            "vipgate is running"
        );
        Ok(supervisor)
    }

    fn spawn_threads(
        &mut self,
        ends: Ends,
        settings: Settings,
        admin: std::os::unix::net::UnixListener,
        loads: mpsc::Receiver<LoadRequest>,
        generation: &Arc<Generation>,
    ) -> anyhow::Result<()> {
        for (index, (own, shared)) in ends.workers.into_iter().zip(&self.wiring.workers).enumerate() {
            let context = WorkerContext {
                index,
                commands: own.commands,
                heart: own.heart,
                suspects: ends.suspects_sender.clone(),
                log: Arc::clone(&shared.log),
                counters: Arc::clone(&shared.counters),
                sessions: Arc::clone(&self.wiring.sessions),
            };
            let ended = worker::spawn(context).context("cannot start a worker")?;
            self.ended.push(ended);
        }
        check::spawn(check::CheckThread {
            orders: ends.check_orders,
            suspects: ends.suspects,
            heart: ends.check_heart,
            levels_changed: Arc::clone(&self.wiring.levels_changed),
        })
        .context("cannot start vg-check")?;
        ctl::spawn(Ctl { listener: admin, loads, settings, view: Arc::clone(&self.view) })
            .context("cannot start vg-ctl")?;
        let board = self.serve_generation(generation);
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
        threads::start("vg-vrrp", VRRP_NEEDS, || async {
            if let Err(error) = vrrp::run(context).await {
                tracing::error!(%error, "vg-vrrp cannot work: this node holds no virtual address");
            }
        })
        .context("cannot start vg-vrrp")?;
        Ok(())
    }

    /// Gives a generation to workers and vg-check; its board is for vg-vrrp.
    fn serve_generation(&self, generation: &Arc<Generation>) -> Arc<Board> {
        let board = Arc::new(Board::new(generation.model.objects.len()));
        for (object, tracked) in generation.model.objects.iter().enumerate() {
            if let crate::model::track::Object::Bind { .. } = tracked.object {
                // A generation is committed only when each of its sockets is open.
                board.set(object, Level::Up);
            }
        }
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
        // A thread whose receiver is gone has died; its heart tells vg-vrrp.
        let _ = self.wiring.check.send(CheckOrder::Configure(Arc::clone(generation), Arc::clone(&board)));
        board
    }

    async fn serve(mut self) -> ExitCode {
        let (Ok(mut hangup), Ok(mut terminate), Ok(mut interrupt)) =
            (signal(SignalKind::hangup()), signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
        else {
            tracing::error!("cannot receive signals");
            return ExitCode::FAILURE;
        };
        self.readiness.attend(self.wiring.hearts.clone(), Arc::clone(&self.view));
        loop {
            tokio::select! {
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
                _ = hangup.recv() => self.begin_reload(None),
                Some(order) = self.wiring.orders.recv() => self.obey(order),
                Some(event) = self.wiring.vrrp_notices.recv() => self.vrrp_notice(event),
                loaded = finished(&mut self.loading) => self.finish_reload(loaded),
            }
        }
        let second = async {
            tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        };
        tokio::select! {
            () = self.stop() => {}
            () = second => tracing::warn!("stopped by a second signal, without waiting for sessions"),
        }
        self.log.flush();
        ExitCode::SUCCESS
    }

    fn obey(&mut self, order: Order) {
        match order.kind {
            OrderKind::Reload => self.begin_reload(Some(order.answer)),
            OrderKind::Failover(instance) => {
                if let Some(name) = &instance
                    && !self.generation.load().model.instances.iter().any(|known| known.name == *name)
                {
                    let _ = order.answer.send(Err(format!("there is no vrrp instance `{name}`")));
                    return;
                }
                if !self.holds_addresses() {
                    let _ = order.answer.send(Err("this node holds no virtual address".into()));
                    return;
                }
                self.hand_over(VrrpCommand::Failover { instance }, Some(order.answer));
            }
            OrderKind::Maintenance(true) => self.hand_over(VrrpCommand::Maintenance(true), Some(order.answer)),
            OrderKind::Maintenance(false) => {
                self.command_vrrp(VrrpCommand::Maintenance(false));
                let _ = order.answer.send(Ok("maintenance is off".into()));
            }
        }
    }

    fn holds_addresses(&self) -> bool {
        self.wiring.vrrp_status.borrow().instances.iter().any(|instance| instance.state.may_hold())
    }

    fn command_vrrp(&self, command: VrrpCommand) {
        let _ = self.wiring.vrrp.send(VrrpOrder::Command(command));
    }

    fn command_workers(&self, command: impl Fn() -> WorkerCommand) {
        for worker in &self.wiring.workers {
            let _ = worker.commands.send(command());
        }
    }

    /// Announces, then gives a command to vg-vrrp, and answers when the addresses are gone or nobody took them.
    fn hand_over(&self, command: VrrpCommand, answer: Option<Answer>) {
        let held = self.holds_addresses();
        let workers: Vec<_> = self.wiring.workers.iter().map(|worker| worker.commands.clone()).collect();
        let vrrp = self.wiring.vrrp.clone();
        let mut status = self.wiring.vrrp_status.clone();
        let patience = self.patience();
        let is_maintenance = matches!(command, VrrpCommand::Maintenance(_));
        tokio::task::spawn_local(async move {
            let tell = |command: fn() -> WorkerCommand| {
                for worker in &workers {
                    let _ = worker.send(command());
                }
            };
            if held {
                tell(|| WorkerCommand::Announce);
                tokio::time::sleep(ANNOUNCE).await;
            }
            let began = sys::clock::now();
            let _ = vrrp.send(VrrpOrder::Command(command));
            let gone = status.wait_for(|status| !status.instances.iter().any(|instance| instance.state.may_hold()));
            let is_gone = tokio::time::timeout(patience, gone).await.is_ok_and(|result| result.is_ok());
            tell(|| WorkerCommand::Resume);
            let Some(answer) = answer else { return };
            let took = sys::clock::now().since(began).as_millis();
            let _ = answer.send(match (held, is_gone, is_maintenance) {
                (false, _, _) => Ok("maintenance is on; this node held no virtual address".into()),
                (true, true, _) => Ok(format!("handed over in {took} ms")),
                (true, false, true) => {
                    Ok("maintenance is on, but no peer took the virtual addresses: they stay here until one does"
                        .into())
                }
                (true, false, false) => Err("no peer took the virtual addresses: they stay here".into()),
            });
        });
    }

    /// Longer than any peer needs to take over: its master-down time at the slowest interval, and a margin.
    fn patience(&self) -> Duration {
        let slowest = self.wiring.vrrp_status.borrow().instances.iter().map(|instance| instance.advert_interval).max();
        slowest.unwrap_or_default() * 5 + Duration::from_secs(1)
    }

    fn vrrp_notice(&mut self, event: VrrpNotice) {
        match event {
            VrrpNotice::Finish { addresses, unfinished } => {
                self.command_workers(|| WorkerCommand::Finish {
                    addresses: addresses.clone(),
                    unfinished: unfinished.clone(),
                });
            }
            VrrpNotice::VipLeft(address) => self.command_workers(|| WorkerCommand::CloseAddress(address)),
            VrrpNotice::VipArrived(_) | VrrpNotice::Transition(_) | VrrpNotice::Stopped => {}
        }
    }

    fn begin_reload(&mut self, answer: Option<Answer>) {
        if self.loading.is_some() {
            if let Some(answer) = answer {
                let _ = answer.send(Err("a reload is already under way".into()));
            }
            return;
        }
        let (sender, receiver) = oneshot::channel();
        if self.loads.try_send(sender).is_ok() {
            self.readiness.reloading();
            self.loading = Some((receiver, answer));
        } else if let Some(answer) = answer {
            let _ = answer.send(Err("vg-ctl cannot read the configuration now".into()));
        }
    }

    fn finish_reload(&mut self, loaded: Result<Loaded, String>) {
        let answer = self.loading.take().and_then(|(_, answer)| answer);
        let result = loaded.and_then(|loaded| self.apply(loaded));
        match &result {
            Ok(_) => tracing::info!(generation = self.generation.load().number, "a new configuration is running"),
            Err(error) => {
                // The diagnostics are for people: as they are, below the log line.
                tracing::error!("the reload was refused, the running configuration stays");
                log::messages::say(&format!("{}\n", error.trim_end()));
            }
        }
        *self.view.reload_error.lock().unwrap_or_else(PoisonError::into_inner) = result.as_ref().err().cloned();
        self.readiness.reloaded();
        if let Some(answer) = answer {
            let _ = answer.send(result);
        }
    }

    /// Prepares everything that can fail, then commits.
    fn apply(&mut self, loaded: Loaded) -> Result<String, String> {
        let current = self.generation.load_full();
        let mut model = loaded.model;
        model.process.admin_socket.clone_from(&current.model.process.admin_socket);
        let prepared = self
            .listeners
            .prepare(&model, self.wiring.workers.len())
            .map_err(|(address, error)| format!("cannot listen on {address}: {error}"))?;
        let next = Generation::prepare(current.number + 1, model, &self.registry, Some(&current))
            .map_err(|error| error.to_string())?;
        self.listeners.commit(&next.model, prepared);
        self.generation.store(Arc::clone(&next));
        let board = self.serve_generation(&next);
        let (model, backends) = (Arc::clone(&next.model), backends(&next));
        let listeners = self.listeners.all();
        let _ = self.wiring.vrrp.send(VrrpOrder::Reconfigure { model, backends, board, listeners });
        let mut done = format!("configuration {} is running", next.number);
        if loaded.warning_count > 0 {
            done.push_str(&format!(", with {} warnings\n{}", loaded.warning_count, loaded.warnings));
        }
        Ok(done)
    }

    async fn stop(&mut self) {
        tracing::info!("stopping");
        self.readiness.stopping();
        if self.holds_addresses() {
            self.command_workers(|| WorkerCommand::Announce);
            tokio::time::sleep(ANNOUNCE).await;
        }
        self.command_vrrp(VrrpCommand::Stop);
        let patience = tokio::time::sleep(self.patience());
        tokio::pin!(patience);
        loop {
            tokio::select! {
                () = &mut patience => {
                    tracing::error!("vg-vrrp did not release the addresses in time");
                    break;
                }
                event = self.wiring.vrrp_notices.recv() => match event {
                    Some(VrrpNotice::Stopped) | None => break,
                    Some(event) => self.vrrp_notice(event),
                },
            }
        }
        let deadline = sys::clock::now() + self.generation.load().model.process.drain;
        self.command_workers(|| WorkerCommand::Drain { deadline });
        // The workers' duplicates are the last: who connects from now on is refused, and goes elsewhere.
        self.listeners = Listeners::default();
        for ended in &mut self.ended {
            let _ = ended.await;
        }
        tracing::info!("stopped");
    }
}

fn backends(generation: &Generation) -> Vec<Arc<state::servers::Backend>> {
    generation.backends.iter().map(|backend| Arc::clone(&backend.state)).collect()
}

/// Waits for the file that is being read; for ever if there is none.
async fn finished(loading: &mut Option<Loading>) -> Result<Loaded, String> {
    match loading {
        Some((receiver, _)) => match receiver.await {
            Ok(loaded) => loaded.map_err(|error| error.to_string()),
            Err(_) => Err("vg-ctl is gone".into()),
        },
        None => std::future::pending().await,
    }
}
