//! Lines that say where a stream goes: `use_backend`, `use-server` (HAProxy manual §4.2).

use super::condition::Condition;
use super::error::RuleError;
use super::format::{Format, FormatUse};
use super::reference::ReferenceKind;
use super::scope::Scope;

/// A `use_backend` or `use-server` line.
#[derive(Debug)]
pub struct Choice {
    /// Which.
    pub target: Target,
    /// When; `None` always.
    pub condition: Option<Condition>,
}

/// What names a backend or a server.
#[derive(Debug)]
pub enum Target {
    /// Its name.
    Named(Box<str>),
    /// A format that makes its name, or that of none.
    Computed(Format),
}

/// `use_backend <backend> [if|unless ...]`, all its words.
pub(super) fn use_backend(words: &[&str], scope: &mut Scope<'_>) -> Result<Choice, RuleError> {
    let Some(name) = words.get(1) else { return Err(RuleError::new(0, "'use_backend' needs a name")) };
    Ok(Choice { target: target(name, scope)?, condition: Condition::optional(words, 2, scope)? })
}

/// `use-server <server> [if|unless ...]`, all its words.
pub(super) fn use_server(words: &[&str], scope: &mut Scope<'_>) -> Result<Choice, RuleError> {
    let Some(name) = words.get(1) else { return Err(RuleError::new(0, "'use-server' needs a server")) };
    let target = target(name, scope)?;
    if let Target::Named(name) = &target {
        let full = format!("{}/{name}", scope.home);
        scope.refer(ReferenceKind::Server, &full);
    }
    Ok(Choice { target, condition: Condition::optional(words, 2, scope)? })
}

/// The second word of such a line.
fn target(name: &str, scope: &mut Scope<'_>) -> Result<Target, RuleError> {
    if !name.contains('%') {
        return Ok(Target::Named(name.into()));
    }
    Format::compile(name, FormatUse::Plain, scope).map(Target::Computed).map_err(|error| error.later(1))
}
