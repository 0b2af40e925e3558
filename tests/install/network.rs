//! Two bridges, and a network namespace for each machine.
//!
//! ```text
//!   this process .1   client .50   lb1 .11   lb2 .12         lb1 .11   lb2 .12   web01 .21   web02 .22
//!   ======+===============+===========+=========+== front      ==+=========+==========+===========+== back
//!                                     192.0.2.0/24                              198.51.100.0/24
//! ```

use std::process::Command;

use crate::machine::run;

/// The virtual address of `configs/pair.yaml`.
pub const VIP: &str = "192.0.2.253";

/// An interface of a machine.
pub struct Leg {
    /// Its machine.
    pub machine: &'static str,
    /// Its name there.
    pub interface: &'static str,
    /// Its address and prefix length.
    pub address: &'static str,
    bridge: &'static str,
}

impl Leg {
    /// The name of its other end, a port of the bridge.
    fn port(&self) -> String {
        format!("{}-{}", &self.bridge[..1], self.machine)
    }
}

const fn leg(machine: &'static str, interface: &'static str, bridge: &'static str, address: &'static str) -> Leg {
    Leg { machine, interface, address, bridge }
}

/// Every interface.
pub const LEGS: [Leg; 7] = [
    leg("client", "eth0", "front", "192.0.2.50/24"),
    leg("lb1", "eth0", "front", "192.0.2.11/24"),
    leg("lb2", "eth0", "front", "192.0.2.12/24"),
    leg("lb1", "eth1", "back", "198.51.100.11/24"),
    leg("lb2", "eth1", "back", "198.51.100.12/24"),
    leg("web01", "eth1", "back", "198.51.100.21/24"),
    leg("web02", "eth1", "back", "198.51.100.22/24"),
];

/// The network; it goes when this is dropped.
pub struct Network {
    machines: Vec<&'static str>,
}

impl Network {
    /// Builds it in the present network namespace, which is private to the tests.
    pub fn build(machines: &[&'static str]) -> Network {
        let network = Network { machines: machines.to_vec() };
        for bridge in ["front", "back"] {
            run("ip", &["link", "add", bridge, "type", "bridge", "stp_state", "0", "mcast_snooping", "0"]);
            run("ip", &["link", "set", bridge, "up"]);
        }
        run("ip", &["address", "add", "192.0.2.1/24", "dev", "front"]);
        for machine in machines {
            run("ip", &["netns", "add", machine]);
        }
        for leg in LEGS.iter().filter(|leg| machines.contains(&leg.machine)) {
            let port = leg.port();
            let peer = ["peer", "name", leg.interface, "netns", leg.machine];
            run("ip", &[&["link", "add", &port, "type", "veth"][..], &peer].concat());
            run("ip", &["link", "set", &port, "master", leg.bridge, "up"]);
        }
        network
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // Each link by name: those of a deleted namespace go only later, when the kernel gets to it, and until then
        // the next network cannot be built. What was never made is no failure of the test.
        let ports = LEGS.iter().filter(|leg| self.machines.contains(&leg.machine)).map(Leg::port);
        for link in ports.chain(["front", "back"].map(String::from)) {
            let _ = Command::new("ip").args(["link", "del", &link]).status();
        }
        for machine in &self.machines {
            let _ = Command::new("ip").args(["netns", "del", machine]).status();
        }
    }
}
