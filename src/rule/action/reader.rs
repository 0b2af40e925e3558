//! The words behind the name of an action: what stands next, and what it means.

use std::ops::RangeInclusive;

use super::super::argument;
use super::super::condition::Condition;
use super::super::error::RuleError;
use super::super::expression::Expression;
use super::super::format::{Format, FormatUse};
use super::super::pattern::Regex;
use super::super::pattern::set::Case;
use super::super::sample::Kind;
use super::super::scope::Scope;
use super::{Time, Value};

/// Reads words from the left; complaints have the number of the word.
pub(super) struct Reader<'w, 's, 'a> {
    /// The name of the action, and what stands behind it: arguments and perhaps a condition.
    pub words: &'w [&'w str],
    /// The number of the next word, 1-.
    pub at: usize,
    pub scope: &'s mut Scope<'a>,
}

impl<'w> Reader<'w, '_, '_> {
    /// The next word, unless a condition begins there.
    pub(super) fn peek(&self) -> Option<&'w str> {
        self.words.get(self.at).copied().filter(|word| !Condition::begins_with(word))
    }

    /// The next word, which has to be there.
    pub(super) fn word(&mut self, what: &str) -> Result<&'w str, RuleError> {
        let missing = || RuleError::new(self.at - 1, format!("'{}' needs {what}", self.words[0]));
        let word = self.words.get(self.at).copied().ok_or_else(missing)?;
        self.at += 1;
        Ok(word)
    }

    /// Takes the next word if it is this one.
    pub(super) fn takes(&mut self, wanted: &str) -> bool {
        let is_there = self.peek() == Some(wanted);
        self.at += usize::from(is_there);
        is_there
    }

    /// Takes the next word, which has to be this one.
    pub(super) fn exactly(&mut self, wanted: &str) -> Result<(), RuleError> {
        let word = self.word(&format!("'{wanted}'"))?;
        if word == wanted { Ok(()) } else { Err(self.wrong(format!("expected '{wanted}', found '{word}'"))) }
    }

    /// A complaint about the word that was taken last.
    pub(super) fn wrong(&self, what: impl Into<String>) -> RuleError {
        RuleError::new(self.at - 1, what)
    }

    /// What a compiler of its own makes of the words from the next one; it says how many it takes.
    pub(super) fn part<T>(
        &mut self,
        compile: impl FnOnce(&[&str], &mut Scope<'_>) -> Result<(T, usize), RuleError>,
    ) -> Result<T, RuleError> {
        let at = self.at;
        let words = self.words.get(at..).unwrap_or_default();
        let (part, taken) = compile(words, self.scope).map_err(|error| error.later(at))?;
        self.at += taken;
        Ok(part)
    }

    pub(super) fn format(&mut self, what: &str) -> Result<Format, RuleError> {
        self.format_for(what, FormatUse::Http)
    }

    pub(super) fn format_for(&mut self, what: &str, purpose: FormatUse) -> Result<Format, RuleError> {
        let at = self.at;
        let word = self.word(what)?;
        Format::compile(word, purpose, self.scope).map_err(|error| error.later(at))
    }

    pub(super) fn expression(&mut self) -> Result<Expression, RuleError> {
        self.part(|words, scope| {
            let (expression, taken) = Expression::compile_words(words, scope)?;
            expression.check_stage(scope)?;
            Ok((expression, taken))
        })
    }

    pub(super) fn regex(&mut self) -> Result<Regex, RuleError> {
        let word = self.word("a regex")?;
        Regex::new(word, Case::Sensitive).map_err(|why| self.wrong(why))
    }

    /// A field name; framing is not a rule's business.
    pub(super) fn name(&mut self) -> Result<Box<[u8]>, RuleError> {
        let word = self.word("the name of a field")?;
        let name = word.strip_suffix(':').filter(|name| !name.is_empty()).unwrap_or(word);
        if name != word {
            self.scope.warn(self.at - 1, format!("the colon is no part of a field's name: taken as '{name}'"));
        }
        if !name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':') || name.is_empty() {
            return Err(self.wrong(format!("'{name}' is not the name of a field")));
        }
        if ["content-length", "transfer-encoding"].iter().any(|framing| name.eq_ignore_ascii_case(framing)) {
            let what = format!("'{name}' is forwarded as received, whatever rules do: it delimits the body");
            self.scope.warn(self.at - 1, what);
        }
        let of_a_connection = ["connection", "keep-alive", "proxy-connection", "te", "upgrade"];
        if of_a_connection.iter().any(|known| name.eq_ignore_ascii_case(known)) {
            let what = format!("'{name}' is about one connection and not forwarded, whatever rules make of it");
            self.scope.warn(self.at - 1, what);
        }
        Ok(name.as_bytes().into())
    }

    /// A number within the range, decimal or behind `0x`.
    pub(super) fn number(&mut self, range: RangeInclusive<i64>) -> Result<i64, RuleError> {
        let word = self.word("a number")?;
        let number = match word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
            Some(digits) => i64::from_str_radix(digits, 16).ok(),
            None => word.parse().ok(),
        };
        let wrong = || self.wrong(format!("'{word}' is not a number from {} to {}", range.start(), range.end()));
        number.filter(|number| range.contains(number)).ok_or_else(wrong)
    }

    /// A number within the range, or an expression for one.
    pub(super) fn value(&mut self, range: RangeInclusive<i64>) -> Result<Value, RuleError> {
        let is_number = self.peek().is_some_and(|word| word.starts_with(|c: char| c.is_ascii_digit() || c == '-'));
        if is_number {
            return self.number(range).map(Value::Fixed);
        }
        let at = self.at;
        let expression = self.expression()?;
        if !expression.output().casts_to(Kind::Int) {
            return Err(RuleError::new(at, "the expression does not return a number"));
        }
        Ok(Value::Computed(expression))
    }

    /// A time, or an expression for one in ms.
    pub(super) fn time(&mut self) -> Result<Time, RuleError> {
        let fixed = self.peek().and_then(argument::duration);
        match fixed {
            Some(duration) => {
                self.at += 1;
                Ok(Time::Fixed(duration))
            }
            None => self.expression().map(Time::Computed),
        }
    }

    /// An expression for an address.
    pub(super) fn address(&mut self) -> Result<Expression, RuleError> {
        let at = self.at;
        let expression = self.expression()?;
        if !expression.output().casts_to(Kind::Addr) {
            return Err(RuleError::new(at, "the expression does not return an address"));
        }
        Ok(expression)
    }
}
