//! What an operator reads after a reload.

use vipgate::diag::Source;
use vipgate::model::Model;
use vipgate::model::changes::changes;

const PAIR: &str = "
nodes: {lb1: {address: 192.0.2.11, priority: 200}, lb2: {address: 192.0.2.12, priority: 100}}
vrrp:
  web: {interface: eth0, virtual_router_id: 51, virtual_addresses: {www: 192.0.2.253}}
frontends:
  web: {bind: [\"vip@www:80\"], default_backend: app}
backends:
  app: {servers: {web01: \"192.0.2.21:80\", web02: \"192.0.2.22:80\"}}
";

fn model(text: &str) -> Model {
    let loaded = vipgate::config::load(&[Source::new("pair.yaml", text)], &crate::on("lb1"));
    loaded.model.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics))
}

/// What is said when `from` becomes `to` in the file.
fn said(from: &str, to: &str) -> Vec<String> {
    assert!(PAIR.contains(from));
    changes(&model(PAIR), &model(&PAIR.replace(from, to)))
}

#[test]
fn an_untouched_file_changes_nothing() {
    assert_eq!(said("web", "web"), [""; 0]);
}

#[test]
fn servers_are_told_one_by_one_and_their_backend_is_not_told_for_them() {
    let added = said("web02: \"192.0.2.22:80\"", "web02: \"192.0.2.22:80\", web03: \"192.0.2.23:80\"");
    assert_eq!(added, ["backend app: server web03 added"]);
    assert_eq!(said(", web02: \"192.0.2.22:80\"", ""), ["backend app: server web02 removed"]);
    assert_eq!(said("192.0.2.22:80", "192.0.2.29:80"), ["backend app: server web02 changed"]);
}

#[test]
fn a_setting_of_the_backend_or_the_order_of_its_servers_is_a_change_of_the_backend() {
    assert_eq!(said("app: {", "app: {balance: leastconn, "), ["backend app changed"]);
    let swapped = said(
        "web01: \"192.0.2.21:80\", web02: \"192.0.2.22:80\"",
        "web02: \"192.0.2.22:80\", web01: \"192.0.2.21:80\"",
    );
    assert_eq!(swapped, ["backend app changed"]);
}

#[test]
fn what_comes_and_goes_as_a_whole_is_told_as_a_whole() {
    let second = "  web: {bind: [\"vip@www:80\"], default_backend: app}\n  admin: {bind: [\"192.0.2.253:81\"], default_backend: app}\n";
    let words = said("  web: {bind: [\"vip@www:80\"], default_backend: app}\n", second);
    // The virtual router tracks every bind of its addresses.
    assert_eq!(words, ["vrrp web changed", "frontend admin added"]);
}

#[test]
fn binds_are_told_with_their_frontend() {
    let words = said("[\"vip@www:80\"]", "[\"vip@www:80\", \"vip@www:8080\"]");
    assert_eq!(words, ["vrrp web changed", "frontend web changed", "frontend web: bind 192.0.2.253:8080 added"]);
}

#[test]
fn another_virtual_router_id_is_another_router_and_another_interval_is_not() {
    assert_eq!(said("virtual_router_id: 51", "virtual_router_id: 52"), ["vrrp web begins anew"]);
    let faster = said("virtual_router_id: 51", "virtual_router_id: 51, advert_interval: 100ms");
    assert_eq!(faster, ["vrrp web changed"]);
}

#[test]
fn what_waits_for_a_restart_says_so() {
    let words = said("backends:", "process: {workers: 3, drain: 7s}\nbackends:");
    assert_eq!(words, ["process workers changed: in effect when vipgate is started again", "process drain changed"]);
}
