//! Two vipgate: what a client sees when one of them, its proxy or its servers die.

use std::time::Duration;

use nix::sys::signal::Signal;

use crate::harness::{Lan, Load, VIP, Vipgate, Web, stays, timed, until};

/// Both nodes, both servers; lb1 is preferred.
pub struct Pair {
    pub lb1: Vipgate,
    pub lb2: Vipgate,
    pub web01: Web,
    pub web02: Web,
    pub lan: Lan,
}

/// Configuration of both nodes, with 200 ms between adverts.
pub fn config(preempt: &str) -> String {
    format!(
        "nodes:\n  lb1: {{address: 192.0.2.11, priority: 200}}\n  lb2: {{address: 192.0.2.12, priority: 100}}\n\
         vrrp:\n  web:\n    interface: eth0\n    virtual_router_id: 51\n    advert_interval: 200ms\n    preempt: {preempt}\n    \
         virtual_addresses: {{www: {VIP}}}\n\
         frontends:\n  web: {{bind: [\"vip@www:80\"], mode: http, default_backend: app}}\n\
         backends:\n  app:\n    balance: roundrobin\n    check: {{http: GET /health, interval: 200ms, rise: 1, fall: 2}}\n    \
         servers: {{web01: \"198.51.100.21:80\", web02: \"198.51.100.22:80\"}}\n"
    )
}

impl Pair {
    /// A pair in service.
    pub fn start(preempt: &str) -> Pair {
        let lan = Lan::new();
        let (web01, web02) = (Web::start(&lan, "web01"), Web::start(&lan, "web02"));
        let file = lan.write("pair.yaml", &config(preempt));
        let lb1 = Vipgate::start(&lan, "lb1", &file);
        lan.wait_for_holder("lb1", VIP);
        let lb2 = Vipgate::start(&lan, "lb2", &file);
        lb2.wait_for("BACKUP");
        lb1.wait_for("MASTER");
        until("the client is served through lb1", || is_served(&lan, "lb1"));
        Pair { lb1, lb2, web01, web02, lan }
    }

    /// Starts lb1 again.
    pub fn restart_lb1(&mut self) {
        self.lb1 = Vipgate::start(&self.lan, "lb1", &self.lan.file("pair.yaml"));
    }

    /// URL of the service.
    pub fn url() -> String {
        format!("http://{VIP}/")
    }
}

/// Whether the client gets an answer through this node: servers answer with the address that asked.
pub fn is_served(lan: &Lan, node: &str) -> bool {
    let through = if node == "lb1" { "198.51.100.11" } else { "198.51.100.12" };
    lan.request(&Pair::url()).is_ok_and(|body| body.ends_with(through))
}

const PREEMPT: &str = "{delay: 0s}";

#[test]
fn a_killed_master_is_replaced_and_takes_over_again_when_it_returns() {
    let mut pair = Pair::start(PREEMPT);
    let ((), outage) = timed(|| {
        pair.lb1.process.crash();
        until("the client is served through lb2", || is_served(&pair.lan, "lb2"));
    });
    println!("kill -9 of the master: served again after {} ms", outage.as_millis());
    pair.lan.wait_for_holder("lb2", VIP);
    pair.restart_lb1();
    pair.lan.wait_for_holder("lb1", VIP);
    until("the client is served through lb1", || is_served(&pair.lan, "lb1"));
}

#[test]
fn a_stopped_process_loses_its_address_by_the_lease_and_steps_down_when_it_wakes() {
    let pair = Pair::start(PREEMPT);
    let watch = pair.lan.watch(VIP);
    pair.lb1.process.signal(Signal::SIGSTOP);
    pair.lan.wait_for_holder("lb2", VIP);
    let (overlap, _) = watch.overlap_and_gap();
    println!("stopped master: address on both nodes for {} ms", overlap.as_millis());
    assert!(is_served(&pair.lan, "lb2"));
    let watch = pair.lan.watch(VIP);
    pair.lb1.process.signal(Signal::SIGCONT);
    // It may preempt in an orderly way afterwards; what it must not do is go on as Master.
    pair.lan.wait_for_holder("lb1", VIP);
    println!("woken master: address on both nodes for {} ms", watch.overlap_and_gap().0.as_millis());
    assert!(pair.lb1.process.log().contains("state=BACKUP"), "it stepped down before it did anything else");
}

