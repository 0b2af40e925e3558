//! Request line and status line.

use std::net::IpAddr;

use super::super::argument::Argument;
use super::super::converter::{avalanche, sdbm};
use super::super::sample::{Sample, Text};
use super::super::transaction::Transaction;
use super::Cursor;
use crate::http::Message;

/// The message of one side.
pub(super) fn message<'t, const IS_RESPONSE: bool>(transaction: &'t Transaction<'_>) -> Option<&'t Message<'t>> {
    if IS_RESPONSE { transaction.response.as_ref() } else { transaction.request.as_ref() }
}

fn request<'t>(transaction: &'t Transaction<'_>) -> Option<&'t Message<'t>> {
    transaction.request.as_ref()
}

/// Where the path of a request target starts: behind scheme and authority; `None` for `*` and an authority alone.
pub(in super::super) fn path_start(target: &[u8]) -> Option<usize> {
    if target.first() == Some(&b'/') {
        return Some(0);
    }
    let scheme = target.windows(3).position(|part| part == b"://")?;
    let authority = scheme + 3;
    target.get(authority..)?.iter().position(|byte| *byte == b'/').map(|slash| authority + slash)
}

/// Path and query of a request target.
fn path_and_query_of(target: &[u8]) -> Option<&[u8]> {
    path_start(target).map(|start| &target[start..])
}

/// Path of a request target, without its query.
pub(in super::super) fn path_of(target: &[u8]) -> Option<&[u8]> {
    let path = path_and_query_of(target)?;
    Some(path.split(|byte| *byte == b'?').next().unwrap_or_default())
}

pub(super) fn method<'t>(transaction: &'t Transaction<'_>, _: &'t [Argument], _: &mut Cursor) -> Option<Sample<'t>> {
    request(transaction).map(|message| Sample::Method(Text::Borrowed(message.method())))
}

pub(super) fn url<'t>(transaction: &'t Transaction<'_>, _: &'t [Argument], _: &mut Cursor) -> Option<Sample<'t>> {
    request(transaction).map(|message| Sample::str(message.target()))
}

pub(super) fn path<'t>(transaction: &'t Transaction<'_>, _: &'t [Argument], _: &mut Cursor) -> Option<Sample<'t>> {
    path_of(request(transaction)?.target()).map(Sample::str)
}

pub(super) fn path_and_query<'t>(
    transaction: &'t Transaction<'_>,
    _: &'t [Argument],
    _: &mut Cursor,
) -> Option<Sample<'t>> {
    path_and_query_of(request(transaction)?.target()).map(Sample::str)
}

pub(super) fn query<'t>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    _: &mut Cursor,
) -> Option<Sample<'t>> {
    let target = request(transaction)?.target();
    let mark = target.iter().position(|byte| *byte == b'?')?;
    let with_mark = arguments.first().is_some_and(Argument::is_given);
    Some(Sample::str(&target[if with_mark { mark } else { mark + 1 }..]))
}

fn with_host(transaction: &Transaction<'_>, rest: Option<&[u8]>) -> Option<Vec<u8>> {
    let host = request(transaction)?.value(b"host");
    if host.is_none() && rest.is_none() {
        return None;
    }
    let mut out = host.unwrap_or_default().to_vec();
    out.extend_from_slice(rest.unwrap_or_default());
    Some(out)
}

fn base_text(transaction: &Transaction<'_>) -> Option<Vec<u8>> {
    with_host(transaction, path_of(request(transaction)?.target()))
}

pub(super) fn base<'t>(transaction: &'t Transaction<'_>, _: &'t [Argument], _: &mut Cursor) -> Option<Sample<'t>> {
    base_text(transaction).map(Sample::built)
}

pub(super) fn base_and_query<'t>(
    transaction: &'t Transaction<'_>,
    _: &'t [Argument],
    _: &mut Cursor,
) -> Option<Sample<'t>> {
    with_host(transaction, path_and_query_of(request(transaction)?.target())).map(Sample::built)
}

