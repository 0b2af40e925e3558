//! A thread that gives up its root directory, its user and its group, alone: the C library's wrappers change every thread
//! of the process, the system calls themselves only the caller.

#![allow(unsafe_code, reason = "set*id as plain system calls, which change one thread")]

use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use nix::sched::{CloneFlags, unshare};

use super::caps::Capability;

/// What a thread gives up; `None` is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// The directory that becomes its root.
    pub root: Option<PathBuf>,
    /// The user that it becomes, by number.
    pub uid: Option<u32>,
    /// The group that it becomes, by number; the others are given up, too.
    pub gid: Option<u32>,
    /// Capabilities that it keeps as another user, as far as it has them.
    pub kept: Vec<Capability>,
}

/// Whether the process may do any of it: its user is root.
pub fn is_possible() -> bool {
    nix::unistd::geteuid().is_root()
}

impl Cell {
    /// Confines the calling thread. Its capabilities go with the user, but for those that are kept; descriptors that it
    /// holds stay.
    ///
    /// # Errors
    /// The directory is not there, or the kernel refuses: part of it may be done.
    pub fn enter(&self) -> io::Result<()> {
        if let Some(root) = &self.root {
            let path = CString::new(root.as_os_str().as_bytes())?;
            // Root and working directory belong to the whole process until the thread has its own.
            unshare(CloneFlags::CLONE_FS)?;
            // SAFETY: chroot(2) reads the path, which ends with a zero and lives until it returns.
            check(unsafe { libc::syscall(libc::SYS_chroot, path.as_ptr()) })?;
            // SAFETY: chdir(2) reads a constant that ends with a zero.
            check(unsafe { libc::syscall(libc::SYS_chdir, c"/".as_ptr()) })?;
        }
        if let Some(gid) = self.gid {
            // SAFETY: an empty list is read from nowhere.
            check(unsafe { libc::syscall(libc::SYS_setgroups, 0, std::ptr::null::<libc::gid_t>()) })?;
            // SAFETY: numbers only.
            check(unsafe { libc::syscall(libc::SYS_setresgid, gid, gid, gid) })?;
        }
        if !self.kept.is_empty() {
            // What is permitted stays; what is effective is set anew by whoever gives up the rest.
            nix::sys::prctl::set_keepcaps(true)?;
        }
        if let Some(uid) = self.uid {
            // SAFETY: numbers only.
            check(unsafe { libc::syscall(libc::SYS_setresuid, uid, uid, uid) })?;
        }
        Ok(())
    }
}

fn check(result: libc::c_long) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    /// User and root of a thread of this process, as the kernel says.
    fn of_thread(thread: i32) -> (u32, PathBuf) {
        let directory = format!("/proc/self/task/{thread}");
        let root = std::fs::read_link(format!("{directory}/root")).unwrap();
        (std::fs::metadata(directory).unwrap().uid(), root)
    }

    #[test]
    fn one_thread_is_confined_and_the_others_are_not() {
        if !is_possible() {
            let refused = Cell { uid: Some(0), ..Cell::default() }.enter().unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
            return;
        }
        let jail = tempfile::tempdir().unwrap();
        let cell = Cell { root: Some(jail.path().to_owned()), uid: Some(65_534), gid: Some(65_534), kept: Vec::new() };
        let (sender, receiver) = std::sync::mpsc::channel();
        let (end, wait) = std::sync::mpsc::channel::<()>();
        let confined = std::thread::spawn(move || {
            cell.enter().unwrap();
            assert!(std::fs::read("/etc/passwd").is_err());
            sender.send(nix::unistd::gettid().as_raw()).unwrap();
            let _ = wait.recv();
        });
        let thread = receiver.recv().unwrap();
        assert_eq!(of_thread(thread), (65_534, jail.path().to_owned()));
        assert_eq!(of_thread(nix::unistd::gettid().as_raw()), (0, PathBuf::from("/")));
        drop(end);
        confined.join().unwrap();
    }
}