#[test]
fn a_planned_stop_loses_no_request() {
    let mut pair = Pair::start(PREEMPT);
    let load = Load::start(&pair.lan, &Pair::url());
    pair.lb1.process.stop();
    pair.lan.wait_for_holder("lb2", VIP);
    until("the client is served through lb2", || is_served(&pair.lan, "lb2"));
    let (answered, failed) = load.counts();
    assert_eq!(failed, 0, "{answered} requests were answered, {failed} failed");
}

#[test]
fn without_preemption_the_returned_node_stays_backup() {
    let mut pair = Pair::start("false");
    pair.lb1.process.crash();
    pair.lan.wait_for_holder("lb2", VIP);
    pair.restart_lb1();
    pair.lb1.wait_for("BACKUP");
    assert!(stays(Duration::from_secs(2), || pair.lan.holders(VIP) == ["lb2"]), "the address stays on lb2");
}

#[test]
fn an_address_removed_by_hand_is_put_back_without_leaving_master() {
    let pair = Pair::start(PREEMPT);
    let became_master = pair.lb1.process.log().matches("state=MASTER").count();
    let ((), gone) = timed(|| {
        pair.lan.ip("lb1", &format!("address del {VIP}/32 dev eth0"));
        until("the address is back", || pair.lan.has("lb1", VIP));
    });
    println!("address removed by hand: back after {} ms", gone.as_millis());
    assert!(stays(Duration::from_secs(1), || pair.lan.holders(VIP) == ["lb1"]));
    assert_eq!(pair.lb1.process.log().matches("state=MASTER").count(), became_master);
    assert!(is_served(&pair.lan, "lb1"));
}

#[test]
fn a_node_that_alone_lost_its_servers_gives_the_address_away() {
    let pair = Pair::start(PREEMPT);
    pair.lan.cut("lb1", "back");
    pair.lan.wait_for_holder("lb2", VIP);
    until("the client is served through lb2", || is_served(&pair.lan, "lb2"));
    pair.lan.join("lb1", "back");
    pair.lan.wait_for_holder("lb1", VIP);
    until("the client is served through lb1", || is_served(&pair.lan, "lb1"));
}

#[test]
fn servers_that_are_dead_for_both_nodes_do_not_remove_the_address() {
    let mut pair = Pair::start(PREEMPT);
    pair.web01.stop();
    pair.web02.stop();
    until("the client gets 503", || pair.lan.request(&Pair::url()).is_err_and(|error| error.contains("503")));
    assert!(stays(Duration::from_secs(3), || !pair.lan.holders(VIP).is_empty()), "some node has the address");
}

#[test]
fn the_death_of_one_server_is_hidden_from_the_client() {
    let mut pair = Pair::start(PREEMPT);
    let load = Load::start(&pair.lan, &Pair::url());
    pair.web01.stop();
    until("only web02 answers", || {
        (0..4).all(|_| pair.lan.request(&Pair::url()).is_ok_and(|body| body.starts_with("web02")))
    });
    let (answered, failed) = load.counts();
    println!("death of one server: {answered} requests were answered, {failed} failed");
    assert!(failed <= 1, "at most a request that was under way: {failed} failed");
}

#[test]
fn a_dead_cable_of_the_master_moves_the_address() {
    let pair = Pair::start(PREEMPT);
    pair.lan.ip("lb1", "link set eth0 down");
    until("the client is served through lb2", || is_served(&pair.lan, "lb2"));
    pair.lb1.wait_for("FAULT");
    pair.lan.ip("lb1", "link set eth0 up");
    pair.lan.wait_for_holder("lb1", VIP);
}

#[test]
fn takeover_is_announced_to_the_lan() {
    let mut pair = Pair::start(PREEMPT);
    let capture = pair.lan.capture("front", "arp");
    pair.lb1.process.crash();
    capture.wait_for_announcement(VIP);
    pair.lan.wait_for_holder("lb2", VIP);
}

#[test]
fn after_a_split_exactly_one_holds_the_address_and_is_reachable() {
    let pair = Pair::start(PREEMPT);
    pair.lan.cut("lb1", "front");
    until("lb2 takes over", || pair.lan.has("lb2", VIP));
    let watch = pair.lan.watch(VIP);
    pair.lan.join("lb1", "front");
    pair.lan.wait_for_holder("lb1", VIP);
    println!("healed split: address on both nodes for {} ms more", watch.overlap_and_gap().0.as_millis());
    let ((), time) = timed(|| until("the client is served through lb1", || is_served(&pair.lan, "lb1")));
    assert!(time < Duration::from_secs(2), "reachable at once, not when an ARP entry ages: {time:?}");
}
