//! The lab's network.
//!
//! ```text
//!         client 192.0.2.50                  web01 198.51.100.21   web02 198.51.100.22
//!            │                                    │                   │
//!   ═════════╪═══════ front 192.0.2.0/24 ═══      ╪═══ back 198.51.100.0/24 ═══
//!          eth0     eth0                          │           │
//!           lb1      lb2 ── eth1 ─────────────────┘           │
//!            └───────────── eth1 ─────────────────────────────┘
//!   VIP 192.0.2.253 on the eth0 of the MASTER
//! ```
//!
//! The bridges stand in the lab's own network namespace; everyone else has a namespace known to `ip netns`.

use std::fs::File;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use nix::sched::{CloneFlags, setns};

/// The virtual address of `configs/pair.yaml`.
pub(super) const VIP: &str = "192.0.2.253";
/// The load balancers, the preferred one first.
pub(super) const NODES: [&str; 2] = ["lb1", "lb2"];
/// The HTTP servers with their addresses.
pub(super) const BACKENDS: [(&str, &str); 2] = [("web01", "198.51.100.21"), ("web02", "198.51.100.22")];

/// A leg into a bridge: namespace, interface there, bridge, address.
const LEGS: [(&str, &str, &str, &str); 7] = [
    ("client", "eth0", "front", "192.0.2.50/24"),
    ("lb1", "eth0", "front", "192.0.2.11/24"),
    ("lb2", "eth0", "front", "192.0.2.12/24"),
    ("lb1", "eth1", "back", "198.51.100.11/24"),
    ("lb2", "eth1", "back", "198.51.100.12/24"),
    ("web01", "eth1", "back", "198.51.100.21/24"),
    ("web02", "eth1", "back", "198.51.100.22/24"),
];

/// The node that has this address towards the servers.
pub(super) fn node_of(back_address: &str) -> Option<&'static str> {
    let leg = LEGS.iter().find(|leg| leg.3.strip_suffix("/24") == Some(back_address))?;
    Some(leg.0)
}

/// Builds namespaces, bridges and legs.
pub(super) fn build() -> anyhow::Result<()> {
    ip("link set lo up")?;
    for bridge in ["front", "back"] {
        ip(&format!("link add {bridge} type bridge stp_state 0 forward_delay 0 mcast_snooping 0"))?;
        ip(&format!("link set {bridge} up"))?;
    }
    for name in ["client", "lb1", "lb2", "web01", "web02"] {
        ip(&format!("netns add {name}"))?;
        ip(&format!("-n {name} link set lo up"))?;
    }
    for (name, interface, bridge, address) in LEGS {
        let port = port(name, bridge);
        ip(&format!("link add {port} type veth peer name {interface} netns {name}"))?;
        ip(&format!("link set {port} master {bridge} up"))?;
        ip(&format!("-n {name} address add {address} dev {interface}"))?;
        ip(&format!("-n {name} link set {interface} up"))?;
    }
    Ok(())
}

/// Whether a leg's cable is in its bridge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cable {
    /// Frames pass.
    Plugged,
    /// Frames are lost; the interface keeps its carrier, as behind a dead switch.
    Cut,
}

/// Cuts a namespace off a bridge, or joins it again.
pub(super) fn set_cable(name: &str, bridge: &str, cable: Cable) -> anyhow::Result<()> {
    let port = port(name, bridge);
    match cable {
        Cable::Plugged => ip(&format!("link set {port} master {bridge}")),
        Cable::Cut => ip(&format!("link set {port} nomaster")),
    }
}

fn port(name: &str, bridge: &str) -> String {
    format!("{}-{name}", &bridge[..1])
}

/// Runs `ip` with these words.
pub(super) fn ip(words: &str) -> anyhow::Result<()> {
    let output = Command::new("ip")
        .args(words.split_whitespace())
        .stdin(Stdio::null())
        .output()
        .context("cannot run ip(8): apt install iproute2")?;
    if !output.status.success() {
        bail!("ip {words}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

/// Moves the calling thread, and whatever it starts from now on, into a namespace of the lab.
pub(super) fn move_thread_to(name: &str) -> anyhow::Result<()> {
    let namespace = File::open(format!("/run/netns/{name}")).with_context(|| format!("no namespace {name}"))?;
    setns(namespace, CloneFlags::CLONE_NEWNET).with_context(|| format!("cannot enter namespace {name}"))
}
