//! A node of the pair: a `vipgate run` process in the node's namespace, whose log tells its state.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::{Context, anyhow};

use super::scene::Scene;
use super::topology::move_thread_to;

/// Log lines kept for the case that something goes wrong.
const LOG_KEPT: usize = 40;

/// A node and its process, if that runs.
pub(super) struct Node {
    name: &'static str,
    program: PathBuf,
    config: PathBuf,
    scene: Scene,
    process: Option<Child>,
    log: Arc<Mutex<VecDeque<String>>>,
}

impl Node {
    /// A node that is not started.
    pub(super) fn new(name: &'static str, config: &Path, scene: &Scene) -> anyhow::Result<Node> {
        Ok(Node {
            name,
            program: std::env::current_exe().context("cannot find this program's own file")?,
            config: config.to_owned(),
            scene: scene.clone(),
            process: None,
            log: Arc::default(),
        })
    }

    /// Where its process answers the operator.
    pub(super) fn socket(&self) -> String {
        format!("/run/{}.sock", self.name)
    }

    /// Starts its process.
    pub(super) fn start(&mut self) -> anyhow::Result<()> {
        let mut command = Command::new(&self.program);
        command.arg("run").arg("-f").arg(&self.config).args(["--node", self.name, "--admin-socket", &self.socket()]);
        command.env("NO_COLOR", "1").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = spawn_in(self.name, command)?;
        let streams: [Option<Box<dyn Read + Send>>; 2] = [
            child.stdout.take().map(|stream| Box::new(stream) as Box<dyn Read + Send>),
            child.stderr.take().map(|stream| Box::new(stream) as Box<dyn Read + Send>),
        ];
        for stream in streams.into_iter().flatten() {
            let (name, scene, log) = (self.name, self.scene.clone(), self.log.clone());
            thread::Builder::new().name(format!("log-{name}")).spawn(move || follow(name, stream, &scene, &log))?;
        }
        self.process = Some(child);
        Ok(())
    }

    /// Kills its process with SIGKILL: no farewell, the VIP stays in the kernel until its lease ends.
    pub(super) fn kill(&mut self) -> anyhow::Result<()> {
        let mut child = self.process.take().with_context(|| format!("{} does not run", self.name))?;
        child.kill().with_context(|| format!("cannot kill {}", self.name))?;
        child.wait().with_context(|| format!("cannot wait for {}", self.name))?;
        self.scene.update(|facts| {
            facts.states.insert(self.name, "DEAD".to_owned());
            None
        });
        Ok(())
    }

    /// Runs `vipgate WORDS --admin-socket ...` against its process.
    pub(super) fn order(&self, words: &[&str]) -> anyhow::Result<Output> {
        let mut command = Command::new(&self.program);
        command.args(words).args(["--admin-socket", &self.socket()]).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let output = spawn_in(self.name, command)?.wait_with_output()?;
        if output.status.success() {
            return Ok(output);
        }
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(anyhow!("vipgate {} on {} failed: {said}", words.join(" "), self.name))
    }

    /// Whether the process ended by itself.
    pub(super) fn has_ended(&mut self) -> bool {
        self.process.as_mut().is_some_and(|child| !matches!(child.try_wait(), Ok(None)))
    }

    /// The end of its log.
    pub(super) fn last_words(&self) -> Vec<String> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

/// Starts a process in a namespace: a process belongs to that of the thread that starts it.
fn spawn_in(namespace: &str, mut command: Command) -> anyhow::Result<Child> {
    thread::scope(|scope| {
        let spawning = scope.spawn(|| -> anyhow::Result<Child> {
            move_thread_to(namespace)?;
            command.spawn().with_context(|| format!("cannot start {}", command.get_program().display()))
        });
        spawning.join().unwrap_or_else(|_| Err(anyhow!("the starting thread panicked")))
    })
}

fn follow(name: &'static str, stream: impl Read, scene: &Scene, log: &Mutex<VecDeque<String>>) {
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        if let Some((state, reason)) = transition(&line) {
            scene.update(|facts| {
                facts.states.insert(name, state.clone());
                let reason = if reason.is_empty() { String::new() } else { format!("  ({reason})") };
                Some(format!("{name:<6}  {state}{reason}"))
            });
        }
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        if log.len() == LOG_KEPT {
            log.pop_front();
        }
        log.push_back(line);
    }
}

/// State and reason in a log line about a VRRP transition.
fn transition(line: &str) -> Option<(String, String)> {
    let rest = line.split_once(" state=")?.1;
    let state = rest.split_whitespace().next()?.trim_matches('"').to_owned();
    let is_state = !state.is_empty() && state.chars().all(|letter| letter.is_ascii_uppercase());
    // The reason is the last field, and a sentence without quotes.
    let reason = line.split_once(" reason=").map_or("", |(_, rest)| rest.trim_matches('"'));
    is_state.then(|| (state, reason.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::transition;

    #[test]
    fn a_transition_is_read_from_its_log_line() {
        let line =
            "2026-11-21T10:00:00Z INFO state changed instance=web state=MASTER from=BACKUP reason=no advert in 3.6 s";
        assert_eq!(transition(line), Some(("MASTER".to_owned(), "no advert in 3.6 s".to_owned())));
    }

    #[test]
    fn a_line_without_a_state_is_no_transition() {
        assert_eq!(transition("INFO listening address=192.0.2.253:80"), None);
        assert_eq!(transition("INFO server state=up"), None);
    }
}
