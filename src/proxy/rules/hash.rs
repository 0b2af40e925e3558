//! What `balance hash` makes of a request or a connection.

use crate::balance::hash::of_bytes;
use crate::model::balance::HashFunction;
use crate::rule::Stage;
use crate::rule::sample::Kind;

use super::super::local::{LocalBackend, LocalFrontend};
use super::super::session::Session;
use super::World;

/// The hash of the expression of the backend, if it has a value; `body` is there in http mode.
pub(in crate::proxy) fn hash(
    session: &mut Session,
    frontend: &LocalFrontend,
    backend: &LocalBackend,
    body: Option<&[u8]>,
) -> Option<u32> {
    let expression = backend.rules.as_ref()?.hash.as_ref()?;
    let hashing = &backend.running.model.options.hashing;
    // Without a function the text of a number is its own hash.
    let kind = if hashing.function == HashFunction::None { Kind::Str } else { Kind::Bin };
    let mut state = session.take_rules(frontend);
    let mut world = World::new(session, frontend, Some(backend));
    world.facts.look(&state);
    let stage = if body.is_some() { Stage::HttpRequest } else { Stage::TcpRequest };
    let hash = {
        let transaction = world.transaction(stage, &mut state, body.unwrap_or_default(), body.is_some());
        let key = expression.value(&transaction).and_then(|sample| sample.cast(kind));
        key.map(|key| of_bytes(hashing, &key.into_text()))
    };
    session.rules = Some(state);
    hash
}
