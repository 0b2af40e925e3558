//! How a thread of this process starts.

use std::future::Future;
use std::thread::JoinHandle;
use std::{io, thread};

use crate::sys::caps::{self, Capability};
use crate::sys::confine::Cell;

/// Starts a thread that gives up all capabilities but `kept`, then runs one future on a runtime of its own.
///
/// # Errors
/// The thread cannot be created. A runtime that cannot be created is logged; the thread then ends at once.
pub(super) fn start<F: Future<Output = ()>>(
    name: &str,
    kept: &'static [Capability],
    body: impl FnOnce() -> F + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name(name.to_owned()).spawn(move || {
        keep_capabilities(kept);
        serve(body);
    })
}

/// Starts a thread that is confined and keeps no capability but those that its cell leaves it. One that cannot be confined ends at once: it must not serve
/// with more rights than the operator gave it.
///
/// # Errors
/// As [`start`].
pub(super) fn start_confined<F: Future<Output = ()>>(
    name: &str,
    cell: Cell,
    body: impl FnOnce() -> F + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name(name.to_owned()).spawn(move || match cell.enter() {
        Ok(()) => {
            keep_capabilities(&cell.kept);
            serve(body);
        }
        Err(error) => tracing::error!(?cell, %error, "a worker cannot be confined and does not serve"),
    })
}

/// Runs one future on a runtime of its own. Many events are handled for each look at the reactor: 512 instead of tokio's
/// 61 saved 5 % at 256 connections.
fn serve<F: Future<Output = ()>>(body: impl FnOnce() -> F) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().event_interval(512).build_local(Default::default());
    match runtime {
        Ok(runtime) => runtime.block_on(body()),
        Err(error) => tracing::error!(%error, "a thread cannot start its runtime"),
    }
}

/// Leaves the calling thread with these capabilities only. A refusal is reported and survivable: the thread then has
/// more rights than it needs.
pub(super) fn keep_capabilities(kept: &[Capability]) {
    if let Err(error) = caps::keep_only(kept) {
        tracing::warn!(%error, "cannot give up capabilities");
    }
}
