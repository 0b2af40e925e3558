//! The main thread: it owns the listening sockets, starts and stops the others, and carries out orders.
//!
//! Start (`start.rs`): configuration, sockets, vg-log, workers, vg-check, vg-ctl, and vg-vrrp last, so that an address is claimed
//! only when everything behind it serves.
//!
//! Stop (`stop.rs`; SIGTERM, SIGINT, SIGUSR1): workers announce `Connection: close`; vg-vrrp offers the addresses and keeps them until a
//! peer has taken over; then workers drain, and the process ends. A second signal ends it at once, without addresses.
//!
//! Between the two it carries out orders (`orders.rs`) and reloads (`reload.rs`). It decides nothing about VRRP or traffic.

mod start;
mod orders;
mod reload;
mod edit;
mod renew;
mod backends;
mod halt;
mod stop;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use arc_swap::ArcSwap;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};

use crate::generation::Generation;
use crate::model::Model;
use crate::proxy::worker::WorkerCommand;
use crate::state::command::VrrpCommand;
use crate::state::servers::Registry;
use crate::sys::node_lock::NodeLock;

use super::ctl::{LoadRequest, View};
use super::listeners::Listeners;
use super::load::{LoadError, Loaded};
use super::readiness::Readiness;
use super::vrrp::{VrrpNotice, VrrpOrder};
use super::wiring::Wiring;
use super::{Settings, Stop, load, log};

/// How long clients are told to close before the addresses move on purpose.
const ANNOUNCE: Duration = Duration::from_millis(300);

/// Runs until stopped; `started` is called when everything serves. The exit code is 0 after an orderly stop and 1 after a
/// failed start, unless [`Stop`] says otherwise.
///
/// # Errors
/// The process cannot start: wrong configuration, an address in use, no threads.
pub fn run(settings: Settings, started: impl FnOnce()) -> anyhow::Result<ExitCode> {
    let loaded = match load(&settings.files, settings.node.as_deref()) {
        Ok(loaded) => loaded,
        Err(LoadError::Invalid(diagnostics)) => {
            log::messages::say(&diagnostics);
            return Ok(ExitCode::FAILURE);
        }
        Err(error) => return Err(error.into()),
    };
    log::messages::say(&loaded.warnings);
    if settings.needs_listener && !loaded.model.listens() {
        let pid = std::process::id();
        let what = "[haproxy.main()] No enabled listener found (check for 'bind' directives) ! Exiting.";
        log::messages::say(&format!("[ALERT]    ({pid}) : {what}\n"));
        return Ok(ExitCode::FAILURE);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build_local(Default::default())
        .context("cannot start the main runtime")?;
    runtime.block_on(async {
        let stop = settings.stop;
        let supervisor = Supervisor::start(settings, loaded)?;
        Ok(supervisor.serve(stop, started).await)
    })
}

/// The exit status of a process that a signal ended at once. HAProxy's master has ended well after SIGTERM, its usual end.
fn exit_status(stop: Stop, signal: SignalKind) -> ExitCode {
    match (stop, u8::try_from(signal.as_raw_value())) {
        (Stop::AtOnceAsMaster, Ok(number)) if signal != SignalKind::terminate() => {
            ExitCode::from(number.saturating_add(128))
        }
        _ => ExitCode::SUCCESS,
    }
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
    /// Control socket of the file that the process started with; the one in use may be the command line's.
    admin_socket: PathBuf,
    loads: mpsc::Sender<LoadRequest>,
    /// Reloads whose file is being read: the answer waits here.
    loading: Option<Loading>,
    ended: Vec<oneshot::Receiver<()>>,
    log: log::lines::LogThread,
    readiness: Readiness,
    /// Taken with the first virtual address.
    node_lock: Option<NodeLock>,
}

impl Supervisor {
    async fn serve(mut self, stop: Stop, started: impl FnOnce()) -> ExitCode {
        let (Ok(mut hangup), Ok(mut reload), Ok(mut terminate), Ok(mut interrupt), Ok(mut drain), Ok(mut quit)) = (
            signal(SignalKind::hangup()),
            // HAProxy's master reloads with it, and Debian's unit sends it.
            signal(SignalKind::user_defined2()),
            signal(SignalKind::terminate()),
            signal(SignalKind::interrupt()),
            signal(SignalKind::user_defined1()),
            // HAProxy tells of its memory pools and goes on; it must not end here either.
            signal(SignalKind::quit()),
        ) else {
            tracing::error!("cannot receive signals");
            return ExitCode::FAILURE;
        };
        started();
        self.readiness.attend(self.wiring.hearts.clone(), Arc::clone(&self.view));
        loop {
            let ends = tokio::select! {
                _ = terminate.recv() => Some(SignalKind::terminate()),
                _ = interrupt.recv() => Some(SignalKind::interrupt()),
                _ = drain.recv() => break,
                () = async { tokio::select! { _ = hangup.recv() => {}, _ = reload.recv() => {} } } => {
                    self.begin_reload(None);
                    None
                }
                _ = quit.recv() => {
                    tracing::info!("there are no memory pools to tell of");
                    None
                }
                Some(order) = self.wiring.orders.recv() => {
                    self.obey(order);
                    None
                }
                Some(event) = self.wiring.vrrp_notices.recv() => {
                    self.vrrp_notice(event);
                    None
                }
                loaded = reload::finished(&mut self.loading) => {
                    self.finish_reload(loaded);
                    None
                }
            };
            match (ends, stop) {
                (None, _) => {}
                (Some(_), Stop::Drain) => break,
                // Virtual addresses are never left behind, so with any of them there is an orderly stop.
                (Some(_), _) if self.holds_addresses() => break,
                (Some(signal), _) => {
                    self.readiness.stopping();
                    self.log.flush();
                    return exit_status(stop, signal);
                }
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

    /// Makes sure that no other process on this node has virtual addresses, if `model` has any.
    fn lock_node(lock: &mut Option<NodeLock>, model: &Model) -> Result<(), String> {
        if lock.is_none() && !model.instances.is_empty() {
            *lock = Some(NodeLock::take().map_err(|error| match error.kind() {
                std::io::ErrorKind::AddrInUse => {
                    "another vipgate on this node has virtual addresses: one process can have all of them".to_owned()
                }
                _ => format!("cannot lock the node's virtual addresses: {error}"),
            })?);
        }
        Ok(())
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
}
