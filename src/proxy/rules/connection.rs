//! Rules of a connection: `tcp-request connection` and `tcp-request session`, and in tcp mode the rest of them.

use std::rc::Rc;

use crate::rule::{RuleSet, Section, Verdict};

use super::super::local::{LocalBackend, LocalFrontend};
use super::super::session::Session;
use super::World;
use super::request;

/// Whether the connection may stay; one that is to be forgotten has its reset prepared.
pub(in crate::proxy) fn may_enter(session: &mut Session) -> bool {
    let frontend = session.frontend();
    let Some(section) = &frontend.rules else { return true };
    if !pass(session, &frontend, section, None, &[&section.connection]) {
        frontend.counters(&session.worker).denied_connections.add(1);
        return false;
    }
    if !pass(session, &frontend, section, None, &[&section.session]) {
        frontend.counters(&session.worker).denied_sessions.add(1);
        return false;
    }
    true
}

/// The backend of a connection in tcp mode, if its rules let it pass.
pub(in crate::proxy) fn choose(session: &mut Session, frontend: &LocalFrontend) -> Option<Option<Rc<LocalBackend>>> {
    if !frontend.runs_rules {
        return Some(frontend.backend.clone());
    }
    let mut backend = frontend.backend.clone();
    if let Some(section) = &frontend.rules {
        if !pass(session, frontend, section, None, &[&section.content]) {
            frontend.counters(&session.worker).denied_requests.add(1);
            return None;
        }
        let mut state = session.take_rules(frontend);
        let mut world = World::new(session, frontend, None);
        let chosen = request::choose(&mut world, section, frontend, &mut state, &[]);
        session.rules = Some(state);
        backend = chosen.or(backend);
    }
    let own = backend.as_ref().and_then(|backend| backend.rules.clone());
    let is_same =
        |own: &std::sync::Arc<Section>| frontend.rules.as_ref().is_some_and(|first| std::sync::Arc::ptr_eq(own, first));
    if let Some(section) = own.filter(|own| !is_same(own))
        && !pass(session, frontend, &section, backend.as_deref(), &[&section.content])
    {
        frontend.counters(&session.worker).denied_requests.add(1);
        return None;
    }
    Some(backend)
}

fn pass(
    session: &mut Session,
    frontend: &LocalFrontend,
    section: &Section,
    backend: Option<&LocalBackend>,
    sets: &[&RuleSet],
) -> bool {
    if section.is_empty() || sets.iter().all(|set| set.rules.is_empty()) {
        return true;
    }
    let mut state = session.take_rules(frontend);
    let mut world = World::new(session, frontend, backend);
    let mut hops = None;
    let mut passes = true;
    for set in sets {
        match world.run(set, &mut state, &[], false) {
            Verdict::Continue => continue,
            Verdict::SilentDrop { hops: limit } => hops = Some(limit.unwrap_or(1)),
            _ => {}
        }
        passes = false;
        break;
    }
    session.rules = Some(state);
    if let Some(hops) = hops {
        session.forget_client(hops);
    } else if !passes {
        // As HAProxy rejects: no lingering.
        session.client.reset_on_close();
    }
    passes
}

impl Session {
    /// Makes the close a reset that lives for so many hops: the client hears nothing.
    pub(in crate::proxy) fn forget_client(&self, hops: u8) {
        if let Some(socket) = self.client.kernel() {
            // One of them is not of the socket's family and fails.
            let _ = socket.set_ttl_v4(u32::from(hops));
            let _ = socket.set_unicast_hops_v6(u32::from(hops));
        }
        self.client.reset_on_close();
    }
}
