//! A worker thread: `vg-wNN`.

use std::sync::Arc;
use std::{io, thread};

use tokio::sync::oneshot;

use crate::proxy::worker::{self, WorkerContext};

use crate::sys;
use crate::sys::confine::Cell;

use super::threads;

/// Starts a worker. The channel closes when it has ended, by a drain or by a panic.
///
/// # Errors
/// The thread cannot be created.
pub(super) fn spawn(context: WorkerContext, cell: Cell) -> io::Result<oneshot::Receiver<()>> {
    let heart = Arc::clone(&context.heart);
    let (end, ended) = oneshot::channel::<()>();
    threads::start_confined(&format!("vg-w{:02}", context.index), cell, move || async move {
        let _end = end;
        heart.belongs_to(sys::thread::current());
        worker::run(context).await;
    })?;
    Ok(ended)
}

/// Worker threads for a configuration: what it says, or one for each core.
pub(super) fn count(configured: Option<usize>) -> usize {
    configured.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from))
}
