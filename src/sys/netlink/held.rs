//! The addresses that this process holds, where a panic hook finds them.
//!
//! vg-vrrp alone adds and removes entries. The panic hook of vg-vrrp reads them; it takes the lock only if nobody has it.
//! On kernels before 5.18, which have no IFA_PROTO, the same list is kept in a file, for the next process.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError, TryLockError};

use super::address::Installation;
use super::kernel::Kernel;

static HELD: Mutex<Vec<Installation>> = Mutex::new(Vec::new());

/// List of held addresses, for kernels that cannot tag them.
pub const LIST: &str = "/run/vipgate/vips";

/// Notes an address before it is installed.
pub fn note(installation: Installation) {
    let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    if !held.contains(&installation) {
        held.push(installation);
        write_list(&held);
    }
}

/// Forgets an address after it was removed.
pub fn forget(installation: Installation) {
    let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    held.retain(|kept| *kept != installation);
    write_list(&held);
}

/// The addresses noted now.
pub fn list() -> Vec<Installation> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Removes every noted address, with a socket of its own and without waiting for a lock: for a panic hook.
/// Tells how many were removed.
pub fn release_held() -> io::Result<usize> {
    let held = match HELD.try_lock() {
        Ok(held) => held.clone(),
        Err(TryLockError::Poisoned(held)) => held.into_inner().clone(),
        // The panic came from between lock and unlock. The tags say the same.
        Err(TryLockError::WouldBlock) => return release_vips(),
    };
    let mut kernel = Kernel::open()?;
    let removed = held.iter().filter(|installation| kernel.remove(**installation).is_ok()).count();
    Ok(removed)
}

/// Removes every address that carries our tag, or stands in the list of a kernel without tags, and tells how many
/// (`vipgate release-vips`, and the first act of vg-vrrp). `Err` after everything has been tried is the first refusal.
pub fn release_vips() -> io::Result<usize> {
    let mut kernel = Kernel::open()?;
    let listed = if kernel_has_tags() { Vec::new() } else { read_list(Path::new(LIST)) };
    let is_ours = |installation: &Installation| listed.contains(installation);
    let mut removed = 0;
    let mut refusal = None;
    for address in kernel.addresses()? {
        let installation = Installation::from(&address);
        if address.is_tagged || is_ours(&installation) {
            match kernel.remove(installation) {
                Ok(()) => removed += 1,
                Err(error) => refusal = refusal.or(Some(error)),
            }
        }
    }
    if !listed.is_empty() && refusal.is_none() {
        let _ = fs::remove_file(LIST);
    }
    refusal.map_or(Ok(removed), Err)
}

/// Whether this kernel keeps IFA_PROTO (5.18 or newer).
pub fn kernel_has_tags() -> bool {
    nix::sys::utsname::uname().is_ok_and(|name| has_tags(&name.release().to_string_lossy()))
}

fn has_tags(release: &str) -> bool {
    let mut numbers =
        release.split(|letter: char| !letter.is_ascii_digit()).map(|number| number.parse().unwrap_or(0_u32));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (5, 18)
}

fn write_list(held: &[Installation]) {
    if kernel_has_tags() {
        return;
    }
    if let Err(error) = replace(Path::new(LIST), &to_text(held)) {
        tracing::warn!(%error, path = LIST, "list of held addresses cannot be written; a killed process leaves them behind");
    }
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(directory)?;
    let new = path.with_extension("new");
    fs::write(&new, text)?;
    fs::rename(new, path)
}

fn read_list(path: &Path) -> Vec<Installation> {
    fs::read_to_string(path).map_or(Vec::new(), |text| text.lines().filter_map(from_line).collect())
}

fn to_text(held: &[Installation]) -> String {
    held.iter().fold(String::new(), |mut text, held| {
        let _ = writeln!(text, "{} {} {}", held.index, held.address, held.prefix);
        text
    })
}

fn from_line(line: &str) -> Option<Installation> {
    let mut words = line.split_whitespace();
    let index = words.next()?.parse().ok()?;
    let address = words.next()?.parse().ok()?;
    let prefix = words.next()?.parse().ok()?;
    Some(Installation { index, address, prefix })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_survives_being_written_and_read() {
        let held = [
            Installation { index: 2, address: "192.0.2.253".parse().unwrap(), prefix: 32 },
            Installation { index: 3, address: "2001:db8::1".parse().unwrap(), prefix: 128 },
        ];
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("below/vips");
        replace(&path, &to_text(&held)).unwrap();
        assert_eq!(read_list(&path), held);
        fs::write(&path, "nonsense\n2 192.0.2.253\n").unwrap();
        assert!(read_list(&path).is_empty());
        assert!(read_list(Path::new("/nonexistent")).is_empty());
    }

    #[test]
    fn kernels_since_5_18_keep_tags() {
        assert!(has_tags("5.18.0-1-amd64") && has_tags("6.1.0") && has_tags("10.0-rc1"));
        assert!(!has_tags("5.15.0-91-generic") && !has_tags("5.4") && !has_tags("") && !has_tags("x"));
    }
}
