//! What is wrong with a rule, and where.

use crate::diag::nearest;

/// A rule that cannot be compiled. The operator is to blame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct RuleError {
    /// Number of the word among those that were given, 0-.
    pub at: usize,
    /// Byte in that word.
    pub offset: usize,
    /// The complaint, a lower-case phrase.
    pub what: String,
    /// What could be typed instead.
    pub hint: Option<String>,
}

impl RuleError {
    /// A complaint about the start of a word.
    pub fn new(at: usize, what: impl Into<String>) -> RuleError {
        RuleError { at, offset: 0, what: what.into(), hint: None }
    }

    /// The same about a byte further on.
    pub(super) fn further(mut self, bytes: usize) -> RuleError {
        self.offset += bytes;
        self
    }

    /// The same about a later word.
    pub(crate) fn later(mut self, words: usize) -> RuleError {
        self.at += words;
        self
    }

    /// With advice.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> RuleError {
        self.hint = Some(hint.into());
        self
    }

    /// An unknown name, with the nearest known one as advice.
    pub(super) fn unknown<'n>(what: &str, name: &str, known: impl Iterator<Item = &'n str>) -> RuleError {
        let error = RuleError::new(0, format!("unknown {what} '{name}'"));
        match nearest(name, known) {
            Some(known) => error.hint(format!("did you mean '{known}'?")),
            None => error,
        }
    }
}

/// Something that works, but hardly as meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Number of the word among those that were given, 0-.
    pub at: usize,
    /// The complaint.
    pub what: String,
    /// Who has it.
    pub by: By,
}

/// Who warns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// HAProxy, too: where its warnings are errors, this is one.
    Both,
    /// Nobody else: it is advice.
    Us,
}

/// How far vipgate supports a name of HAProxy's language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// As HAProxy does.
    Full,
    /// As HAProxy does, but for what is said.
    Partial(&'static str),
    /// A configuration that uses it is refused, for the reason given.
    Refused(&'static str),
}
