//! vg-check: probes servers, runs track scripts, looks at tracked files and processes.
//!
//! What to do and what it means is decided by the machines of [`crate::check`]; here are the sockets, the programs and
//! the clock. One loop owns every machine. Each probe and each running script is a task that only reports to the loop,
//! and files are read in a blocking pool, so nothing slow can hold up a probe or the heartbeat.
//!
//! It alone writes healths and administrative states ([`crate::state::servers::Server`]) and the board's levels of scripts,
//! files and processes, and rings the bell when one changed. Read [`servers`] first.

mod files;
mod material;
mod facts;
mod program;
mod probe;
mod agent;
mod mail;
mod notices;
mod wards;
mod scripts;
mod servers;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;
use std::{io, thread};

use tokio::sync::{Notify, mpsc};

use crate::model::Model;
use crate::state::command::{ServerOrder, Suspect};
use crate::state::heart::Heart;
use crate::state::levels::Board;
use crate::state::log::Journal;
use crate::state::servers::Backend;
use crate::sys;
use crate::time::Instant;

use super::wiring::CheckOrder;

/// Longest time between two heartbeats: a third of the least that makes vg-vrrp call a thread late (300 ms).
const BEAT: Duration = Duration::from_millis(100);

/// What vg-check is given.
pub(super) struct CheckThread {
    /// From main.
    pub(super) orders: mpsc::UnboundedReceiver<CheckOrder>,
    /// From vg-ctl: what the operator says of checks and agents.
    pub(super) probing: mpsc::Receiver<ServerOrder>,
    /// Servers that workers have trouble with.
    pub(super) suspects: mpsc::Receiver<Suspect>,
    /// Its sign of life.
    pub(super) heart: Arc<Heart>,
    /// Rung when a level changed.
    pub(super) levels_changed: Arc<Notify>,
}

/// Starts vg-check. It ends when the sender of orders is dropped.
///
/// # Errors
/// The thread cannot be created.
pub(super) fn spawn(context: CheckThread) -> io::Result<thread::JoinHandle<()>> {
    thread::Builder::new().name("vg-check".into()).spawn(move || {
        super::threads::keep_capabilities(&[]);
        context.heart.belongs_to(sys::thread::current());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(2)
            .thread_name("vg-check-file")
            .build_local(Default::default());
        match runtime {
            Ok(runtime) => runtime.block_on(serve(context)),
            Err(error) => tracing::error!(%error, "vg-check cannot start its runtime"),
        }
    })
}

async fn serve(mut context: CheckThread) {
    let (mut checks, mut events) = Checks::new(Arc::clone(&context.levels_changed));
    loop {
        context.heart.beat(sys::clock::now());
        let wake = sys::clock::tokio_deadline(checks.wake(sys::clock::now()));
        tokio::select! {
            biased;
            order = context.orders.recv() => match order {
                Some(order) => checks.obey(order),
                None => return,
            },
            Some(order) = context.probing.recv() => {
                // The generation of the server that an operator speaks of was sent before, and may have come just now.
                while let Ok(order) = context.orders.try_recv() {
                    checks.obey(order);
                }
                checks.servers.change(sys::clock::now(), order);
            }
            Some(suspect) = context.suspects.recv() => checks.servers.hear(sys::clock::now(), suspect),
            Some(event) = events.recv() => checks.handle_event(sys::clock::now(), event),
            () = tokio::time::sleep_until(wake) => {}
        }
        checks.handle_timeout(sys::clock::now());
    }
}

/// What tasks report to the loop.
enum Event {
    Probe(servers::ProbeEvent),
    Script(scripts::ScriptEnded),
    Files(files::Looked),
}

/// Everything that is checked.
struct Checks {
    servers: servers::Servers,
    scripts: scripts::Scripts,
    files: files::Files,
}

impl Checks {
    fn new(levels_changed: Arc<Notify>) -> (Checks, mpsc::UnboundedReceiver<Event>) {
        // Unbounded, yet small: a probe under way sends at most two events and a script one.
        let (sender, events) = mpsc::unbounded_channel();
        let checks = Checks {
            servers: servers::Servers::new(sender.clone(), Arc::clone(&levels_changed)),
            scripts: scripts::Scripts::new(sender.clone(), Arc::clone(&levels_changed)),
            files: files::Files::new(sender, levels_changed),
        };
        (checks, events)
    }

    fn obey(&mut self, order: CheckOrder) {
        let CheckOrder::Configure(generation, board) = order;
        let backends: Vec<_> = generation.backends.iter().map(|backend| Arc::clone(&backend.state)).collect();
        let journals: Vec<_> = generation.backends.iter().map(|backend| backend.journal.clone()).collect();
        self.configure(sys::clock::now(), &generation.model, &backends, &journals, board);
    }

    /// Takes a new model. Servers and scripts known by name go on from where they are.
    fn configure(
        &mut self,
        now: Instant,
        model: &Model,
        backends: &[Arc<Backend>],
        journals: &[Journal],
        board: Arc<Board>,
    ) {
        self.servers.configure(now, model, backends, journals);
        self.scripts.configure(now, model, Arc::clone(&board));
        self.files.configure(now, model, board);
    }

    fn handle_event(&mut self, now: Instant, event: Event) {
        match event {
            Event::Probe(event) => self.servers.handle_event(now, event),
            Event::Script(ended) => self.scripts.handle_end(now, ended),
            Event::Files(looked) => self.files.handle_looked(now, looked),
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.servers.handle_timeout(now);
        self.scripts.handle_timeout(now);
        self.files.handle_timeout(now);
    }

    fn wake(&self, now: Instant) -> Instant {
        self.servers.wake().min(self.scripts.wake()).min(self.files.wake()).min(now + BEAT)
    }
}
