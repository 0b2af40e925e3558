//! Follows the VIP: `ip monitor` in each node says when the address comes and goes, whoever moved it.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::thread;

use anyhow::Context;

use super::scene::Scene;
use super::topology::{NODES, VIP};

/// Starts following the VIP on every node.
pub(super) fn start(scene: &Scene) -> anyhow::Result<()> {
    for node in NODES {
        let mut monitor = Command::new("ip")
            .args(["-n", node, "-o", "monitor", "address"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot run ip(8)")?;
        let lines = BufReader::new(monitor.stdout.take().context("ip monitor has no output")?).lines();
        let scene = scene.clone();
        thread::Builder::new().name(format!("watch-{node}")).spawn(move || {
            for line in lines.map_while(Result::ok) {
                if let Some(change) = Change::read(&line) {
                    note(&scene, node, change);
                }
            }
        })?;
    }
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Added,
    Removed,
}

impl Change {
    /// What a line of `ip -o monitor address` says about the VIP, if anything.
    fn read(line: &str) -> Option<Change> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let address = words.iter().skip_while(|word| **word != "inet").nth(1)?;
        if address.split('/').next() != Some(VIP) {
            return None;
        }
        Some(if words.first() == Some(&"Deleted") { Change::Removed } else { Change::Added })
    }
}

fn note(scene: &Scene, node: &'static str, change: Change) {
    scene.update(|facts| match change {
        // A refreshed lease is reported as one more addition.
        Change::Added if facts.holders.insert(node) => Some(format!("{node:<6}  VIP {VIP} is here")),
        Change::Removed if facts.holders.remove(node) => Some(format!("{node:<6}  VIP {VIP} has left")),
        Change::Added | Change::Removed => None,
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn monitor_lines_about_the_vip_are_changes() {
        let added = "2: eth0    inet 192.0.2.253/32 scope global eth0\\       valid_lft 3sec preferred_lft 3sec";
        assert_eq!(Change::read(added), Some(Change::Added));
        assert_eq!(Change::read(&format!("Deleted {added}")), Some(Change::Removed));
        assert_eq!(Change::read("2: eth0    inet 192.0.2.25/24 scope global eth0"), None);
        assert_eq!(Change::read(""), None);
    }
}
