//! Levels of the tracked objects at a moment, gathered from where they live.

use std::sync::Arc;

use super::hearts::Hearts;
use crate::model::Model;
use crate::model::track::Object;
use crate::state::levels::{Board, Level, Levels};
use crate::state::servers::Backend;

/// What levels are read from.
pub struct Sources<'a> {
    /// Board of the running generation.
    pub board: &'a Board,
    /// Backends of the running generation, by backend number.
    pub backends: &'a [Arc<Backend>],
    /// Other threads' heartbeats.
    pub hearts: &'a Hearts,
    /// Whether an interface is up.
    pub is_up: &'a dyn Fn(&str) -> bool,
}

/// The level of every object of `model`, by object number.
pub fn gather(model: &Model, sources: &Sources<'_>) -> Levels {
    let level = |(number, object): (usize, &Object)| match object {
        Object::Workers => sources.hearts.level(),
        Object::Interface(name) => Level::from((sources.is_up)(name)),
        Object::Backend { backend, min_up } => {
            settled(sources.backends.get(*backend), |backend| backend.usable() >= *min_up)
        }
        Object::Server { backend, server } => settled(sources.backends.get(*backend), |backend| {
            backend.servers.get(*server).is_some_and(|server| server.is_usable())
        }),
        Object::Bind { .. } | Object::Script(_) | Object::Process(_) | Object::File(_) => sources.board.level(number),
    };
    model.objects.iter().map(|tracked| &tracked.object).enumerate().map(level).collect()
}

fn settled(backend: Option<&Arc<Backend>>, is_up: impl FnOnce(&Backend) -> bool) -> Level {
    match backend {
        Some(backend) if backend.is_settled() => Level::from(is_up(backend)),
        _ => Level::Unknown,
    }
}
