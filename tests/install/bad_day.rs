//! Everything that happens to a pair, in one row, under load.
#![allow(clippy::disallowed_methods, reason = "measures real time")]

use std::thread;
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::lab::{Lab, given, inside, share};
use crate::machine::{Machine, until};
use crate::network::VIP;
use crate::table::{Allowed, Row, table};
use crate::traces;

/// Without a farewell: three adverts of 100 ms, the skew, the announcement, and a machine with few cores.
const CRASH: Allowed = Allowed::Gap(Duration::from_millis(1500));

/// How long a step is watched after it was made.
const SETTLE: Duration = Duration::from_secs(1);

/// The story: the lab, the load and the rows so far.
struct Day {
    lab: Lab,
    client: Client,
    rows: Vec<Row>,
}

impl Day {
    /// Does something, and lets the client see what comes of it.
    fn step(&mut self, step: &'static str, allowed: Allowed, act: impl FnOnce(&Lab)) {
        let began = Instant::now();
        act(&self.lab);
        thread::sleep(SETTLE);
        let seen = self.client.seen(began);
        eprintln!("{step}: {} requests, {} failed {}", seen.requests, seen.failures.len(), seen.reasons());
        self.rows.push(Row { step, seen, allowed });
    }
}

#[test]
fn pair_from_the_package_survives_a_bad_day() {
    let next = given("VIPGATE_NEXT_PACKAGE");
    let lab = Lab::start();
    until("lb2 is backup", || state(&lab.lb2) == "BACKUP");
    let client = Client::start();
    let mut day = Day { lab, client, rows: Vec::new() };

    day.step("nothing happens", Allowed::Nothing, |_| {});
    day.step("systemctl stop (MASTER)", Allowed::Nothing, |lab| {
        lab.lb1.run("systemctl stop vipgate");
        lab.wait_for_holder(&lab.lb2);
    });
    day.step("systemctl start", Allowed::Nothing, |lab| {
        lab.lb1.run("systemctl start vipgate");
        lab.wait_for_holder(&lab.lb1);
    });
    day.step("systemctl restart (MASTER), and back", Allowed::Nothing, |lab| {
        lab.lb1.run("systemctl restart vipgate");
        lab.wait_for_holder(&lab.lb2);
        lab.wait_for_holder(&lab.lb1);
    });
    day.step("systemctl reload", Allowed::Nothing, |lab| {
        lab.lb1.run("sed -i s/roundrobin/leastconn/ /etc/vipgate/vipgate.yaml && systemctl reload vipgate");
        until("lb1 runs its second configuration", || number(&lab.lb1, "generation") == "2");
        assert!(lab.lb1.has(VIP));
    });
    day.step("systemctl reload with a bad file", Allowed::Nothing, |lab| {
        lab.lb1.run("sed -i s/leastconn/lestconn/ /etc/vipgate/vipgate.yaml");
        let reload = lab.lb1.output("systemctl reload vipgate");
        assert!(!reload.status.success(), "the reload fails");
        assert!(lab.lb1.journal().contains("did you mean `leastconn`?"), "{}", lab.lb1.journal());
        assert_eq!(number(&lab.lb1, "generation"), "2", "the configuration before it goes on");
        lab.lb1.run("systemctl is-active vipgate && sed -i s/lestconn/leastconn/ /etc/vipgate/vipgate.yaml");
    });
    day.step("kill -9 (MASTER)", CRASH, |lab| {
        lab.lb1.run("systemctl kill --signal=KILL vipgate");
        lab.wait_for_holder(&lab.lb2);
    });
    day.step("systemd has started it again, it returns", Allowed::Nothing, |lab| lab.wait_for_holder(&lab.lb1));
    day.step("systemctl kill --signal=STOP (MASTER)", CRASH, |lab| {
        lab.lb1.run("systemctl kill --kill-who=main --signal=STOP vipgate");
        lab.wait_for_holder(&lab.lb2);
    });
    day.step("the watchdog has ended it, it returns", Allowed::Nothing, |lab| lab.wait_for_holder(&lab.lb1));
    day.step("package upgrade of both nodes", Allowed::Nothing, |lab| {
        for node in [&lab.lb2, &lab.lb1] {
            let before = (number(node, "pid"), number(node, "became_master"));
            share(node, &[&next]);
            node.run(&format!("apt-get install -y -q {}", inside(&next)));
            assert_eq!(
                (number(node, "pid"), number(node, "became_master")),
                before,
                "the process and the address stay"
            );
            let screen = node.run("vipgate status");
            assert!(screen.contains("is installed: a restart runs it"), "{screen}");
        }
        assert!(lab.lb1.has(VIP));
    });
    day.step("restart of the upgraded MASTER, and back", Allowed::Nothing, |lab| {
        lab.lb2.run("systemctl restart vipgate");
        until("lb2 is backup again", || state(&lab.lb2) == "BACKUP");
        lab.lb1.run("systemctl restart vipgate");
        lab.wait_for_holder(&lab.lb2);
        lab.wait_for_holder(&lab.lb1);
        let screen = lab.lb1.run("vipgate status");
        assert!(!screen.contains("is installed"), "{screen}");
    });
    day.step("networkd restart (MASTER)", Allowed::Nothing, |lab| {
        let before = number(&lab.lb1, "became_master");
        lab.lb1.run("systemctl restart systemd-networkd");
        until("networkd is online", || lab.lb1.output("networkctl status eth0").status.success());
        assert!(lab.lb1.has(VIP));
        assert_eq!(number(&lab.lb1, "became_master"), before, "it has never left");
    });
    // networkd removes every address of the interface, the node's own too, and puts back what it knows.
    day.step("networkctl reconfigure (MASTER), and back", CRASH, |lab| {
        lab.lb1.run("networkctl reconfigure eth0");
        // It is done later, and whether the address leaves at all is not said here.
        thread::sleep(SETTLE);
        lab.wait_for_holder(&lab.lb1);
        until("lb2 is backup", || state(&lab.lb2) == "BACKUP");
    });
    day.step("reboot of the MASTER", Allowed::Nothing, |lab| {
        let before = lab.lb1.init();
        lab.lb1.run("systemctl reboot");
        lab.wait_for_holder(&lab.lb2);
        until("lb1 boots", || lab.lb1.init().is_some_and(|init| Some(init) != before));
        lab.lb1.wait_until_up();
    });
    day.step("it has booted, and returns", Allowed::Nothing, |lab| lab.wait_for_holder(&lab.lb1));
    eprint!("{}", day.lab.client.run("failover-demo"));
    day.step("apt purge on the MASTER", Allowed::Nothing, |lab| {
        lab.lb1.run("apt-get purge -y -q vipgate");
        lab.wait_for_holder(&lab.lb2);
    });
    let left = traces::inventory(&day.lab.lb1).into_iter().filter(|line| line.contains("vipgate"));
    assert_eq!(left.collect::<Vec<_>>(), Vec::<String>::new(), "a purge leaves nothing");

    println!("\n{}", table(&day.rows));
    let complaints: Vec<_> = day.rows.iter().filter_map(Row::complaint).collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// A value of `status --json`, as it is written there; empty while there is none.
fn number(node: &Machine, name: &str) -> String {
    let screen = String::from_utf8_lossy(&node.output("vipgate status --json").stdout).into_owned();
    let line = screen.lines().find_map(|line| line.trim().strip_prefix(&format!("\"{name}\": ")));
    line.unwrap_or_default().trim_end_matches(',').trim_matches('"').to_owned()
}

/// State of its virtual router.
fn state(node: &Machine) -> String {
    number(node, "state")
}
