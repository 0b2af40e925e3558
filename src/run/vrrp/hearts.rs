//! Heartbeats of the other threads, judged.
//!
//! A beat is late after three of the shortest advert interval, 300 ms at least. A thread whose beat is late may hang: stopped,
//! in a lock, in the disk, in an endless loop. Or it is well and the kernel does not run it, because the host is busy; a
//! host on which nobody runs for 300 ms now and then serves better than a VIP that moves, so who is merely starved is
//! given more time:
//!
//! | the late thread                                    | is                                      |
//! |----------------------------------------------------|-----------------------------------------|
//! | waits for something (stopped, lock, disk)          | down                                    |
//! | could run, and has run half of the time or more    | down: it is lost in a loop              |
//! | could run, and has hardly run                      | starved: down after [`MOST_PATIENCE`]   |
//!
//! This thread itself is not starved: it is a real-time thread. Where it may not be one it stands still with the others,
//! and then nobody is late ([`Hearts::excuse`]).

use std::sync::Arc;
use std::time::Duration;

use crate::model::Model;
use crate::state::heart::Heart;
use crate::state::levels::Level;
use crate::sys::thread;
use crate::time::Instant;

/// A thread is never called late before this.
const LEAST_PATIENCE: Duration = Duration::from_millis(300);
/// A thread that is starved of CPU time for so long serves nobody, whoever is to blame.
const MOST_PATIENCE: Duration = Duration::from_secs(2);

/// How the kernel is asked about a thread.
#[derive(Clone, Copy, Debug)]
pub struct Examiner {
    /// CPU time that it has had.
    pub cpu_time: fn(i32) -> Option<Duration>,
    /// Whether it lacks nothing but a CPU.
    pub is_runnable: fn(i32) -> Option<bool>,
}

/// The kernel's answers.
pub const KERNEL: Examiner = Examiner { cpu_time: thread::cpu_time, is_runnable: thread::is_runnable };

/// Judges the heartbeats of the other threads.
#[derive(Debug)]
pub struct Hearts {
    pulses: Vec<Pulse>,
    examiner: Examiner,
    patience: Duration,
    /// Beats are counted from here at the earliest: after this thread itself had been asleep, nobody else can have beaten.
    excused_until: Instant,
}

/// A heart and what was known when its last beat was first seen.
#[derive(Debug)]
struct Pulse {
    heart: Arc<Heart>,
    beat: Instant,
    seen: Instant,
    cpu_time: Option<Duration>,
    condition: Condition,
}

/// How a thread is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    /// It has not beaten yet.
    Unborn,
    Well,
    Starved,
    Hung,
}

impl Hearts {
    /// Hearts of the workers and of vg-check.
    pub fn new(hearts: Vec<Arc<Heart>>, examiner: Examiner) -> Hearts {
        let pulse = |heart| Pulse {
            heart,
            beat: Instant::ZERO,
            seen: Instant::ZERO,
            cpu_time: None,
            condition: Condition::Unborn,
        };
        let pulses = hearts.into_iter().map(pulse).collect();
        Hearts { pulses, examiner, patience: LEAST_PATIENCE, excused_until: Instant::ZERO }
    }

    /// Takes the patience from the shortest advert interval.
    pub fn configure(&mut self, model: &Model) {
        let shortest = model.instances.iter().map(|instance| instance.advert_interval).min();
        self.patience = shortest.map_or(LEAST_PATIENCE, |interval| (interval * 3).max(LEAST_PATIENCE));
    }

    /// The whole process stood still until `now`.
    pub fn excuse(&mut self, now: Instant) {
        self.excused_until = now;
    }

    /// Looks at every heart, and tells the numbers of the threads that began to starve.
    pub fn look(&mut self, now: Instant) -> Vec<i32> {
        let mut starving = Vec::new();
        for pulse in &mut self.pulses {
            let before = pulse.condition;
            pulse.look(now, self.patience, self.excused_until, &self.examiner);
            if pulse.condition == Condition::Starved && before != Condition::Starved {
                starving.extend(pulse.heart.thread());
            }
        }
        starving
    }

    /// Up while no thread hangs; unknown before each has beaten once. As of the last look.
    pub fn level(&self) -> Level {
        if self.pulses.iter().any(|pulse| pulse.condition == Condition::Unborn) {
            return Level::Unknown;
        }
        Level::from(!self.pulses.iter().any(|pulse| pulse.condition == Condition::Hung))
    }

    /// When to look again: as soon as the oldest beat can be late, and regularly while one is.
    pub fn next_look(&self, now: Instant) -> Instant {
        let oldest = self.pulses.iter().map(|pulse| pulse.heart.last().max(self.excused_until)).min();
        let due = oldest.map_or(Instant::FAR_FUTURE, |oldest| oldest + self.patience + Duration::from_millis(1));
        due.max(now + self.patience / 6)
    }
}

