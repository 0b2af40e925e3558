//! The streams of a worker, as the operator sees them and closes them.

use std::net::SocketAddr;
use std::rc::Rc;

use crate::model::proxy::Mode;
use crate::state::streams::StreamFacts;

use super::local::{Shared, Stage, Worker};

/// Every stream that is under way. An HTTP connection that waits for a request has none.
pub(super) fn list(worker: &Worker) -> Vec<StreamFacts> {
    worker.sessions.borrow().iter().filter_map(|(_, session)| facts(worker, session)).collect()
}

/// Closes the session of a stream; says whether there is one.
pub(super) fn close(worker: &Worker, id: usize) -> bool {
    let sessions = worker.sessions.borrow();
    let found = sessions.iter().map(|(_, session)| session).find(|session| id_of(session) == id);
    let Some(session) = found.filter(|session| is_under_way(session)) else { return false };
    session.is_killed.set(true);
    session.timer.wake();
    true
}

fn id_of(session: &Rc<Shared>) -> usize {
    Rc::as_ptr(session).addr()
}

fn is_under_way(session: &Shared) -> bool {
    let is_http = || session.listener.frontend().running.model.mode == Mode::Http;
    !matches!(session.stage.get(), Stage::Waiting(_)) || !is_http()
}

fn facts(worker: &Worker, session: &Rc<Shared>) -> Option<StreamFacts> {
    if !is_under_way(session) {
        return None;
    }
    let frontend = session.listener.frontend();
    let bound = session.listener.key.place.endpoint.tcp();
    let is_unix = session.peer.port() == 0 && session.peer.ip().is_unspecified();
    let server = session.server.borrow().as_ref().map(|(server, _)| server.clone());
    Some(StreamFacts {
        id: id_of(session),
        worker: worker.index,
        peer: Some(session.peer).filter(|_| !is_unix),
        local: bound.map(|bound| SocketAddr::new(session.local, bound.port())),
        frontend: frontend.running.model.name.clone(),
        mode: frontend.running.model.mode,
        backend: session.backend.borrow().upgrade().map(|backend| backend.running.model.name.clone()),
        server: server.filter(|_| session.is_with_server.get()),
        accepted: session.accepted,
        deadline: session.timer.deadline(),
    })
}
