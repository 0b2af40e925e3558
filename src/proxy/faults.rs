//! Messages that were refused, kept for whoever asks what was wrong with them (HAProxy's `show errors`).

use std::sync::atomic::Ordering;

use crate::state::faults::Fault;

use super::local::{LocalBackend, LocalFrontend};
use super::session::Session;

/// Bytes of a message that are kept, at most.
const MOST: usize = 16 * 1024;

/// Keeps a request that was refused, with the place of the byte to blame.
pub(super) fn request(session: &Session, frontend: &LocalFrontend, bytes: &[u8], place: usize) {
    let fault = fault(session, bytes, place);
    frontend.running.last_fault.keep(fault);
}

/// Keeps a response that was refused.
pub(super) fn response(
    session: &Session,
    frontend: &LocalFrontend,
    backend: &LocalBackend,
    bytes: &[u8],
    place: usize,
) {
    let known = session.shared.server.borrow();
    let name = known.as_ref().map(|(server, _)| server.name.clone());
    let model = name.and_then(|name| backend.running.model.servers.iter().find(|server| server.name == name));
    backend.running.last_fault.keep(Fault {
        other: Some(frontend.running.model.name.clone()),
        server: model.map(|server| (server.name.clone(), server.options.id)),
        ..fault(session, bytes, place)
    });
}

fn fault(session: &Session, bytes: &[u8], place: usize) -> Fault {
    let worker = &session.worker;
    Fault {
        number: worker.facts.faults.fetch_add(1, Ordering::Relaxed),
        at: worker.wall(session.now()),
        other: None,
        server: None,
        source: session.source(),
        bytes: bytes[..bytes.len().min(MOST)].to_vec(),
        place,
    }
}
