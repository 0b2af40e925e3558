//! Header fields.

use std::net::{IpAddr, SocketAddr};

use super::super::argument::Argument;
use super::super::sample::{Sample, leading_int};
use super::super::transaction::Transaction;
use super::Cursor;
use super::line::message;
use crate::http::Message;

/// The values of a field line: cut at commas outside quotes, without surrounding white space.
pub(in crate::rule) fn split_values(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let text = rest?;
        let (mut is_quoted, mut is_escaped) = (false, false);
        // Most lines are one value.
        let first = memchr::memchr(b',', text);
        let comma = first.and_then(|_| {
            text.iter().position(|byte| {
                match byte {
                    _ if is_escaped => is_escaped = false,
                    b'\\' if is_quoted => is_escaped = true,
                    b'"' => is_quoted = !is_quoted,
                    b',' => return !is_quoted,
                    _ => {}
                }
                false
            })
        });
        let (value, after) = match comma {
            Some(comma) => (&text[..comma], Some(&text[comma + 1..])),
            None => (text, None),
        };
        rest = after;
        Some(value.trim_ascii())
    })
}

/// Lines of the fields of a name; of all fields for an empty name.
fn lines<'t>(message: &'t Message<'t>, name: &'t [u8]) -> impl Iterator<Item = &'t [u8]> {
    let everything = if name.is_empty() { message.len() } else { 0 };
    message.fields().take(everything).map(|field| field.value).chain(message.values(name))
}

/// Their values, one by one.
pub(in crate::rule) fn values<'t>(message: &'t Message<'t>, name: &'t [u8]) -> impl Iterator<Item = &'t [u8]> {
    lines(message, name).flat_map(split_values)
}

/// One of several values: the one asked for by number, the next one of an ACL, or the last.
fn pick<'t>(
    mut values: impl Iterator<Item = &'t [u8]>,
    count: impl FnOnce() -> usize,
    occurrence: Option<&Argument>,
    cursor: &mut Cursor,
) -> Option<&'t [u8]> {
    match occurrence.map_or(0, |occurrence| occurrence.int_or(0)) {
        0 if cursor.iterates => {
            let value = values.nth(cursor.nth);
            cursor.has_more = value.is_some();
            value
        }
        0 => values.last(),
        place @ 1.. => values.nth(usize::try_from(place - 1).ok()?),
        place => {
            let back = usize::try_from(place.unsigned_abs()).ok()?;
            values.nth(count().checked_sub(back)?)
        }
    }
}

fn name(arguments: &[Argument]) -> &[u8] {
    arguments.first().map(Argument::bytes).unwrap_or_default()
}

fn find<'t, const IS_RESPONSE: bool>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    cursor: &mut Cursor,
) -> Option<&'t [u8]> {
    let (message, name) = (message::<IS_RESPONSE>(transaction)?, name(arguments));
    let wants_last = !cursor.iterates && arguments.get(1).is_none_or(|occurrence| occurrence.int_or(0) == 0);
    if wants_last && !name.is_empty() {
        return split_values(message.last_value(name)?).last();
    }
    pick(values(message, name), || values(message, name).count(), arguments.get(1), cursor)
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

pub(super) fn line<'t, const IS_RESPONSE: bool>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    cursor: &mut Cursor,
) -> Option<Sample<'t>> {
    let (message, name) = (message::<IS_RESPONSE>(transaction)?, name(arguments));
    pick(lines(message, name), || lines(message, name).count(), arguments.get(1), cursor).map(Sample::str)
}

pub(super) fn number<'t, const IS_RESPONSE: bool>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    cursor: &mut Cursor,
) -> Option<Sample<'t>> {
    find::<IS_RESPONSE>(transaction, arguments, cursor).map(|value| Sample::Int(leading_int(value)))
}

pub(super) fn address<'t, const IS_RESPONSE: bool>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    cursor: &mut Cursor,
) -> Option<Sample<'t>> {
    loop {
        let value = find::<IS_RESPONSE>(transaction, arguments, cursor)?;
        match address_of(value) {
            Some(address) => return Some(Sample::address(address)),
            // An ACL looks at every value: those that are no address are passed over.
            None if cursor.has_more => cursor.nth += 1,
            None => return None,
        }
    }
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:80`.
pub(super) fn address_of(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?;
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    if let Ok(end) = text.parse::<SocketAddr>() {
        return Some(end.ip());
    }
    text.strip_prefix('[')?.strip_suffix(']')?.parse().ok()
}

pub(super) fn count<'t, const IS_RESPONSE: bool>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    _: &mut Cursor,
) -> Option<Sample<'t>> {
    let count = values(message::<IS_RESPONSE>(transaction)?, name(arguments)).count();
    Some(Sample::Int(i64::try_from(count).ok()?))
}

pub(super) fn line_count<'t, const IS_RESPONSE: bool>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    _: &mut Cursor,
) -> Option<Sample<'t>> {
    let count = lines(message::<IS_RESPONSE>(transaction)?, name(arguments)).count();
    Some(Sample::Int(i64::try_from(count).ok()?))
}

/// Names in lower case, as HAProxy keeps them.
pub(super) fn names<'t, const IS_RESPONSE: bool>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    _: &mut Cursor,
) -> Option<Sample<'t>> {
    let delimiter = name(arguments).first().copied().unwrap_or(b',');
    let mut out = Vec::new();
    for (at, field) in message::<IS_RESPONSE>(transaction)?.fields().enumerate() {
        if at > 0 {
            out.push(delimiter);
        }
        out.extend(field.name.to_ascii_lowercase());
    }
    Some(Sample::built(out))
}

pub(super) fn block<'t, const IS_RESPONSE: bool>(
    transaction: &'t Transaction<'_>,
    _: &'t [Argument],
    _: &mut Cursor,
) -> Option<Sample<'t>> {
    let mut out = Vec::new();
    for field in message::<IS_RESPONSE>(transaction)?.fields() {
        out.extend(field.name.to_ascii_lowercase());
        out.extend_from_slice(b": ");
        out.extend_from_slice(field.value);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
    Some(Sample::built(out))
}

/// A length in SPOE's variable form: one byte below 240, then four and seven bits at a time.
fn push_length(out: &mut Vec<u8>, length: usize) {
    if length < 240 {
        return out.push(length as u8);
    }
    out.push(length as u8 | 240);
    let mut rest = (length - 240) >> 4;
    while rest >= 128 {
        out.push(rest as u8 | 128);
        rest = (rest - 128) >> 7;
    }
    out.push(rest as u8);
}

pub(super) fn binary_block<'t, const IS_RESPONSE: bool>(
    transaction: &'t Transaction<'_>,
    _: &'t [Argument],
    _: &mut Cursor,
) -> Option<Sample<'t>> {
    let mut out = Vec::new();
    for field in message::<IS_RESPONSE>(transaction)?.fields() {
        push_length(&mut out, field.name.len());
        out.extend(field.name.to_ascii_lowercase());
        push_length(&mut out, field.value.len());
        out.extend_from_slice(field.value);
    }
    out.extend_from_slice(&[0, 0]);
    Some(Sample::bin(out))
}

pub(super) fn captured<'t, const IS_RESPONSE: bool>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    _: &mut Cursor,
) -> Option<Sample<'t>> {
    let captures = transaction.captures;
    let slots = if IS_RESPONSE { &captures.response } else { &captures.request };
    let at = usize::try_from(arguments.first()?.int_or(-1)).ok()?;
    slots.borrow().get(at)?.value().map(Sample::built)
}
