//! What the SYN of a connection says: Ethernet (IEEE 802.3, 802.1Q).
//!
//! `fc_saved_syn` returns the bytes, of a listener with `tcp-ss 2`.

use std::ops::Range;

use super::super::argument::Argument;
use super::super::sample::Sample;
use super::super::transaction::Transaction;
use super::text::into_text;

/// The type of a frame whose tag names a VLAN (802.1Q).
const TAGGED: u16 = 0x8100;

/// 16 bits in network order.
pub(super) fn word(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

/// The header of a frame.
struct Frame {
    /// Where its data starts.
    data: usize,
    /// Type of the data: 0x0800 is IPv4, 0x86dd IPv6.
    protocol: u16,
    /// The last VLAN named, 0 if there is none.
    vlan: u16,
}

/// Reads the header, tags included; `None` if it is not complete.
fn frame(bytes: &[u8]) -> Option<Frame> {
    let (mut at, mut vlan) = (12, 0);
    while at + 2 < bytes.len() {
        let protocol = word(bytes, at)?;
        if protocol != TAGGED {
            return Some(Frame { data: at + 2, protocol, vlan });
        }
        vlan = word(bytes, at + 2)? & 0xfff;
        at += 4;
    }
    None
}

/// Converters that return a number of the bytes.
macro_rules! numbers {
    ($($name:ident, $read:expr;)*) => { $(
        pub(super) fn $name<'t>(_: &'t Transaction<'_>, _: &'t [Argument], sample: Sample<'t>) -> Option<Sample<'t>> {
            let read: fn(&[u8]) -> Option<i64> = $read;
            read(&into_text(sample)).map(Sample::Int)
        }
    )* };
}
pub(super) use numbers;

/// Converters that return a part of the bytes.
macro_rules! parts {
    ($($name:ident, $find:expr;)*) => { $(
        pub(super) fn $name<'t>(_: &'t Transaction<'_>, _: &'t [Argument], sample: Sample<'t>) -> Option<Sample<'t>> {
            let find: fn(&[u8]) -> Option<Range<usize>> = $find;
            let text = into_text(sample);
            let range = find(&text)?;
            Some(Sample::Bin(text.part(range.start, range.end)))
        }
    )* };
}
pub(super) use parts;

parts! {
    data, |bytes| Some(frame(bytes)?.data..bytes.len());
    destination, |bytes| (bytes.len() >= 6).then_some(0..6);
    header, |bytes| Some(0..frame(bytes)?.data);
    source, |bytes| (bytes.len() >= 12).then_some(6..12);
}

numbers! {
    protocol, |bytes| Some(i64::from(frame(bytes)?.protocol));
    vlan, |bytes| Some(i64::from(frame(bytes)?.vlan)).filter(|vlan| *vlan != 0);
}
