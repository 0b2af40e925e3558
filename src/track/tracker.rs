//! Levels to effective priorities.
//!
//! | Weight | Object up | Object down | Object unknown |
//! |---|---|---|---|
//! | `Fault` | | [`Effective::Fault`] | not ready |
//! | `Degrade` | | [`Effective::Degraded`] unless something is at fault | not ready |
//! | `Bonus(n)` | + n | | not ready |
//! | `Penalty(n)` | | - n | not ready |
//!
//! The sum stays within 1-254 (as keepalived clamps it: 0 and 255 have meanings of their own), and the address owner's
//! 255 is not moved by bonus or penalty (RFC 9568 §5.2.4).

use crate::model::track::{Rule, Weight};
use crate::model::{Model, Priority};
use crate::state::levels::Level;

use super::Effective;

/// The rules of one model.
#[derive(Debug)]
pub struct Tracker {
    instances: Vec<Tracked>,
    names: Vec<String>,
}

#[derive(Debug)]
struct Tracked {
    base: Priority,
    rules: Vec<Rule>,
}

impl Tracker {
    /// The rules of `model`. Levels are given to it by the same model's object numbers.
    pub fn new(model: &Model) -> Tracker {
        let instances = model.instances.iter();
        Tracker {
            instances: instances.map(|it| Tracked { base: it.priority, rules: it.track.clone() }).collect(),
            names: model.objects.iter().map(|object| object.name.clone()).collect(),
        }
    }

    /// For each instance number the result and the names of its objects that are down, in the order of its rules.
    /// A level that is missing is unknown.
    pub fn effective(&self, levels: &[Level]) -> Vec<(Effective, Vec<String>)> {
        self.instances.iter().map(|instance| (instance.effective(levels), self.down(instance, levels))).collect()
    }

    /// Whether every object has been looked at. Before that a node may compete but not preempt.
    pub fn is_ready(&self, levels: &[Level]) -> bool {
        (0..self.names.len()).all(|object| level(levels, object) != Level::Unknown)
    }

    fn down(&self, instance: &Tracked, levels: &[Level]) -> Vec<String> {
        let down = instance.rules.iter().filter(|rule| level(levels, rule.object) == Level::Down);
        down.filter_map(|rule| self.names.get(rule.object).cloned()).collect()
    }
}

impl Tracked {
    fn effective(&self, levels: &[Level]) -> Effective {
        let mut is_degraded = false;
        let mut change = 0;
        for rule in &self.rules {
            match (rule.weight, level(levels, rule.object)) {
                (Weight::Fault, Level::Down) => return Effective::Fault,
                (Weight::Degrade, Level::Down) => is_degraded = true,
                (Weight::Bonus(bonus), Level::Up) => change += i32::from(bonus),
                (Weight::Penalty(penalty), Level::Down) => change -= i32::from(penalty),
                _ => {}
            }
        }
        if is_degraded { Effective::Degraded } else { Effective::Priority(moved(self.base, change)) }
    }
}

/// A priority after bonuses and penalties: 1-254, or 255 unmoved.
pub(super) fn moved(base: Priority, change: i32) -> Priority {
    if base == Priority::OWNER {
        return base;
    }
    let value = i32::from(base.value()).saturating_add(change).clamp(1, 254);
    u8::try_from(value).ok().and_then(Priority::new).unwrap_or(Priority::LOWEST)
}

