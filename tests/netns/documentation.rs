//! Commands of the documentation, typed on a running pair: each section of a page is a story of its own that begins with
//! lb1 as Master, and what is printed has the shape that the page shows.
//!
//! There is no systemd here: `systemctl` and `journalctl` are played by the harness (`tests/install` has the real ones),
//! and `vipgate` finds the files of its node by a script of that name.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::console::{self, Host, Step};
use crate::harness::{Lan, SOON, VIP, Vipgate, Web, comes, until};
use crate::page::{self, Page};
use crate::pair::is_served;
use crate::shape::difference;

const CONFIGURATION: &str = "/etc/vipgate/vipgate.yaml";

/// A pair that obeys what is typed.
struct Story {
    lb1: Option<Vipgate>,
    lb2: Option<Vipgate>,
    _web: [Web; 2],
    lan: Lan,
}

impl Story {
    fn start(configuration: &str) -> Story {
        let lan = Lan::new();
        let web = ["web01", "web02"].map(|name| Web::start(&lan, name));
        for node in ["lb1", "lb2"] {
            lan.write(&format!("{node}.yaml"), configuration);
            script(&lan, &format!("{node}/vipgate"), &vipgate(&lan, node));
            script(
                &lan,
                &format!("{node}/journalctl"),
                &format!("exec cat '{}'", lan.file(&format!("{node}.log")).display()),
            );
        }
        let mut story = Story { lb1: None, lb2: None, _web: web, lan };
        story.run(Host::Lb1);
        story.lan.wait_for_holder("lb1", VIP);
        story.run(Host::Lb2);
        story.node(Host::Lb2).wait_for("BACKUP");
        until("the client is served through lb1", || is_served(&story.lan, "lb1"));
        story
    }

    fn place(&mut self, host: Host) -> &mut Option<Vipgate> {
        match host {
            Host::Lb2 => &mut self.lb2,
            _ => &mut self.lb1,
        }
    }

    fn node(&mut self, host: Host) -> &mut Vipgate {
        self.place(host).as_mut().expect("vipgate runs there")
    }

    fn run(&mut self, host: Host) {
        let name = name(host);
        let started = Vipgate::start(&self.lan, name, &self.lan.file(&format!("{name}.yaml")));
        *self.place(host) = Some(started);
    }

    fn stop(&mut self, host: Host) {
        self.node(host).process.stop();
        *self.place(host) = None;
    }

    /// What systemd would do.
    fn systemctl(&mut self, step: &Step) {
        let words: Vec<_> = step.command.split_whitespace().skip(1).collect();
        match words.as_slice() {
            ["stop", "vipgate"] => self.stop(step.host),
            ["start", "vipgate"] => self.run(step.host),
            ["restart", "vipgate"] => {
                self.stop(step.host);
                self.run(step.host);
            }
            ["reload", "vipgate"] => self.node(step.host).process.signal(Signal::SIGHUP),
            ["kill", "--signal=KILL", "vipgate"] => {
                self.node(step.host).process.crash();
                self.run(step.host);
            }
            ["enable", "--now", "vipgate"] => {}
            _ => panic!("{}: nobody plays `{}`", step.place, step.command),
        }
    }

    /// Types a command; what is wrong with its answer, if anything is.
    fn type_in(&mut self, step: &Step) -> Option<String> {
        if step.program() == "systemctl" {
            self.systemctl(step);
            return None;
        }
        let is_question =
            ["vipgate status", "ip ", "curl ", "journalctl "].iter().any(|start| step.command.starts_with(start));
        let mut complaint = None;
        // A move takes a moment: what only looks may look again.
        let patience = if is_question { SOON } else { Duration::ZERO };
        comes(patience, || {
            complaint = self.once(step);
            complaint.is_none()
        });
        complaint.map(|complaint| format!("{}: {}\n{complaint}", step.place, step.command))
    }

    fn once(&self, step: &Step) -> Option<String> {
        let node = name(step.host);
        let file = self.lan.file(&format!("{node}.yaml")).display().to_string();
        let tools = self.lan.file(node).display().to_string();
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = self.lan.command(node, "sh");
        command.args(["-c", &format!("{} 2>&1", step.command.replace(CONFIGURATION, &file))]);
        let output = command.env("PATH", format!("{tools}:{path}")).env("NO_COLOR", "1").output().expect("sh");
        let printed = String::from_utf8_lossy(&output.stdout).replace(&file, CONFIGURATION);
        match step.output.is_empty() {
            true => (!output.status.success()).then_some(printed),
            false => difference(&step.output, &printed),
        }
    }
}

