//! From what the client saw to the figures of an event.

use std::time::Duration;

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Answered with 200.
    Answered,
    /// Not answered, or with an error; in a word, why.
    Failed(String),
}

/// A request on a connection of its own.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    /// When it was sent, since the start of the lab.
    pub(super) sent: Duration,
    /// What became of it.
    pub(super) outcome: Outcome,
}

/// The figures of an event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Figures {
    /// Longest time in which no new connection got an answer: from the first request of a row of failed ones to the
    /// next that was answered.
    pub(super) outage: Duration,
    /// Requests sent.
    pub(super) requests: usize,
    /// Requests that failed.
    pub(super) failed: usize,
}

/// Counts the samples sent from `from` to `until`; `samples` in the order of sending.
pub(super) fn count(samples: &[Sample], from: Duration, until: Duration) -> Figures {
    let mut figures = Figures::default();
    let mut failing_since = None;
    for sample in samples.iter().filter(|sample| sample.sent >= from && sample.sent < until) {
        figures.requests += 1;
        match sample.outcome {
            Outcome::Answered => {
                if let Some(since) = failing_since.take() {
                    figures.outage = figures.outage.max(sample.sent.saturating_sub(since));
                }
            }
            Outcome::Failed(_) => {
                figures.failed += 1;
                failing_since.get_or_insert(sample.sent);
            }
        }
    }
    if let Some(since) = failing_since {
        figures.outage = figures.outage.max(until.saturating_sub(since));
    }
    figures
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(letters: &str) -> Vec<Sample> {
        let outcome = |letter| if letter == '.' { Outcome::Answered } else { Outcome::Failed("timeout".to_owned()) };
        let at = |number: usize| Duration::from_millis(10 * number as u64);
        letters
            .chars()
            .enumerate()
            .map(|(number, letter)| Sample { sent: at(number), outcome: outcome(letter) })
            .collect()
    }

    fn figures(letters: &str) -> (u64, usize) {
        let figures = count(&samples(letters), Duration::ZERO, Duration::from_millis(10 * letters.len() as u64));
        (figures.outage.as_millis() as u64, figures.failed)
    }

    #[test]
    fn an_outage_lasts_from_the_first_failed_request_to_the_next_answered_one() {
        assert_eq!(figures("...xxxx..."), (40, 4));
    }

    #[test]
    fn the_longest_of_several_outages_counts() {
        assert_eq!(figures("..x..xxx.x."), (30, 5));
    }

    #[test]
    fn an_outage_without_end_lasts_to_the_end_of_the_window() {
        assert_eq!(figures("..xxx"), (30, 3));
    }

    #[test]
    fn without_a_failure_there_is_no_outage() {
        assert_eq!(figures("....."), (0, 0));
    }
}
