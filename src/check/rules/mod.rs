//! What a probe does, step by step: HAProxy's `tcp-check` and `http-check` rules (manual §4.2), compiled.
//!
//! Decides what the words of a check mean. Every kind of check is a list of the same rules: `option redis-check` and its
//! like are canned lists ([`canned`]), an empty list is one connection. It never runs anything: `dialogue` does. Read
//! [`Plan`] first, then [`compile`].

mod words;
mod compile;
mod connect;
mod send;
mod expect;
mod canned;
#[cfg(test)]
mod tests;

use crate::rule::variable::{Stored, VariableName};
use crate::rule::{Expression, Format, RuleSet};

pub use compile::{Compiled, LineError, compile};
pub use connect::Connect;
pub use expect::{Expect, HeaderMatch, Pattern, TextMatch};
pub use send::{HttpRequest, Send, Text};
pub(super) use words::binary;

use super::outcome::Code;

/// What a check consists of.
#[derive(Clone, Debug)]
pub enum Plan {
    /// Rules over connections.
    Rules(Ruleset),
    /// A program (`option external-check`).
    Program(Program),
}

/// A program whose exit status tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// `external-check command`
    pub command: String,
    /// `external-check path`: its PATH.
    pub path: String,
}

/// What the rules belong to: it decides how results read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// No option: one connection.
    Plain,
    /// `option tcp-check`
    Tcp,
    /// `option httpchk`
    Http,
    /// A canned list.
    Protocol,
}

/// The rules of a check, a connect among them.
#[derive(Clone, Debug)]
pub struct Ruleset {
    /// What they belong to.
    pub kind: Kind,
    /// In order.
    pub rules: Vec<Rule>,
    /// `http-check disable-on-404`
    pub disable_on_404: bool,
    /// `http-check send-state`
    pub send_state: bool,
    /// Variables set before the first rule.
    pub preset: Vec<(VariableName, Stored)>,
}

/// A rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its number in messages, 1-; 0 for the connect that nobody wrote.
    pub step: usize,
    /// What it says of itself.
    pub comment: Option<String>,
    /// What it does.
    pub action: Action,
}

/// What a rule does.
#[derive(Clone, Debug)]
pub enum Action {
    /// Opens a connection; an earlier one is closed.
    Connect(Connect),
    /// Sends.
    Send(Send),
    /// Waits for an answer and judges it.
    Expect(Expect),
    /// Sets or unsets a variable.
    Variable(RuleSet),
    /// Names the rules behind it; gone when compiled.
    Comment,
}

/// The port of a connect.
#[derive(Clone, Debug)]
pub enum Port {
    /// Written.
    Fixed(u16),
    /// Computed.
    Computed(Expression),
}

/// Codes and words that an expect sets in place of the usual ones.
#[derive(Clone, Debug, Default)]
pub struct Verdicts {
    /// `ok-status`
    pub ok: Option<Code>,
    /// `error-status`
    pub error: Option<Code>,
    /// `tout-status`
    pub timeout: Option<Code>,
    /// `on-success`
    pub on_success: Option<Format>,
    /// `on-error`
    pub on_error: Option<Format>,
    /// `status-code`
    pub status: Option<Expression>,
}

impl Ruleset {
    /// The rule behind `at` that is no variable.
    pub fn next_step(&self, at: usize) -> Option<&Rule> {
        self.rules.get(at + 1..)?.iter().find(|rule| !matches!(rule.action, Action::Variable(_) | Action::Comment))
    }
}
