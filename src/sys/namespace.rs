//! Network namespaces, for `vipgate lab` and tests. Both calls move the calling *thread* alone.

use std::fs::File;
use std::io;
use std::path::Path;

use nix::sched::{CloneFlags, setns, unshare};

/// Moves the calling thread into the network namespace that `path` names (`/run/netns/NAME`, `/proc/PID/ns/net`).
pub fn enter_netns(path: &Path) -> io::Result<()> {
    Ok(setns(File::open(path)?, CloneFlags::CLONE_NEWNET)?)
}

/// Moves the calling thread into a new, empty network namespace.
pub fn unshare_netns() -> io::Result<()> {
    Ok(unshare(CloneFlags::CLONE_NEWNET)?)
}
