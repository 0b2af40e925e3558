//! Child processes: pinned, found with all their children and threads, ended with the benchmark.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The core of the proxies.
pub const PROXY_CORE: usize = 0;
/// The core of generator and backend.
pub const LOAD_CORE: usize = 1;

/// A running proxy; dropping it stops it.
pub struct Process {
    child: Child,
    log: std::path::PathBuf,
}

impl Process {
    /// Starts a command on [`PROXY_CORE`]; its output goes to `log`.
    pub fn start(program: &Path, arguments: &[&str], log: &Path) -> Result<Process, String> {
        let file = fs::File::create(log).map_err(|error| format!("{}: {error}", log.display()))?;
        let errors = file.try_clone().map_err(|error| format!("{}: {error}", log.display()))?;
        let child = Command::new("taskset")
            .args(["-c", &PROXY_CORE.to_string()])
            .arg(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(errors)
            .spawn()
            .map_err(|error| format!("taskset (util-linux) cannot be started: {error}"))?;
        Ok(Process { child, log: log.to_path_buf() })
    }

    /// Waits until the process listens on an address.
    pub fn wait_for(&mut self, address: SocketAddr) -> Result<(), String> {
        let deadline = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(address).is_err() {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!("ended at once ({status}):\n{}", self.output()));
            }
            if Instant::now() > deadline {
                return Err(format!("does not listen on {address} after 10 s:\n{}", self.output()));
            }
            sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// The end of what it printed.
    pub fn output(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }

    /// It and all its descendants.
    pub fn pids(&self) -> Vec<u32> {
        let parents: Vec<(u32, u32)> = fs::read_dir("/proc")
            .into_iter()
            .flatten()
            .filter_map(|entry| {
                let pid = entry.ok()?.file_name().to_str()?.parse().ok()?;
                let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
                let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?;
                Some((pid, parent))
            })
            .collect();
        let mut pids = vec![self.child.id()];
        let mut next = 0;
        while next < pids.len() {
            let children = parents.iter().filter(|(_, parent)| *parent == pids[next]).map(|(pid, _)| *pid);
            pids.extend(children.collect::<Vec<_>>());
            next += 1;
        }
        pids
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let pids = self.pids();
        signal(self.child.id(), Signal::SIGTERM);
        let deadline = Instant::now() + Duration::from_secs(3);
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
            sleep(Duration::from_millis(20));
        }
        if matches!(self.child.try_wait(), Ok(None)) {
            pids.into_iter().for_each(|pid| signal(pid, Signal::SIGKILL));
            let _ = self.child.wait();
        }
    }
}

/// Sends a signal to a process that this benchmark started.
pub fn signal(pid: u32, signal: Signal) {
    if let Ok(pid) = i32::try_from(pid) {
        let _ = kill(Pid::from_raw(pid), signal);
    }
}

/// Keeps the calling thread on a core, where there is more than one.
pub fn pin(core: usize) {
    let mut set = CpuSet::new();
    if set.set(core).is_ok() {
        let _ = sched_setaffinity(Pid::from_raw(0), &set);
    }
}

/// A loopback address that was free a moment ago.
pub fn free_address() -> Result<SocketAddr, String> {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).map_err(|error| error.to_string())
}