impl Pulse {
    fn look(&mut self, now: Instant, patience: Duration, excused_until: Instant, examiner: &Examiner) {
        let beat = self.heart.last();
        if beat == Instant::ZERO {
            return;
        }
        if beat != self.beat {
            self.beat = beat;
            self.seen = now;
            self.cpu_time = self.heart.thread().and_then(examiner.cpu_time);
        }
        let silence = now.since(beat.max(excused_until));
        self.condition = if silence <= patience {
            Condition::Well
        } else if silence <= MOST_PATIENCE.max(patience) && self.is_starved(now, examiner) == Some(true) {
            Condition::Starved
        } else {
            Condition::Hung
        };
    }

    /// `None` if the kernel does not say.
    fn is_starved(&self, now: Instant, examiner: &Examiner) -> Option<bool> {
        let thread = self.heart.thread()?;
        let worked = (examiner.cpu_time)(thread)?.saturating_sub(self.cpu_time?);
        Some((examiner.is_runnable)(thread)? && worked * 2 < now.since(self.seen))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(millis)
    }

    /// Waits for a lock.
    const STUCK: Examiner = Examiner { cpu_time: |_| Some(Duration::ZERO), is_runnable: |_| Some(false) };
    /// Wants to run and may not.
    const STARVED: Examiner = Examiner { cpu_time: |_| Some(Duration::ZERO), is_runnable: |_| Some(true) };

    fn hearts(beats: &[u64], examiner: Examiner) -> Hearts {
        let heart = |beat: &u64| {
            let heart = Heart::default();
            heart.belongs_to(7);
            heart.beat(at(*beat));
            Arc::new(heart)
        };
        Hearts::new(beats.iter().map(heart).collect(), examiner)
    }

    fn level(hearts: &mut Hearts, millis: u64) -> Level {
        hearts.look(at(millis));
        hearts.level()
    }

    #[test]
    fn workers_are_unknown_until_each_has_beaten() {
        assert_eq!(level(&mut hearts(&[1000, 0], STUCK), 1000), Level::Unknown);
        assert_eq!(level(&mut hearts(&[1000, 900], STUCK), 1000), Level::Up);
    }

    #[test]
    fn one_late_heart_takes_the_workers_down() {
        let mut hearts = hearts(&[1000, 2000], STUCK);
        assert_eq!(level(&mut hearts, 1300), Level::Up);
        assert_eq!(level(&mut hearts, 1301), Level::Down);
        hearts.pulses[0].heart.beat(at(1310));
        assert_eq!(level(&mut hearts, 1311), Level::Up);
    }

    #[test]
    fn a_thread_that_the_kernel_does_not_run_is_given_two_seconds() {
        let mut hearts = hearts(&[1000], STARVED);
        hearts.look(at(1010));
        assert_eq!(hearts.look(at(1301)), [7], "it is told once");
        assert_eq!(hearts.look(at(1351)), [0; 0]);
        assert_eq!(level(&mut hearts, 3000), Level::Up);
        assert_eq!(level(&mut hearts, 3001), Level::Down);
    }

    #[test]
    fn a_thread_that_runs_all_the_time_and_does_not_beat_is_lost_in_a_loop() {
        thread_local! { static WORKED: std::cell::Cell<u64> = const { std::cell::Cell::new(0) }; }
        let examiner = Examiner { cpu_time: |_| Some(Duration::from_millis(WORKED.get())), ..STARVED };
        let mut hearts = hearts(&[1000], examiner);
        hearts.look(at(1010));
        WORKED.set(200);
        assert_eq!(level(&mut hearts, 1301), Level::Down);
    }

    #[test]
    fn a_thread_that_the_kernel_says_nothing_about_is_judged_by_its_beat_alone() {
        let silent = Examiner { cpu_time: |_| None, is_runnable: |_| None };
        let mut hearts = hearts(&[1000], silent);
        hearts.look(at(1010));
        assert_eq!(level(&mut hearts, 1301), Level::Down);
    }

    #[test]
    fn nobody_is_late_after_the_whole_process_stood_still() {
        let mut hearts = hearts(&[1000], STUCK);
        hearts.excuse(at(60_000));
        assert_eq!(level(&mut hearts, 60_000), Level::Up);
        assert_eq!(level(&mut hearts, 60_301), Level::Down);
    }

    #[test]
    fn next_look_is_when_the_oldest_beat_can_be_late() {
        let hearts = hearts(&[1000, 1100], STUCK);
        assert_eq!(hearts.next_look(at(1100)), at(1301));
        assert_eq!(hearts.next_look(at(1400)), at(1450));
        assert_eq!(Hearts::new(Vec::new(), STUCK).next_look(at(5)), Instant::FAR_FUTURE);
    }
}
