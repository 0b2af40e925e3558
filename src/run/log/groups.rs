//! Backends in log mode as targets: which of their servers gets a message.
//!
//! A server over UDP is a destination like any other. One over connections has a ring of its own, in which messages wait for
//! it, as in HAProxy ([`Model::rings`](crate::model::Model::rings)).

use std::collections::HashMap;
use std::sync::Arc;

use crate::admin::runtime::Alone;
use crate::generation::{Backend, Generation, Rules};
use crate::model::log::{Destination, own_ring};
use crate::model::proxy::{Mode, Server};
use crate::rule::sample::{Kind, Sample};
use crate::rule::{Captures, Data, Effects, Expression, Section, Stage, Transaction, Variables};
use crate::sys::clock;

/// The servers of a backend.
pub(super) struct Group {
    backend: Arc<Backend>,
    section: Option<Arc<Section>>,
    rules: Arc<Rules>,
    /// Where each server is.
    places: Vec<Destination>,
}

/// Those of a generation, by name.
pub(super) fn of(generation: &Generation) -> HashMap<String, Group> {
    let are_logs = |(_, backend): &(usize, &Arc<Backend>)| backend.model.mode == Mode::Log;
    let groups = generation.backends.iter().enumerate().filter(are_logs).map(|(number, backend)| {
        let place = |server| place(&backend.model.name, server);
        let group = Group {
            backend: Arc::clone(backend),
            section: generation.rules.backends.get(number).cloned().flatten(),
            rules: Arc::clone(&generation.rules),
            places: backend.model.servers.iter().map(place).collect(),
        };
        (backend.model.name.clone(), group)
    });
    groups.collect()
}

fn place(backend: &str, server: &Server) -> Destination {
    match server.options.syslog.is_datagram {
        true => Destination::Udp(server.address),
        false => Destination::Ring(own_ring(backend, server)),
    }
}

impl Group {
    /// Where a message with this text goes; `None` if no server is usable, or its hash has nothing to begin with.
    pub(super) fn place_of(&self, text: &[u8]) -> Option<&Destination> {
        let hashed = self.section.as_ref().and_then(|section| section.hash.as_ref());
        let key = hashed.and_then(|converters| self.key(converters, text));
        self.places.get(self.backend.server_for_message(key.as_deref(), clock::now())?)
    }

    /// What `balance log-hash` makes of a text.
    fn key(&self, converters: &Expression, text: &[u8]) -> Option<Vec<u8>> {
        let transaction = Transaction {
            stage: Stage::Log,
            facts: &Alone,
            request: None,
            response: None,
            request_data: Data::default(),
            response_data: Data::default(),
            variables: &Variables::new(Arc::clone(&self.rules.variables)),
            captures: &Captures::default(),
            patterns: &self.rules.registry,
            effects: &mut Effects::default(),
        };
        let key = converters.convert(&transaction, Sample::str(text))?.cast(Kind::Bin)?;
        Some(key.into_text().to_vec())
    }
}
