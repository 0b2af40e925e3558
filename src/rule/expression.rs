//! Sample expressions: a fetch and the converters behind it, `req.hdr(host),lower,field(1,:)`.

use super::argument::{self, Argument, Raw, Spec};
use super::carried;
use super::converter;
use super::error::{RuleError, Support};
use super::fetch::{self, Cursor};
use super::sample::{Kind, Sample};
use super::scope::Scope;
use super::stage::{Needs, Side, Stage};
use super::transaction::Transaction;

/// A converter with its arguments.
type Step = (&'static converter::Row, Box<[Argument]>);

/// A compiled expression.
#[derive(Clone, Debug)]
pub struct Expression {
    fetch: &'static fetch::Row,
    arguments: Box<[Argument]>,
    converters: Box<[Step]>,
}

impl Expression {
    /// Compiles a whole word.
    pub fn compile(word: &str, scope: &mut Scope<'_>) -> Result<Expression, RuleError> {
        let (expression, length) = Expression::start(word, scope)?;
        if length < word.len() {
            let what = format!("unexpected '{}' after '{}'", &word[length..], &word[..length]);
            return Err(RuleError::new(0, what).further(length));
        }
        Ok(expression)
    }

    /// Compiles as far as the text is an expression, and says how far that is.
    pub fn start(text: &str, scope: &mut Scope<'_>) -> Result<(Expression, usize), RuleError> {
        let call = argument::call(text)?;
        let row = find_fetch(call.name, scope)?;
        let (arguments, mut at) = (fetch_arguments(row, &call.arguments, scope)?, call.length);
        let (converters, length) = steps(&text[at..], row.output, scope).map_err(|error| error.further(at))?;
        at += length;
        Ok((Expression { fetch: row, arguments, converters: converters.into() }, at))
    }

    /// As [`Expression::compile`], with further converters in the words that follow, as `set-var` allows. Says how many
    /// words were taken.
    pub fn compile_words(words: &[&str], scope: &mut Scope<'_>) -> Result<(Expression, usize), RuleError> {
        let Some(first) = words.first() else { return Err(RuleError::new(0, "an expression is missing")) };
        let mut expression = Expression::compile(first, scope)?;
        let mut taken = 1;
        while let Some(word) = words.get(taken) {
            let known = argument::call(word).is_ok_and(|call| converter::by_name(call.name).is_some());
            if !known {
                break;
            }
            let text = format!(",{word}");
            let from = expression.output();
            let (more, _) = steps(&text, from, scope).map_err(|error| error.later(taken))?;
            expression.converters = [expression.converters.into_vec(), more].concat().into();
            taken += 1;
        }
        Ok((expression, taken))
    }

    /// A list of converters for [`Expression::convert`] to give texts to; what they make can be hashed.
    pub(super) fn of_converters(list: &str, scope: &mut Scope<'_>) -> Result<Expression, RuleError> {
        let back = |error: RuleError| RuleError { offset: error.offset.saturating_sub(1), ..error };
        let (converters, length) = steps(&format!(",{list}"), Kind::Str, scope).map_err(back)?;
        if length <= list.len() {
            return Err(RuleError::new(0, format!("unexpected '{}'", &list[length - 1..])).further(length - 1));
        }
        // It stands for the text, and is never asked.
        let expression = Expression::of_row(find_fetch("str", scope)?, Box::default(), converters);
        match expression.output() {
            kind if kind.casts_to(Kind::Bin) => Ok(expression),
            kind => Err(RuleError::new(0, format!("a value of type {} cannot be hashed", kind.name()))),
        }
    }

    pub(super) fn of_row(row: &'static fetch::Row, arguments: Box<[Argument]>, converters: Vec<Step>) -> Expression {
        Expression { fetch: row, arguments, converters: converters.into() }
    }

    /// The fetch that it starts with.
    pub fn fetch(&self) -> &'static fetch::Row {
        self.fetch
    }

    pub(super) fn arguments(&self) -> &[Argument] {
        &self.arguments
    }

    /// The type of its values.
    pub fn output(&self) -> Kind {
        output(self.fetch.output, &self.converters)
    }

    /// Its value for an expression that wants one; `None` if there is none.
    pub fn value<'t>(&'t self, transaction: &'t Transaction<'_>) -> Option<Sample<'t>> {
        self.next(transaction, &mut Cursor::default())
    }

    /// Its value, or the next of its values, as the cursor says.
    pub fn next<'t>(&'t self, transaction: &'t Transaction<'_>, cursor: &mut Cursor) -> Option<Sample<'t>> {
        let wants_request = match self.fetch.needs {
            Needs::RequestHead => true,
            Needs::Head => !transaction.stage.is_response(),
            _ => false,
        };
        if wants_request && transaction.request.is_none() {
            cursor.may_change |= transaction.may_wait() && transaction.is_request().is_none();
            return None;
        }
        if self.converters.is_empty() {
            return self.fetch.value(transaction, &self.arguments, cursor);
        }
        let sample = self.fetch.value(transaction, &self.arguments, cursor)?;
        self.convert(transaction, sample)
    }

    /// What its converters make of a value.
    #[inline]
    pub fn convert<'t>(&'t self, transaction: &'t Transaction<'_>, mut sample: Sample<'t>) -> Option<Sample<'t>> {
        for (row, arguments) in &self.converters {
            let run = row.run?;
            sample = run(transaction, arguments, sample.cast(row.input)?)?;
        }
        Some(sample)
    }

    /// Refuses an expression that looks at something that the scope's stage does not have.
    pub fn check_stage(&self, scope: &Scope<'_>) -> Result<(), RuleError> {
        if scope.has(self.fetch.needs) {
            return Ok(());
        }
        let (name, needs, place) = (self.fetch.name, self.fetch.needs.name(), scope.place(self.fetch.needs));
        Err(RuleError::new(0, format!("'{name}' needs {needs}, which {place} does not have")))
    }
}

