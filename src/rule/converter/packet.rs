//! What the SYN of a connection says: IPv4 (RFC 791) and IPv6 (RFC 8200).
//!
//! The bytes are those of `fc_saved_syn` from a listener with `tcp-ss 1`, or of `eth.data`.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use super::super::argument::Argument;
use super::super::sample::Sample;
use super::super::transaction::Transaction;
use super::frame::{numbers, parts, word};
use super::segment;
use super::text::into_text;

const TCP: u8 = 6;
const UDP: u8 = 17;
/// Length of the header of IPv6 without extensions, bytes.
const V6: usize = 40;
/// Length of the header of IPv4 without options, bytes.
const V4: usize = 20;

/// Version of a packet.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    Four,
    Six,
}

fn version(bytes: &[u8]) -> Option<Version> {
    match bytes.first()? >> 4 {
        4 => Some(Version::Four),
        6 => Some(Version::Six),
        _ => None,
    }
}

/// Length of the header with its options or extensions, and the protocol behind it; `None` if it is not complete.
fn header(bytes: &[u8]) -> Option<(usize, u8)> {
    let (length, protocol) = match version(bytes)? {
        Version::Four => (usize::from(bytes[0] & 0xf) * 4, *bytes.get(9)?),
        Version::Six => {
            let (mut length, mut next) = (V6, *bytes.get(6)?);
            while next != TCP && next != UDP {
                next = *bytes.get(length)?;
                length += usize::from(*bytes.get(length + 1)?) * 8 + 8;
            }
            (length, next)
        }
    };
    (length != 0 && length <= bytes.len()).then_some((length, protocol))
}

/// Type of service, or traffic class.
fn service(bytes: &[u8]) -> Option<u8> {
    match version(bytes)? {
        Version::Four => bytes.get(1).copied(),
        Version::Six => word(bytes, 0).map(|word| (word >> 4) as u8),
    }
}

/// Routers that the packet may still pass.
fn hops(bytes: &[u8]) -> Option<u8> {
    match version(bytes)? {
        Version::Four => (bytes.len() >= V4).then(|| bytes[8]),
        Version::Six => (bytes.len() >= V6).then(|| bytes[7]),
    }
}

/// Whether no router may cut it into fragments; none ever does with IPv6.
fn is_whole(bytes: &[u8]) -> Option<bool> {
    match version(bytes)? {
        Version::Four => Some(bytes.get(6)? & 0x40 != 0),
        Version::Six => Some(true),
    }
}

/// The bytes of the source address.
fn source_bytes(bytes: &[u8]) -> Option<&[u8]> {
    match version(bytes)? {
        Version::Four => bytes.get(..V4)?.get(12..16),
        Version::Six => bytes.get(..V6)?.get(8..24),
    }
}

fn destination_bytes(bytes: &[u8]) -> Option<&[u8]> {
    match version(bytes)? {
        Version::Four => bytes.get(16..20),
        Version::Six => bytes.get(24..40),
    }
}

fn address<'t>(bytes: &[u8]) -> Option<Sample<'t>> {
    match bytes.len() {
        4 => Some(Sample::Ipv4(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?))),
        _ => Some(Sample::Ipv6(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?))),
    }
}

parts! {
    data, |bytes| Some(header(bytes)?.0..bytes.len());
    header_bytes, |bytes| Some(0..header(bytes)?.0);
}

numbers! {
    is_unfragmented, |bytes| is_whole(bytes).map(i64::from);
    protocol, |bytes| match version(bytes)? {
        Version::Four => bytes.get(9).map(|protocol| i64::from(*protocol)),
        Version::Six => header(bytes).map(|(_, protocol)| i64::from(protocol)),
    };
    type_of_service, |bytes| service(bytes).map(i64::from);
    time_to_live, |bytes| hops(bytes).map(i64::from);
    version_number, |bytes| bytes.first().map(|first| i64::from(first >> 4));
}

pub(super) fn source<'t>(_: &'t Transaction<'_>, _: &'t [Argument], sample: Sample<'t>) -> Option<Sample<'t>> {
    address(source_bytes(&into_text(sample))?)
}

pub(super) fn destination<'t>(_: &'t Transaction<'_>, _: &'t [Argument], sample: Sample<'t>) -> Option<Sample<'t>> {
    address(destination_bytes(&into_text(sample))?)
}

/// What is the same in all connections of a client's network stack: 8 bytes, and more as the mode asks for (manual, `ip.fp`).
pub(super) fn fingerprint<'t>(
    _: &'t Transaction<'_>,
    arguments: &'t [Argument],
    sample: Sample<'t>,
) -> Option<Sample<'t>> {
    let mode = arguments.first().map_or(0, |mode| mode.int_or(0));
    let text = into_text(sample);
    let bytes: &[u8] = &text;
    let version = version(bytes)?;
    let (announced, has_extensions) = match version {
        Version::Four => (usize::from(word(bytes, 2)?), bytes[0] & 0xf != 5),
        Version::Six => (V6 + usize::from(word(bytes, 4)?), !matches!(*bytes.get(6)?, TCP | UDP)),
    };
    let (service, hops, is_whole, from) = (service(bytes)?, hops(bytes)?, is_whole(bytes)?, source_bytes(bytes)?);
    let (length, _) = header(bytes)?;
    let rest = announced.checked_sub(length)?;
    let segment = segment::Segment::read(bytes.get(length..)?)?;
    let has_data = rest.checked_sub(segment.length())? > 0;
    let range = match hops {
        0..=32 => 0,
        33..=64 => 1,
        65..=128 => 2,
        _ => 3,
    };
    let flags = u8::from(version == Version::Six) << 7
        | u8::from(is_whole) << 6
        | range << 4
        | u8::from(has_extensions) << 3
        | u8::from(has_data) << 2
        | segment.flags() >> 6;
    let options = segment.summary();
    let mut print = vec![service, flags, (segment.length() << 2) as u8 | options.scale];
    print.extend(segment.window().to_be_bytes());
    print.extend(options.largest.to_be_bytes());
    print.push(options.present);
    if mode & 1 != 0 {
        print.push(hops);
    }
    if mode & 2 != 0 {
        print.extend(options.kinds);
    }
    if mode & 4 != 0 {
        print.extend_from_slice(from);
    }
    Some(Sample::bin(print))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_of_ipv6_are_passed_over() {
        let mut packet = vec![0x60, 0, 0, 0, 0, 28, 0, 64];
        packet.extend([0; 32]);
        // Hop-by-hop options of 8 bytes, TCP behind them.
        packet.extend([TCP, 0, 0, 0, 0, 0, 0, 0]);
        packet.extend([0; 20]);
        assert_eq!(header(&packet), Some((48, TCP)));
        assert_eq!(header(&packet[..45]), None, "an extension that is cut off");
    }
}
