//! Names of users and groups.

use std::io;

use nix::unistd::{Group, User};

/// The number of a user.
///
/// # Errors
/// There is none of that name, or the system's database cannot be asked.
pub fn user(name: &str) -> io::Result<u32> {
    let found = User::from_name(name)?.map(|user| user.uid.as_raw());
    found.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("there is no user `{name}`")))
}

/// The number of a group.
///
/// # Errors
/// There is none of that name, or the system's database cannot be asked.
pub fn group(name: &str) -> io::Result<u32> {
    let found = Group::from_name(name)?.map(|group| group.gid.as_raw());
    found.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("there is no group `{name}`")))
}
