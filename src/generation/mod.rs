//! A model made runnable: what the workers hold while they serve it.
//!
//! Decides which parts of the previous generation go on living: server state by name (the registry), the chooser,
//! queue and counters of a backend that did not change, the session count and counters of a frontend. Never listens,
//! connects or reads a file. Read [`Generation::prepare`] first.

mod frontend;
mod backend;
mod relay;
mod rules;
mod snapshot;

use std::sync::Arc;

pub use backend::Backend;
pub use frontend::{Frontend, Profiled};
pub use relay::Relay;
pub use rules::Rules;
pub use snapshot::{IdleConnections, Surroundings};

use crate::model::Model;
use crate::model::log::Logs;
use crate::state::log::{Book, Journal};
use crate::state::naming::{Section, Tallies};
use crate::state::servers::Registry;

/// One committed configuration as it runs.
#[derive(Debug)]
pub struct Generation {
    /// 1 for the first, one more for each reload.
    pub number: u64,
    /// What it was made from.
    pub model: Arc<Model>,
    /// Index for index as in the model.
    pub frontends: Vec<Arc<Frontend>>,
    /// Index for index as in the model.
    pub backends: Vec<Arc<Backend>>,
    /// Relays of messages of others, index for index as in the model.
    pub relays: Vec<Arc<Relay>>,
    /// Name servers, index for index as in the model.
    pub resolvers: Vec<Section>,
    /// Rules of both.
    pub rules: Arc<Rules>,
    /// Every log that there ever was; lives as long as the process.
    pub book: Arc<Book>,
    /// The log of the process.
    pub journal: Journal,
}

/// Why a model cannot run. The operator is to blame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrepareError {
    /// A frontend names a backend number that the model does not have.
    #[error("frontend {frontend} uses a backend that does not exist")]
    UnknownBackend {
        /// Name of the frontend.
        frontend: String,
    },
    /// A rule cannot be compiled.
    #[error("{file}:{line}: {what}")]
    Rule {
        /// Its file.
        file: String,
        /// Its line.
        line: u32,
        /// The complaint.
        what: String,
    },
}

impl Generation {
    /// Makes a model runnable. Changes nothing that runs except the registry's weights.
    ///
    /// # Errors
    /// The model contradicts itself.
    pub fn prepare(
        number: u64,
        model: Model,
        registry: &Registry,
        previous: Option<&Generation>,
    ) -> Result<Arc<Generation>, PrepareError> {
        for frontend in &model.frontends {
            if frontend.default_backend.is_some_and(|backend| backend >= model.backends.len()) {
                return Err(PrepareError::UnknownBackend { frontend: frontend.name.clone() });
            }
        }
        let rules = Rules::prepare(&model, previous.map(|previous| (&*previous.model, &previous.rules)))?;
        let book = previous.map(|previous| Arc::clone(&previous.book)).unwrap_or_default();
        let states = registry.resolve(&model);
        let before = |name: &str| previous?.backends.iter().find(|backend| backend.model.name == name);
        let backends: Vec<_> = model
            .backends
            .iter()
            .zip(states)
            .map(|(backend, state)| Backend::prepare(backend, state, &book, before(&backend.name)))
            .collect();
        let before = |name: &str| previous?.frontends.iter().find(|frontend| frontend.model.name == name);
        let frontends = model.frontends.iter().enumerate().map(|(index, frontend)| {
            let backend = frontend.default_backend.map(|number| Arc::clone(&backends[number]));
            Arc::new(Frontend::prepare(
                index,
                frontend,
                &rules.globals.profiles,
                backend,
                &book,
                before(&frontend.name).map(Arc::as_ref),
            ))
        });
        let frontends = frontends.collect();
        let before = |name: &str| previous?.relays.iter().find(|relay| relay.model.name == name);
        let relays = model.process.log.relays.iter();
        let relays = relays.map(|relay| Arc::new(Relay::prepare(relay, &book, before(&relay.name).map(Arc::as_ref))));
        let relays = relays.collect();
        let journal = book.journal(&Logs { targets: model.process.log.targets.clone(), ..Logs::default() });
        let resolvers = resolvers(&model, previous.map_or(&[], |previous| &previous.resolvers));
        Ok(Arc::new(Generation {
            number,
            model: Arc::new(model),
            frontends,
            backends,
            relays,
            resolvers,
            rules,
            book,
            journal,
        }))
    }
}

/// What is counted of name servers goes on by their names.
fn resolvers(model: &Model, before: &[Section]) -> Vec<Section> {
    let sections = model.resolvers.iter().map(|section| {
        let known = before.iter().find(|known| known.name == section.name);
        let tallies = |name: &str| known.and_then(|known| known.find(name)).cloned().unwrap_or_default();
        let servers: Vec<(String, Arc<Tallies>)> =
            section.servers.iter().map(|server| (server.name.clone(), tallies(&server.name))).collect();
        Section { name: section.name.clone(), servers }
    });
    sections.collect()
}
