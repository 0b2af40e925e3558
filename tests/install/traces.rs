//! What a package may leave behind on a machine after a purge: nothing.

use std::collections::BTreeSet;

use crate::machine::Machine;

/// Places where a machine writes by itself, and where the test puts its files.
const BUSY: [&str; 11] = [
    "/proc",
    "/sys",
    "/dev",
    "/srv/lab",
    "/tmp",
    "/var/tmp",
    "/var/cache",
    "/var/lib/apt",
    "/var/lib/dpkg",
    "/var/log/journal",
    // systemd 249 keeps a directory of each unit with mounts of its own until the next boot.
    "/run/systemd/propagate",
];

/// Every file of the machine, every account, and every package that dpkg knows, each as a line.
pub fn inventory(machine: &Machine) -> BTreeSet<String> {
    let prune: Vec<_> = BUSY.iter().map(|place| format!("-path {place}")).collect();
    let listing = machine.output(&format!(
        "find / \\( {} \\) -prune -o -print; getent passwd; getent group; dpkg --list",
        prune.join(" -o ")
    ));
    let is_of_the_machine = |line: &&str| {
        // Copies that useradd and userdel make, logs of apt and dpkg, systemd's own state.
        let is_copy = line.starts_with("/etc/") && line.ends_with('-');
        let is_log = line.starts_with("/var/log/") && !line.contains("vipgate");
        let is_state =
            ["/run/", "/var/lib/systemd/"].iter().any(|place| line.starts_with(place)) && !line.contains("vipgate");
        is_copy || is_log || is_state
    };
    let text = String::from_utf8_lossy(&listing.stdout).into_owned();
    text.lines().filter(|line| !is_of_the_machine(line)).map(str::to_owned).collect()
}

/// What the second has and the first has not, and the other way round, marked as diff does.
pub fn difference(before: &BTreeSet<String>, after: &BTreeSet<String>) -> Vec<String> {
    let gone = before.difference(after).map(|line| format!("- {line}"));
    gone.chain(after.difference(before).map(|line| format!("+ {line}"))).collect()
}
