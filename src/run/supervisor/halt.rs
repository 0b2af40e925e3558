//! A frontend that the operator pauses, resumes or shuts down: its sockets, not its configuration. A reload forgets it.

use std::sync::Arc;

use super::Supervisor;
use crate::admin::FrontendChange;
use crate::state::sessions::Door;

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
        self.give_listeners(&Arc::clone(&generation));
        tracing::info!(frontend = name, ?door, "a frontend was halted or resumed at a runtime socket");
        Ok(String::new())
    }
}
