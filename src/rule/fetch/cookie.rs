//! Cookies: `Cookie` of requests, `Set-Cookie` of responses.

use crate::http::Message;

use super::super::argument::Argument;
use super::super::sample::{Sample, leading_int};
use super::super::transaction::Transaction;
use super::Cursor;
use super::line::message;

/// A cookie: name and value, without the blanks around them.
pub(in crate::rule) type Pair<'m> = (&'m [u8], &'m [u8]);

/// The first cookie of a request whose name begins with `name`, or is just that.
pub(in crate::rule) fn cookie_in<'m>(message: &'m Message<'_>, name: &[u8], is_exact: bool) -> Option<Pair<'m>> {
    pairs::<false>(message).find(|(other, _)| is_named(other, name, is_exact))
}

/// The same of a response: the first that it sets, without attributes.
pub(in crate::rule) fn cookie_set_in<'m>(message: &'m Message<'_>, name: &[u8], is_exact: bool) -> Option<Pair<'m>> {
    pairs::<true>(message).find(|(other, _)| is_named(other, name, is_exact))
}

fn is_named(other: &[u8], name: &[u8], is_exact: bool) -> bool {
    if is_exact { other == name } else { other.starts_with(name) }
}

/// Names and values of all cookies of a message. Those of a request may stand between commas, too.
fn pairs<'m, const IS_RESPONSE: bool>(message: &'m Message<'_>) -> impl Iterator<Item = Pair<'m>> {
    let name: &[u8] = if IS_RESPONSE { b"set-cookie" } else { b"cookie" };
    let parts = message.values(name).flat_map(|value| {
        // Only the first part of Set-Cookie names a cookie; the others are its attributes.
        let count = if IS_RESPONSE { 1 } else { usize::MAX };
        let (mut is_quoted, mut is_escaped) = (false, false);
        let ends = move |byte: &u8| {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' if is_quoted => is_escaped = true,
                b'"' => is_quoted = !is_quoted,
                b';' => return !is_quoted,
                b',' => return !is_quoted && !IS_RESPONSE,
                _ => {}
            }
            false
        };
        value.split(ends).take(count)
    });
    parts.filter_map(|pair| {
        let equals = pair.iter().position(|byte| *byte == b'=')?;
        let name = pair[..equals].trim_ascii();
        (!name.is_empty()).then(|| (name, pair[equals + 1..].trim_ascii()))
    })
}

/// The same of the message that the transaction has.
fn cookies<'t, const IS_RESPONSE: bool>(transaction: &'t Transaction<'_>) -> Option<impl Iterator<Item = Pair<'t>>> {
    message::<IS_RESPONSE>(transaction).map(pairs::<IS_RESPONSE>)
}

fn name(arguments: &[Argument]) -> &[u8] {
    arguments.first().map(Argument::bytes).unwrap_or_default()
}

fn find<'t, const IS_RESPONSE: bool>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    cursor: &mut Cursor,
) -> Option<&'t [u8]> {
    let name = name(arguments);
    let mut values = cookies::<IS_RESPONSE>(transaction)?
        .filter(move |(known, _)| name.is_empty() || *known == name)
        .map(|(_, value)| value);
    if cursor.iterates {
        let value = values.nth(cursor.nth);
        cursor.has_more = value.is_some();
        return value;
    }
    // Without a name HAProxy returns the first cookie, with one the last of that name.
    if name.is_empty() { values.next() } else { values.last() }
}

pub(super) fn value<'t, const IS_RESPONSE: bool>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    cursor: &mut Cursor,
) -> Option<Sample<'t>> {
    find::<IS_RESPONSE>(transaction, arguments, cursor).map(Sample::str)
}

/// Of the message that the rule set is about.
pub(super) fn own_value<'t>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    cursor: &mut Cursor,
) -> Option<Sample<'t>> {
    let of = if transaction.stage.is_response() { value::<true> } else { value::<false> };
    of(transaction, arguments, cursor)
}

pub(super) fn number<'t, const IS_RESPONSE: bool>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    cursor: &mut Cursor,
) -> Option<Sample<'t>> {
    find::<IS_RESPONSE>(transaction, arguments, cursor).map(|value| Sample::Int(leading_int(value)))
}

pub(super) fn count<'t, const IS_RESPONSE: bool>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    _: &mut Cursor,
) -> Option<Sample<'t>> {
    let name = name(arguments);
    let count = cookies::<IS_RESPONSE>(transaction)?.filter(|(known, _)| name.is_empty() || *known == name).count();
    Some(Sample::Int(i64::try_from(count).ok()?))
}

pub(super) fn names<'t, const IS_RESPONSE: bool>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    _: &mut Cursor,
) -> Option<Sample<'t>> {
    let delimiter = name(arguments).first().copied().unwrap_or(b',');
    let mut out = Vec::new();
    for (name, _) in cookies::<IS_RESPONSE>(transaction)? {
        if !out.is_empty() {
            out.push(delimiter);
        }
        out.extend_from_slice(name);
    }
    Some(Sample::built(out))
}
