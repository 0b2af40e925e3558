//! `force-persist` and `ignore-persist`: what counts of the persistence of a request.

use crate::rule::{Outcome, Stage};

use super::super::local::{LocalBackend, LocalFrontend};
use super::super::persistence::Treatment;
use super::super::session::Session;
use super::super::stream::Request;
use super::World;

/// What the first of the backend's rules that applies says.
pub(in crate::proxy) fn settle(
    session: &mut Session,
    frontend: &LocalFrontend,
    backend: &LocalBackend,
    request: Option<&Request>,
) -> Option<Treatment> {
    let section = backend.rules.as_ref()?;
    let mut state = session.take_rules(frontend);
    let mut world = World::new(session, frontend, Some(backend));
    world.facts.look(&state);
    let treatment = {
        let stage = if request.is_some() { Stage::HttpRequest } else { Stage::TcpRequest };
        let body = request.map(Request::arrived).unwrap_or_default();
        let transaction = world.transaction(stage, &mut state, body, request.is_some());
        let first = section.treatments.iter().find(|rule| rule.condition.outcome(&transaction) == Outcome::Match);
        first.map(|rule| if rule.is_forced { Treatment::Force } else { Treatment::Ignore })
    };
    session.rules = Some(state);
    treatment
}
