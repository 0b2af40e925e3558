//! What a host does to a node that should go on serving, or go.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::ptrace;
use nix::unistd::Pid;

use crate::harness::{Lan, Process, VIP, Vipgate, Web, stays, until};
use crate::pair::{Pair, config, is_served};

/// Both ends of a pipe that takes nothing more.
fn full_pipe() -> (std::io::PipeReader, std::io::PipeWriter) {
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    fcntl(&writer, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).expect("a pipe");
    for size in [4096, 1] {
        let piece = vec![b'.'; size];
        while writer.write(&piece).is_ok() {}
    }
    fcntl(&writer, FcntlArg::F_SETFL(OFlag::empty())).expect("a pipe");
    (reader, writer)
}

#[test]
fn a_log_that_nobody_reads_holds_nothing_up() {
    let lan = Lan::new();
    let (_web01, _web02) = (Web::start(&lan, "web01"), Web::start(&lan, "web02"));
    let file = lan.write("pair.yaml", &config("{delay: 0s}"));
    let (_nobody_reads, errors) = full_pipe();
    let mut lb1 = Vipgate::start_talking(&lan, "lb1", &file, Stdio::from(errors));
    lan.wait_for_holder("lb1", VIP);
    let lb2 = Vipgate::start(&lan, "lb2", &file);
    lb2.wait_for("BACKUP");
    until("the client is served through lb1", || is_served(&lan, "lb1"));

    // Each of these makes a thread say something: vg-vrrp, main.
    lan.ip("lb1", &format!("address del {VIP}/32 dev eth0"));
    lan.wait_for_holder("lb1", VIP);
    lan.write("pair.yaml", "nonsense");
    assert!(!lb1.order(&["reload"]).status.success());
    assert!(stays(Duration::from_secs(3), || lan.holders(VIP) == ["lb1"]), "adverts go on, the lease is renewed");
    assert!(is_served(&lan, "lb1"));
    lb1.process.stop();
    lan.wait_for_holder("lb2", VIP);
}

/// Number of the first worker thread.
fn worker_of(process: &Process) -> Pid {
    let tasks = format!("/proc/{}/task", process.id());
    let is_worker = |task: &PathBuf| fs::read_to_string(task.join("comm")).is_ok_and(|name| name.trim() == "vg-w00");
    let worker = fs::read_dir(tasks).expect("a process").map(|task| task.expect("a task").path()).find(is_worker);
    let number = worker.expect("a worker").file_name().and_then(|name| name.to_str()?.parse().ok());
    Pid::from_raw(number.expect("a number"))
}

#[test]
fn one_worker_that_hangs_moves_the_address_and_comes_back() {
    let pair = Pair::start("{delay: 0s}");
    let worker = worker_of(&pair.lb1.process);
    ptrace::attach(worker).expect("the test may trace its child");
    pair.lan.wait_for_holder("lb2", VIP);
    pair.lb1.wait_for("FAULT");
    assert!(pair.lb1.obey(&["status"]).contains("down: workers"));
    ptrace::detach(worker, None).expect("it was attached");
    pair.lan.wait_for_holder("lb1", VIP);
}
