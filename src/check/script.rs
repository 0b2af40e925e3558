//! When a track script starts, when it has taken too long, and what its exits mean.

use std::time::Duration;

use crate::model::track::Script;
use crate::state::levels::Level;
use crate::time::Instant;

use super::counter::{Counter, Step};

/// Between the polite signal and the other.
const GRACE: Duration = Duration::from_secs(1);

/// How a run of a script ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Status 0.
    Success,
    /// Another status, a signal, or it could not be started.
    Failure,
}

/// What to do with a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Start it, in a process group of its own.
    Start,
    /// Send SIGTERM to the group.
    Terminate,
    /// Send SIGKILL to the group.
    Kill,
    /// Its level is this now.
    Level(Level),
}

/// One script. The shell calls [`ScriptMachine::handle_timeout`] at [`ScriptMachine::poll_timeout`], does what it says
/// and reports the end of every run with [`ScriptMachine::handle_exit`].
#[derive(Debug)]
pub struct ScriptMachine {
    interval: Duration,
    timeout: Duration,
    counter: Counter,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Waiting {
        until: Instant,
    },
    Running {
        since: Instant,
    },
    /// Too late: the run counts as failed already.
    Terminating {
        started: Instant,
        since: Instant,
    },
    Killing {
        started: Instant,
    },
}

impl ScriptMachine {
    /// A script that was last seen at `level` and first runs at `first`.
    pub fn new(script: &Script, level: Level, first: Instant) -> ScriptMachine {
        ScriptMachine {
            interval: script.interval,
            timeout: script.timeout,
            counter: Counter::new(script.rise, script.fall, level),
            phase: Phase::Waiting { until: first },
        }
    }

    /// The level so far.
    pub fn level(&self) -> Level {
        self.counter.level()
    }

    /// When [`ScriptMachine::handle_timeout`] wants to be called; `None` while only an exit can change anything.
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.phase {
            Phase::Waiting { until } => Some(until),
            Phase::Running { since } => Some(since + self.timeout),
            Phase::Terminating { since, .. } => Some(since + GRACE),
            Phase::Killing { .. } => None,
        }
    }

    /// Time has passed. At most two actions.
    pub fn handle_timeout(&mut self, now: Instant) -> Vec<Action> {
        if self.poll_timeout().is_none_or(|at| now < at) {
            return Vec::new();
        }
        match self.phase {
            Phase::Waiting { .. } => {
                self.phase = Phase::Running { since: now };
                vec![Action::Start]
            }
            Phase::Running { since } => {
                self.phase = Phase::Terminating { started: since, since: now };
                let level = self.count(Exit::Failure);
                [Some(Action::Terminate), level].into_iter().flatten().collect()
            }
            Phase::Terminating { started, .. } => {
                self.phase = Phase::Killing { started };
                vec![Action::Kill]
            }
            Phase::Killing { .. } => Vec::new(),
        }
    }

    /// The run has ended; [`Action::Level`] if that changed its level.
    pub fn handle_exit(&mut self, now: Instant, exit: Exit) -> Option<Action> {
        let (started, level) = match self.phase {
            Phase::Waiting { .. } => return None,
            Phase::Running { since } => (since, self.count(exit)),
            Phase::Terminating { started, .. } | Phase::Killing { started } => (started, None),
        };
        self.phase = Phase::Waiting { until: (started + self.interval).max(now) };
        level
    }

    fn count(&mut self, exit: Exit) -> Option<Action> {
        match self.counter.count(exit == Exit::Success) {
            Step::Same => None,
            Step::Rose | Step::Fell => Some(Action::Level(self.counter.level())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(millis)
    }

    fn machine(rise: u32, fall: u32) -> ScriptMachine {
        let script = Script {
            command: vec!["/bin/true".to_owned()],
            interval: Duration::from_secs(1),
            timeout: Duration::from_secs(3),
            rise,
            fall,
        };
        ScriptMachine::new(&script, Level::Unknown, at(0))
    }

    #[test]
    fn script_starts_once_each_interval() {
        let mut machine = machine(1, 1);
        assert_eq!(machine.handle_timeout(at(0)), [Action::Start]);
        assert_eq!(machine.handle_timeout(at(1)), []);
        assert_eq!(machine.handle_exit(at(200), Exit::Success), Some(Action::Level(Level::Up)));
        assert_eq!(machine.poll_timeout(), Some(at(1000)));
        assert_eq!(machine.handle_timeout(at(999)), []);
        assert_eq!(machine.handle_timeout(at(1000)), [Action::Start]);
        assert_eq!(machine.handle_exit(at(1100), Exit::Success), None);
    }

    #[test]
    fn slow_script_is_not_started_twice() {
        let mut machine = machine(1, 1);
        machine.handle_timeout(at(0));
        assert_eq!(machine.handle_timeout(at(2000)), []);
        machine.handle_exit(at(2500), Exit::Success);
        assert_eq!(machine.poll_timeout(), Some(at(2500)));
    }

    #[test]
    fn script_past_its_timeout_fails_at_once_and_is_terminated_then_killed() {
        let mut machine = machine(1, 1);
        machine.handle_timeout(at(0));
        assert_eq!(machine.handle_timeout(at(3000)), [Action::Terminate, Action::Level(Level::Down)]);
        assert_eq!(machine.handle_timeout(at(3999)), []);
        assert_eq!(machine.handle_timeout(at(4000)), [Action::Kill]);
        assert_eq!(machine.poll_timeout(), None);
        assert_eq!(machine.handle_exit(at(4001), Exit::Success), None);
        assert_eq!(machine.level(), Level::Down);
        assert_eq!(machine.poll_timeout(), Some(at(4001)));
    }

    #[test]
    fn rise_and_fall_hold_changes_back_after_the_first_run() {
        let mut machine = machine(2, 2);
        let exits = [Exit::Success, Exit::Failure, Exit::Failure, Exit::Success, Exit::Success];
        let mut levels = Vec::new();
        for (turn, exit) in (0..).zip(exits) {
            machine.handle_timeout(at(turn * 1000));
            levels.push(machine.handle_exit(at(turn * 1000 + 10), exit));
        }
        let changed = |level| Some(Action::Level(level));
        assert_eq!(levels, [changed(Level::Up), None, changed(Level::Down), None, changed(Level::Up)]);
    }

    #[test]
    fn exit_of_nothing_is_ignored() {
        assert_eq!(machine(1, 1).handle_exit(at(0), Exit::Failure), None);
    }
}
