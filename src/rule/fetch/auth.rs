//! Credentials of requests (RFC 7617, RFC 6750).

use super::super::argument::Argument;
use super::super::sample::Sample;
use super::super::transaction::Transaction;
use super::super::userlist::{User, basic};
use super::Cursor;

/// The field by which the client says who it is.
pub(in super::super) fn credentials<'t>(transaction: &'t Transaction<'_>) -> Option<&'t [u8]> {
    let name: &[u8] = if transaction.effects.is_proxied { b"proxy-authorization" } else { b"authorization" };
    transaction.request.as_ref()?.value(name)
}

/// The user of the list whose credentials the request has.
pub(in super::super) fn known_user<'t>(transaction: &Transaction<'_>, list: &'t Argument) -> Option<&'t User> {
    let Argument::Userlist(list) = list else { return None };
    let (name, password) = basic(credentials(transaction)?)?;
    list.authenticate(&name, &password)
}

pub(super) fn is_known<'t>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    _: &mut Cursor,
) -> Option<Sample<'t>> {
    credentials(transaction)?;
    Some(Sample::Bool(known_user(transaction, arguments.first()?).is_some()))
}

pub(super) fn user_of<'t>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    _: &mut Cursor,
) -> Option<Sample<'t>> {
    known_user(transaction, arguments.first()?).map(|user| Sample::str(user.name.as_bytes()))
}

pub(super) fn user<'t>(transaction: &'t Transaction<'_>, _: &'t [Argument], _: &mut Cursor) -> Option<Sample<'t>> {
    basic(credentials(transaction)?).map(|(name, _)| Sample::built(name))
}

pub(super) fn password<'t>(transaction: &'t Transaction<'_>, _: &'t [Argument], _: &mut Cursor) -> Option<Sample<'t>> {
    basic(credentials(transaction)?).map(|(_, password)| Sample::built(password))
}

pub(super) fn scheme<'t>(transaction: &'t Transaction<'_>, _: &'t [Argument], _: &mut Cursor) -> Option<Sample<'t>> {
    credentials(transaction)?.split(|byte| *byte == b' ').next().map(Sample::str)
}

pub(super) fn bearer<'t>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    _: &mut Cursor,
) -> Option<Sample<'t>> {
    let value = match arguments.first().filter(|name| name.is_given()) {
        Some(name) => transaction.request.as_ref()?.value(name.bytes())?,
        None => credentials(transaction)?,
    };
    let (scheme, token) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| Sample::str(token.trim_ascii()))
}