fn output(start: Kind, converters: &[Step]) -> Kind {
    converters.iter().fold(start, |kind, (row, _)| match row.output {
        // The same as its input for those that pass it on; known at run time for the others.
        Kind::Any if row.input == Kind::Any => kind,
        output => output,
    })
}

pub(super) fn find_fetch(name: &str, scope: &Scope<'_>) -> Result<&'static fetch::Row, RuleError> {
    let unknown = || RuleError::unknown("fetch", name, fetch::all().map(|row| row.name));
    let row = fetch::by_name(name).ok_or_else(unknown)?;
    let refused = match row.support {
        Support::Refused(why) => Some(why),
        _ if scope.stage == Stage::Check => carried::fetch_of_check(row),
        _ => None,
    };
    let complaint = |why| RuleError::new(0, format!("fetch '{name}' is not supported: {why}"));
    refused.map_or(Ok(row), |why| Err(complaint(why)))
}

pub(super) fn fetch_arguments(
    row: &fetch::Row,
    raw: &[Raw],
    scope: &mut Scope<'_>,
) -> Result<Box<[Argument]>, RuleError> {
    let mut arguments = argument::compile(row.name, raw, row.arguments, row.needed, scope)?;
    scope.asks.note(row.run);
    if row.name == "uuid" && !matches!(arguments[0].int_or(4), 4 | 7) {
        let what = format!("there is no UUID of version {}: 4 or 7", arguments[0].int_or(4));
        return Err(RuleError::new(0, what).further(raw.first().map_or(0, |raw| raw.offset)));
    }
    // Without a name it is the section, if the section is one.
    let other = match (row.arguments.first(), scope.side) {
        (Some(Spec::Backend), Side::Frontend) => Some("backend"),
        (Some(Spec::Frontend), Side::Backend) => Some("frontend"),
        _ => None,
    };
    if let Some(other) = other.filter(|_| !arguments.first().is_some_and(Argument::is_given)) {
        let what = format!("'{}' needs the name of a {other}: '{}' is none", row.name, scope.home);
        return Err(RuleError::new(0, what));
    }
    if let fetch::Run::Counter(counter) = row.run {
        let at = usize::from(counter.deed.is_array());
        if counter.whose == fetch::Whose::Named
            && let Some(raw) = raw.get(at)
        {
            // HAProxy takes it: nothing is ever tracked there.
            scope.counter(&raw.text).map_or_else(|error| scope.warn(0, error.what), drop);
        }
    }
    let wants_own_table = |run| match run {
        fetch::Run::Counter(counter) => counter.whose == fetch::Whose::Source,
        _ => true,
    };
    // A table that is not named is that of the section, or of what is tracked.
    if let Some(at) = row.arguments.iter().position(|spec| *spec == Spec::Table)
        && !arguments[at].is_given()
        && wants_own_table(row.run)
    {
        arguments[at] = Argument::Table(scope.own_table()?);
    }
    if row.arguments.first() == Some(&Spec::Special) {
        let names: Vec<&str> = raw.iter().map(|raw| raw.text.as_str()).collect();
        arguments[0] = Argument::Tests(super::condition::terms(&names, scope)?.into());
    }
    Ok(arguments)
}

/// Compiles `,converter(arguments)` as often as it is there.
pub(super) fn steps(text: &str, mut from: Kind, scope: &mut Scope<'_>) -> Result<(Vec<Step>, usize), RuleError> {
    let mut found = Vec::new();
    let mut at = 0;
    while text[at..].starts_with(',') {
        let start = at + 1;
        let call = argument::call(&text[start..]).map_err(|error| error.further(start))?;
        let unknown = || RuleError::unknown("converter", call.name, converter::all().map(|row| row.name));
        let row = converter::by_name(call.name).ok_or_else(|| unknown().further(start))?;
        if let Support::Refused(why) = row.support {
            let what = format!("converter '{}' is not supported: {why}", row.name);
            return Err(RuleError::new(0, what).further(start));
        }
        if !from.casts_to(row.input) {
            let (input, name) = (row.input.name(), row.name);
            let what = format!("'{name}' takes a value of type {input}, not {}", from.name());
            return Err(RuleError::new(0, what).further(start));
        }
        let arguments = converter::compile(row, &call.arguments, scope).map_err(|error| error.further(start))?;
        at = start + call.length;
        found.push((row, arguments));
        from = output(from, &found[found.len() - 1..]);
    }
    Ok((found, at))
}
