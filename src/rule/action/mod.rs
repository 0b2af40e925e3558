//! Actions, rules and rule sets (HAProxy manual §4.3, §4.4).
//!
//! Decides what happens to a message or connection. What concerns the message is done here, through its edits; everything
//! else is told in the [`Verdict`] or left in [`Effects`](super::transaction::Effects) for the proxy. [`table`] says which
//! action exists where; [`compile`] reads words, [`apply`] runs.

pub mod table;
mod reader;
mod compile;
mod target;
mod normalize;
pub mod redirect;
pub mod reply;
mod counter;
mod bulk;
mod apply;
mod join;

use std::sync::Arc;
use std::time::Duration;

use super::acl::Outcome;
use super::argument::Argument;
use super::asking::Asking;
use super::bandwidth::Setting;
use super::condition::Condition;
use super::error::RuleError;
use super::expression::Expression;
use super::format::Format;
use super::pattern::{Patterns, Regex};
use super::scope::Scope;
use super::stage::Stage;
use super::transaction::{LogLevel, Transaction, Waiting};
use super::variable::VariableName;
use crate::http::{FieldLine, FieldLines};
use crate::stick::Table;

pub use apply::{Scratch, write_challenge};
pub(super) use apply::{number_of, time_of};
pub use bulk::{Bulk, Likeness};
pub use counter::Place;
pub(super) use counter::check_key;
pub use normalize::Normalizer;
pub use redirect::Redirect;
pub use reply::{Content, Reply};
pub use table::{ACTIONS, ActionRow};

/// Part of a request target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The path, without the query.
    Path,
    /// The path with the query.
    PathAndQuery,
    /// The query.
    Query,
    /// All of it.
    Whole,
}

/// One of the timeouts that `set-timeout` changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Timeout {
    Client,
    Server,
    Connect,
    Queue,
    Tarpit,
    Tunnel,
}

/// A duration, or an expression for its milliseconds.
#[derive(Clone, Debug)]
pub enum Time {
    /// As written.
    Fixed(Duration),
    /// Computed for each request.
    Computed(Expression),
}

/// A number, or an expression for it.
#[derive(Clone, Debug)]
pub enum Value {
    /// As written.
    Fixed(i64),
    /// Computed for each request.
    Computed(Expression),
}

/// A number of the connection or stream that a rule sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Knob {
    ClientTos,
    ServerTos,
    ClientMark,
    ServerMark,
    Nice,
    PriorityClass,
    PriorityOffset,
    Retries,
    SourcePort,
    DestinationPort,
}

/// Which fields `del-header` removes.
#[derive(Clone, Debug)]
pub enum NameMatch {
    /// Those of the name.
    Is(Box<[u8]>),
    /// Those whose name matches.
    Matches(Arc<Patterns>),
}

/// What a rule does to a set of patterns.
#[derive(Clone, Debug)]
pub enum PatternChange {
    /// Add the entry if it is not there.
    Add,
    /// Add the entry or give it the value.
    Set(Format),
    /// Take the entry away.
    Delete,
}

/// What a rule does.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub enum Action {
    /// `allow`, `accept`: no further rules of the set.
    Allow,
    Deny(Reply),
    Tarpit(Reply),
    Return(Reply),
    Redirect(Redirect),
    Auth(Format),
    Reject,
    Close,
    SilentDrop {
        hops: Option<u8>,
    },
    DoLog {
        profile: Option<Box<str>>,
    },
    /// Without a format where the line has its value.
    AddHeader {
        line: FieldLine,
        value: Option<Format>,
    },
    /// The same in place of all fields of the name.
    SetHeader {
        line: FieldLine,
        value: Option<Format>,
    },
    /// Rules of the former two in a row whose lines have their values.
    WriteHeaders(FieldLines),
    DeleteHeader(NameMatch),
    /// Fields in binary form, of those whose names begin so.
    ChangeFields {
        what: Bulk,
        list: Expression,
        prefix: Box<[u8]>,
    },
    /// The whole value of each line, or each value between commas.
    ReplaceHeader {
        name: Box<[u8]>,
        regex: Regex,
        value: Format,
        each_value: bool,
    },
    SetMethod(Format),
    SetTarget {
        part: Part,
        value: Format,
    },
    ReplaceTarget {
        part: Part,
        regex: Regex,
        value: Format,
    },
    Normalize(Normalizer),
    SetStatus {
        status: u16,
        reason: Option<Box<[u8]>>,
    },
    SetVariable {
        name: VariableName,
        conditions: Box<[Argument]>,
        value: Expression,
    },
    SetVariableFormat {
        name: VariableName,
        conditions: Box<[Argument]>,
        value: Format,
    },
    UnsetVariable(VariableName),
    Capture {
        is_response: bool,
        slot: usize,
        value: Expression,
    },
    SetLogLevel(LogLevel),
    SetKnob {
        knob: Knob,
        value: Value,
    },
    SetSource(Expression),
    SetDestination(Expression),
    SetTimeout {
        timeout: Timeout,
        value: Time,
    },
    ChangePatterns {
        file: Box<str>,
        key: Format,
        change: PatternChange,
    },
    WaitForBody {
        time: Duration,
        at_least: usize,
    },
    WaitForHandshake,
    Pause(Time),
    EarlyHint {
        name: Box<[u8]>,
        value: Format,
    },
    StrictMode {
        is_on: bool,
    },
    DisableRetry,
    SwitchToHttp,
    ExpectProxyHeader,
    UseExporter,
    /// Limits how fast the bytes of the stream go.
    LimitBandwidth(Setting),
    /// Asks for the address of a name.
    Resolve(Asking),
    /// Puts a counter on the entry of a key.
    Track {
        counter: usize,
        key: Expression,
        table: Arc<Table>,
    },
    /// Adds to a general counter and to its rate.
    CountUp {
        place: Place,
        by: Value,
    },
    SetTag {
        place: Place,
        to: Value,
    },
}

