//! vipgate and the packaged keepalived as one pair, each in both roles, over every kind of VRRP that both speak.

use std::time::Duration;

use crate::harness::{Lan, Process, VIP, VIP6, Vipgate, keepalived, stays, until};

/// A way to speak VRRP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    V2,
    V2Pass,
    V3,
    V3Ipv6,
    Unicast,
}

impl Dialect {
    fn vip(self) -> &'static str {
        if self == Dialect::V3Ipv6 { VIP6 } else { VIP }
    }

    /// keepalived.conf of a node.
    fn keepalived(self, node: &str, priority: u8) -> String {
        let (own, peer) = if node == "lb1" { ("192.0.2.11", "192.0.2.12") } else { ("192.0.2.12", "192.0.2.11") };
        let version = if matches!(self, Dialect::V2 | Dialect::V2Pass) { 2 } else { 3 };
        let interval = if version == 2 { "1" } else { "0.2" };
        let more = match self {
            Dialect::V2Pass => "authentication {\n auth_type PASS\n auth_pass secret12\n }".to_owned(),
            Dialect::Unicast => format!("unicast_src_ip {own}\n unicast_peer {{\n {peer}\n }}"),
            Dialect::V2 | Dialect::V3 | Dialect::V3Ipv6 => String::new(),
        };
        // The first IPv6 address of a router is link-local (RFC 9568 §5.2.9), and keepalived insists.
        let addresses = if self == Dialect::V3Ipv6 { format!("fe80::253\n {VIP6}") } else { VIP.to_owned() };
        format!(
            "global_defs {{\n vrrp_version {version}\n}}\nvrrp_instance web {{\n state BACKUP\n interface eth0\n \
             virtual_router_id 51\n priority {priority}\n advert_int {interval}\n {more}\n \
             virtual_ipaddress {{\n {addresses}\n }}\n}}\n"
        )
    }

    /// vipgate.yaml of both nodes.
    fn vipgate(self, priorities: (u8, u8)) -> String {
        let more = match self {
            Dialect::V2 => "version: 2\n    advert_interval: 1s",
            Dialect::V2Pass => "version: 2\n    advert_interval: 1s\n    auth: {pass: secret12}",
            Dialect::V3 | Dialect::V3Ipv6 => "version: 3\n    advert_interval: 200ms",
            Dialect::Unicast => "version: 3\n    advert_interval: 200ms\n    transport: unicast",
        };
        let addresses = if self == Dialect::V3Ipv6 {
            format!("{{local: \"fe80::253\", www: \"{VIP6}\"}}")
        } else {
            format!("{{www: {VIP}}}")
        };
        format!(
            "nodes:\n  lb1: {{address: 192.0.2.11, priority: {}}}\n  lb2: {{address: 192.0.2.12, priority: {}}}\n\
             vrrp:\n  web:\n    interface: eth0\n    virtual_router_id: 51\n    {more}\n    preempt: {{delay: 0s}}\n    \
             virtual_addresses: {addresses}\n\
             frontends:\n  web: {{bind: [\"vip@www:80\"], mode: http, default_backend: app}}\n\
             backends:\n  app:\n    servers: {{web01: \"198.51.100.21:80\"}}\n",
            priorities.0, priorities.1
        )
    }

    fn start_vipgate(self, lan: &Lan, node: &str, priorities: (u8, u8)) -> Vipgate {
        let config = lan.write(&format!("{node}.yaml"), &self.vipgate(priorities));
        Vipgate::start(lan, node, &config)
    }

    fn start_keepalived(self, lan: &Lan, node: &str, priority: u8) -> Process {
        keepalived(lan, node, &self.keepalived(node, priority))
    }
}

/// vipgate on lb1 is preferred: it preempts keepalived, dies, returns, and says farewell.
fn vipgate_is_preferred(dialect: Dialect) {
    let (lan, vip) = (Lan::new(), dialect.vip());
    let _peer = dialect.start_keepalived(&lan, "lb2", 100);
    lan.wait_for_holder("lb2", vip);
    let watch = lan.watch(vip);
    let mut vipgate = dialect.start_vipgate(&lan, "lb1", (200, 100));
    lan.wait_for_holder("lb1", vip);
    report(dialect, "vipgate preempts keepalived", &watch.overlap_and_gap());
    vipgate.process.crash();
    // The lease takes the address from lb1; keepalived hears silence.
    lan.wait_for_holder("lb2", vip);
    let mut vipgate = dialect.start_vipgate(&lan, "lb1", (200, 100));
    lan.wait_for_holder("lb1", vip);
    let watch = lan.watch(vip);
    vipgate.process.stop();
    lan.wait_for_holder("lb2", vip);
    report(dialect, "vipgate stops, keepalived takes over", &watch.overlap_and_gap());
}

