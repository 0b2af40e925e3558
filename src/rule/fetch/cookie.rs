//! Cookies: `Cookie` of requests, `Set-Cookie` of responses.

use crate::http::Message;

use super::super::argument::Argument;
use super::super::sample::{Sample, leading_int};
use super::super::transaction::Transaction;
use super::Cursor;
use super::line::message;

/// The first cookie of a request whose name begins with `name`, or is just that: `name=value`.
pub(in crate::rule) fn cookie_in<'m>(message: &'m Message<'_>, name: &[u8], is_exact: bool) -> Option<&'m [u8]> {
    let lines = (0..message.len()).filter_map(|at| message.field(at)).filter(|field| field.is(b"cookie"));
    let mut cookies = lines.flat_map(|field| field.value.split(|byte| *byte == b';')).map(<[u8]>::trim_ascii);
    cookies.find(|cookie| is_named(cookie, name, is_exact))
}

/// The same of a response: the first that it sets, without attributes.
pub(in crate::rule) fn cookie_set_in<'m>(message: &'m Message<'_>, name: &[u8], is_exact: bool) -> Option<&'m [u8]> {
    let lines = (0..message.len()).filter_map(|at| message.field(at)).filter(|field| field.is(b"set-cookie"));
    let mut cookies = lines.filter_map(|field| field.value.split(|byte| *byte == b';').next()).map(<[u8]>::trim_ascii);
    cookies.find(|cookie| is_named(cookie, name, is_exact))
}

fn is_named(cookie: &[u8], name: &[u8], is_exact: bool) -> bool {
    let end = cookie.iter().position(|byte| *byte == b'=');
    let Some(end) = end else { return false };
    if is_exact { cookie[..end].trim_ascii_end() == name } else { cookie[..end].starts_with(name) }
}

/// Names and values of all cookies of a message.
fn cookies<'t, const IS_RESPONSE: bool>(
    transaction: &'t Transaction<'_>,
) -> Option<impl Iterator<Item = (&'t [u8], &'t [u8])>> {
    let name: &[u8] = if IS_RESPONSE { b"set-cookie" } else { b"cookie" };
    let pairs = message::<IS_RESPONSE>(transaction)?.values(name).flat_map(|value| {
        // Only the first part of Set-Cookie names a cookie; the others are its attributes.
        let count = if IS_RESPONSE { 1 } else { usize::MAX };
        value.split(|byte| *byte == b';').take(count)
    });
    Some(pairs.filter_map(|pair| {
        let equals = pair.iter().position(|byte| *byte == b'=')?;
        let name = pair[..equals].trim_ascii();
        (!name.is_empty()).then(|| (name, pair[equals + 1..].trim_ascii()))
    }))
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
