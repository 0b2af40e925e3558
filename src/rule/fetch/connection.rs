//! Ends of connections.

use std::net::SocketAddr;

use super::super::argument::Argument;
use super::super::facts::{Address, Measured};
use super::super::sample::{Sample, Text};
use super::super::transaction::Transaction;
use super::Cursor;

fn end(transaction: &Transaction<'_>, question: Address) -> Option<SocketAddr> {
    match question {
        Address::Source => transaction.source(),
        Address::Destination => transaction.destination(),
        other => transaction.facts.address(other),
    }
}

pub(super) fn address<'t>(transaction: &'t Transaction<'_>, question: Address) -> Option<Sample<'t>> {
    end(transaction, question).map(|end| Sample::address(end.ip().to_canonical()))
}

pub(super) fn port<'t>(transaction: &'t Transaction<'_>, question: Address) -> Option<Sample<'t>> {
    end(transaction, question).map(|end| Sample::Int(i64::from(end.port())))
}

/// The client's first packet, as far as its bind keeps it.
pub(super) fn saved_syn<'t>(transaction: &'t Transaction<'_>, _: &'t [Argument], _: &mut Cursor) -> Option<Sample<'t>> {
    transaction.facts.saved_syn().map(|packet| Sample::Bin(Text::Built(packet)))
}

/// A figure of a connection. Times are milliseconds, rounded, unless the first argument asks for microseconds.
pub(super) fn measured<'t>(
    transaction: &'t Transaction<'_>,
    question: Measured,
    arguments: &[Argument],
) -> Option<Sample<'t>> {
    let figure = transaction.facts.measured(question)?;
    let is_fine = arguments.first().is_some_and(|unit| unit.int_or(0) == 1);
    Some(Sample::Int(if question.is_time() && !is_fine { (figure + 500) / 1000 } else { figure }))
}
