//! Linux capabilities, which belong to a thread, not to the process.

use std::io;

use caps::{CapSet, CapsHashSet};

pub use caps::Capability;

/// Keeps of the calling thread's capabilities those in `kept` that it has, gives up the rest, and empties the
/// inheritable and the ambient set, so that a program which it starts has none. Threads that it spawns inherit what it kept.
pub fn keep_only(kept: &[Capability]) -> io::Result<()> {
    clear_ambient()?;
    let held = caps::read(None, CapSet::Permitted).map_err(io::Error::other)?;
    let kept: CapsHashSet = kept.iter().copied().filter(|capability| held.contains(capability)).collect();
    // Effective first: it may never exceed what is permitted.
    for set in [CapSet::Effective, CapSet::Permitted] {
        caps::set(None, set, &kept).map_err(io::Error::other)?;
    }
    caps::clear(None, CapSet::Inheritable).map_err(io::Error::other)
}

/// Empties the calling thread's ambient set (systemd's `AmbientCapabilities=` fills it), so that scripts do not inherit it.
pub fn clear_ambient() -> io::Result<()> {
    // Kernels without ambient capabilities (before 4.3) have nothing to clear.
    caps::clear(None, CapSet::Ambient).or_else(|error| {
        let is_empty = caps::read(None, CapSet::Ambient).map_or(true, |set| set.is_empty());
        if is_empty { Ok(()) } else { Err(io::Error::other(error)) }
    })
}

/// Whether the calling thread has a capability in its effective set.
pub fn has(capability: Capability) -> bool {
    caps::has_cap(None, CapSet::Effective, capability).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thread_gives_up_what_it_does_not_keep_and_others_are_untouched() {
        let before = has(Capability::CAP_NET_ADMIN);
        std::thread::spawn(move || {
            keep_only(&[Capability::CAP_NET_RAW]).unwrap();
            assert!(!has(Capability::CAP_NET_ADMIN));
        })
        .join()
        .unwrap();
        assert_eq!(has(Capability::CAP_NET_ADMIN), before);
    }
}
