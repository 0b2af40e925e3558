//! Other processes: which programs run, for tracked processes, and the end of one that is replaced.

use std::fs;
use std::io;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Longest name in `/proc/PID/comm`, bytes.
const COMM: usize = 15;

/// Whether a process with this name exists. The kernel keeps the first 15 bytes of a program's name, so that much is
/// compared. `Err` means that `/proc` cannot be read.
pub fn is_running(name: &str) -> io::Result<bool> {
    let wanted = &name.as_bytes()[..name.len().min(COMM)];
    for entry in fs::read_dir("/proc")? {
        let entry = entry?;
        if !entry.file_name().as_encoded_bytes().first().is_some_and(u8::is_ascii_digit) {
            continue;
        }
        // A process that ended meanwhile is one that does not run.
        if fs::read(entry.path().join("comm")).is_ok_and(|comm| comm.trim_ascii_end() == wanted) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A thread of this process.
#[derive(Clone, Debug)]
pub struct Thread {
    /// The kernel's number.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// The kernel's letter: `R` runs, `S` sleeps.
    pub state: char,
    /// Processor time that it has used.
    pub used: Duration,
}

/// The threads of this process, in the order of their numbers; empty if `/proc` cannot be read.
pub fn threads() -> Vec<Thread> {
    let entries = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let mut threads: Vec<Thread> = entries
        .filter_map(|entry| {
            let id = entry.file_name().to_str()?.parse().ok()?;
            // `NUMBER (NAME) STATE ...`, and a name may have parentheses of its own.
            let text = fs::read_to_string(entry.path().join("stat")).ok()?;
            let (name, rest) = (text.get(text.find('(')? + 1..text.rfind(')')?)?, text.get(text.rfind(')')? + 2..)?);
            let used = fs::read_to_string(entry.path().join("schedstat")).ok();
            let nanos = used.and_then(|text| text.split(' ').next()?.parse().ok()).unwrap_or(0);
            let (name, state) = (name.to_owned(), rest.chars().next()?);
            Some(Thread { id, name, state, used: Duration::from_nanos(nanos) })
        })
        .collect();
    threads.sort_by_key(|thread| thread.id);
    threads
}

/// Asks a process to end: after its sessions (SIGUSR1), or at once (SIGTERM). One that has ended already is none.
pub fn finish(process: i32, is_abrupt: bool) {
    let signal = if is_abrupt { Signal::SIGTERM } else { Signal::SIGUSR1 };
    if let Err(error) = kill(Pid::from_raw(process), signal) {
        tracing::warn!(process, %error, "an old process cannot be told to end");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_process_is_running_and_nonsense_is_not() {
        let own = fs::read_to_string("/proc/self/comm").unwrap();
        let main = fs::read_to_string(format!("/proc/{}/comm", std::process::id())).unwrap();
        assert!(is_running(main.trim_end()).unwrap() || is_running(own.trim_end()).unwrap());
        assert!(!is_running("no-such-thing").unwrap());
    }
}
