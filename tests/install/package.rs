//! The package alone on a machine: installed, upgraded, removed, installed again, purged.

use crate::lab::{given, inside, memory, share};
use crate::machine::{Machine, run, until};
use crate::network::Network;
use crate::traces::{difference, inventory};

#[test]
fn package_comes_and_goes_without_a_trace() {
    let (package, next) = (given("VIPGATE_PACKAGE"), given("VIPGATE_NEXT_PACKAGE"));
    let directory = memory();
    let _network = Network::build(&["lb1"]);
    let machine = Machine::boot("lb1", &given("VIPGATE_ROOT"), directory.path());
    share(&machine, &[&package, &next]);
    let install = format!("apt-get install -y -q {}", inside(&package));
    let before = inventory(&machine);
    assert!(before.contains("/etc/hostname") && before.len() > 5000, "{} lines", before.len());

    machine.run(&install);
    machine.run("systemctl is-enabled vipgate && systemctl is-active vipgate");
    let screen = machine.run("vipgate status");
    assert!(screen.contains("nothing to do"), "it says that it waits for a configuration:\n{screen}");
    assert_eq!(machine.run("vipgate check --strict").trim(), "the configuration is valid for node lb1");
    let listening = machine.run("ss -Hltnup");
    assert!(!listening.contains("vipgate"), "{listening}");
    assert_eq!(machine.run("stat -c '%U:%G %a' /etc/vipgate/vipgate.yaml").trim(), "root:vipgate 640");
    capabilities_are_the_four(&machine);
    files_are_understood(&machine);

    machine.run(&format!("apt-get install -y -q {}", inside(&next)));
    assert!(machine.run("vipgate status").contains("is installed: a restart runs it"));
    machine.run("systemctl stop vipgate && apt-get install -y -q --allow-downgrades /srv/lab/vipgate_*.deb");
    assert!(
        !machine.output("systemctl is-active vipgate").status.success(),
        "an upgrade starts nothing that was stopped"
    );

    machine.run("echo '# edited' >>/etc/vipgate/vipgate.yaml; systemctl start vipgate; apt-get remove -y -q vipgate");
    assert!(!machine.output("systemctl is-active vipgate").status.success());
    assert!(machine.path("/etc/vipgate/vipgate.yaml").exists() && !machine.path("/usr/sbin/vipgate").exists());
    machine.run(&install);
    machine
        .run("systemctl is-enabled vipgate && systemctl is-active vipgate && grep -q edited /etc/vipgate/vipgate.yaml");

    machine.run("apt-get purge -y -q vipgate");
    assert_eq!(difference(&before, &inventory(&machine)), Vec::<String>::new());
}

/// The process has exactly what it needs, and no thread has more than its part.
fn capabilities_are_the_four(machine: &Machine) {
    // CAP_NET_BIND_SERVICE 10, CAP_NET_ADMIN 12, CAP_NET_RAW 13, CAP_SYS_NICE 23.
    let four = (1_u64 << 10) | (1 << 12) | (1 << 13) | (1 << 23);
    until("threads have given up what they do not need", || {
        let threads = machine.run("cd /proc/$(systemctl show -P MainPID vipgate)/task && for t in *; do echo $(cat $t/comm) $(grep CapEff $t/status); done");
        let held = |name: &str| {
            let line =
                threads.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no {name} in {threads}"));
            u64::from_str_radix(line.split_whitespace().last().unwrap_or_default(), 16).expect("a number")
        };
        held("vg-vrrp") == (1 << 12) | (1 << 13) && held("vg-w00") == 0 && held("vipgate") == 1 << 10
    });
    let bounding = machine.run("grep CapBnd /proc/$(systemctl show -P MainPID vipgate)/status");
    let bounding = u64::from_str_radix(bounding.split_whitespace().last().unwrap_or_default(), 16);
    assert_eq!(bounding, Ok(four));
}

/// Each program that reads a file of the package has nothing to say against it.
fn files_are_understood(machine: &Machine) {
    machine.run("systemd-analyze verify --man=no vipgate.service");
    machine.run("systemd-analyze security --no-pager --threshold=25 vipgate.service | tail -n 1 >&2");
    machine.run("rsyslogd -N1");
    // With the file that includes it: Ubuntu's says there whose the directory is.
    machine.run("logrotate --debug /etc/logrotate.conf");
    // A machine of systemd-nspawn may not write there; the namespace that the tests run in may.
    run("sysctl", &["--quiet", "--load", &machine.path("/usr/lib/sysctl.d/60-vipgate.conf").display().to_string()]);
    machine.run("bash -n /usr/share/bash-completion/completions/vipgate");
    machine.run(
        "for file in /usr/share/doc/vipgate/examples/*.yaml; do vipgate check --node lb1 -f $file || exit 1; done",
    );
    until("rsyslog has written a file of its own", || {
        machine.output("systemctl restart vipgate; grep -q 'vipgate is running' /var/log/vipgate.log").status.success()
    });
}
