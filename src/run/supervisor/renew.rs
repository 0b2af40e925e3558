//! Addresses that name servers gave: the model that runs, edited, becomes the next generation.

use super::Supervisor;
use super::edit::Weights;
use crate::model::log::Level;
use crate::resolve;
use crate::state::naming::Renewal;
use crate::sys;

impl Supervisor {
    /// Gives servers what name servers said of their names, and tells it. What changes nothing makes no generation.
    pub(super) fn renew(&mut self, renewals: &[Renewal]) -> Result<String, String> {
        let current = self.generation.load_full();
        let mut model = (*current.model).clone();
        let told = resolve::place(&mut model, renewals);
        let mut running = current;
        if told.is_changed {
            let weights = Weights::of(&running);
            running = self.run_model(&running.clone(), model)?;
            weights.apply(&running);
        }
        for (backend, server, weight) in told.weights {
            let server = running.backends.get(backend).and_then(|backend| backend.state.servers.get(server));
            server.into_iter().for_each(|server| server.set_weight(weight));
        }
        for (backend, line) in told.lines {
            let Some(backend) = running.backends.get(backend) else { continue };
            tracing::warn!(backend = backend.model.name, "{line}");
            backend.journal.say(Level::Notice, sys::clock::wall(), &line);
        }
        Ok(String::new())
    }
}
