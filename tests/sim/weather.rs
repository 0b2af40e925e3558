//! What goes wrong, and when.

use std::time::Duration;

use vipgate::model::Priority;
use vipgate::state::command::VrrpCommand;
use vipgate::vrrp::Effective;

use crate::profile::Profile;
use crate::random::Random;

/// One thing that goes wrong, or right again.
#[derive(Clone, Debug)]
pub enum Stroke {
    /// Frames from one to the other are lost; the way back is open.
    Cut {
        from: usize,
        to: usize,
    },
    /// Two sides, by bit; the client is the last index.
    Partition {
        mask: u64,
    },
    Heal,
    /// Per cent of all frames.
    Loss(u8),
    /// The process dies without a word.
    Crash(usize),
    Start(usize),
    Pause(usize),
    Resume(usize),
    KernelRefuses(usize, bool),
    KernelIsSlow(usize, bool),
    /// Somebody deletes an address.
    Thief(usize),
    Link(usize, bool),
    Tracking(usize, Condition),
    Command(usize, VrrpCommand),
}

/// What tracking says.
#[derive(Clone, Copy, Debug)]
pub enum Condition {
    Well,
    Penalty,
    Degraded,
    Fault,
}

impl Condition {
    pub fn effective(self, own: Priority) -> Effective {
        match self {
            Condition::Well => Effective::Priority(own),
            Condition::Penalty => {
                let lower = own.value().saturating_sub(120).max(1);
                Effective::Priority(Priority::new(lower).expect("at least 1"))
            }
            Condition::Degraded => Effective::Degraded,
            Condition::Fault => Effective::Fault,
        }
    }

    /// How a node is when everything is calm: the first can always serve.
    pub fn in_the_end(random: &mut Random, number: usize) -> Condition {
        match random.below(10) {
            0 if number > 0 => Condition::Fault,
            1 | 2 => Condition::Degraded,
            _ => Condition::Well,
        }
    }
}

/// A storm: strokes with the time after which they strike, each with its repair some time later.
pub fn storm(random: &mut Random, length: Duration, nodes: usize, profile: &Profile) -> Vec<(Duration, Stroke)> {
    let interval = profile.interval;
    let mut strokes = Vec::new();
    for _ in 0..6 + random.index(14) {
        let at = random.duration(Duration::ZERO..length);
        let until = at + random.duration(interval / 2..interval * 12);
        let number = random.index(nodes);
        let mut both = |stroke, repair| strokes.extend([(at, stroke), (until, repair)]);
        let kind = if profile.has_splits_only { random.pick(&[0, 0, 0, 11]) } else { random.below(16) };
        match kind {
            0 | 1 => both(Stroke::Partition { mask: 1 + random.below((1 << (nodes + 1)) - 2) }, Stroke::Heal),
            2 | 3 if profile.is_lossy => {
                let to = random.index(nodes + 1);
                both(Stroke::Cut { from: number, to }, Stroke::Heal);
            }
            4 | 5 if profile.is_lossy => both(Stroke::Loss(random.pick(&[5, 20, 30, 60])), Stroke::Loss(0)),
            6 => both(Stroke::Crash(number), Stroke::Start(number)),
            7 | 8 => both(Stroke::Pause(number), Stroke::Resume(number)),
            9 => {
                // Nodes in trouble one after the other: somebody has to ask a kernel that refuses.
                for number in 0..nodes {
                    strokes.extend([
                        (at, Stroke::KernelRefuses(number, true)),
                        (until, Stroke::KernelRefuses(number, false)),
                    ]);
                }
            }
            10 => both(Stroke::KernelIsSlow(number, true), Stroke::KernelIsSlow(number, false)),
            11 => strokes.push((at, Stroke::Thief(number))),
            12 => both(Stroke::Link(number, false), Stroke::Link(number, true)),
            13 | 14 => {
                let condition = random.pick(&[Condition::Penalty, Condition::Degraded, Condition::Fault]);
                both(Stroke::Tracking(number, condition), Stroke::Tracking(number, Condition::Well));
            }
            15 => match random.below(3) {
                0 if !profile.is_fair => {
                    strokes.push((at, Stroke::Command(number, VrrpCommand::Failover { instance: None })));
                }
                1 => both(Stroke::Command(number, VrrpCommand::Stop), Stroke::Start(number)),
                _ => both(
                    Stroke::Command(number, VrrpCommand::Maintenance(true)),
                    Stroke::Command(number, VrrpCommand::Maintenance(false)),
                ),
            },
            _ => {}
        }
    }
    strokes
}

/// What happened, so that nobody mistakes a dull simulation for a passed one.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub strokes: u64,
    pub transitions: u64,
    pub announcements: u64,
    pub refusals: u64,
    pub expiries: u64,
    pub resumes: u64,
    pub answers: u64,
}

impl Tally {
    pub fn add(&mut self, other: &Tally) {
        self.strokes += other.strokes;
        self.transitions += other.transitions;
        self.announcements += other.announcements;
        self.refusals += other.refusals;
        self.expiries += other.expiries;
        self.resumes += other.resumes;
        self.answers += other.answers;
    }

    pub fn is_rich(&self) -> bool {
        [self.strokes, self.transitions, self.announcements, self.refusals, self.expiries, self.resumes, self.answers]
            .iter()
            .all(|count| *count > 20)
    }
}
