//! The server that a stream goes to whatever the algorithm says: `use-server` and `stick`, and what `stick` remembers.

use std::sync::Arc;

use crate::model::stick::{DataType, ServerKey};
use crate::rule::key::with_key;
use crate::rule::persistence::StickRule;
use crate::rule::{Outcome, Section, Target, Transaction};
use crate::state::servers::{Admin, Health};
use crate::stick::Table;

use super::super::local::{LocalBackend, LocalFrontend};
use super::super::session::Session;
use super::{RuleState, World};

/// Entries that one stream remembers its server in, at most (HAProxy's number).
const MOST: usize = 8;

/// What a stream brings along for the choice of its server.
#[derive(Debug, Default)]
pub(super) struct Persistence {
    /// The server that rules want.
    preferred: Option<usize>,
    /// Where the server is to be remembered once it has answered.
    stores: Vec<(Arc<Table>, Vec<u8>)>,
}

impl Persistence {
    pub(super) fn clear(&mut self) {
        self.preferred = None;
        self.stores.clear();
    }
}

/// Looks for the server that the backend's rules want, and notes what to remember. `bytes` is what came of the body, or in
/// tcp mode of the connection.
pub(super) fn prefer(
    session: &Session,
    frontend: &LocalFrontend,
    backend: &LocalBackend,
    state: &mut RuleState,
    (bytes, is_http): (&[u8], bool),
) {
    let Some(section) = backend.rules.as_ref().filter(|section| has_any(section)) else { return };
    let mut world = World::new(session, frontend, Some(backend));
    world.facts.look(state);
    let mut persistence = std::mem::take(&mut state.persistence);
    {
        let stage = super::stage(is_http);
        let transaction = world.transaction(stage, state, bytes, is_http);
        persistence.preferred = named(section, backend, &transaction);
        for rule in &section.sticks {
            let is_noted = |table: &Arc<Table>| persistence.stores.iter().any(|(known, _)| Arc::ptr_eq(known, table));
            if rule.kind.stores() && is_noted(&rule.table) || !applies(rule, &transaction) {
                continue;
            }
            let Some(key) = key(rule, &transaction) else { continue };
            if rule.kind.matches() {
                // That the entry was asked for is a use of it.
                let found =
                    rule.table.change(&key, transaction.facts.now(), |view| remembered(&rule.table, backend, view));
                persistence.preferred = persistence.preferred.or(found.flatten());
            }
            if rule.kind.stores() && persistence.stores.len() < MOST {
                persistence.stores.push((Arc::clone(&rule.table), key));
            }
        }
    }
    state.persistence = persistence;
}

fn has_any(section: &Section) -> bool {
    !section.servers.is_empty() || !section.sticks.is_empty()
}

fn applies(rule: &StickRule, transaction: &Transaction<'_>) -> bool {
    rule.condition.as_ref().is_none_or(|condition| condition.outcome(transaction) == Outcome::Match)
}

fn key(rule: &StickRule, transaction: &Transaction<'_>) -> Option<Vec<u8>> {
    with_key(rule.key.value(transaction)?, rule.table.key, <[u8]>::to_vec)
}

/// The server of the first `use-server` that applies and whose server serves.
fn named(section: &Section, backend: &LocalBackend, transaction: &Transaction<'_>) -> Option<usize> {
    let number = |name: &str| backend.running.model.servers.iter().position(|server| server.name == name);
    section.servers.iter().find_map(|choice| {
        let applies =
            choice.condition.as_ref().is_none_or(|condition| condition.outcome(transaction) == Outcome::Match);
        let found = match &choice.target {
            _ if !applies => None,
            Target::Named(name) => number(name),
            Target::Computed(format) => {
                let mut name = Vec::new();
                format.render(transaction, &mut name);
                std::str::from_utf8(&name).ok().and_then(number)
            }
        };
        found.filter(|number| serves(backend, *number))
    })
}

