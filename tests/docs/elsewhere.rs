//! Commands that need a machine with systemd, a package or a day's time: which test runs them.

use std::fs;

use super::page::root;

/// A command of the documentation, the file of the project that runs it, and the words with which it does.
struct Elsewhere {
    command: &'static str,
    file: &'static str,
    words: &'static str,
}

const fn run(command: &'static str, file: &'static str, words: &'static str) -> Elsewhere {
    Elsewhere { command, file, words }
}

const DAY: &str = "tests/install/bad_day.rs";

const NODE: &str = "packaging/vagrant/node";

/// Every one of them.
const ELSEWHERE: &[Elsewhere] = &[
    run("./dev test", ".ci/run", "./dev test"),
    run("./dev demo", "tests/netns/documentation.rs", "arg(\"lab\")"),
    run("./dev deb", ".ci/run", "./dev deb"),
    run("apt-get install ./vipgate_*_amd64.deb", NODE, "apt-get install -y -q --reinstall \"$package\""),
    run("apt-get purge vipgate", DAY, "apt-get purge -y -q vipgate"),
    // The example is configs/pair.yaml, which the machines run.
    run(
        "cp /usr/share/doc/vipgate/examples/pair.yaml /etc/vipgate/vipgate.yaml",
        "packaging/build",
        "$documents/examples/",
    ),
    // Read back by the next start there, too.
    run(
        "echo \"dump stats-file\" | socat - /run/vipgate/runtime.sock > /var/lib/vipgate/stats",
        "tests/cli/counts.rs",
        "dump stats-file",
    ),
    run("systemctl reload vipgate", DAY, "systemctl reload vipgate"),
    run("systemctl restart vipgate", DAY, "systemctl restart vipgate"),
    run("systemctl stop vipgate", DAY, "systemctl stop vipgate"),
    run("systemctl start vipgate", DAY, "systemctl start vipgate"),
    run("systemctl kill --signal=KILL vipgate", DAY, "systemctl kill --signal=KILL vipgate"),
];

/// Whether another test runs a command.
pub fn is_run_elsewhere(command: &str) -> bool {
    ELSEWHERE.iter().any(|elsewhere| elsewhere.command == command)
}

#[test]
fn what_is_run_elsewhere_still_is() {
    for Elsewhere { command, file, words } in ELSEWHERE {
        let text = fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(text.contains(words), "`{command}`: {file} does not have `{words}` any more");
    }
}

#[test]
fn what_is_run_elsewhere_is_still_in_the_documentation() {
    let pages = super::page::pages();
    let steps: Vec<_> = pages.iter().flat_map(super::console::steps).collect();
    for Elsewhere { command, .. } in ELSEWHERE {
        assert!(steps.iter().any(|step| step.command == *command), "no page has `{command}`");
    }
}
