//! Ends of connections.

use std::net::SocketAddr;

use super::super::facts::Address;
use super::super::sample::Sample;
use super::super::transaction::Transaction;

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
