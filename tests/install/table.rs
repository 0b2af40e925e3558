//! The rows: step, what the client saw, and what it may see.

use std::fmt::Write;
use std::time::Duration;

use crate::client::Seen;

/// What a client may notice of a step.
#[derive(Clone, Copy, Debug)]
pub enum Allowed {
    /// No request fails.
    Nothing,
    /// A crash: requests fail, and so long there is no answer at most.
    Gap(Duration),
}

/// A step that was made.
pub struct Row {
    /// What was done.
    pub step: &'static str,
    /// What the client saw.
    pub seen: Seen,
    /// What it may see.
    pub allowed: Allowed,
}

impl Row {
    /// What is wrong with it, if anything is.
    pub fn complaint(&self) -> Option<String> {
        let Row { step, seen, .. } = self;
        match self.allowed {
            Allowed::Nothing if seen.failures.is_empty() => None,
            Allowed::Nothing => Some(format!("{step}: {} requests failed: {}", seen.failures.len(), seen.reasons())),
            Allowed::Gap(limit) if seen.gap <= limit => None,
            Allowed::Gap(limit) => {
                Some(format!("{step}: {} ms without an answer, at most {}", seen.gap.as_millis(), limit.as_millis()))
            }
        }
    }
}

/// The table of the rows.
pub fn table(rows: &[Row]) -> String {
    let mut text = format!(
        "{:<44} {:>8} {:>7} {:>12} {:>13}  {}\n",
        "step", "requests", "failed", "longest gap", "slowest", "allowed"
    );
    for Row { step, seen, allowed } in rows {
        let allowed = match allowed {
            Allowed::Nothing => "no failure".to_owned(),
            Allowed::Gap(limit) => format!("gap of {} ms", limit.as_millis()),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{step:<44} {:>8} {:>7} {:>9} ms {:>10} ms  {allowed}",
            seen.requests,
            seen.failures.len(),
            seen.gap.as_millis(),
            seen.slowest.as_millis(),
        );
    }
    text
}
