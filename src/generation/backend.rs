//! A backend as it runs.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use crate::balance::{Choice, Chooser, Wish, hash};
use crate::model;
use crate::state;
use crate::state::counters::Sharded;
use crate::state::faults::LastFault;
use crate::state::log::{Book, Journal};
use crate::state::queue::Queue;
use crate::time::Instant;

/// A backend of one or more generations.
#[derive(Debug)]
pub struct Backend {
    /// What it is told to be.
    pub model: model::proxy::Backend,
    /// Its servers' state, index for index as in the model.
    pub state: Arc<state::servers::Backend>,
    /// Chooses servers and keeps their slots.
    pub chooser: Chooser,
    /// Requests that wait for a slot.
    pub queue: Arc<Queue>,
    /// Streams now: `%bc` of the log.
    pub current: Arc<AtomicUsize>,
    /// Counters; live as long as the backend's name.
    pub counters: Sharded,
    /// The last response that was none; lives as long as the backend's name.
    pub last_fault: Arc<LastFault>,
    /// Where messages about it and its servers go.
    pub journal: Journal,
}

impl Backend {
    /// The server that a message of a log goes to, in log mode; `None` has none that is usable. `key` is what is hashed, where
    /// the algorithm is a hash.
    pub fn server_for_message(&self, key: Option<&[u8]>, now: Instant) -> Option<usize> {
        if self.model.balance.is_hash() && key.is_none() {
            return None;
        }
        let hash = key.map(|key| hash::of_bytes(&self.model.options.hashing, key));
        match self.chooser.choose(&Wish { now, hash, exclude: None }) {
            Choice::Server(server) => Some(server),
            Choice::Queue { .. } | Choice::Down => None,
        }
    }

    /// The same object as before if nothing about it changed.
    pub(super) fn prepare(
        model: &model::proxy::Backend,
        state: Arc<state::servers::Backend>,
        book: &Arc<Book>,
        before: Option<&Arc<Backend>>,
    ) -> Arc<Backend> {
        if let Some(before) = before {
            let are_same_servers = before.state.servers.len() == state.servers.len()
                && before.state.servers.iter().zip(&state.servers).all(|(a, b)| Arc::ptr_eq(a, b));
            // Numbers in statistics are looked up in the model. Rules are not kept here, and lines of theirs that moved
            // change nothing.
            let alike =
                model::proxy::Backend { id: before.model.id, rules: before.model.rules.clone(), ..model.clone() };
            if before.model == alike && are_same_servers {
                return Arc::clone(before);
            }
        }
        let current: Arc<AtomicUsize> = before.map(|before| Arc::clone(&before.current)).unwrap_or_default();
        Arc::new(Backend {
            last_fault: before.map(|before| Arc::clone(&before.last_fault)).unwrap_or_default(),
            journal: book.journal(&model.log),
            chooser: Chooser::new(model, Arc::clone(&state), Arc::clone(&current)),
            model: model.clone(),
            state,
            // Waiters of the old generation hold tickets of the old queue and are served by the old sessions.
            queue: Arc::default(),
            current,
            counters: before.map(|before| before.counters.clone()).unwrap_or_default(),
        })
    }
}
