//! Track scripts: started without a shell, each in a process group of its own, and ended when they take too long.

use std::collections::HashMap;
use std::process::Stdio;
use std::sync::Arc;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::sync::{Notify, mpsc};

use crate::check::script::{Action, Exit, ScriptMachine};
use crate::model::Model;
use crate::model::track::{Object, Script};
use crate::state::levels::{Board, Level};
use crate::time::Instant;

use super::Event;

/// A script's run is over.
pub(super) struct ScriptEnded {
    run: u64,
    exit: Exit,
    detail: String,
}

struct Slot {
    name: String,
    script: Script,
    object: usize,
    machine: ScriptMachine,
    /// Number of the run under way and the way to signal it. Dropping the sender kills the run.
    running: Option<(u64, mpsc::UnboundedSender<Signal>)>,
    detail: String,
}

/// Every track script.
pub(super) struct Scripts {
    slots: Vec<Slot>,
    board: Arc<Board>,
    last_run: u64,
    events: mpsc::UnboundedSender<Event>,
    levels_changed: Arc<Notify>,
}

impl Scripts {
    pub(super) fn new(events: mpsc::UnboundedSender<Event>, levels_changed: Arc<Notify>) -> Scripts {
        Scripts { slots: Vec::new(), board: Arc::new(Board::new(0)), last_run: 0, events, levels_changed }
    }

    /// Takes the scripts of a new model. An unchanged one goes on; a changed one keeps its level until it has run.
    pub(super) fn configure(&mut self, now: Instant, model: &Model, board: Arc<Board>) {
        self.board = board;
        let mut old: HashMap<String, Slot> = self.slots.drain(..).map(|slot| (slot.name.clone(), slot)).collect();
        for (object, tracked) in model.objects.iter().enumerate() {
            let Object::Script(script) = &tracked.object else { continue };
            let known = old.remove(&tracked.name);
            let level = known.as_ref().map_or(Level::Unknown, |slot| slot.machine.level());
            let slot = match known {
                Some(slot) if slot.script == *script => Slot { object, ..slot },
                _ => Slot {
                    name: tracked.name.clone(),
                    script: script.clone(),
                    object,
                    machine: ScriptMachine::new(script, level, now),
                    running: None,
                    detail: String::new(),
                },
            };
            self.board.set(object, slot.machine.level());
            self.slots.push(slot);
        }
        self.levels_changed.notify_one();
        self.handle_timeout(now);
    }

    pub(super) fn wake(&self) -> Instant {
        let timeouts = self.slots.iter().filter_map(|slot| slot.machine.poll_timeout());
        timeouts.min().unwrap_or(Instant::FAR_FUTURE)
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        for slot in 0..self.slots.len() {
            for action in self.slots[slot].machine.handle_timeout(now) {
                self.act(slot, action);
            }
        }
    }

    pub(super) fn handle_end(&mut self, now: Instant, ended: ScriptEnded) {
        let is_run = |slot: &Slot| slot.running.as_ref().is_some_and(|(run, _)| *run == ended.run);
        let Some(number) = self.slots.iter().position(is_run) else { return };
        let slot = &mut self.slots[number];
        slot.running = None;
        slot.detail = ended.detail;
        if let Some(action) = slot.machine.handle_exit(now, ended.exit) {
            self.act(number, action);
        }
    }

    fn act(&mut self, number: usize, action: Action) {
        let slot = &mut self.slots[number];
        match action {
            Action::Start => {
                self.last_run += 1;
                let (signals, received) = mpsc::unbounded_channel();
                slot.running = Some((self.last_run, signals));
                tokio::task::spawn_local(run(
                    slot.script.command.clone(),
                    self.last_run,
                    received,
                    self.events.clone(),
                ));
            }
            Action::Terminate => {
                slot.detail = format!("took longer than {:?}", slot.script.timeout);
                slot.signal(Signal::SIGTERM);
            }
            Action::Kill => slot.signal(Signal::SIGKILL),
            Action::Level(level) => {
                if self.board.set(slot.object, level) {
                    self.levels_changed.notify_one();
                }
                match level {
                    Level::Down => tracing::warn!(script = slot.name, detail = slot.detail, "track script is DOWN"),
                    _ => tracing::info!(script = slot.name, "track script is UP"),
                }
            }
        }
    }
}

impl Slot {
    fn signal(&self, signal: Signal) {
        if let Some((_, signals)) = &self.running {
            // A closed channel means that the run has just ended; its event is on the way.
            let _ = signals.send(signal);
        }
    }
}

/// One run, to its end. Signals go to the whole group; without a sender it is killed.
async fn run(
    command: Vec<String>,
    run: u64,
    signals: mpsc::UnboundedReceiver<Signal>,
    events: mpsc::UnboundedSender<Event>,
) {
    let (exit, detail) = match start(&command) {
        Ok(child) => watch(Group(child), signals).await,
        Err(error) => (Exit::Failure, format!("cannot be started: {error}")),
    };
    // Fails only while the thread ends.
    let _ = events.send(Event::Script(ScriptEnded { run, exit, detail }));
}

fn start(command: &[String]) -> std::io::Result<Child> {
    let (program, arguments) = command.split_first().ok_or_else(|| std::io::Error::other("no program is given"))?;
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
}

/// A script and whatever it started. Dropped before its end, as when the thread ends, it takes all of them with it.
struct Group(Child);

impl Group {
    fn signal(&self, signal: Signal) {
        // Present until the child is reaped, so the group's number cannot belong to anybody else.
        if let Some(group) = self.0.id().and_then(|id| i32::try_from(id).ok()) {
            // The group may have ended meanwhile; then there is nothing left to signal.
            let _ = killpg(Pid::from_raw(group), signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
    }
}

async fn watch(mut group: Group, mut signals: mpsc::UnboundedReceiver<Signal>) -> (Exit, String) {
    let mut may_be_signalled = true;
    loop {
        tokio::select! {
            status = group.0.wait() => return match status {
                Ok(status) if status.success() => (Exit::Success, String::new()),
                Ok(status) => (Exit::Failure, status.to_string()),
                Err(error) => (Exit::Failure, error.to_string()),
            },
            signal = signals.recv(), if may_be_signalled => {
                may_be_signalled = signal.is_some();
                group.signal(signal.unwrap_or(Signal::SIGKILL));
            }
        }
    }
}
