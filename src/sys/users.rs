//! Names of users and groups.

use std::io;

use nix::unistd::{Group, User};

use crate::model::runtime::Account;

/// The number of an account as a user.
///
/// # Errors
/// As [`user`].
pub fn uid_of(account: &Account) -> io::Result<u32> {
    match account {
        Account::Id(number) => Ok(*number),
        Account::Name(name) => user(name),
    }
}

/// The number of an account as a group.
///
/// # Errors
/// As [`group`].
pub fn gid_of(account: &Account) -> io::Result<u32> {
    match account {
        Account::Id(number) => Ok(*number),
        Account::Name(name) => group(name),
    }
}

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
