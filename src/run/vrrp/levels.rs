//! Levels of the tracked objects at a moment, gathered from where they live.

use std::sync::Arc;
use std::time::Duration;

use crate::model::Model;
use crate::model::track::Object;
use crate::state::heart::Heart;
use crate::state::levels::{Board, Level, Levels};
use crate::state::servers::Backend;
use crate::time::Instant;

/// A thread is never called late before this.
const LEAST_PATIENCE: Duration = Duration::from_millis(300);

/// Judges the heartbeats of the other threads.
#[derive(Debug)]
pub struct Hearts {
    hearts: Vec<Arc<Heart>>,
    patience: Duration,
    /// Beats are counted from here at the earliest: after this thread itself had been asleep, nobody else can have beaten.
    excused_until: Instant,
}

impl Hearts {
    /// Hearts of the workers and of vg-check.
    pub fn new(hearts: Vec<Arc<Heart>>) -> Hearts {
        Hearts { hearts, patience: LEAST_PATIENCE, excused_until: Instant::ZERO }
    }

    /// A beat is late after three of the shortest advert interval, 300 ms at least.
    pub fn configure(&mut self, model: &Model) {
        let shortest = model.instances.iter().map(|instance| instance.advert_interval).min();
        self.patience = shortest.map_or(LEAST_PATIENCE, |interval| (interval * 3).max(LEAST_PATIENCE));
    }

    /// The whole process stood still until `now`.
    pub fn excuse(&mut self, now: Instant) {
        self.excused_until = now;
    }

    /// Up while every thread beats in time; unknown before each has beaten once.
    pub fn level(&self, now: Instant) -> Level {
        if self.hearts.iter().any(|heart| heart.last() == Instant::ZERO) {
            return Level::Unknown;
        }
        let is_late = |heart: &Arc<Heart>| now.since(heart.last().max(self.excused_until)) > self.patience;
        Level::from(!self.hearts.iter().any(is_late))
    }

    /// When to look again: as soon as the oldest beat can be late, and regularly while one is.
    pub fn next_look(&self, now: Instant) -> Instant {
        let oldest = self.hearts.iter().map(|heart| heart.last().max(self.excused_until)).min();
        let due = oldest.map_or(Instant::FAR_FUTURE, |oldest| oldest + self.patience + Duration::from_millis(1));
        due.max(now + self.patience / 6)
    }
}

/// What levels are read from.
pub struct Sources<'a> {
    /// Board of the running generation.
    pub board: &'a Board,
    /// Backends of the running generation, by backend number.
    pub backends: &'a [Arc<Backend>],
    /// Other threads' heartbeats.
    pub hearts: &'a Hearts,
    /// Whether an interface is up.
    pub is_up: &'a dyn Fn(&str) -> bool,
}

/// The level of every object of `model`, by object number.
pub fn gather(model: &Model, sources: &Sources<'_>, now: Instant) -> Levels {
    let level = |(number, object): (usize, &Object)| match object {
        Object::Workers => sources.hearts.level(now),
        Object::Interface(name) => Level::from((sources.is_up)(name)),
        Object::Backend { backend, min_up } => {
            settled(sources.backends.get(*backend), |backend| backend.usable() >= *min_up)
        }
        Object::Server { backend, server } => settled(sources.backends.get(*backend), |backend| {
            backend.servers.get(*server).is_some_and(|server| server.is_usable())
        }),
        Object::Bind { .. } | Object::Script(_) | Object::Process(_) | Object::File(_) => sources.board.level(number),
    };
    model.objects.iter().map(|tracked| &tracked.object).enumerate().map(level).collect()
}

fn settled(backend: Option<&Arc<Backend>>, is_up: impl FnOnce(&Backend) -> bool) -> Level {
    match backend {
        Some(backend) if backend.is_settled() => Level::from(is_up(backend)),
        _ => Level::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(millis)
    }

    fn hearts(beats: &[u64]) -> Hearts {
        Hearts::new(
            beats
                .iter()
                .map(|beat| {
                    let heart = Heart::default();
                    heart.beat(at(*beat));
                    Arc::new(heart)
                })
                .collect(),
        )
    }

    #[test]
    fn workers_are_unknown_until_each_has_beaten() {
        assert_eq!(hearts(&[1000, 0]).level(at(1000)), Level::Unknown);
        assert_eq!(hearts(&[1000, 900]).level(at(1000)), Level::Up);
    }

    #[test]
    fn one_late_heart_takes_the_workers_down() {
        let hearts = hearts(&[1000, 2000]);
        assert_eq!(hearts.level(at(1300)), Level::Up);
        assert_eq!(hearts.level(at(1301)), Level::Down);
    }

    #[test]
    fn nobody_is_late_after_the_whole_process_stood_still() {
        let mut hearts = hearts(&[1000]);
        hearts.excuse(at(60_000));
        assert_eq!(hearts.level(at(60_000)), Level::Up);
        assert_eq!(hearts.level(at(60_301)), Level::Down);
    }

    #[test]
    fn next_look_is_when_the_oldest_beat_can_be_late() {
        let hearts = hearts(&[1000, 1100]);
        assert_eq!(hearts.next_look(at(1100)), at(1301));
        assert_eq!(hearts.next_look(at(1400)), at(1450));
        assert_eq!(Hearts::new(Vec::new()).next_look(at(5)), Instant::FAR_FUTURE);
    }
}
