//! What happens in the lab, in order, and the table at the end.
//!
//! Every step breaks or mends one thing, waits for what must follow, and for the client to be served steadily again.
//! A step whose consequence does not come in time makes the lab fail, with the end of both logs.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::signal::unix::{SignalKind, signal};

use super::LabOptions;
use super::backend::{Backend, Power};
use super::client::{self, Notebook, PATIENCE};
use super::isolate::Inside;
use super::measure::{Figures, count};
use super::node::Node;
use super::scene::{Facts, Scene};
use super::topology::{self, BACKENDS, Cable, NODES, VIP};
use super::watch;

/// Longest wait for the consequence of a step. The return of the preferred node includes its preemption delay.
const LIMIT: Duration = Duration::from_secs(60);

/// Configuration of the pair, and where the lab puts it in its private `/run`.
const PAIR: &str = include_str!("../../../configs/pair.yaml");
const CARRIED: &str = "/run/pair.yaml";

/// The first lines.
const PICTURE: &str = "\
        client 192.0.2.50                   web01 198.51.100.21   web02 198.51.100.22
           |                                       |                  |
   ========+======= front 192.0.2.0/24 ===    =====+==================+=== back 198.51.100.0/24 ===
           |             |                            |             |
       lb1 .11        lb2 .12                     lb1 .11        lb2 .12
       VIP 192.0.2.253 is on the MASTER
";

/// Builds the lab, plays the story, prints the table.
pub(super) fn run(options: &LabOptions, inside: &Inside) -> anyhow::Result<ExitCode> {
    end_on_signal()?;
    topology::build()?;
    println!("{PICTURE}");
    if inside.is_unprivileged {
        println!(
            "Started without root: no real-time scheduling and no locked memory, so times may be a little worse.\n"
        );
    }
    if options.keep {
        print!("{}", how_to_enter(inside));
    }
    let mut lab = Lab::start(options)?;
    let outcome = lab.play();
    if let Err(error) = &outcome {
        lab.scene.say(&format!("lab     FAILED: {error:#}"));
        for node in lab.nodes.values() {
            println!("\n{}", node.last_words().join("\n"));
        }
    }
    lab.print_table();
    if options.keep {
        println!("\nThe lab stays up until Ctrl-C.\n{}", how_to_enter(inside));
        loop {
            thread::park();
        }
    }
    Ok(if outcome.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Ends this process, and so the PID namespace and the lab, on Ctrl-C and its relatives.
fn end_on_signal() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut interrupt, mut terminate, mut hangup) = {
        let _guard = runtime.enter();
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, signal(SignalKind::hangup())?)
    };
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
            }
        });
        std::process::exit(130);
    })?;
    Ok(())
}

/// Lines to copy for a shell in the lab.
fn how_to_enter(inside: &Inside) -> String {
    let (sudo, user) = if inside.is_unprivileged { ("", " -U --preserve-credentials") } else { ("sudo ", "") };
    let enter = format!("{sudo}nsenter -t {}{user} -m -n -p", inside.outer_pid);
    let mut text = String::from("From another terminal:\n");
    text += &format!("  a shell on lb1:     {enter} nsenter --net=/run/netns/lb1\n");
    text += &format!("  a request:          {enter} nsenter --net=/run/netns/client curl http://{VIP}/\n");
    text += &format!("  the pair's status:  {enter} vipgate status --admin-socket /run/lb1.sock\n");
    text += &format!("  a planned failover: {enter} vipgate failover --admin-socket /run/lb1.sock\n\n");
    let program =
        std::env::current_exe().map(|path| path.display().to_string()).unwrap_or_else(|_| "vipgate".to_owned());
    text.replace(" vipgate ", &format!(" {program} "))
}

/// A request that was sent so shortly before an event is still under way when it happens, and belongs to it.
const UNDER_WAY: Duration = Duration::from_millis(20);

struct Lab {
    scene: Scene,
    nodes: BTreeMap<&'static str, Node>,
    backends: BTreeMap<&'static str, Backend>,
    notebook: Notebook,
    /// Name, start and end of each event.
    events: Vec<(String, Duration, Duration)>,
}

impl Lab {
    fn start(options: &LabOptions) -> anyhow::Result<Lab> {
        let scene = Scene::new();
        let mut backends = BTreeMap::new();
        for (name, address) in BACKENDS {
            backends.insert(name, Backend::start(name, address)?);
        }
        let config = options.file.clone().unwrap_or_else(|| PathBuf::from(CARRIED));
        if options.file.is_none() {
            fs::write(CARRIED, PAIR).context("cannot write the configuration")?;
        }
        let mut nodes = BTreeMap::new();
        for name in NODES {
            nodes.insert(name, Node::new(name, &config, &scene)?);
        }
        watch::start(&scene)?;
        let notebook = client::start(&scene)?;
        Ok(Lab { scene, nodes, backends, notebook, events: Vec::new() })
    }

