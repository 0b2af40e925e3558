//! Values that stand in the rule, and variables.

use super::super::acl;
use super::super::argument::Argument;
use super::super::sample::{Sample, Text};
use super::super::transaction::Transaction;
use super::super::variable::VariableName;
use super::Cursor;

pub(super) fn always_true<'t>(_: &'t Transaction<'_>, _: &'t [Argument], _: &mut Cursor) -> Option<Sample<'t>> {
    Some(Sample::Bool(true))
}

pub(super) fn always_false<'t>(_: &'t Transaction<'_>, _: &'t [Argument], _: &mut Cursor) -> Option<Sample<'t>> {
    Some(Sample::Bool(false))
}

pub(super) fn text<'t>(_: &'t Transaction<'_>, arguments: &'t [Argument], _: &mut Cursor) -> Option<Sample<'t>> {
    Some(Sample::str(arguments.first().map(Argument::bytes).unwrap_or_default()))
}

pub(super) fn binary<'t>(_: &'t Transaction<'_>, arguments: &'t [Argument], _: &mut Cursor) -> Option<Sample<'t>> {
    arguments.first().map(|bytes| Sample::Bin(Text::Borrowed(bytes.bytes())))
}

pub(super) fn method<'t>(_: &'t Transaction<'_>, arguments: &'t [Argument], _: &mut Cursor) -> Option<Sample<'t>> {
    arguments.first().map(|bytes| Sample::Method(Text::Borrowed(bytes.bytes())))
}

pub(super) fn integer<'t>(_: &'t Transaction<'_>, arguments: &'t [Argument], _: &mut Cursor) -> Option<Sample<'t>> {
    arguments.first().map(|value| Sample::Int(value.int_or(0)))
}

pub(super) fn boolean<'t>(_: &'t Transaction<'_>, arguments: &'t [Argument], _: &mut Cursor) -> Option<Sample<'t>> {
    arguments.first().map(|value| Sample::Bool(value.int_or(0) != 0))
}

pub(super) fn address<'t>(_: &'t Transaction<'_>, arguments: &'t [Argument], _: &mut Cursor) -> Option<Sample<'t>> {
    match arguments.first()? {
        Argument::Ipv4(address) => Some(Sample::Ipv4(*address)),
        Argument::Ipv6(address) => Some(Sample::Ipv6(*address)),
        _ => None,
    }
}

pub(super) fn environment<'t>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    _: &mut Cursor,
) -> Option<Sample<'t>> {
    let name = std::str::from_utf8(arguments.first()?.bytes()).ok()?;
    transaction.facts.environment(name).map(Sample::str)
}

pub(super) fn variable<'t>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    _: &mut Cursor,
) -> Option<Sample<'t>> {
    let Argument::Variable(name) = arguments.first()? else { return None };
    if let Some(value) = transaction.variables.find(name) {
        return Some(value.sample());
    }
    arguments.get(1).filter(|default| default.is_given()).map(|default| Sample::str(default.bytes()))
}

pub(super) fn dump_variables<'t>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    _: &mut Cursor,
) -> Option<Sample<'t>> {
    let argument = |at: usize| arguments.get(at).filter(|argument| argument.is_given()).map(Argument::bytes);
    let scope = match argument(0) {
        Some(scope) => {
            let probe = format!("{}.x", String::from_utf8_lossy(scope));
            Some(VariableName::parse(&probe).ok()?.scope)
        }
        None => None,
    };
    let (prefix, delimiter) = (argument(1).unwrap_or_default(), argument(2).unwrap_or(b", "));
    let mut out = Vec::new();
    transaction.variables.for_each(scope, |name, value| {
        if !name.name.as_bytes().starts_with(prefix) {
            return;
        }
        if !out.is_empty() {
            out.extend_from_slice(delimiter);
        }
        out.extend_from_slice(format!("{name}=").as_bytes());
        value.sample().write(&mut out);
    });
    Some(Sample::built(out))
}

pub(super) fn acls<'t>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    cursor: &mut Cursor,
) -> Option<Sample<'t>> {
    let Argument::Tests(terms) = arguments.first()? else { return None };
    match acl::all(terms, transaction) {
        acl::Outcome::Match => Some(Sample::Bool(true)),
        acl::Outcome::NoMatch => Some(Sample::Bool(false)),
        acl::Outcome::Unknown => {
            cursor.may_change = true;
            None
        }
    }
}
