//! Rules of a virtual router that only a running pair can show; the others have a module each in `src/vrrp/tests`.

use std::fs;
use std::path::PathBuf;

use crate::harness::{Vipgate, find, until};
use crate::pair::Pair;

const CAP_NET_ADMIN: u64 = 1 << 12;
const CAP_NET_RAW: u64 = 1 << 13;
/// `policy` of proc(5).
const SCHED_RR: &str = "2";

/// The directory of a thread of a process.
fn thread(node: &Vipgate, name: &str) -> PathBuf {
    let tasks = fs::read_dir(format!("/proc/{}/task", node.process.id())).expect("a process");
    let is_it = |task: &PathBuf| fs::read_to_string(task.join("comm")).is_ok_and(|comm| comm.trim() == name);
    tasks.map(|task| task.expect("a task").path()).find(is_it).unwrap_or_else(|| panic!("no thread {name}"))
}

fn capabilities(thread: &std::path::Path) -> u64 {
    let status = fs::read_to_string(thread.join("status")).expect("a thread");
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:")).expect("capabilities");
    u64::from_str_radix(line.trim(), 16).expect("a mask")
}

/// Rule 12.
#[test]
fn vg_vrrp_alone_may_change_the_network_and_runs_in_real_time_or_says_that_it_may_not() {
    let pair = Pair::start("false");
    let vrrp = thread(&pair.lb1, "vg-vrrp");
    assert_eq!(capabilities(&vrrp), CAP_NET_ADMIN | CAP_NET_RAW);
    for name in ["vg-w00", "vg-check", "vg-log", "vg-log-err"] {
        assert_eq!(capabilities(&thread(&pair.lb1, name)), 0, "{name}");
    }
    let stat = fs::read_to_string(vrrp.join("stat")).expect("a thread");
    // The fields after the name, which may contain spaces: policy is the 41st of all.
    let (_, fields) = stat.rsplit_once(") ").expect("a name");
    let is_real_time = fields.split(' ').nth(41 - 3) == Some(SCHED_RR);
    assert_ne!(is_real_time, pair.lb1.process.log().contains("no real-time scheduling"));
}

/// Rule 13.
#[test]
fn a_backup_goes_on_checking_so_that_it_takes_over_warm() {
    let mut pair = Pair::start("false");
    let is = |node: &Vipgate, status: &str| {
        let servers = find(&node.status(), "servers").cloned().unwrap_or_default();
        servers[0]["status"] == status && servers[0]["last_check_seconds_ago"].as_f64().is_some_and(|ago| ago < 1.0)
    };
    until("the Backup knows that web01 is up", || is(&pair.lb2, "UP"));
    pair.web01.stop();
    until("the Backup sees web01 go", || is(&pair.lb2, "DOWN"));
    assert_eq!(pair.lb2.state(), "BACKUP");
}
