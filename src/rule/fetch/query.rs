//! Parameters of queries and of bodies sent by forms.

use super::super::argument::Argument;
use super::super::sample::{Sample, leading_int};
use super::super::transaction::Transaction;
use super::Cursor;

/// The parameters of `text`, which are separated by `&`, `;` or the delimiter given.
fn parameters(text: &[u8], delimiter: Option<u8>) -> impl Iterator<Item = (&[u8], &[u8])> {
    text.split(move |byte| matches!(byte, b'&' | b';') || Some(*byte) == delimiter).filter_map(|pair| {
        let equals = pair.iter().position(|byte| *byte == b'=')?;
        Some((&pair[..equals], &pair[equals + 1..]))
    })
}

fn find<'t>(
    text: &'t [u8],
    delimiter: Option<u8>,
    arguments: &[Argument],
    ignores_case: bool,
    cursor: &mut Cursor,
) -> Option<&'t [u8]> {
    let name = arguments.first().map(Argument::bytes).unwrap_or_default();
    let is_it =
        |known: &[u8]| name.is_empty() || if ignores_case { known.eq_ignore_ascii_case(name) } else { known == name };
    let mut values = parameters(text, delimiter).filter(|(known, _)| is_it(known)).map(|(_, value)| value);
    if !cursor.iterates {
        return values.next();
    }
    let value = values.nth(cursor.nth);
    cursor.has_more = value.is_some();
    value
}

fn of_target<'t>(transaction: &'t Transaction<'_>, arguments: &'t [Argument], cursor: &mut Cursor) -> Option<&'t [u8]> {
    let target = transaction.request.as_ref()?.target();
    let delimiter = arguments.get(1).and_then(|delimiter| delimiter.bytes().first().copied());
    // The parameters start behind the question mark, or behind the delimiter given.
    let start = target.iter().position(|byte| *byte == b'?' || Some(*byte) == delimiter)? + 1;
    let ignores_case = arguments.get(2).is_some_and(Argument::is_given);
    find(&target[start..], delimiter, arguments, ignores_case, cursor)
}

pub(super) fn parameter<'t>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    cursor: &mut Cursor,
) -> Option<Sample<'t>> {
    of_target(transaction, arguments, cursor).map(Sample::str)
}

pub(super) fn parameter_value<'t>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    cursor: &mut Cursor,
) -> Option<Sample<'t>> {
    of_target(transaction, arguments, cursor).map(|value| Sample::Int(leading_int(value)))
}

pub(super) fn body_parameter<'t>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    cursor: &mut Cursor,
) -> Option<Sample<'t>> {
    cursor.may_change |= !transaction.request_data.is_final;
    let ignores_case = arguments.get(1).is_some_and(Argument::is_given);
    find(transaction.request_data.bytes, None, arguments, ignores_case, cursor).map(Sample::str)
}
