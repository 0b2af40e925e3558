//! Rules: HAProxy's expression language, compiled at load and evaluated over a [`Transaction`].
//!
//! Decides what an expression returns, whether a condition holds, what a format string reads, and what a rule does to a
//! message. It does no I/O, looks at no clock and knows no configuration file: whoever parses (the haproxy.cfg reader, a
//! YAML string) hands over words and gets a compiled thing or a [`RuleError`] with the number of the wrong word and the
//! byte in it. Read [`sample`] first, then the tables [`fetch`] and [`converter`], then [`expression`], [`condition`],
//! [`format`] and [`action`].
//!
//! ```text
//! words -> Scope -> Expression | Condition | Format | Rule         at load
//!                        |            |         |       |
//!                        +------------+---------+-------+-- Transaction -> sample, outcome, bytes, Verdict
//! ```
//!
//! # The seam to the configuration
//!
//! One [`Scope`] per proxy section, with the content of [`Files`], the [`Registry`] of patterns and the userlists of the
//! whole configuration. `acl` lines go to [`Scope::declare_acl`]; rules to [`compile`]; `use_backend` and its like to
//! [`Condition::compile`]; `log-format` and `unique-id-format` to [`Format::compile`]; texts of YAML to
//! [`compile_text`] and [`Condition::compile_text`]. What a rule names and cannot see itself (backends, servers,
//! `http-errors` sections) is in [`Scope::references`] to be looked up afterwards; [`Scope::warnings`] never stops a load.
//! The registry belongs to the generation: the runtime API changes its sets while rules read them.
//!
//! # The seam to the proxy
//!
//! Before each stage the proxy makes a [`Transaction`] from what it holds: heads with their [`Edits`](crate::http::Edits),
//! the bytes in its buffers, the stream's [`Variables`], [`Captures`] and [`Effects`], and itself as [`Facts`]. It runs the
//! [`RuleSet`] of the section and obeys the [`Verdict`]; a [`Verdict::Wait`] is answered by running the same set again with
//! the same [`Progress`]. Heads are then written by [`write_edited_request`](crate::http::write_edited_request) and
//! [`write_edited_response`](crate::http::write_edited_response). Between streams it clears the edits and forgets the
//! variables of `txn`, `req` and `res`. Where nothing builds a string (`set-header` of a request value, ACLs, variables
//! of numbers) evaluation allocates nothing once buffers have grown.

mod error;
mod words;
pub mod sample;
pub mod argument;
pub mod stage;
pub mod facts;
pub mod variable;
pub mod userlist;
pub mod reference;
pub mod key;
pub mod public_key;
pub mod rdp;
pub mod pattern;
pub mod transaction;
pub mod asks;
pub mod scope;
pub mod fetch;
pub mod converter;
pub mod expression;
pub mod acl;
pub mod condition;
pub mod format;
pub mod action;
pub mod bandwidth;
pub mod asking;
pub mod pages;
pub mod forwarding;
pub mod options;
pub mod statistics;
pub mod choice;
pub mod persistence;
pub mod logging;
pub mod carried;
pub mod codes;
pub mod caching;
pub mod value;
pub mod environment;
pub mod globals;
pub mod section;
mod explain;

pub use acl::Outcome;
pub use action::{Progress, Rule, RuleSet, Verdict, Wait};
pub use choice::{Choice, Target};
pub use condition::Condition;
pub use error::{By, RuleError, Support, Warning};
pub use explain::{Explanation, explain};
pub use expression::Expression;
pub use facts::Facts;
pub use format::{Format, FormatUse};
pub use logging::Logging;
pub use pattern::Registry;
pub use scope::{Files, NoFiles, Scope};
pub use section::{Names, Section};
pub use stage::Stage;
pub use transaction::{Captures, Data, Effects, Transaction};
pub use variable::Variables;
pub use words::{join, split};

/// Compiles the words of a rule behind `http-request` or its like, at the scope's stage: `set-header X-A %[src] if TRUE`.
/// `line` is where it stands, for `last_rule_line` and messages.
pub fn compile(words: &[&str], line: u32, scope: &mut Scope<'_>) -> Result<Rule, RuleError> {
    action::compile_rule(words, line, scope)
}

/// As [`compile`], of one text with quotes as in haproxy.cfg.
pub fn compile_text(text: &str, line: u32, scope: &mut Scope<'_>) -> Result<Rule, RuleError> {
    let words = words::split(text)?;
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    compile(&words, line, scope)
}

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;