/// keepalived on lb2 is preferred: it preempts vipgate, dies, returns, and says farewell.
fn keepalived_is_preferred(dialect: Dialect) {
    let (lan, vip) = (Lan::new(), dialect.vip());
    let _vipgate = dialect.start_vipgate(&lan, "lb1", (100, 200));
    lan.wait_for_holder("lb1", vip);
    let watch = lan.watch(vip);
    let mut peer = dialect.start_keepalived(&lan, "lb2", 200);
    lan.wait_for_holder("lb2", vip);
    report(dialect, "keepalived preempts vipgate", &watch.overlap_and_gap());
    peer.crash();
    until("vipgate takes over from a dead keepalived", || lan.has("lb1", vip));
    // A killed keepalived leaves its address behind until it starts again.
    let mut peer = dialect.start_keepalived(&lan, "lb2", 200);
    lan.wait_for_holder("lb2", vip);
    let watch = lan.watch(vip);
    peer.stop();
    lan.wait_for_holder("lb1", vip);
    report(dialect, "keepalived stops, vipgate takes over", &watch.overlap_and_gap());
    assert!(stays(Duration::from_secs(1), || lan.holders(vip) == ["lb1"]), "the address stays where it is");
}

fn report(dialect: Dialect, what: &str, (overlap, gap): &(Duration, Duration)) {
    println!("{dialect:?}: {what}: on both nodes for {} ms, on none for {} ms", overlap.as_millis(), gap.as_millis());
}

#[test]
fn version_2_vipgate_preferred() {
    vipgate_is_preferred(Dialect::V2);
}

#[test]
fn version_2_keepalived_preferred() {
    keepalived_is_preferred(Dialect::V2);
}

#[test]
fn version_2_with_password_vipgate_preferred() {
    vipgate_is_preferred(Dialect::V2Pass);
}

#[test]
fn version_2_with_password_keepalived_preferred() {
    keepalived_is_preferred(Dialect::V2Pass);
}

#[test]
fn version_3_vipgate_preferred() {
    vipgate_is_preferred(Dialect::V3);
}

#[test]
fn version_3_keepalived_preferred() {
    keepalived_is_preferred(Dialect::V3);
}

#[test]
fn ipv6_vipgate_preferred() {
    vipgate_is_preferred(Dialect::V3Ipv6);
}

#[test]
fn ipv6_keepalived_preferred() {
    keepalived_is_preferred(Dialect::V3Ipv6);
}

#[test]
fn unicast_vipgate_preferred() {
    vipgate_is_preferred(Dialect::Unicast);
}

#[test]
fn unicast_keepalived_preferred() {
    keepalived_is_preferred(Dialect::Unicast);
}

/// A split with equal priorities: when it heals, the higher address stays Master (RFC 9568 §6.4.3).
fn equal_priorities_are_settled_by_address(vipgate: &str, peer: &str) {
    let (lan, dialect) = (Lan::new(), Dialect::V3);
    let _vipgate = dialect.start_vipgate(&lan, vipgate, (100, 100));
    let _peer = dialect.start_keepalived(&lan, peer, 100);
    until("one of them holds the address", || lan.holders(VIP).len() == 1);
    lan.cut("lb1", "front");
    until("each side of the split has the address", || lan.holders(VIP).len() == 2);
    let watch = lan.watch(VIP);
    lan.join("lb1", "front");
    lan.wait_for_holder("lb2", VIP);
    report(dialect, "equal priorities after a split", &watch.overlap_and_gap());
    assert!(stays(Duration::from_secs(1), || lan.holders(VIP) == ["lb2"]), "the address stays where it is");
}

#[test]
fn at_equal_priority_vipgate_wins_by_its_higher_address() {
    equal_priorities_are_settled_by_address("lb2", "lb1");
}

#[test]
fn at_equal_priority_vipgate_gives_way_to_a_higher_address() {
    equal_priorities_are_settled_by_address("lb1", "lb2");
}

/// The same harness without vipgate: what the figures above compare with.
#[test]
fn keepalived_alone_preempts_and_releases() {
    let (lan, dialect) = (Lan::new(), Dialect::V3);
    let _second = dialect.start_keepalived(&lan, "lb2", 100);
    lan.wait_for_holder("lb2", VIP);
    let watch = lan.watch(VIP);
    let mut first = dialect.start_keepalived(&lan, "lb1", 200);
    lan.wait_for_holder("lb1", VIP);
    println!("keepalived preempts keepalived: on both, on none: {:?}", watch.overlap_and_gap());
    let watch = lan.watch(VIP);
    first.stop();
    lan.wait_for_holder("lb2", VIP);
    println!("keepalived stops: on both, on none: {:?}", watch.overlap_and_gap());
}

#[test]
fn a_wrong_password_is_not_heard() {
    let (lan, dialect) = (Lan::new(), Dialect::V2Pass);
    let vipgate = dialect.start_vipgate(&lan, "lb1", (100, 100));
    vipgate.wait_for("MASTER");
    let _peer = keepalived(&lan, "lb2", &dialect.keepalived("lb2", 200).replace("secret12", "wrong"));
    until("the stranger holds the address for itself", || lan.has("lb2", VIP));
    assert!(stays(Duration::from_secs(2), || vipgate.state() == "MASTER"), "vipgate does not listen to it");
}
