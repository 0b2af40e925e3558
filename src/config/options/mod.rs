//! Options in HAProxy's words that haproxy.cfg and YAML share: from words to the model and back.
//!
//! haproxy.cfg writes them one a line or behind an address, YAML as texts under `options`. What a word means, and how it
//! is written, stands here once; the places of words are known to the caller. Read [`backend`], [`server`] and [`bind`];
//! [`balance`] is a value of its own.

pub mod balance;
pub mod backend;
pub mod bind;
pub mod cookie;
pub mod naming;
mod retry_on;
pub mod server;

use std::time::Duration;

use crate::config::haproxy;
use crate::model::proxy::DoubtfulFraming;

/// What may become of messages whose end is doubtful, by its word in YAML.
pub const DOUBTFUL_FRAMINGS: &[(&str, DoubtfulFraming)] =
    &[("refuse", DoubtfulFraming::Refuse), ("close", DoubtfulFraming::Close), ("keep", DoubtfulFraming::Keep)];

/// What is wrong with a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Number of the word among those given; one more than there are if it is missing.
    pub at: usize,
    /// What is wrong.
    pub what: String,
    /// Whether it is right, but not supported for that reason.
    pub refused: Option<String>,
    /// What can be typed instead.
    pub hint: Option<String>,
}

impl Wrong {
    fn new(at: usize, what: impl Into<String>) -> Wrong {
        Wrong { at, what: what.into(), refused: None, hint: None }
    }

    fn refused(at: usize, what: impl Into<String>, why: impl Into<String>) -> Wrong {
        Wrong { refused: Some(why.into()), ..Wrong::new(at, what) }
    }

    /// The same for someone who knows of more words before these.
    #[must_use]
    pub fn later(self, count: usize) -> Wrong {
        Wrong { at: self.at + count, ..self }
    }
}

/// The word of this number, or a complaint that it is missing.
fn needed<'w>(words: &[&'w str], at: usize, what: &str) -> Result<&'w str, Wrong> {
    let name = words.first().copied().unwrap_or_default();
    words.get(at).copied().ok_or_else(|| Wrong::new(at, format!("'{name}' expects {what}")))
}

/// Reports words beyond what a line takes.
fn no_more(words: &[&str], count: usize) -> Result<(), Wrong> {
    match words.get(count) {
        Some(word) => Err(Wrong::new(count, format!("'{}' cannot handle unexpected argument '{word}'", words[0]))),
        None => Ok(()),
    }
}

fn number(words: &[&str], at: usize, least: u64, most: u64) -> Result<u64, Wrong> {
    let word = needed(words, at, "a number")?;
    haproxy::value::number(word, least, most).map_err(|what| Wrong::new(at, what))
}

/// Longest `guid`, in characters.
const LONGEST_GUID: usize = 127;

/// A name among all things that are counted (HAProxy manual §4.2 "guid").
fn guid(words: &[&str], at: usize) -> Result<String, Wrong> {
    let text = needed(words, at, "a name")?;
    match guid_fault(text) {
        Some(what) => Err(Wrong::new(at, what)),
        None => Ok(text.to_owned()),
    }
}

/// What is wrong with a `guid`.
pub fn guid_fault(text: &str) -> Option<String> {
    let is_odd = |character: &char| !character.is_ascii_alphanumeric() && !".:-_".contains(*character);
    match text.chars().find(is_odd) {
        Some(character) => Some(format!("'{text}' is no guid: invalid character '{character}'")),
        None if text.is_empty() || text.len() > LONGEST_GUID => {
            Some(format!("'{text}' is no guid: it has 1 to {LONGEST_GUID} characters"))
        }
        None => None,
    }
}

fn time(words: &[&str], at: usize) -> Result<Duration, Wrong> {
    let word = needed(words, at, "a time")?;
    haproxy::value::time(word).map_err(|what| Wrong::new(at, what))
}

/// A time whose plain numbers are seconds, rounded up; `None` for zero.
fn seconds(words: &[&str], at: usize) -> Result<Option<u32>, Wrong> {
    let word = needed(words, at, "a time in seconds")?;
    let text = if word.bytes().all(|byte| byte.is_ascii_digit()) { format!("{word}s") } else { word.to_owned() };
    let time = haproxy::value::long_time(&text).map_err(|what| Wrong::new(at, what))?;
    Ok(Some(time).filter(|time| *time > 0))
}

/// A time as HAProxy writes it.
fn time_text(time: Duration) -> String {
    match time.as_micros() {
        micros if micros.is_multiple_of(1000) => format!("{}ms", time.as_millis()),
        micros => format!("{micros}us"),
    }
}
