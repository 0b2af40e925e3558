//! Which server a stream went to before, by a stick table: `stick` (HAProxy manual §4.2).

use std::sync::Arc;

use super::action;
use super::condition::Condition;
use super::error::RuleError;
use super::expression::Expression;
use super::scope::Scope;
use super::stage::Stage;
use crate::model::stick::DataType;
use crate::stick::Table;

/// What a `stick` line does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StickKind {
    /// `stick match`: uses the server that is remembered.
    Match,
    /// `stick store-request`, `stick store-response`: remembers the server.
    Store,
    /// `stick on`: both.
    Both,
}

/// A `stick` line.
#[derive(Debug)]
pub struct StickRule {
    /// What it does.
    pub kind: StickKind,
    /// What the server is remembered by.
    pub key: Expression,
    /// Where.
    pub table: Arc<Table>,
    /// When; `None` always.
    pub condition: Option<Condition>,
}

impl StickKind {
    /// Whether a remembered server is used.
    pub fn matches(self) -> bool {
        self != StickKind::Store
    }

    /// Whether the server is remembered.
    pub fn stores(self) -> bool {
        self != StickKind::Match
    }
}

/// `stick on <pattern> [table <table>] [if|unless ...]` and its like, all words.
pub(super) fn stick(words: &[&str], scope: &mut Scope<'_>) -> Result<StickRule, RuleError> {
    let kind = match words.get(1).copied() {
        Some("match") => StickKind::Match,
        Some("on") => StickKind::Both,
        Some("store-request" | "store-response") => StickKind::Store,
        _ => return Err(RuleError::new(1, "'stick' needs on, match, store-request or store-response")),
    };
    let mut at = 2;
    let (key, taken) =
        Expression::compile_words(words.get(at..).unwrap_or_default(), scope).map_err(|error| error.later(at))?;
    key.check_stage(scope).map_err(|error| error.later(at))?;
    at += taken;
    let table = match words.get(at) {
        Some(&"table") => {
            let Some(name) = words.get(at + 1) else { return Err(RuleError::new(at, "'table' needs a name")) };
            at += 2;
            scope.table(name).map_err(|error| error.later(at - 1))?
        }
        _ => scope.own_table()?,
    };
    action::check_key(&key, &table).map_err(|error| error.later(2))?;
    debug_assert!(table.layout().stored(DataType::ServerKey).is_some(), "whoever makes tables knows what needs them");
    Ok(StickRule { kind, key, table, condition: Condition::optional(words, at, scope)? })
}

/// Where a `stick` line is evaluated.
pub(super) fn stage_of(words: &[&str], is_http: bool) -> Stage {
    match (words.get(1).copied(), is_http) {
        (Some("store-response"), true) => Stage::HttpResponse,
        (Some("store-response"), false) => Stage::TcpResponse,
        (_, true) => Stage::HttpRequest,
        (_, false) => Stage::TcpRequest,
    }
}