/// An action with its condition.
#[derive(Clone, Debug)]
pub struct Rule {
    /// What to do.
    pub action: Action,
    /// When; `None` always.
    pub condition: Option<Condition>,
    /// File of the configuration, for `last_rule_file`.
    pub file: Arc<str>,
    /// Line of the configuration, for `last_rule_line`.
    pub line: u32,
}

/// Compiles a rule: the words behind `http-request` or its like, at the scope's stage.
pub fn compile_rule(words: &[&str], line: u32, scope: &mut Scope<'_>) -> Result<Rule, RuleError> {
    let (action, taken) = compile::action(words, scope)?;
    let condition = match words.get(taken) {
        None => None,
        Some(word) if Condition::begins_with(word) => Condition::optional(words, taken, scope)?,
        Some(other) => {
            let error = RuleError::new(taken, format!("unexpected '{other}' after the action"));
            return Err(error.hint("if, unless, or the end of the line"));
        }
    };
    Ok(Rule { action, condition, file: scope.registry.file(), line })
}

/// The rules of one stage of a section.
#[derive(Clone, Debug)]
pub struct RuleSet {
    /// When it runs.
    pub stage: Stage,
    /// In order.
    pub rules: Vec<Rule>,
}

/// What a rule set waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// More data, or the end of `inspect-delay`; the same rule is asked again.
    Data,
    /// That much of the body, all of it, or that time; then the next rule.
    Body {
        /// At most.
        time: Duration,
        /// Bytes; 0 for all.
        at_least: usize,
    },
    /// A time; then the next rule.
    Pause(Duration),
    /// The address of the name that the effects tell; then the next rule.
    Name,
    /// The end of the TLS handshake of a connection that sent data early; then the next rule.
    Handshake,
    /// A line of log, in the look of [`RuleSet::profile`]; then the next rule.
    Line,
}

/// How a rule set ended. What it refers to is in the rules.
#[derive(Clone, Debug)]
pub enum Verdict<'r> {
    /// Go on: no rule ended it, or one allowed it.
    Continue,
    /// Wait, then run the set again from where it stopped.
    Wait(Wait),
    /// Answer with it (403 by default).
    Deny(&'r Reply),
    /// Answer with it (500 by default) after `timeout tarpit`.
    Tarpit(&'r Reply),
    /// Answer with it (200 by default).
    Return(&'r Reply),
    /// Answer with a redirect; the fields have been written.
    Redirect(&'r Redirect),
    /// Answer 401 and ask for a password for the realm.
    Auth(&'r Format),
    /// Close the connection; an HTTP request ends as `PR`.
    Reject,
    /// Close both sides after what has been received.
    Close,
    /// Forget the connection without a packet, or with resets that die after so many hops.
    SilentDrop {
        /// IP time to live of the reset.
        hops: Option<u8>,
    },
    /// A TCP connection goes on as HTTP.
    SwitchToHttp,
    /// Answer with the metrics.
    UseExporter,
    /// A rewrite was not possible: answer with this status.
    Failed {
        /// 400, 500 or 502.
        status: u16,
    },
}

/// Where a rule set is; starts at the first rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    next: usize,
    is_strict: bool,
}

impl Default for Progress {
    fn default() -> Progress {
        Progress { next: 0, is_strict: true }
    }
}

impl RuleSet {
    /// No rules.
    pub fn new(stage: Stage) -> RuleSet {
        RuleSet { stage, rules: Vec::new() }
    }

    /// The log profile that the rule behind which `progress` is asks for.
    pub fn profile(&self, progress: &Progress) -> Option<&str> {
        match &self.rules.get(progress.next.checked_sub(1)?)?.action {
            Action::DoLog { profile } => profile.as_deref(),
            _ => None,
        }
    }

    /// Runs the rules from where `progress` is. Call it again with the same progress after a [`Verdict::Wait`].
    pub fn run<'r>(&'r self, transaction: &mut Transaction<'_>, progress: &mut Progress) -> Verdict<'r> {
        while let Some(rule) = self.rules.get(progress.next) {
            let outcome = rule.condition.as_ref().map_or(Outcome::Match, |condition| condition.outcome(transaction));
            match outcome {
                Outcome::NoMatch => {
                    progress.next += 1;
                    continue;
                }
                Outcome::Unknown => return Verdict::Wait(Wait::Data),
                Outcome::Match => {}
            }
            progress.next += 1;
            let verdict = apply::apply(&rule.action, transaction, &mut progress.is_strict);
            let Some(verdict) = verdict else { continue };
            if matches!(verdict, Verdict::Wait(Wait::Data)) {
                progress.next -= 1;
                return verdict;
            }
            if let Verdict::Wait(what) = verdict {
                if what != Wait::Line {
                    transaction.effects.waiting = Some(Waiting::Rule(Arc::clone(&rule.file), rule.line));
                }
            } else {
                transaction.effects.last_rule = Some((Arc::clone(&rule.file), rule.line));
                progress.next = self.rules.len();
            }
            return verdict;
        }
        Verdict::Continue
    }
}

#[cfg(test)]
mod tests;
