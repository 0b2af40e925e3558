//! Counters that a file has kept: what those of the process begin with (HAProxy's `stats-file`).
//!
//! Main reads the file once, at the start, before a worker counts: a reload keeps counters in memory. A file that is missing
//! or wrong is told and says nothing.

use std::fs;
use std::path::Path;

use crate::generation::{Backend, Frontend, Generation};
use crate::state::counters::Totals;
use crate::stats::file::{self, Entry, Side};
use crate::time::Instant;

/// Gives what has a `guid` its counters of before.
pub(super) fn resume(generation: &Generation, now: Instant) {
    let Some(path) = &generation.model.process.stats_file else { return };
    let text = match fs::read(Path::new(path)) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => {
            tracing::warn!(path, %error, "cannot read the statistics file");
            return;
        }
    };
    let (entries, faults) = file::read(&text);
    for fault in faults {
        tracing::warn!(path, %fault, "the statistics file is not what it should be");
    }
    for entry in &entries {
        if entry_is_of_other_side(generation, entry) {
            tracing::warn!(
                path,
                line = entry.line,
                guid = entry.guid,
                "a line stands under the header of the other side"
            );
        }
        match entry.side {
            Side::Front => generation.frontends.iter().for_each(|frontend| front(frontend, entry, now)),
            Side::Back => generation.backends.iter().for_each(|backend| back(backend, entry, now)),
        }
    }
}

/// A proxy may have either side; a socket and a server have one.
fn entry_is_of_other_side(generation: &Generation, entry: &Entry) -> bool {
    let is_it = |guid: &Option<String>| guid.as_ref() == Some(&entry.guid);
    let (model, side) = (&generation.model, entry.side);
    let mut binds = model.frontends.iter().flat_map(|frontend| &frontend.binds);
    let mut servers = model.backends.iter().flat_map(|backend| &backend.servers);
    match side {
        Side::Front => servers.any(|server| is_it(&server.options.guid)),
        Side::Back => binds.any(|bind| is_it(&bind.options.guid)),
    }
}

fn front(frontend: &Frontend, entry: &Entry, now: Instant) {
    let totals = totals(entry, now);
    if frontend.model.guid.as_ref() == Some(&entry.guid) {
        frontend.counters.resume(&totals);
    }
    for (bind, socket) in frontend.model.binds.iter().zip(&frontend.sockets) {
        if bind.options.guid.as_ref() == Some(&entry.guid) {
            // Statistics call its connections sessions.
            socket.counters.resume(&Totals { connections: totals.sessions, ..totals.clone() });
        }
    }
}

fn back(backend: &Backend, entry: &Entry, now: Instant) {
    let totals = totals(entry, now);
    if backend.model.options.guid.as_ref() == Some(&entry.guid) {
        backend.counters.resume(&totals);
        backend.state.group.resume(entry.past.downs);
    }
    for (model, server) in backend.model.servers.iter().zip(&backend.state.servers) {
        if model.options.guid.as_ref() == Some(&entry.guid) {
            server.counters.resume(&totals);
            server.resume_check_failures(entry.past.check_failures);
            server.availability.resume(entry.past.downs);
        }
    }
}

fn totals(entry: &Entry, now: Instant) -> Totals {
    let at = entry.past.last_session.map_or(0, |age| {
        let nanos = u64::try_from(age.as_nanos()).unwrap_or(u64::MAX);
        // Longer ago than the clock goes back is as long ago as it can tell.
        now.as_nanos().saturating_sub(nanos).max(1)
    });
    Totals { last_session: Instant::from_nanos(at), ..entry.past.totals.clone() }
}
