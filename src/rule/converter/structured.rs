//! Text that has a structure: JSON, tokens, parameters, lists of languages.

use serde_json::Value;

use super::super::argument::Argument;
use super::super::error::RuleError;
use super::super::sample::Sample;
use super::super::transaction::Transaction;
use super::encoding::base64_url_decode;
use super::text::into_text;

/// A step of a JSON path.
enum Step<'p> {
    Key(&'p str),
    Index(usize),
}

/// The steps of `$.key[3]['other']`; `None` where the path is wrong.
fn steps(path: &str) -> Option<Vec<Step<'_>>> {
    let mut rest = path.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            if end == 0 {
                return None;
            }
            steps.push(Step::Key(&after[..end]));
            rest = &after[end..];
            continue;
        }
        let (inside, after) = rest.strip_prefix('[')?.split_once(']')?;
        let quoted = |quote| inside.strip_prefix(quote).and_then(|inside| inside.strip_suffix(quote));
        steps.push(match quoted('\'').or_else(|| quoted('"')) {
            Some(key) => Step::Key(key),
            None => Step::Index(inside.parse().ok()?),
        });
        rest = after;
    }
    Some(steps)
}

/// Says whether a JSON path can be followed.
pub(super) fn check_path(path: &str) -> Result<(), RuleError> {
    let wrong = || RuleError::new(0, format!("'{path}' is not a JSON path")).hint("$.key, $.list[0], $['a key']");
    steps(path).map(drop).ok_or_else(wrong)
}

/// What the path leads to, as a sample; `as_int` asks for a number.
fn query<'t>(json: &[u8], path: &Argument, as_int: bool) -> Option<Sample<'t>> {
    let root: Value = serde_json::from_slice(json).ok()?;
    let mut value = &root;
    for step in steps(std::str::from_utf8(path.bytes()).ok()?)? {
        value = match step {
            Step::Key(key) => value.get(key)?,
            Step::Index(index) => value.get(index)?,
        };
    }
    match value {
        Value::Number(number) if as_int => {
            number.as_i64().or_else(|| number.as_f64().map(|number| number as i64)).map(Sample::Int)
        }
        _ if as_int => None,
        Value::Number(number) => Some(Sample::built(number.to_string())),
        Value::String(text) => Some(Sample::built(text.as_bytes())),
        Value::Bool(value) => Some(Sample::Bool(*value)),
        Value::Array(_) => Some(Sample::built(value.to_string())),
        Value::Null | Value::Object(_) => None,
    }
}

fn wants_int(arguments: &[Argument]) -> bool {
    arguments.get(1).is_some_and(Argument::is_given)
}

pub(super) fn json_query<'t>(
    _: &'t Transaction<'_>,
    arguments: &'t [Argument],
    sample: Sample<'t>,
) -> Option<Sample<'t>> {
    query(&into_text(sample), arguments.first()?, wants_int(arguments))
}

/// A part of a token in compact form (RFC 7515 §7.1), or what a path finds in it.
fn token_part<'t>(sample: Sample<'_>, part: usize, arguments: &[Argument]) -> Option<Sample<'t>> {
    let token = into_text(sample);
    let mut parts = token.split(|byte| *byte == b'.');
    let part = base64_url_decode(parts.nth(part)?)?;
    match arguments.first().filter(|path| path.is_given()) {
        Some(path) => query(&part, path, wants_int(arguments)),
        None => Some(Sample::built(part)),
    }
}

pub(super) fn token_header<'t>(
    _: &'t Transaction<'_>,
    arguments: &'t [Argument],
    sample: Sample<'t>,
) -> Option<Sample<'t>> {
    token_part(sample, 0, arguments)
}

pub(super) fn token_payload<'t>(
    _: &'t Transaction<'_>,
    arguments: &'t [Argument],
    sample: Sample<'t>,
) -> Option<Sample<'t>> {
    token_part(sample, 1, arguments)
}

/// A delimiter: one character, or its number as `0x26`.
fn delimiter(argument: Option<&Argument>) -> u8 {
    let text = argument.map(Argument::bytes).unwrap_or_default();
    let number = text.strip_prefix(b"0x").or_else(|| text.strip_prefix(b"0X")).and_then(super::super::argument::hex);
    match number.as_deref() {
        Some([byte]) => *byte,
        _ => text.first().copied().unwrap_or(b'&'),
    }
}

pub(super) fn parameter<'t>(
    _: &'t Transaction<'_>,
    arguments: &'t [Argument],
    sample: Sample<'t>,
) -> Option<Sample<'t>> {
    let text = into_text(sample);
    let (name, delimiter) = (arguments.first()?.bytes(), delimiter(arguments.get(1)));
    let mut start = 0;
    for pair in text.split(|byte| *byte == delimiter) {
        let end = start + pair.len();
        let equals = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        if &pair[..equals] == name {
            let from = (start + equals + 1).min(end);
            return Some(Sample::Str(text.part(from, end)));
        }
        start = end + 1;
    }
    None
}

/// The quality of an element of Accept-Language in thousandths (RFC 9110 §12.4.2).
fn quality(parameters: &[u8]) -> u32 {
    let text = std::str::from_utf8(parameters).unwrap_or_default();
    let value = text.split(';').find_map(|parameter| parameter.trim().strip_prefix("q="));
    let Some(value) = value else { return 1000 };
    value.trim().parse::<f64>().map_or(1000, |value| (value.clamp(0.0, 1.0) * 1000.0) as u32)
}

pub(super) fn language<'t>(
    _: &'t Transaction<'_>,
    arguments: &'t [Argument],
    sample: Sample<'t>,
) -> Option<Sample<'t>> {
    let text = into_text(sample);
    let known = || arguments.first().map(Argument::bytes).unwrap_or_default().split(|byte| *byte == b';');
    let mut best: Option<(u32, &'t [u8])> = None;
    for element in text.split(|byte| *byte == b',') {
        let end = element.iter().position(|byte| *byte == b';').unwrap_or(element.len());
        let (tag, quality) = (element[..end].trim_ascii(), quality(&element[end..]));
        // A variant that is not in the list counts as its language.
        let base = tag.split(|byte| *byte == b'-').next().unwrap_or(tag);
        let found = known().find(|known| *known == tag).or_else(|| known().find(|known| *known == base));
        if let Some(found) = found.filter(|_| quality > 0 && best.is_none_or(|(most, _)| quality > most)) {
            best = Some((quality, found));
        }
    }
    let default = || arguments.get(1).filter(|default| default.is_given()).map(Argument::bytes);
    best.map(|(_, found)| found).or_else(default).map(Sample::str)
}
