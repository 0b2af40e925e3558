//! What is known about the lab at this moment, and the timeline that is printed as it changes.
//!
//! Written by the threads that watch (node logs, addresses, client), read by the story, which waits for conditions.
//! One mutex, held for the length of a change; printing happens under it so that lines come in order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::sys::clock;
use crate::time::Instant;

/// Facts that the story waits for.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    /// Last `state=` that each node logged.
    pub(super) states: BTreeMap<&'static str, String>,
    /// Nodes that have the VIP.
    pub(super) holders: BTreeSet<&'static str>,
    /// Node that the last answer came through.
    pub(super) served_by: Option<&'static str>,
    /// Servers that gave the last answers, oldest first.
    pub(super) servers: Vec<String>,
    /// When the newest request whose outcome is known was sent. A timeout is known late: it says nothing about now.
    pub(super) newest: Duration,
    /// Whether that request failed.
    pub(super) is_failing: bool,
    /// Answers since the last failed request.
    pub(super) answers_in_a_row: u64,
}

/// Answers that a look at the servers goes back.
const LOOK_BACK: usize = 40;

impl Facts {
    /// An answer came from this server.
    pub(super) fn note_answer(&mut self, server: String) {
        self.answers_in_a_row += 1;
        if self.servers.len() == LOOK_BACK {
            self.servers.remove(0);
        }
        self.servers.push(server);
    }

    /// Whether this node is MASTER and the only one with the VIP.
    pub(super) fn has_sole_master(&self, node: &str) -> bool {
        self.states.get(node).is_some_and(|state| state == "MASTER")
            && self.holders.len() == 1
            && self.holders.contains(node)
    }

    /// Whether all of the last answers came from this server, or from any if `None`.
    pub(super) fn is_served_steadily(&self, server: Option<&str>) -> bool {
        self.answers_in_a_row >= 50 && server.is_none_or(|name| self.servers.iter().all(|last| last == name))
    }

    /// Whether each of two servers gave some of the last answers.
    pub(super) fn is_served_by_both(&self) -> bool {
        self.answers_in_a_row >= 50 && self.servers.iter().collect::<BTreeSet<_>>().len() == 2
    }
}

/// The scene: facts, and a clock that starts at zero.
#[derive(Clone)]
pub(super) struct Scene {
    start: Instant,
    shared: Arc<(Mutex<Facts>, Condvar)>,
}

impl Scene {
    /// An empty scene whose clock starts now.
    pub(super) fn new() -> Scene {
        Scene { start: clock::now(), shared: Arc::default() }
    }

    /// Time since the start.
    pub(super) fn elapsed(&self) -> Duration {
        clock::now().since(self.start)
    }

    /// Changes the facts, and prints the line that the change is worth, if it is.
    pub(super) fn update(&self, change: impl FnOnce(&mut Facts) -> Option<String>) {
        let mut facts = self.lock();
        if let Some(line) = change(&mut facts) {
            self.print(&line);
        }
        self.shared.1.notify_all();
    }

    /// Prints a line of the timeline.
    pub(super) fn say(&self, line: &str) {
        let _in_order = self.lock();
        self.print(line);
    }

    /// Waits until the facts are so; `false` after `limit`.
    pub(super) fn wait(&self, limit: Duration, condition: impl Fn(&Facts) -> bool) -> bool {
        let facts = self.lock();
        let outcome = self.shared.1.wait_timeout_while(facts, limit, |facts| !condition(facts));
        let (_facts, timeout) = outcome.unwrap_or_else(PoisonError::into_inner);
        !timeout.timed_out()
    }

    /// The facts now.
    pub(super) fn facts(&self) -> Facts {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Facts> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn print(&self, line: &str) {
        println!("{:9.3} s  {line}", self.elapsed().as_secs_f64());
    }
}
