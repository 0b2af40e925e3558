//! What a process used, from /proc and strace.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::process;

/// CPU time of some processes, user and system, all threads.
pub fn cpu_time(pids: &[u32]) -> Duration {
    let tasks = pids.iter().flat_map(|pid| fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten());
    let nanos = tasks.filter_map(|task| {
        let text = fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanos.sum())
}

/// Resident memory of some processes, *bytes*, without what they share with others.
pub fn private_memory(pids: &[u32]) -> u64 {
    let fields = ["Private_Clean:", "Private_Dirty:"];
    let kilobytes = pids.iter().map(|pid| {
        let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
        let lines = text.lines().filter(|line| fields.iter().any(|field| line.starts_with(field)));
        lines.filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).sum::<u64>()
    });
    kilobytes.sum::<u64>() * 1024
}

/// Counts system calls of some processes while `load` runs; `None` where strace is missing or may not attach.
pub fn count_syscalls<T>(pids: &[u32], directory: &Path, load: impl FnOnce() -> T) -> Option<(u64, T)> {
    let output = directory.join("strace.txt");
    let mut command = Command::new("strace");
    command.args(["-c", "-f", "-o"]).arg(&output).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    for pid in pids {
        command.args(["-p", &pid.to_string()]);
    }
    let mut strace = command.spawn().ok()?;
    let deadline = Instant::now() + Duration::from_secs(3);
    while !pids.iter().all(|pid| is_traced(*pid)) {
        if Instant::now() > deadline || strace.try_wait().ok()?.is_some() {
            let _ = strace.kill();
            let _ = strace.wait();
            return None;
        }
        sleep(Duration::from_millis(10));
    }
    let result = load();
    process::signal(strace.id(), Signal::SIGINT);
    strace.wait().ok()?;
    let text = fs::read_to_string(output).ok()?;
    let total = text.lines().find(|line| line.trim_end().ends_with(" total"))?;
    Some((total.split_whitespace().nth(3)?.parse().ok()?, result))
}

/// Whether every thread has a tracer.
fn is_traced(pid: u32) -> bool {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    tasks.into_iter().all(|task| {
        let text = fs::read_to_string(task.path().join("status")).unwrap_or_default();
        !text.lines().any(|line| line.starts_with("TracerPid:") && line.ends_with("\t0"))
    })
}

/// The middle value; zero of none.
pub fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        length if length % 2 == 1 => values[length / 2],
        length => (values[length / 2 - 1] + values[length / 2]) / 2.0,
    }
}
