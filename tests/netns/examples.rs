//! The files of `configs/`, each run as it is by two nodes: the network is made to fit the file.

use std::path::{Path, PathBuf};

use crate::harness::{Lan, VIP, Vipgate, Web, until};

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("configs").join(name)
}

/// Gives a server one more address, which both nodes reach over the network behind them.
fn add_server(lan: &Lan, server: &str, behind: &str, address: &str) {
    lan.ip(server, &format!("address add {address}/32 dev eth1"));
    for node in ["lb1", "lb2"] {
        lan.ip(node, &format!("route add {address}/32 via {behind}"));
    }
}

/// Both nodes with this file, in service.
fn start(lan: &Lan, file: &str) -> [Vipgate; 2] {
    let nodes = ["lb1", "lb2"].map(|node| Vipgate::start(lan, node, &example(file)));
    for node in &nodes {
        until("every check has run", || node.status()["ready"] == true);
    }
    nodes
}

fn is_answered(lan: &Lan, url: &str, server: &str) -> bool {
    lan.request(url).is_ok_and(|body| body.starts_with(server))
}

#[test]
fn pair_serves_http_and_tcp_and_moves_when_its_master_stops() {
    let lan = Lan::new();
    let _web = [Web::start(&lan, "web01"), Web::start(&lan, "web02")];
    let [mut lb1, _lb2] = start(&lan, "pair.yaml");
    lan.wait_for_holder("lb1", VIP);
    for port in [80, 8080] {
        for server in ["web01", "web02"] {
            let url = format!("http://{VIP}:{port}/");
            until(&format!("{server} answers on {port}"), || is_answered(&lan, &url, server));
        }
    }
    lb1.process.stop();
    lan.wait_for_holder("lb2", VIP);
    until("lb2 answers", || is_answered(&lan, &format!("http://{VIP}/"), "web"));
}

#[test]
fn active_active_gives_each_node_an_address_and_one_node_takes_both() {
    let lan = Lan::new();
    let _web = [Web::start(&lan, "web01"), Web::start(&lan, "web02")];
    add_server(&lan, "web01", "198.51.100.21", "192.0.2.21");
    add_server(&lan, "web02", "198.51.100.22", "192.0.2.22");
    let [lb1, mut lb2] = start(&lan, "active-active.yaml");
    lan.wait_for_holder("lb1", "192.0.2.253");
    // It waits for 30 s before it takes its own address from a living master.
    lb1.order(&["failover", "right"]);
    lan.wait_for_holder("lb2", "192.0.2.254");
    for address in ["192.0.2.253", "192.0.2.254"] {
        until(&format!("{address} answers"), || is_answered(&lan, &format!("http://{address}/"), "web"));
    }
    lb2.process.stop();
    lan.wait_for_holder("lb1", "192.0.2.254");
    assert!(lan.has("lb1", "192.0.2.253"));
    until("lb1 answers for lb2", || is_answered(&lan, "http://192.0.2.254/", "web"));
}

#[test]
fn tcp_uses_its_standby_when_the_primary_is_down_on_both_families() {
    let lan = Lan::new();
    let mut primary = Web::start(&lan, "web01");
    let _standby = Web::start(&lan, "web02");
    add_server(&lan, "web01", "198.51.100.21", "192.0.2.31");
    add_server(&lan, "web02", "198.51.100.22", "192.0.2.32");
    let _nodes = start(&lan, "tcp.yaml");
    let urls = ["http://192.0.2.250:5432/", "http://[2001:db8::250]:5432/"];
    for url in urls {
        until(&format!("{url}: the primary answers"), || is_answered(&lan, url, "web01"));
    }
    let holders = lan.holders("192.0.2.250");
    assert_eq!(holders, lan.holders("2001:db8::250"), "both families are on the same node");
    primary.stop();
    for url in urls {
        until(&format!("{url}: the standby answers"), || is_answered(&lan, url, "web02"));
    }
}

#[test]
fn cloud_unicast_sends_to_its_peer_and_tracks_servers_and_a_script() {
    let lan = Lan::new();
    let mut web01 = Web::start(&lan, "web01");
    let mut web02 = Web::start(&lan, "web02");
    for (node, interface, address) in [("lb1", "ens5", "10.0.1.11"), ("lb2", "ens6", "10.0.1.12")] {
        lan.ip(node, "link set eth0 down");
        lan.ip(node, &format!("link set eth0 name {interface}"));
        lan.ip(node, &format!("link set {interface} up"));
        lan.ip(node, &format!("address add {address}/24 dev {interface}"));
    }
    // The client is the gateway too.
    for address in ["10.0.1.1", "10.0.1.50"] {
        lan.ip("client", &format!("address add {address}/24 dev eth0"));
    }
    add_server(&lan, "web01", "198.51.100.21", "10.0.2.21");
    add_server(&lan, "web02", "198.51.100.22", "10.0.2.22");
    add_server(&lan, "web02", "198.51.100.22", "10.0.3.21");
    let capture = lan.capture("front", "ip proto 112");
    let [lb1, _lb2] = start(&lan, "cloud-unicast.yaml");
    lan.wait_for_holder("lb1", "10.0.1.250");
    until("it answers", || is_answered(&lan, "http://10.0.1.250/", "web"));
    until("adverts go to the peer", || capture.text().contains("10.0.1.11 > 10.0.1.12"));
    assert!(!capture.text().contains("224.0.0.18"), "{}", capture.text());

    // Two of three servers are gone, for both nodes alike: less than min_up, so lb1 loses 150 and lb2 too.
    web02.stop();
    until("the priority falls", || lb1.status()["vrrp"][0]["effective_priority"] == 50);
    until("the last server answers", || is_answered(&lan, "http://10.0.1.250/", "web01"));
    // Without its gateway no node may hold the address.
    lan.ip("client", "address del 10.0.1.1/24 dev eth0");
    until("nobody has the address", || lan.holders("10.0.1.250").is_empty());
    web01.stop();
}
