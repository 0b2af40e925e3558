//! A relay of syslog messages as it runs.

use std::sync::Arc;

use crate::model;
use crate::model::log::Logs;
use crate::state::log::{Book, Journal};
use crate::state::sessions::Sessions;

/// A relay of a generation.
#[derive(Debug)]
pub struct Relay {
    /// What it is told to be.
    pub model: model::relay::Relay,
    /// Connections now and their limit; lives as long as the relay's name.
    pub connections: Arc<Sessions>,
    /// Where messages go.
    pub journal: Journal,
}

impl Relay {
    pub(super) fn prepare(model: &model::relay::Relay, book: &Arc<Book>, before: Option<&Relay>) -> Relay {
        let connections =
            before.map(|before| Arc::clone(&before.connections)).unwrap_or_else(|| Arc::new(Sessions::new(None)));
        connections.set_limit(Some(model.maxconn));
        let logs = Logs { targets: model.targets.clone(), tag: None, relaying: Some(model.relaying) };
        Relay { model: model.clone(), connections, journal: book.journal(&logs) }
    }
}
