//! A frontend as it runs.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::model;
use crate::model::proxy::Bind;
use crate::state::counters::Sharded;
use crate::state::faults::LastFault;
use crate::state::log::{Book, Journal};
use crate::state::sessions::{Paced, Sessions};
use crate::state::socket::CountedSocket;

use super::Backend;

/// A frontend of a generation.
#[derive(Debug)]
pub struct Frontend {
    /// Index in the model.
    pub index: usize,
    /// What it is told to be.
    pub model: model::proxy::Frontend,
    /// Where its requests go; `None` answers 503.
    pub backend: Option<Arc<Backend>>,
    /// Client connections now and their limit; lives as long as the frontend's name.
    pub sessions: Arc<Sessions>,
    /// Client connections of each bind and their limit, where it has one of its own; live as long as its address.
    pub doors: Vec<Option<Arc<Sessions>>>,
    /// Counters; live as long as the frontend's name.
    pub counters: Sharded,
    /// Counters of its listening addresses, bind for bind; empty if they are not counted one by one. Live as long as the
    /// frontend's name and the address.
    pub sockets: Vec<Arc<CountedSocket>>,
    /// The last request that was none; lives as long as the frontend's name.
    pub last_fault: Arc<LastFault>,
    /// Where its lines go.
    pub journal: Journal,
    /// Lines so far, if they show it; lives as long as the frontend's name.
    pub lines: Arc<AtomicU64>,
}

impl Frontend {
    pub(super) fn prepare(
        index: usize,
        model: &model::proxy::Frontend,
        backend: Option<Arc<Backend>>,
        book: &Arc<Book>,
        before: Option<&Frontend>,
    ) -> Frontend {
        let sessions =
            before.map_or_else(|| Arc::new(Sessions::new(model.maxconn)), |before| Arc::clone(&before.sessions));
        sessions.set_limit(model.maxconn);
        sessions.set_rate(Paced::Sessions, model.session_rate);
        Frontend {
            doors: model.binds.iter().map(|bind| door(bind, before)).collect(),
            index,
            model: model.clone(),
            backend,
            counters: sessions.counters.clone(),
            sessions,
            sockets: sockets(model, before),
            last_fault: before.map(|before| Arc::clone(&before.last_fault)).unwrap_or_default(),
            journal: book.journal(&model.log),
            lines: before.map(|before| Arc::clone(&before.lines)).unwrap_or_default(),
        }
    }
}

fn sockets(model: &model::proxy::Frontend, before: Option<&Frontend>) -> Vec<Arc<CountedSocket>> {
    let known = |bind: &model::proxy::Bind| {
        let before = before?;
        let place = before.model.binds.iter().position(|known| known.endpoint == bind.endpoint)?;
        before.sockets.get(place).cloned()
    };
    let counted = model.binds.iter().filter(|_| model.counts_sockets);
    counted.map(|bind| known(bind).unwrap_or_default()).collect()
}

/// The sessions of a bind that has a limit of its own, with those that it has already.
fn door(bind: &Bind, before: Option<&Frontend>) -> Option<Arc<Sessions>> {
    let limit = bind.options.maxconn?;
    let place = before.and_then(|before| before.model.binds.iter().position(|known| known.endpoint == bind.endpoint));
    let known = before.zip(place).and_then(|(before, place)| before.doors.get(place)?.as_ref());
    let sessions = known.map_or_else(|| Arc::new(Sessions::new(None)), Arc::clone);
    sessions.set_limit(Some(limit));
    Some(sessions)
}