const fn name(host: Host) -> &'static str {
    match host {
        Host::Lb1 => "lb1",
        Host::Lb2 => "lb2",
        Host::Here | Host::Client => "client",
    }
}

/// The script that stands for `vipgate` on a node.
fn vipgate(lan: &Lan, node: &str) -> String {
    let (binary, file) = (env!("CARGO_BIN_EXE_vipgate"), lan.file(&format!("{node}.yaml")).display().to_string());
    let socket = lan.file(&format!("{node}.sock")).display().to_string();
    format!(
        "case $1 in\nstatus|failover|maintenance|reload) exec '{binary}' \"$@\" --admin-socket '{socket}' ;;\n\
         check) shift; case \"$*\" in *-f*) ;; *) set -- -f '{file}' \"$@\" ;; esac\n\
         exec '{binary}' check --node {node} \"$@\" ;;\n*) exec '{binary}' \"$@\" ;;\nesac"
    )
}

fn script(lan: &Lan, name: &str, text: &str) {
    let path: PathBuf = lan.file(name);
    fs::create_dir_all(path.parent().expect("in a directory")).expect("directory of the test");
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("file of the test");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("file of the test");
}

/// The configuration that a page's pair runs: the page's own, or `configs/pair.yaml`.
fn configuration(page: &Page) -> String {
    let own = page.blocks_in("yaml").into_iter().find(|block| block.text.starts_with(&format!("# {CONFIGURATION}\n")));
    own.map_or_else(
        || fs::read_to_string(page::root().join("configs/pair.yaml")).expect("configs/pair.yaml"),
        |block| block.text,
    )
}

/// Plays the sections of a page that have commands for the pair.
fn play(path: &str) {
    let pages = page::pages();
    let page =
        pages.iter().find(|page| page.path.to_string_lossy() == path).unwrap_or_else(|| panic!("no page {path}"));
    let steps: Vec<_> = console::steps(page).into_iter().filter(Step::runs_on_the_pair).collect();
    assert!(!steps.is_empty(), "{path} has no command for the pair");
    for section in steps.chunk_by(|one, other| one.section == other.section) {
        let mut story = Story::start(&configuration(page));
        for step in section {
            if let Some(complaint) = story.type_in(step) {
                panic!("{complaint}");
            }
        }
    }
}

macro_rules! pages {
    ($($name:ident: $path:literal,)*) => {
        /// Every page that has commands for the pair.
        const PLAYED: &[&str] = &[$($path),*];
        $(#[test]
        fn $name() {
            play($path);
        })*
    };
}

pages! {
    readme_works_as_shown: "README.md",
    tutorial_works_as_shown: "docs/tutorial.md",
    status_page_works_as_shown: "docs/operations/status.md",
    planned_moves_work_as_shown: "docs/operations/planned.md",
    reload_works_as_shown: "docs/operations/reload.md",
    addresses_page_works_as_shown: "docs/concepts/addresses.md",
    logs_work_as_shown: "docs/operations/logs.md",
    upgrade_works_as_shown: "docs/operations/upgrade.md",
    trouble_page_works_as_shown: "docs/operations/trouble.md",
}

#[test]
fn every_page_with_commands_for_the_pair_is_played() {
    for page in page::pages() {
        let is_played = PLAYED.contains(&page.path.to_string_lossy().as_ref());
        let has_commands = console::steps(&page).iter().any(Step::runs_on_the_pair);
        assert_eq!(is_played, has_commands, "{}", page.path.display());
    }
}

#[test]
fn demonstration_shows_every_event() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_vipgate")).arg("lab").output().expect("vipgate");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    let table = said.split_once("kept conn. failed\n").expect("a table").1;
    let row = |event: &str| {
        let line =
            table.lines().find(|line| line.starts_with(event)).unwrap_or_else(|| panic!("{event} is not in\n{table}"));
        line[event.len()..].split_whitespace().map(|word| word.parse::<u32>().expect("a number")).collect::<Vec<_>>()
    };
    for event in ["kill -9 of the MASTER (lb1)", "lb2 alone loses every server"] {
        assert!(row(event)[1] > 0, "{event}: the client was there\n{table}");
    }
    for event in ["lb1 returns and takes over", "planned failover: vipgate failover on lb1", "web01 returns"] {
        assert_eq!(row(event)[2], 0, "{event} loses nothing\n{said}");
    }
}
