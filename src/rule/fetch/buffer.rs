//! Bytes in the buffers, as they are.

use super::super::argument::Argument;
use super::super::rdp::{self, RdpCookie};
use super::super::sample::{Sample, Text};
use super::super::transaction::{Data, Transaction};
use super::Cursor;

pub(super) fn data<'t, const IS_RESPONSE: bool>(transaction: &'t Transaction<'_>) -> Data<'t> {
    if IS_RESPONSE { transaction.response_data } else { transaction.request_data }
}

pub(super) fn wait_end<'t>(
    transaction: &'t Transaction<'_>,
    _: &'t [Argument],
    cursor: &mut Cursor,
) -> Option<Sample<'t>> {
    let data = if transaction.stage.is_response() { transaction.response_data } else { transaction.request_data };
    if data.is_final && !transaction.effects.delays {
        return Some(Sample::Bool(true));
    }
    cursor.may_change = true;
    None
}

pub(super) fn length<'t, const IS_RESPONSE: bool>(
    transaction: &'t Transaction<'_>,
    _: &'t [Argument],
    cursor: &mut Cursor,
) -> Option<Sample<'t>> {
    let (data, head) = (data::<IS_RESPONSE>(transaction), head_length::<IS_RESPONSE>(transaction));
    cursor.may_change = !data.is_final || transaction.effects.delays;
    Some(Sample::Int(i64::try_from(data.bytes.len() + head.unwrap_or(0)).ok()?))
}

/// Bytes of the head that came before the data, where they are those of a message; `None` where they are those of a
/// connection.
fn head_length<const IS_RESPONSE: bool>(transaction: &Transaction<'_>) -> Option<usize> {
    let message = if IS_RESPONSE { transaction.response.as_ref() } else { transaction.request.as_ref() };
    transaction.effects.is_message.then(|| message.map_or(0, |message| message.head.length))
}

/// Part of what is there. It may change while less than asked for has come.
fn part<'t>(data: Data<'t>, start: usize, length: usize, cursor: &mut Cursor) -> Option<Sample<'t>> {
    let bytes = if length == 0 {
        cursor.may_change = !data.is_final;
        data.bytes.get(start..).filter(|bytes| !bytes.is_empty())
    } else {
        let bytes = data.bytes.get(start..start.checked_add(length)?);
        cursor.may_change = bytes.is_none() && !data.is_final;
        bytes
    };
    bytes.map(|bytes| Sample::Bin(Text::Borrowed(bytes)))
}

fn place(argument: Option<&Argument>) -> Option<usize> {
    usize::try_from(argument?.int_or(-1)).ok()
}

pub(super) fn payload<'t, const IS_RESPONSE: bool>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    cursor: &mut Cursor,
) -> Option<Sample<'t>> {
    if head_length::<IS_RESPONSE>(transaction).is_some() {
        return None;
    }
    part(data::<IS_RESPONSE>(transaction), place(arguments.first())?, place(arguments.get(1))?, cursor)
}

/// Of the direction that the rule set is about.
pub(super) fn own_payload<'t>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    cursor: &mut Cursor,
) -> Option<Sample<'t>> {
    let of = if transaction.stage.is_response() { payload::<true> } else { payload::<false> };
    of(transaction, arguments, cursor)
}

/// Of the direction that the rule set is about.
pub(super) fn own_payload_with_length<'t>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    cursor: &mut Cursor,
) -> Option<Sample<'t>> {
    let of = if transaction.stage.is_response() { payload_with_length::<true> } else { payload_with_length::<false> };
    of(transaction, arguments, cursor)
}

pub(super) fn payload_with_length<'t, const IS_RESPONSE: bool>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    cursor: &mut Cursor,
) -> Option<Sample<'t>> {
    if head_length::<IS_RESPONSE>(transaction).is_some() {
        return None;
    }
    let data = data::<IS_RESPONSE>(transaction);
    let (at, size) = (place(arguments.first())?, place(arguments.get(1))?);
    let Some(length) = data.bytes.get(at..at.checked_add(size)?) else {
        cursor.may_change = !data.is_final;
        return None;
    };
    let length =
        length.iter().try_fold(0_usize, |length, byte| length.checked_mul(256)?.checked_add(usize::from(*byte)))?;
    if length == 0 {
        return None;
    }
    let after = at + size;
    // A third argument is where the bytes start: `+n` and `-n` from the end of the length.
    let start = match std::str::from_utf8(arguments.get(2).map(Argument::bytes).unwrap_or_default()).ok()? {
        "" => after,
        relative if relative.starts_with(['+', '-']) => after.checked_add_signed(relative.parse().ok()?)?,
        absolute => absolute.parse().ok()?,
    };
    part(data, start, length, cursor)
}

pub(super) fn is_http<'t>(
    transaction: &'t Transaction<'_>,
    _: &'t [Argument],
    cursor: &mut Cursor,
) -> Option<Sample<'t>> {
    let is_http = transaction.is_request();
    cursor.may_change = is_http.is_none();
    is_http.map(Sample::Bool)
}

/// The value of the RDP cookie that the arguments name; none of a request of HTTP.
fn rdp<'t>(transaction: &'t Transaction<'_>, arguments: &[Argument], cursor: &mut Cursor) -> Option<&'t [u8]> {
    if transaction.request.is_some() {
        return None;
    }
    let data = transaction.request_data;
    match rdp::rdp_cookie(data.bytes, arguments.first().map(Argument::bytes).unwrap_or_default()) {
        RdpCookie::Value(value) => Some(value),
        RdpCookie::Missing => None,
        RdpCookie::Incomplete => {
            cursor.may_change = !data.is_final;
            None
        }
    }
}

pub(super) fn rdp_cookie<'t>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    cursor: &mut Cursor,
) -> Option<Sample<'t>> {
    rdp(transaction, arguments, cursor).map(Sample::str)
}

pub(super) fn rdp_cookie_count<'t>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    cursor: &mut Cursor,
) -> Option<Sample<'t>> {
    let is_there = rdp(transaction, arguments, cursor).is_some();
    (!cursor.may_change).then_some(Sample::Int(i64::from(is_there)))
}

pub(super) fn body<'t, const IS_RESPONSE: bool>(
    transaction: &'t Transaction<'_>,
    _: &'t [Argument],
    cursor: &mut Cursor,
) -> Option<Sample<'t>> {
    let data = data::<IS_RESPONSE>(transaction);
    cursor.may_change = !data.is_final;
    Some(Sample::Bin(Text::Borrowed(data.bytes)))
}

pub(super) fn body_length<'t, const IS_RESPONSE: bool>(
    transaction: &'t Transaction<'_>,
    _: &'t [Argument],
    cursor: &mut Cursor,
) -> Option<Sample<'t>> {
    body::<IS_RESPONSE>(transaction, &[], cursor).and_then(|body| match body {
        Sample::Bin(body) => i64::try_from(body.len()).ok().map(Sample::Int),
        _ => None,
    })
}

pub(super) fn body_size<'t, const IS_RESPONSE: bool>(
    transaction: &'t Transaction<'_>,
    _: &'t [Argument],
    cursor: &mut Cursor,
) -> Option<Sample<'t>> {
    let data = data::<IS_RESPONSE>(transaction);
    match data.announced {
        Some(size) => Some(Sample::Int(i64::try_from(size).unwrap_or(i64::MAX))),
        None => body_length::<IS_RESPONSE>(transaction, &[], cursor),
    }
}
