//! Converters that look at, or change, something beside their input.

use super::super::acl;
use super::super::argument::{Argument, Raw};
use super::super::condition::terms;
use super::super::error::RuleError;
use super::super::facts::Number;
use super::super::sample::{Kind, Sample, Text};
use super::super::scope::Scope;
use super::super::stage::Stage;
use super::super::transaction::{Captures, Transaction};
use super::super::variable::Stored;
use super::text::into_text;

/// What [`when`] cannot tell.
pub(super) const LIMITS: &str =
    "toapplet and processed are refused; before the end of a stream, of all errors only a response with 5xx counts";

/// What [`when`] asks, by its number.
const OCCASIONS: [&str; 5] = ["error", "normal", "forwarded", "stopping", "acl"];

pub(super) const CONDITIONS: &[&str] =
    &["ifexists", "ifnotexists", "ifempty", "ifnotempty", "ifset", "ifnotset", "ifgt", "iflt"];

/// Conditions of `set-var` that exclude each other.
pub(super) fn check_conditions(raw: &[Raw]) -> Result<(), RuleError> {
    for (at, condition) in raw.iter().enumerate() {
        let text = condition.text.to_ascii_lowercase();
        let opposite = match text.strip_prefix("ifnot") {
            Some(rest) => format!("if{rest}"),
            None if text == "ifgt" => "iflt".into(),
            None if text == "iflt" => "ifgt".into(),
            None => text.replacen("if", "ifnot", 1),
        };
        if raw[..at].iter().any(|other| other.text.eq_ignore_ascii_case(&opposite)) {
            return Err(
                RuleError::new(0, format!("{text} and {opposite} exclude each other")).further(condition.offset)
            );
        }
    }
    Ok(())
}

/// Whether all conditions (by their numbers in [`CONDITIONS`]) let a variable be set to the sample.
pub(in super::super) fn may_set(
    transaction: &Transaction<'_>,
    name: &super::super::variable::VariableName,
    conditions: &[Argument],
    sample: &Sample<'_>,
) -> bool {
    let variables = transaction.variables;
    let is_empty = matches!(sample, Sample::Str(text) | Sample::Bin(text) if text.is_empty());
    let compare = || match (variables.find(name), sample) {
        (Some(Stored::Int(known)), Sample::Int(new)) => Some(known.cmp(new)),
        _ => None,
    };
    conditions.iter().filter(|condition| condition.is_given()).all(|condition| match condition.int_or(0) {
        0 => variables.exists(name),
        1 => !variables.exists(name),
        2 => is_empty,
        3 => !is_empty,
        4 => variables.find(name).is_some(),
        5 => variables.find(name).is_none(),
        6 => compare().is_none_or(std::cmp::Ordering::is_gt),
        _ => compare().is_none_or(std::cmp::Ordering::is_lt),
    })
}

pub(super) fn set_variable<'t>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    sample: Sample<'t>,
) -> Option<Sample<'t>> {
    let (Argument::Variable(name), conditions) = arguments.split_first()? else { return None };
    if !may_set(transaction, name, conditions, &sample) {
        return None;
    }
    transaction.variables.store(name, Some(Stored::of(&sample)));
    Some(sample)
}

pub(super) fn unset_variable<'t>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    sample: Sample<'t>,
) -> Option<Sample<'t>> {
    let Argument::Variable(name) = arguments.first()? else { return None };
    transaction.variables.store(name, None);
    Some(sample)
}

fn of_name(transaction: &Transaction<'_>, sample: &Sample<'_>, question: Number) -> Option<i64> {
    let name = sample.text();
    transaction.facts.number(question, Some(std::str::from_utf8(&name).ok()?))
}

pub(super) fn usable_servers<'t>(
    transaction: &'t Transaction<'_>,
    _: &'t [Argument],
    sample: Sample<'t>,
) -> Option<Sample<'t>> {
    of_name(transaction, &sample, Number::UsableServers).map(Sample::Int)
}

pub(super) fn server_is_up<'t>(
    transaction: &'t Transaction<'_>,
    _: &'t [Argument],
    sample: Sample<'t>,
) -> Option<Sample<'t>> {
    of_name(transaction, &sample, Number::ServerIsUp).map(|is_up| Sample::Bool(is_up != 0))
}

pub(super) fn frontend_exists<'t>(
    transaction: &'t Transaction<'_>,
    _: &'t [Argument],
    sample: Sample<'t>,
) -> Option<Sample<'t>> {
    Some(Sample::Bool(of_name(transaction, &sample, Number::FrontendExists).is_some()))
}

pub(super) fn server_queue<'t>(
    transaction: &'t Transaction<'_>,
    _: &'t [Argument],
    sample: Sample<'t>,
) -> Option<Sample<'t>> {
    of_name(transaction, &sample, Number::ServerQueue).map(Sample::Int)
}

pub(super) fn capture<'t, const IS_RESPONSE: bool>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    sample: Sample<'t>,
) -> Option<Sample<'t>> {
    let slot = usize::try_from(arguments.first()?.int_or(-1)).ok()?;
    let captures = transaction.captures;
    let slots = if IS_RESPONSE { &captures.response } else { &captures.request };
    Captures::store(slots, slot, &sample.text());
    Some(sample)
}

