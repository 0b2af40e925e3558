//! What the SYN of a connection says: TCP (RFC 9293).
//!
//! The bytes are those of `ip.data` behind `fc_saved_syn`.

use super::super::argument::Argument;
use super::super::sample::Sample;
use super::super::transaction::Transaction;
use super::frame::{numbers, word};
use super::text::into_text;

/// Length of a header without options, bytes.
const PLAIN: usize = 20;

const END: u8 = 0;
const NOTHING: u8 = 1;
const LARGEST_SEGMENT: u8 = 2;
const WINDOW_SCALE: u8 = 3;
const SELECTIVE: u8 = 4;
const TIMESTAMPS: u8 = 8;

/// A header that is complete.
pub(super) struct Segment<'b> {
    header: &'b [u8],
}

/// What the options of a header say.
pub(super) struct Summary {
    /// Shift of the window plus one, 15 at most; 0 if it is not said.
    pub(super) scale: u8,
    /// Largest segment that is accepted, bytes; 0 if it is not said.
    pub(super) largest: u16,
    /// A bit for each option: those of kind 2 to 8 in the low seven, any other in the highest.
    pub(super) present: u8,
    /// Kinds in their order.
    pub(super) kinds: Vec<u8>,
}

impl<'b> Segment<'b> {
    /// The header at the start of the bytes; `None` if it is not complete.
    pub(super) fn read(bytes: &'b [u8]) -> Option<Segment<'b>> {
        let length = usize::from(bytes.get(12)? >> 4) * 4;
        let header = bytes.get(..length).filter(|header| header.len() >= PLAIN)?;
        Some(Segment { header })
    }

    /// Length of the header, 20-60 bytes.
    pub(super) fn length(&self) -> usize {
        self.header.len()
    }

    /// CWR, ECE, URG, ACK, PSH, RST, SYN, FIN from the high bit on.
    pub(super) fn flags(&self) -> u8 {
        self.header[13]
    }

    /// The window as it is written, without its scale.
    pub(super) fn window(&self) -> u16 {
        u16::from_be_bytes([self.header[14], self.header[15]])
    }

    /// Kind and bytes of each option up to the end, or to one that is broken: that one has no bytes.
    fn options(&self) -> impl Iterator<Item = (u8, Option<&'b [u8]>)> {
        let header = self.header;
        let mut at = PLAIN;
        std::iter::from_fn(move || {
            let kind = *header.get(at).filter(|kind| **kind != END)?;
            let length = match kind {
                NOTHING => 1,
                _ => usize::from(header.get(at + 1).copied().unwrap_or_default()),
            };
            let is_broken = kind != NOTHING && length < 2;
            let bytes = if is_broken { None } else { header.get(at..at + length) };
            at = if bytes.is_some() { at + length } else { header.len() };
            Some((kind, bytes))
        })
    }

    fn option(&self, wanted: u8) -> Option<&'b [u8]> {
        self.options().find_map(|(kind, bytes)| bytes.filter(|_| kind == wanted))
    }

    /// All that options say.
    pub(super) fn summary(&self) -> Summary {
        let mut summary = Summary { scale: 0, largest: 0, present: 0, kinds: Vec::new() };
        for (kind, bytes) in self.options() {
            let Some(bytes) = bytes else { break };
            summary.kinds.push(kind);
            match kind {
                LARGEST_SEGMENT => summary.largest = word(bytes, 2).unwrap_or(summary.largest),
                WINDOW_SCALE => summary.scale = bytes.get(2).map_or(summary.scale, |shift| shift.min(&14) + 1),
                _ => {}
            }
            if kind != NOTHING {
                summary.present |= 1 << if kind < 9 { kind - 2 } else { 7 };
            }
        }
        summary
    }
}

/// A field of the fixed part.
fn field(bytes: &[u8], at: usize) -> Option<i64> {
    word(bytes.get(..PLAIN)?, at).map(i64::from)
}

/// Whether there is an option of that kind.
fn has(bytes: &[u8], kind: u8) -> Option<i64> {
    Some(i64::from(Segment::read(bytes)?.option(kind).is_some()))
}

numbers! {
    destination, |bytes| field(bytes, 2);
    flags, |bytes| Some(field(bytes, 12)? & 0xff);
    sequence, |bytes| Some(field(bytes, 4)? << 16 | field(bytes, 6)?);
    source, |bytes| field(bytes, 0);
    window, |bytes| field(bytes, 14);
    largest_segment, |bytes| {
        let option = Segment::read(bytes)?.option(LARGEST_SEGMENT);
        Some(option.and_then(|option| word(option, 2)).map_or(0, i64::from))
    };
    accepts_selective, |bytes| has(bytes, SELECTIVE);
    has_timestamps, |bytes| has(bytes, TIMESTAMPS);
    timestamp, |bytes| {
        let option = Segment::read(bytes)?.option(TIMESTAMPS).unwrap_or_default();
        let value = option.get(2..6).and_then(|value| value.try_into().ok());
        Some(value.map_or(0, |value| i64::from(u32::from_be_bytes(value))))
    };
    window_scale, |bytes| {
        let option = Segment::read(bytes)?.option(WINDOW_SCALE).unwrap_or_default();
        Some(option.get(2).map_or(0, |shift| i64::from(*shift)))
    };
    has_window_scale, |bytes| has(bytes, WINDOW_SCALE);
}

pub(super) fn option_kinds<'t>(_: &'t Transaction<'_>, _: &'t [Argument], sample: Sample<'t>) -> Option<Sample<'t>> {
    let text = into_text(sample);
    let kinds: Vec<u8> = Segment::read(&text)?.options().map(|(kind, _)| kind).collect();
    Some(Sample::bin(kinds))
}
