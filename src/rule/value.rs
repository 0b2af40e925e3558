//! Values that no message is needed for: what `set var` gives to variables of the process.

use std::collections::HashMap;
use std::sync::Arc;

use super::format::{Format, FormatUse};
use super::transaction::{Captures, Data, Effects};
use super::variable::{ProcessVariables, Stored, Variables};
use super::{Expression, Facts, Files, Registry, RuleError, Scope, Stage, Transaction};

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written<'a> {
    /// An expression, word by word.
    Expression(&'a [&'a str]),
    /// A format string.
    Format(&'a str),
}

/// What something comes to; `None` has no value.
///
/// # Errors
/// It cannot be compiled, or looks at what is not there outside of a stream.
pub fn evaluate(
    written: Written<'_>,
    variables: &Arc<ProcessVariables>,
    facts: &dyn Facts,
) -> Result<Option<Stored>, RuleError> {
    let (mut registry, userlists) = (Registry::default(), HashMap::new());
    let mut scope = Scope::new(Stage::Load, &NoFiles, &mut registry, &userlists);
    let given = match written {
        Written::Expression(words) => Given::expression(words, &mut scope)?.0,
        Written::Format(text) => Given::format(text, &mut scope)?,
    };
    let mut effects = Effects::default();
    let transaction = Transaction {
        stage: Stage::Load,
        facts,
        request: None,
        response: None,
        request_data: Data::default(),
        response_data: Data::default(),
        variables: &Variables::new(Arc::clone(variables)),
        captures: &Captures::default(),
        patterns: &registry,
        effects: &mut effects,
    };
    Ok(given.value(&transaction))
}

/// What a variable is given.
#[derive(Debug)]
pub(super) enum Given {
    /// The value of an expression, with its type.
    Sample(Expression),
    /// A text.
    Text(Format),
}

impl Given {
    /// Compiles an expression of the scope's stage, and says how many words it takes.
    pub(super) fn expression(words: &[&str], scope: &mut Scope<'_>) -> Result<(Given, usize), RuleError> {
        let (expression, taken) = Expression::compile_words(words, scope)?;
        expression.check_stage(scope)?;
        Ok((Given::Sample(expression), taken))
    }

    /// Compiles a format string.
    pub(super) fn format(text: &str, scope: &mut Scope<'_>) -> Result<Given, RuleError> {
        Format::compile(text, FormatUse::Plain, scope).map(Given::Text)
    }

    /// What it comes to.
    pub(super) fn value(&self, transaction: &Transaction<'_>) -> Option<Stored> {
        match self {
            Given::Sample(expression) => expression.value(transaction).map(|sample| Stored::of(&sample)),
            Given::Text(format) => {
                let mut text = Vec::new();
                format.render(transaction, &mut text);
                Some(Stored::Str(text.into()))
            }
        }
    }
}

struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _: &str) -> Result<Vec<u8>, String> {
        Err("files are read with the configuration, and not by this".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::fixture::Surroundings;

    #[test]
    fn expressions_and_formats_have_values_without_a_stream() {
        let variables = Arc::new(ProcessVariables::default());
        let value = |written| evaluate(written, &variables, &Surroundings);
        assert_eq!(value(Written::Expression(&["int(3)"])), Ok(Some(Stored::Int(3))));
        assert_eq!(value(Written::Expression(&["str(a),upper"])), Ok(Some(Stored::Str(b"A"[..].into()))));
        assert_eq!(value(Written::Format("%[int(3)]a")), Ok(Some(Stored::Str(b"3a"[..].into()))));
        assert!(value(Written::Expression(&["src"])).is_err());
    }
}