fn level(levels: &[Level], object: usize) -> Level {
    levels.get(object).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tracker(base: u8, weights: &[Weight]) -> Tracker {
        let rules = weights.iter().enumerate().map(|(object, weight)| Rule { object, weight: *weight }).collect();
        let base = Priority::new(base).expect("a test's priority is above zero");
        let names = (0..weights.len()).map(|object| format!("o{object}")).collect();
        Tracker { instances: vec![Tracked { base, rules }], names }
    }

    fn effective(base: u8, objects: &[(Weight, Level)]) -> Effective {
        let weights: Vec<_> = objects.iter().map(|object| object.0).collect();
        let levels: Vec<_> = objects.iter().map(|object| object.1).collect();
        tracker(base, &weights).effective(&levels)[0].0
    }

    fn priority(value: u8) -> Effective {
        Effective::Priority(Priority::new(value).expect("above zero"))
    }

    #[test]
    fn nothing_tracked_is_the_base_priority() {
        assert_eq!(effective(100, &[]), priority(100));
    }

    #[test]
    fn bonus_is_added_while_up_and_penalty_subtracted_while_down() {
        assert_eq!(effective(100, &[(Weight::Bonus(20), Level::Up)]), priority(120));
        assert_eq!(effective(100, &[(Weight::Bonus(20), Level::Down)]), priority(100));
        assert_eq!(effective(100, &[(Weight::Penalty(20), Level::Up)]), priority(100));
        assert_eq!(effective(100, &[(Weight::Penalty(20), Level::Down)]), priority(80));
        assert_eq!(effective(100, &[(Weight::Bonus(9), Level::Up), (Weight::Penalty(4), Level::Down)]), priority(105));
    }

    #[test]
    fn fault_beats_degrade_and_degrade_beats_any_sum() {
        let degraded = (Weight::Degrade, Level::Down);
        assert_eq!(effective(100, &[degraded, (Weight::Bonus(99), Level::Up)]), Effective::Degraded);
        assert_eq!(effective(100, &[degraded, (Weight::Fault, Level::Down)]), Effective::Fault);
        assert_eq!(effective(255, &[degraded]), Effective::Degraded);
        assert_eq!(effective(255, &[(Weight::Fault, Level::Down)]), Effective::Fault);
    }

    #[test]
    fn unknown_is_neither_down_nor_a_bonus_but_not_ready() {
        for weight in [Weight::Fault, Weight::Degrade, Weight::Bonus(20), Weight::Penalty(20)] {
            assert_eq!(effective(100, &[(weight, Level::Unknown)]), priority(100));
            let tracker = tracker(100, &[weight]);
            assert!(!tracker.is_ready(&[Level::Unknown]));
            assert!(!tracker.is_ready(&[]));
            assert!(tracker.is_ready(&[Level::Down]));
        }
    }

    #[test]
    fn weighted_priority_stays_within_1_and_254() {
        assert_eq!(effective(250, &[(Weight::Bonus(253), Level::Up)]), priority(254));
        assert_eq!(effective(5, &[(Weight::Penalty(253), Level::Down)]), priority(1));
        let opposed = [(Weight::Bonus(253), Level::Up), (Weight::Penalty(253), Level::Down)];
        assert_eq!(effective(200, &opposed), priority(200));
    }

    #[test]
    fn owner_ignores_bonus_and_penalty() {
        assert_eq!(effective(255, &[(Weight::Penalty(100), Level::Down)]), priority(255));
        assert_eq!(effective(255, &[(Weight::Bonus(100), Level::Up)]), priority(255));
    }

    #[test]
    fn objects_that_are_down_are_named() {
        let tracker = tracker(100, &[Weight::Penalty(1), Weight::Bonus(1), Weight::Degrade, Weight::Fault]);
        let levels = [Level::Down, Level::Down, Level::Up, Level::Unknown];
        assert_eq!(tracker.effective(&levels)[0].1, ["o0", "o1"]);
    }

    proptest! {
        #[test]
        fn a_failure_never_raises_the_priority(
            base in 1_u8..=255,
            objects in proptest::collection::vec((0_u8..4, 1_u8..=253, any::<bool>()), 1..8),
            failing in any::<prop::sample::Index>(),
        ) {
            let objects: Vec<_> = objects.into_iter().map(|(kind, number, is_up)| {
                let weight = match kind {
                    0 => Weight::Fault,
                    1 => Weight::Degrade,
                    2 => Weight::Bonus(number),
                    _ => Weight::Penalty(number),
                };
                (weight, Level::from(is_up))
            }).collect();
            let mut worse = objects.clone();
            worse[failing.index(objects.len())].1 = Level::Down;
            prop_assert!(rank(effective(base, &worse)) <= rank(effective(base, &objects)));
        }
    }

    fn rank(effective: Effective) -> (u8, u8) {
        match effective {
            Effective::Fault => (0, 0),
            Effective::Degraded => (1, 0),
            Effective::Priority(priority) => (2, priority.value()),
        }
    }
}