/// The hash of `base32` and `url32`.
fn hash(text: &[u8]) -> u32 {
    avalanche(sdbm(text))
}

/// A hash and the client's address, in network order.
fn with_source<'t>(transaction: &Transaction<'_>, hash: u32) -> Option<Sample<'t>> {
    let mut out = hash.to_be_bytes().to_vec();
    match transaction.source_address()? {
        IpAddr::V4(address) => out.extend(address.octets()),
        IpAddr::V6(address) => out.extend(address.octets()),
    }
    Some(Sample::bin(out))
}

fn url_hash(transaction: &Transaction<'_>) -> Option<u32> {
    with_host(transaction, Some(request(transaction)?.target())).map(|text| hash(&text))
}

pub(super) fn base32<'t>(transaction: &'t Transaction<'_>, _: &'t [Argument], _: &mut Cursor) -> Option<Sample<'t>> {
    Some(Sample::Int(i64::from(hash(&base_text(transaction)?))))
}

pub(super) fn base32_source<'t>(
    transaction: &'t Transaction<'_>,
    _: &'t [Argument],
    _: &mut Cursor,
) -> Option<Sample<'t>> {
    with_source(transaction, hash(&base_text(transaction)?))
}

pub(super) fn url32<'t>(transaction: &'t Transaction<'_>, _: &'t [Argument], _: &mut Cursor) -> Option<Sample<'t>> {
    Some(Sample::Int(i64::from(url_hash(transaction)?)))
}

pub(super) fn url32_source<'t>(
    transaction: &'t Transaction<'_>,
    _: &'t [Argument],
    _: &mut Cursor,
) -> Option<Sample<'t>> {
    with_source(transaction, url_hash(transaction)?)
}

/// Host and port of an absolute target.
fn authority(target: &[u8]) -> Option<&str> {
    let start = target.windows(3).position(|part| part == b"://")? + 3;
    let rest = &target[start..];
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
    std::str::from_utf8(&rest[..end]).ok()
}

pub(super) fn url_ip<'t>(transaction: &'t Transaction<'_>, _: &'t [Argument], _: &mut Cursor) -> Option<Sample<'t>> {
    let authority = authority(request(transaction)?.target())?;
    super::header::address_of(authority.as_bytes()).map(Sample::address)
}

pub(super) fn url_port<'t>(transaction: &'t Transaction<'_>, _: &'t [Argument], _: &mut Cursor) -> Option<Sample<'t>> {
    let authority = authority(request(transaction)?.target())?;
    let port = authority.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
    Some(Sample::Int(i64::from(port.unwrap_or(80))))
}

pub(super) fn version<'t, const IS_RESPONSE: bool>(
    transaction: &'t Transaction<'_>,
    _: &'t [Argument],
    _: &mut Cursor,
) -> Option<Sample<'t>> {
    message::<IS_RESPONSE>(transaction).map(|message| Sample::str(message.version()))
}

pub(super) fn long_version<'t, const IS_RESPONSE: bool>(
    transaction: &'t Transaction<'_>,
    _: &'t [Argument],
    _: &mut Cursor,
) -> Option<Sample<'t>> {
    let is_old = message::<IS_RESPONSE>(transaction)?.version() == b"1.0";
    Some(Sample::str(if is_old { b"HTTP/1.0" } else { b"HTTP/1.1" }))
}

pub(super) fn received_method<'t>(
    transaction: &'t Transaction<'_>,
    _: &'t [Argument],
    _: &mut Cursor,
) -> Option<Sample<'t>> {
    request(transaction).map(|message| Sample::str(message.received_method()))
}

pub(super) fn received_target<'t>(
    transaction: &'t Transaction<'_>,
    _: &'t [Argument],
    _: &mut Cursor,
) -> Option<Sample<'t>> {
    request(transaction).map(|message| Sample::str(message.received_target()))
}

pub(super) fn status<'t>(transaction: &'t Transaction<'_>, _: &'t [Argument], _: &mut Cursor) -> Option<Sample<'t>> {
    transaction.response.as_ref().map(|message| Sample::Int(i64::from(message.status())))
}
