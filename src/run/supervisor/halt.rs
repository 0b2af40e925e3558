//! A frontend that the operator pauses, resumes or shuts down: its sockets, not its configuration. A reload forgets it. What
//! the log says of it, and of the end of all of them, is HAProxy's.

use std::sync::Arc;

use super::Supervisor;
use crate::admin::FrontendChange;
use crate::generation::Generation;
use crate::model::log::Level;
use crate::state::log::Journal;
use crate::state::sessions::Door;
use crate::sys::clock;

impl Supervisor {
    /// Pauses, resumes or closes the sockets of a frontend; the answer is HAProxy's.
    pub(super) fn halt_frontend(&mut self, name: &str, change: FrontendChange) -> Result<String, String> {
        let generation = self.generation.load_full();
        let frontend = generation.frontends.iter().find(|known| known.model.name == name).ok_or("No such frontend.")?;
        let door = match change {
            FrontendChange::Pause => {
                self.listeners.pause(&frontend.model).map_err(|error| {
                    tracing::error!(frontend = name, %error, "a frontend cannot be paused");
                    "Failed to pause frontend, check logs for precise cause."
                })?;
                Door::Paused
            }
            FrontendChange::Resume => {
                self.listeners.resume(&frontend.model).map_err(|error| {
                    tracing::error!(frontend = name, %error, "a frontend cannot listen again");
                    "Failed to resume frontend, check logs for precise cause (port conflict?)."
                })?;
                Door::Open
            }
            FrontendChange::Shutdown => {
                self.listeners.shut(&generation.model, &frontend.model);
                Door::Closed
            }
        };
        frontend.sessions.set_door(door);
        let is_listen = generation.model.backends.iter().any(|backend| backend.name == name);
        let kind = if is_listen { "proxy" } else { "frontend" };
        match door {
            Door::Paused => say(&frontend.journal, &format!("Paused {kind} {name}.")),
            Door::Open => say(&frontend.journal, &format!("Resumed {kind} {name}.")),
            Door::Closed => say_stopped(&generation, name),
        }
        self.give_listeners(&Arc::clone(&generation));
        tracing::info!(frontend = name, ?door, "a frontend was halted or resumed at a runtime socket");
        Ok(String::new())
    }
}

/// Says in the log of each proxy that it stops.
pub(super) fn say_all_stopped(generation: &Generation) {
    let frontends = generation.frontends.iter().filter(|frontend| frontend.sessions.door() != Door::Closed);
    frontends.for_each(|frontend| say_stopped(generation, &frontend.model.name));
    for backend in &generation.backends {
        let name = &backend.model.name;
        if !generation.frontends.iter().any(|frontend| frontend.model.name == *name) {
            say_stopped(generation, name);
        }
    }
}

/// `Proxy web stopped (cumulated conns: FE: 12, BE: 10).`; a listen section is one proxy.
fn say_stopped(generation: &Generation, name: &str) {
    let now = clock::now();
    let frontend = generation.frontends.iter().find(|known| known.model.name == name);
    let backend = generation.backends.iter().find(|known| known.model.name == name);
    let connections = frontend.map_or(0, |frontend| frontend.sessions.counters.totals(now).connections);
    let sessions = backend.map_or(0, |backend| backend.counters.totals(now).sessions);
    let journal = frontend.map(|frontend| &frontend.journal).or(backend.map(|backend| &backend.journal));
    let line = format!("Proxy {name} stopped (cumulated conns: FE: {connections}, BE: {sessions}).");
    journal.iter().for_each(|journal| say(journal, &line));
}

fn say(journal: &Journal, line: &str) {
    journal.say(Level::Warning, clock::wall(), line);
}