    fn play(&mut self) -> anyhow::Result<()> {
        let [first, second] = NODES;
        self.scene.say(&format!("lab     starts {first} and {second}"));
        self.node(first)?.start()?;
        self.expect(&format!("{first} MASTER with the VIP"), |facts| facts.has_sole_master(first))?;
        self.node(second)?.start()?;
        self.expect(&format!("{second} BACKUP"), |facts| is_in(facts, second, "BACKUP"))?;
        self.expect("client served by both servers", |facts| facts.is_served_by_both())?;

        self.event(&format!("kill -9 of the MASTER ({first})"), |lab| {
            lab.node(first)?.kill()?;
            lab.expect(&format!("{second} MASTER with the VIP"), |facts| facts.has_sole_master(second))
        })?;
        self.event(&format!("{first} returns and takes over"), |lab| {
            lab.node(first)?.start()?;
            lab.expect(&format!("{first} MASTER with the VIP"), |facts| facts.has_sole_master(first))
        })?;
        self.event(&format!("planned failover: vipgate failover on {first}"), |lab| {
            lab.node(first)?.order(&["failover"])?;
            lab.expect(&format!("{second} MASTER with the VIP"), |facts| facts.has_sole_master(second))
        })?;
        self.event("web01 dies", |lab| {
            lab.backend("web01")?.switch(Power::Off);
            lab.expect("client served by web02 only", |facts| facts.is_served_steadily(Some("web02")))
        })?;
        self.event("web01 returns", |lab| {
            lab.backend("web01")?.switch(Power::On);
            lab.expect("client served by both servers", |facts| facts.is_served_by_both())
        })?;
        let holder = self.sole_master()?;
        let other = if holder == first { second } else { first };
        self.event(&format!("{holder} alone loses every server"), |lab| {
            topology::set_cable(holder, "back", Cable::Cut)?;
            lab.expect(&format!("{other} MASTER with the VIP"), |facts| facts.has_sole_master(other))
        })?;
        self.event(&format!("{holder} has its servers again"), |lab| {
            topology::set_cable(holder, "back", Cable::Plugged)?;
            lab.expect("one MASTER with the VIP", |facts| NODES.iter().any(|node| facts.has_sole_master(node)))
        })
    }

    /// Plays an event to the point where the client is served steadily, and remembers its window.
    fn event(&mut self, name: &str, play: impl FnOnce(&mut Lab) -> anyhow::Result<()>) -> anyhow::Result<()> {
        println!();
        self.scene.say(&format!("lab     {name}"));
        let from = self.scene.elapsed().saturating_sub(UNDER_WAY);
        let outcome = play(self).and_then(|()| {
            // Requests that are still waiting for an answer may yet fail.
            self.scene.wait(PATIENCE, |_| false);
            self.expect("client served steadily", |facts| facts.is_served_steadily(None))
        });
        let until = self.scene.elapsed().saturating_sub(UNDER_WAY);
        let figures = count(&self.notebook.fresh(), from, until);
        self.events.push((name.to_owned(), from, until));
        self.scene.say(&format!(
            "client  outage {} ms, {} of {} requests failed",
            figures.outage.as_millis(),
            figures.failed,
            figures.requests
        ));
        outcome
    }

    /// Waits for a consequence; an error names it.
    fn expect(&mut self, what: &str, condition: impl Fn(&Facts) -> bool) -> anyhow::Result<()> {
        if self.scene.wait(LIMIT, condition) {
            return Ok(());
        }
        for (name, node) in &mut self.nodes {
            if node.has_ended() {
                bail!("waited for: {what}; the process of {name} has ended");
            }
        }
        bail!("waited {} s for: {what}", LIMIT.as_secs())
    }

    fn node(&mut self, name: &str) -> anyhow::Result<&mut Node> {
        self.nodes.get_mut(name).with_context(|| format!("no node {name}"))
    }

    fn backend(&self, name: &str) -> anyhow::Result<&Backend> {
        self.backends.get(name).with_context(|| format!("no server {name}"))
    }

    fn sole_master(&self) -> anyhow::Result<&'static str> {
        let facts = self.scene.facts();
        NODES.into_iter().find(|node| facts.has_sole_master(node)).context("nobody is MASTER with the VIP alone")
    }

    fn print_table(&self) {
        // The last requests have had their time by now only if nothing waits any more.
        self.scene.wait(PATIENCE, |_| false);
        let (fresh, kept) = (self.notebook.fresh(), self.notebook.kept());
        println!(
            "\n{:<46} {:>10} {:>10} {:>10} {:>16}",
            "event", "outage ms", "requests", "failed", "kept conn. failed"
        );
        for (name, from, until) in &self.events {
            let Figures { outage, requests, failed } = count(&fresh, *from, *until);
            let broken = count(&kept, *from, *until).failed;
            println!("{name:<46} {:>10} {requests:>10} {failed:>10} {broken:>16}", outage.as_millis());
        }
    }
}

fn is_in(facts: &Facts, node: &str, state: &str) -> bool {
    facts.states.get(node).is_some_and(|now| now == state)
}
