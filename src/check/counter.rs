//! How many answers make a change.

use crate::state::levels::Level;

/// HAProxy's counter, which keepalived's scripts share: from 0 to `rise + fall - 1`, up from `rise` on.
///
/// An unknown thing starts at `rise`: up, but its first failure takes it down and its first success settles it. A thing
/// that is down needs `rise` successes in a row, a thing that is up `fall` failures in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counter {
    rise: u32,
    fall: u32,
    value: u32,
    is_known: bool,
}

/// What an answer did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It is up now and was not before.
    Rose,
    /// It is down now and was not before.
    Fell,
    /// As before.
    Same,
}

impl Counter {
    /// A counter over something last seen at `level`. Zero for `rise` or `fall` counts as 1.
    pub fn new(rise: u32, fall: u32, level: Level) -> Counter {
        let (rise, fall) = (rise.max(1), fall.max(1));
        let value = match level {
            Level::Unknown => rise,
            Level::Up => (rise - 1).saturating_add(fall),
            Level::Down => 0,
        };
        Counter { rise, fall, value, is_known: level != Level::Unknown }
    }

    /// Counts an answer.
    pub fn count(&mut self, is_success: bool) -> Step {
        let before = self.level();
        self.is_known = true;
        if is_success {
            self.value = self.value.saturating_add(1);
            if self.value >= self.rise {
                self.value = self.top();
            }
        } else if self.value > self.rise {
            self.value -= 1;
        } else {
            self.value = 0;
        }
        match (before, self.level()) {
            (Level::Down | Level::Unknown, Level::Up) => Step::Rose,
            (Level::Up | Level::Unknown, Level::Down) => Step::Fell,
            _ => Step::Same,
        }
    }

    /// One more failure suffices to take it down if it is up (HAProxy's `on-error sudden-death`).
    pub fn doubt(&mut self) {
        self.value = self.value.min(self.rise);
    }

    /// Two more failures suffice to take it down if it is up (HAProxy's `on-error sudden-death`, which counts one at once).
    pub fn doubt_but_one(&mut self) {
        self.value = self.value.min(self.rise + 1);
    }

    /// One more success suffices to bring it up if it is down (HAProxy's `init-state down`).
    pub fn hope(&mut self) {
        self.value = self.value.max(self.rise - 1);
    }

    /// The value itself, with `rise` and `fall`: HAProxy's `check_health`.
    pub fn value(&self) -> (u32, u32, u32) {
        (self.value, self.rise, self.fall)
    }

    /// Goes to the end of a level at once, whatever was counted.
    pub fn settle(&mut self, is_up: bool) -> Step {
        let before = self.level();
        self.is_known = true;
        self.value = if is_up { self.top() } else { 0 };
        match (before, is_up) {
            (Level::Down | Level::Unknown, true) => Step::Rose,
            (Level::Up | Level::Unknown, false) => Step::Fell,
            _ => Step::Same,
        }
    }

    /// The level so far.
    pub fn level(&self) -> Level {
        if !self.is_known { Level::Unknown } else { Level::from(self.value >= self.rise) }
    }

    /// Whether it is neither fully up nor fully down.
    pub fn is_changing(&self) -> bool {
        !self.is_known || (self.value != 0 && self.value != self.top())
    }

    fn top(&self) -> u32 {
        (self.rise - 1).saturating_add(self.fall)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_answer_decides() {
        let mut counter = Counter::new(2, 3, Level::Unknown);
        assert!(counter.is_changing());
        assert_eq!(counter.count(true), Step::Rose);
        assert!(!counter.is_changing());
        let mut counter = Counter::new(2, 3, Level::Unknown);
        assert_eq!(counter.count(false), Step::Fell);
        assert_eq!(counter.level(), Level::Down);
    }

    #[test]
    fn fall_failures_in_a_row_take_it_down() {
        let mut counter = Counter::new(2, 3, Level::Up);
        assert_eq!([false, false].map(|success| counter.count(success)), [Step::Same; 2]);
        assert!(counter.is_changing());
        assert_eq!(counter.count(true), Step::Same);
        assert_eq!([false, false, false].map(|success| counter.count(success)), [Step::Same, Step::Same, Step::Fell]);
    }

    #[test]
    fn rise_successes_in_a_row_bring_it_up() {
        let mut counter = Counter::new(3, 2, Level::Down);
        let answers = [true, true, false, true, true, true];
        let steps = answers.map(|success| counter.count(success));
        assert_eq!(steps[..5], [Step::Same; 5]);
        assert_eq!(steps[5], Step::Rose);
    }

    #[test]
    fn one_failure_takes_down_what_is_in_doubt_and_one_success_clears_it() {
        let mut counter = Counter::new(2, 3, Level::Up);
        counter.doubt();
        assert_eq!(counter.level(), Level::Up);
        assert_eq!(counter.count(true), Step::Same);
        assert!(!counter.is_changing());
        counter.doubt();
        assert_eq!(counter.count(false), Step::Fell);
        counter.doubt();
        assert_eq!(counter.level(), Level::Down);
    }

    #[test]
    fn rise_and_fall_of_one_change_with_each_answer() {
        let mut counter = Counter::new(0, 0, Level::Up);
        assert_eq!(counter.count(false), Step::Fell);
        assert_eq!(counter.count(true), Step::Rose);
    }
}
