//! Network namespaces. Calls move the calling *thread* alone.

use std::fs::File;
use std::io;
use std::path::Path;

use nix::sched::{CloneFlags, setns, unshare};

/// Moves the calling thread into the network namespace that `path` names (`/run/netns/NAME`, `/proc/PID/ns/net`).
pub fn enter_netns(path: &Path) -> io::Result<()> {
    Ok(setns(File::open(path)?, CloneFlags::CLONE_NEWNET)?)
}

/// Does something in the network namespace of that name (`ip netns`), on a thread of its own.
///
/// # Errors
/// There is no such namespace, the right to enter it is missing (CAP_SYS_ADMIN), or what is done there fails.
pub fn inside<R: Send>(name: &str, action: impl FnOnce() -> io::Result<R> + Send) -> io::Result<R> {
    let path = Path::new("/run/netns").join(name);
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let known = |error: io::Error| io::Error::new(error.kind(), format!("network namespace '{name}': {error}"));
            enter_netns(&path).map_err(known)?;
            action()
        });
        thread.join().unwrap_or_else(|_| Err(io::Error::other("the thread in the network namespace panicked")))
    })
}

/// Moves the calling thread into a new, empty network namespace.
pub fn unshare_netns() -> io::Result<()> {
    Ok(unshare(CloneFlags::CLONE_NEWNET)?)
}
