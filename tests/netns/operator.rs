//! What an operator types, on a running pair.

use std::io::{Read, Write};
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::harness::{Load, VIP, find, stays, until};
use crate::pair::{Pair, config, is_served};

const PREEMPT: &str = "{delay: 0s}";

#[test]
fn status_shows_both_halves_and_the_peer() {
    let pair = Pair::start(PREEMPT);
    let screen = pair.lb1.obey(&["status"]);
    for word in ["MASTER", VIP, "web01", "web02", "app"] {
        assert!(screen.contains(word), "{word} is not in:\n{screen}");
    }
    assert_eq!(pair.lb2.state(), "BACKUP");
    until("lb2 names its peer", || {
        let peers = find(&pair.lb2.status(), "peers").map(ToString::to_string).unwrap_or_default();
        peers.contains("192.0.2.11") && peers.contains("200")
    });
}

#[test]
fn failover_moves_the_address_without_losing_a_request() {
    let pair = Pair::start("false");
    let load = Load::start(&pair.lan, &Pair::url());
    pair.lb1.obey(&["failover"]);
    pair.lan.wait_for_holder("lb2", VIP);
    until("the client is served through lb2", || is_served(&pair.lan, "lb2"));
    assert!(stays(Duration::from_secs(1), || pair.lan.holders(VIP) == ["lb2"]));
    let (answered, failed) = load.counts();
    assert_eq!(failed, 0, "{answered} requests were answered, {failed} failed");
}

#[test]
fn maintenance_keeps_the_address_away_until_it_is_over() {
    let pair = Pair::start(PREEMPT);
    let load = Load::start(&pair.lan, &Pair::url());
    pair.lb1.obey(&["maintenance", "on"]);
    pair.lan.wait_for_holder("lb2", VIP);
    assert!(stays(Duration::from_secs(2), || pair.lan.holders(VIP) == ["lb2"]), "it does not come back by itself");
    pair.lb1.obey(&["maintenance", "off"]);
    pair.lan.wait_for_holder("lb1", VIP);
    until("the client is served through lb1", || is_served(&pair.lan, "lb1"));
    let (answered, failed) = load.counts();
    assert_eq!(failed, 0, "{answered} requests were answered, {failed} failed");
}

#[test]
fn moves_there_and_back_under_load_lose_nothing() {
    let pair = Pair::start(PREEMPT);
    let loads: Vec<_> = (0..6).map(|_| Load::start(&pair.lan, &Pair::url())).collect();
    for _ in 0..4 {
        pair.lb1.obey(&["maintenance", "on"]);
        pair.lan.wait_for_holder("lb2", VIP);
        until("the client is served through lb2", || is_served(&pair.lan, "lb2"));
        pair.lb1.obey(&["maintenance", "off"]);
        pair.lan.wait_for_holder("lb1", VIP);
        until("the client is served through lb1", || is_served(&pair.lan, "lb1"));
    }
    let (answered, failed) = loads.iter().map(Load::counts).fold((0, 0), |sum, load| (sum.0 + load.0, sum.1 + load.1));
    println!("4 moves there and back: {answered} requests were answered, {failed} failed");
    let reasons: String = loads.iter().map(Load::complaints).collect();
    assert_eq!(failed, 0, "{reasons}");
}

#[test]
fn reload_keeps_connections_and_the_address() {
    let pair = Pair::start(PREEMPT);
    let load = Load::start(&pair.lan, &Pair::url());
    // A connection that is open over the reload and asks on it afterwards.
    let program = "exec 3<>/dev/tcp/192.0.2.253/80; ask() { printf 'GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n' >&3; \
                   read -r line <&3; echo \"$line\"; }; ask; read -r; while read -r -t 0.2 rest <&3; do :; done; ask; echo over";
    let mut command = pair.lan.command("client", "bash");
    command.args(["-c", program]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut client = command.spawn().expect("bash");
    let file = pair.lan.write("pair.yaml", &config(PREEMPT).replace("roundrobin", "leastconn"));
    assert!(file.exists());
    let before = pair.lb1.process.log().len();
    pair.lb1.process.signal(Signal::SIGHUP);
    until("the reload is logged", || pair.lb1.process.log()[before..].contains("generation="));
    client.stdin.take().expect("piped").write_all(b"\n").expect("bash reads");
    let mut said = String::new();
    client.stdout.take().expect("piped").read_to_string(&mut said).expect("bash writes");
    client.wait().expect("own child");
    assert_eq!(said.matches("HTTP/1.1 200").count(), 2, "{said}");
    assert_eq!(pair.lan.holders(VIP), ["lb1"]);
    assert_eq!(load.counts().1, 0, "no request failed");
}

#[test]
fn a_bad_file_changes_nothing_and_says_why() {
    let mut pair = Pair::start(PREEMPT);
    pair.lan.write("pair.yaml", &config(PREEMPT).replace("default_backend: app", "default_backend: apq"));
    let before = pair.lb1.process.log().len();
    pair.lb1.process.signal(Signal::SIGHUP);
    until("the log names the mistake", || pair.lb1.process.log()[before..].contains("apq"));
    assert!(!pair.lb1.order(&["reload"]).status.success(), "the order fails too");
    assert!(pair.lb1.process.is_running() && is_served(&pair.lan, "lb1"));
    assert_eq!(pair.lan.holders(VIP), ["lb1"]);
}

#[test]
fn a_reload_to_an_interface_that_is_not_there_is_refused() {
    let pair = Pair::start("false");
    pair.lan.write("pair.yaml", &config("false").replace("interface: eth0", "interface: etho"));
    let refused = pair.lb1.order(&["reload"]);
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("no interface `etho`"), "{refused:?}");
    assert!(stays(Duration::from_secs(1), || pair.lan.holders(VIP) == ["lb1"]));
}

#[test]
fn a_second_process_leaves_the_addresses_of_the_first_alone() {
    let pair = Pair::start("false");
    let file = pair.lan.write("second.yaml", &config("false").replace("www:80", "www:81"));
    let (file, socket) = (file.display().to_string(), pair.lan.file("second.sock").display().to_string());
    let run = |words: &[&str]| {
        let output = pair.lan.command("lb1", env!("CARGO_BIN_EXE_vipgate")).args(words).output().expect("vipgate");
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (is_fine, said) = run(&["run", "-f", &file, "--node", "lb1", "--admin-socket", &socket]);
    assert!(!is_fine && said.contains("another vipgate"), "{said}");
    let (is_fine, said) = run(&["release-vips"]);
    assert!(!is_fine && said.contains("vipgate is running"), "{said}");
    assert_eq!(pair.lan.holders(VIP), ["lb1"]);
    assert!(!pair.lb1.process.log().contains("put back"), "the address never left");
}

#[test]
fn release_vips_cleans_up_after_a_crash() {
    let mut pair = Pair::start(PREEMPT);
    pair.lb2.process.crash();
    pair.lb1.process.crash();
    pair.lan.run_in("lb1", env!("CARGO_BIN_EXE_vipgate"), &["release-vips"]);
    assert!(!pair.lan.has("lb1", VIP));
    assert!(pair.lan.has("lb1", "192.0.2.11"), "other addresses stay");
}