/// Compiles the condition of [`when`] into its number, negative and less one if it is inverted, and the ACL.
pub(super) fn compile_when(raw: &[Raw], scope: &mut Scope<'_>) -> Result<[Argument; 2], RuleError> {
    let (first, place) = raw.first().map_or(("", 0), |raw| (raw.text.as_str(), raw.offset));
    let wrong = |what: String| RuleError::new(0, what).further(place);
    if scope.stage == Stage::Check {
        return Err(wrong("health checks have no stream".to_owned()));
    }
    let (word, is_inverted) = first.strip_prefix('!').map_or((first, false), |word| (word, true));
    let Some(at) = OCCASIONS.iter().position(|known| *known == word) else {
        return Err(wrong(format!("when does not know '{word}'")).hint(OCCASIONS.join(", ")));
    };
    let number = i64::try_from(at).unwrap_or_default();
    let number = Argument::Int(if is_inverted { -1 - number } else { number });
    match (word, raw.get(1)) {
        ("acl", Some(name)) => {
            let terms = terms(&[&name.text], scope).map_err(|error| error.further(name.offset))?;
            Ok([number, Argument::Tests(terms.into())])
        }
        ("acl", None) => Err(wrong("'acl' needs the name of an ACL".to_owned())),
        (_, Some(more)) => Err(RuleError::new(0, format!("'{word}' takes no '{}'", more.text)).further(more.offset)),
        (_, None) => Ok([number, Argument::Absent]),
    }
}

/// Whether the stream went wrong so far.
fn is_error(transaction: &Transaction<'_>) -> bool {
    match transaction.stage {
        Stage::Log => transaction.facts.number(Number::HadError, None) == Some(1),
        _ => transaction.response.as_ref().is_some_and(|response| response.status() >= 500),
    }
}

pub(super) fn when<'t>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    sample: Sample<'t>,
) -> Option<Sample<'t>> {
    let number = arguments.first()?.int_or(0);
    let is_inverted = number < 0;
    let asks = |question| transaction.facts.number(question, None) == Some(1);
    let holds = match if is_inverted { -1 - number } else { number } {
        0 => is_error(transaction),
        1 => !is_error(transaction),
        2 => asks(Number::WasForwarded),
        3 => asks(Number::Stopping),
        _ => match arguments.get(1)? {
            Argument::Tests(terms) => acl::all(terms, transaction) == acl::Outcome::Match,
            _ => false,
        },
    };
    (holds != is_inverted).then_some(sample)
}

pub(super) fn regsub<'t>(_: &'t Transaction<'_>, arguments: &'t [Argument], sample: Sample<'t>) -> Option<Sample<'t>> {
    let Argument::Regex(regex) = arguments.first()? else { return None };
    let text = into_text(sample);
    let is_global = arguments.get(2).is_some_and(|flags| flags.bytes().contains(&b'g'));
    match regex.replace(&text, arguments.get(1).map(Argument::bytes).unwrap_or_default(), is_global) {
        Some(replaced) => Some(Sample::built(replaced)),
        None => Some(Sample::Str(text)),
    }
}

/// What a map gives for what it does not have.
fn default<'t>(arguments: &'t [Argument]) -> Option<Sample<'t>> {
    arguments.get(1).filter(|default| default.is_given()).map(|default| Sample::str(default.bytes()))
}

/// The value that a map has for the sample, or the default, in the type wanted.
fn mapped<'t>(arguments: &'t [Argument], sample: &Sample<'t>, output: Kind) -> Option<Sample<'t>> {
    let Argument::Patterns(patterns) = arguments.first()? else { return None };
    let value = match patterns.value(sample) {
        Some(value) => Sample::Str(Text::Shared(value)),
        None => default(arguments)?,
    };
    value.cast(output)
}

pub(super) fn map<'t>(_: &'t Transaction<'_>, arguments: &'t [Argument], sample: Sample<'t>) -> Option<Sample<'t>> {
    mapped(arguments, &sample, Kind::Str)
}

pub(super) fn map_to_int<'t>(
    _: &'t Transaction<'_>,
    arguments: &'t [Argument],
    sample: Sample<'t>,
) -> Option<Sample<'t>> {
    mapped(arguments, &sample, Kind::Int)
}

pub(super) fn map_to_address<'t>(
    _: &'t Transaction<'_>,
    arguments: &'t [Argument],
    sample: Sample<'t>,
) -> Option<Sample<'t>> {
    mapped(arguments, &sample, Kind::Addr)
}

pub(super) fn map_to_key<'t>(
    _: &'t Transaction<'_>,
    arguments: &'t [Argument],
    sample: Sample<'t>,
) -> Option<Sample<'t>> {
    let Argument::Patterns(patterns) = arguments.first()? else { return None };
    Some(Sample::built(patterns.find(&sample)?.key))
}

pub(super) fn map_regm<'t>(
    _: &'t Transaction<'_>,
    arguments: &'t [Argument],
    sample: Sample<'t>,
) -> Option<Sample<'t>> {
    let Argument::Patterns(patterns) = arguments.first()? else { return None };
    match patterns.expanded(&sample.text()) {
        Some(value) => Some(Sample::built(value)),
        None => default(arguments),
    }
}
