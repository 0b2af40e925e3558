//! Addresses, and Host fields.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::super::argument::Argument;
use super::super::sample::Sample;
use super::super::transaction::Transaction;
use super::text::{into_text, lower};

pub(super) fn mask<'t>(_: &'t Transaction<'_>, arguments: &'t [Argument], sample: Sample<'t>) -> Option<Sample<'t>> {
    let Argument::Ipv4(short) = arguments.first()? else { return None };
    let v4 = |address: Ipv4Addr| Sample::Ipv4(Ipv4Addr::from_bits(address.to_bits() & short.to_bits()));
    match sample {
        Sample::Ipv4(address) => Some(v4(address)),
        Sample::Ipv6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => Some(v4(mapped)),
            None => {
                let Argument::Ipv6(long) = arguments.get(1)? else { return None };
                Some(Sample::Ipv6(Ipv6Addr::from_bits(address.to_bits() & long.to_bits())))
            }
        },
        _ => None,
    }
}

/// Where the port of a Host value starts, its colon included.
fn port_start(host: &[u8]) -> usize {
    let bracket = host.iter().rposition(|byte| *byte == b']').unwrap_or(0);
    host[bracket..].iter().rposition(|byte| *byte == b':').map_or(host.len(), |colon| bracket + colon)
}

pub(super) fn host_only<'t>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    sample: Sample<'t>,
) -> Option<Sample<'t>> {
    let text = into_text(sample);
    let end = port_start(&text);
    lower(transaction, arguments, Sample::Str(text.part(0, end)))
}

pub(super) fn port_only<'t>(_: &'t Transaction<'_>, _: &'t [Argument], sample: Sample<'t>) -> Option<Sample<'t>> {
    let text = into_text(sample);
    let port = text.get(port_start(&text) + 1..).and_then(|port| std::str::from_utf8(port).ok()?.parse::<u16>().ok());
    Some(Sample::Int(port.unwrap_or(0).into()))
}
