//! A frontend as it runs.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::model;
use crate::model::log::{Logs, Target};
use crate::model::proxy::Bind;
use crate::rule::logging::Profile;
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
    /// The same where there are log profiles: lines look different by their targets.
    pub profiled: Option<Box<Profiled>>,
    /// Lines so far, if they show it; lives as long as the frontend's name.
    pub lines: Arc<AtomicU64>,
}

/// The targets of a log, by how their lines look.
#[derive(Debug)]
pub struct Profiled {
    /// Number of a profile, or none, and the targets that have it.
    pub parts: Vec<(Option<usize>, Journal)>,
    /// All targets, as if all had the profile of that number.
    pub forced: Vec<Journal>,
}

impl Profiled {
    /// Sorts the targets of a log; `None` if there are no profiles.
    fn prepare(logs: &Logs, profiles: &[Profile], book: &Arc<Book>) -> Option<Box<Profiled>> {
        let number = |name: &Option<String>| {
            let name = name.as_ref()?;
            profiles.iter().position(|profile| profile.name == *name)
        };
        let of = |wanted: Option<usize>| {
            let is_it = |target: &&Target| number(&target.profile) == wanted;
            Logs { targets: logs.targets.iter().filter(is_it).cloned().collect(), ..logs.clone() }
        };
        let numbers = [None].into_iter().chain((0..profiles.len()).map(Some));
        let parts = numbers.map(|number| (number, of(number))).filter(|(_, logs)| !logs.targets.is_empty());
        let forced = profiles.iter().map(|profile| {
            let force = |target: &Target| Target { profile: Some(profile.name.clone()), ..target.clone() };
            book.journal(&Logs { targets: logs.targets.iter().map(force).collect(), ..logs.clone() })
        });
        let profiled = Profiled {
            parts: parts.map(|(number, logs)| (number, book.journal(&logs))).collect(),
            forced: forced.collect(),
        };
        (!profiles.is_empty()).then(|| Box::new(profiled))
    }
}

impl Frontend {
    pub(super) fn prepare(
        index: usize,
        model: &model::proxy::Frontend,
        profiles: &[Profile],
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
            profiled: Profiled::prepare(&model.log, profiles, book),
            lines: before.map(|before| Arc::clone(&before.lines)).unwrap_or_default(),
        }
    }
}

fn sockets(model: &model::proxy::Frontend, before: Option<&Frontend>) -> Vec<Arc<CountedSocket>> {
    let known = |bind: &model::proxy::Bind| {
        let before = before?;
        let place = before.model.binds.iter().position(|known| known.place() == bind.place())?;
        before.sockets.get(place).cloned()
    };
    let counted = model.binds.iter().filter(|_| model.counts_sockets);
    counted.map(|bind| known(bind).unwrap_or_default()).collect()
}

/// The sessions of a bind that has a limit of its own, with those that it has already.
fn door(bind: &Bind, before: Option<&Frontend>) -> Option<Arc<Sessions>> {
    let limit = bind.options.maxconn?;
    let place = before.and_then(|before| before.model.binds.iter().position(|known| known.place() == bind.place()));
    let known = before.zip(place).and_then(|(before, place)| before.doors.get(place)?.as_ref());
    let sessions = known.map_or_else(|| Arc::new(Sessions::new(None)), Arc::clone);
    sessions.set_limit(Some(limit));
    Some(sessions)
}
