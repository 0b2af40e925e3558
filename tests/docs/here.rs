//! Every command has somebody who runs it; those of the reader's machine that need nothing are run here.

use std::process::Command;

use super::console::{Host, Step, steps};
use super::elsewhere::is_run_elsewhere;
use super::page::{pages, root};
use super::shape::difference;

/// Whether it is `vipgate check`, `schema` or the like: reads files at most.
fn needs_nothing(step: &Step) -> bool {
    let is_quiet = ["check", "schema", "--version", "--help"]
        .iter()
        .any(|word| step.command.starts_with(&format!("vipgate {word}")));
    step.host == Host::Here && is_quiet
}

#[test]
fn every_command_of_the_documentation_is_run_by_a_test() {
    let all: Vec<_> = pages().iter().flat_map(steps).collect();
    assert!(all.len() > 30, "{} commands", all.len());
    let has_service = |step: &Step| step.program() == "systemctl";
    let is_run = |step: &Step| match has_service(step) {
        // On the pair there is no systemd: what systemctl itself does is seen on machines.
        true => is_run_elsewhere(&step.command),
        false => step.runs_on_the_pair() || needs_nothing(step) || is_run_elsewhere(&step.command),
    };
    let wrong: Vec<_> =
        all.iter().filter(|step| !is_run(step)).map(|step| format!("{}: {}", step.place, step.command)).collect();
    assert!(wrong.is_empty(), "commands that no test runs:\n{}", wrong.join("\n"));
}

#[test]
fn commands_that_only_read_print_what_is_shown() {
    let (mut count, mut wrong) = (0, Vec::new());
    for step in pages().iter().flat_map(steps).filter(needs_nothing) {
        count += 1;
        let line = step.command.replacen("vipgate", env!("CARGO_BIN_EXE_vipgate"), 1);
        let output = Command::new("sh").args(["-c", &format!("{line} 2>&1")]).current_dir(root()).output().expect("sh");
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let complaint = match step.output.is_empty() {
            true => (!output.status.success()).then_some(printed),
            false => difference(&step.output, &printed),
        };
        wrong.extend(complaint.map(|complaint| format!("{}: {}: {complaint}", step.place, step.command)));
    }
    assert!(count > 0 && wrong.is_empty(), "{count} commands\n{}", wrong.join("\n\n"));
}
