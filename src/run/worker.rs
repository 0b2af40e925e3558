//! A worker thread: `vg-wNN`.

use std::thread::JoinHandle;
use std::{io, thread};

use tokio::sync::oneshot;

use crate::proxy::worker::{self, WorkerContext};

/// Starts a worker. The channel closes when it has ended, by a drain or by a panic.
///
/// # Errors
/// The thread cannot be created.
pub(super) fn spawn(context: WorkerContext) -> io::Result<(JoinHandle<()>, oneshot::Receiver<()>)> {
    let (ended, watch) = oneshot::channel::<()>();
    let handle = thread::Builder::new().name(format!("vg-w{:02}", context.index)).spawn(move || {
        let _ended = ended;
        super::keep_capabilities(&[]);
        // Many events for each turn: the reactor is polled less often than tokio's default of 61 tasks (measured 5 %
        // at 256 connections).
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().event_interval(512).build_local(Default::default());
        match runtime {
            Ok(runtime) => runtime.block_on(worker::run(context)),
            Err(error) => tracing::error!(%error, "a worker cannot start its runtime"),
        }
    })?;
    Ok((handle, watch))
}

/// Worker threads for a configuration: what it says, or one for each core.
pub(super) fn count(configured: Option<usize>) -> usize {
    configured.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from))
}