/// The server that an entry remembers, if it serves: by its name or address, else by its number.
fn remembered(table: &Table, backend: &LocalBackend, view: &crate::stick::table::View<'_>) -> Option<usize> {
    let servers = &backend.running.model.servers;
    let by_key = view.text(DataType::ServerKey).and_then(|known| match table.server_key {
        ServerKey::Name => servers.iter().position(|server| server.name == known),
        ServerKey::Address => servers.iter().position(|server| server.address.to_string() == known),
    });
    let by_id = || {
        let known = view.number(DataType::ServerId, 0)?;
        servers.iter().position(|server| u64::from(server.options.id) == known)
    };
    by_key.or_else(by_id).filter(|number| serves(backend, *number))
}

/// A server that is drained still takes who belongs to it.
fn serves(backend: &LocalBackend, number: usize) -> bool {
    let server = backend.running.state.servers.get(number);
    server.is_some_and(|server| server.health() != Health::Down && server.order() != Admin::Maint)
}

/// Notes what `stick store-response` wants, then remembers the server everywhere.
pub(super) fn remember(
    backend: &LocalBackend,
    transaction: Option<&Transaction<'_>>,
    state: &mut Persistence,
    server: usize,
    now: crate::time::Instant,
) {
    if let (Some(section), Some(transaction)) = (&backend.rules, transaction) {
        let first = state.stores.len();
        for rule in &section.response_sticks {
            let is_noted = state.stores[first..].iter().any(|(known, _)| Arc::ptr_eq(known, &rule.table));
            if is_noted || state.stores.len() >= MOST || !applies(rule, transaction) {
                continue;
            }
            if let Some(key) = key(rule, transaction) {
                state.stores.push((Arc::clone(&rule.table), key));
            }
        }
    }
    let Some(model) = backend.running.model.servers.get(server).filter(|model| !model.is_non_stick) else {
        return state.stores.clear();
    };
    for (table, key) in state.stores.drain(..) {
        table.change_or_add(&key, now, |view| {
            view.set(DataType::ServerId, 0, model.options.id.into());
            match table.server_key {
                ServerKey::Name => view.set_text(DataType::ServerKey, &model.name),
                ServerKey::Address => view.set_text(DataType::ServerKey, &model.address.to_string()),
            }
        });
    }
}

impl Session {
    /// The server that rules want for this stream.
    pub(in crate::proxy) fn preferred_server(&self) -> Option<usize> {
        self.rules.as_ref().and_then(|state| state.persistence.preferred)
    }

    /// Looks for the server that the backend's rules want, in tcp mode.
    pub(in crate::proxy) fn prefer_server(&mut self, frontend: &LocalFrontend, backend: &LocalBackend) {
        if backend.rules.as_ref().is_none_or(|section| !has_any(section)) {
            return;
        }
        let mut state = self.take_rules(frontend);
        state.persistence.clear();
        let bytes = self.input.as_deref().unwrap_or_default();
        prefer(self, frontend, backend, &mut state, (bytes, false));
        self.rules = Some(state);
    }

    /// The server has been connected to, in tcp mode: it is remembered.
    pub(in crate::proxy) fn remember_server(
        &mut self,
        backend: &LocalBackend,
        server: usize,
        received: &[u8],
        frontend: &LocalFrontend,
    ) {
        let wants = |section: &Arc<Section>| !section.sticks.is_empty() || !section.response_sticks.is_empty();
        if !backend.rules.as_ref().is_some_and(wants) {
            return;
        }
        let mut state = self.take_rules(frontend);
        let mut persistence = std::mem::take(&mut state.persistence);
        let now = self.now();
        {
            let mut world = World::new(self, frontend, Some(backend));
            world.facts.look(&state);
            let transaction = world.tcp_response(&mut state, received);
            remember(backend, Some(&transaction), &mut persistence, server, now);
        }
        state.persistence = persistence;
        self.rules = Some(state);
    }
}
