//! Fields of protocol buffers and of the gRPC messages that carry them.

use super::super::argument::Argument;
use super::super::error::RuleError;
use super::super::sample::{Sample, Text};
use super::super::transaction::Transaction;
use super::text::into_text;

/// Types that a field may be read as, by wire type.
pub(super) const TYPES: &[&str] = &[
    "int32", "int64", "uint32", "uint64", "bool", "enum", "sint32", "sint64", "fixed64", "sfixed64", "double",
    "fixed32", "sfixed32", "float",
];

/// A compression flag, and the length of the message.
const GRPC_HEADER: usize = 5;

/// What the bytes of a value mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Raw,
    Varint,
    Zigzag,
    Fixed64,
    Double,
    Fixed32,
    SignedFixed32,
    Float,
}

impl Type {
    /// Of an argument that is a word of [`TYPES`].
    fn of(argument: Option<&Argument>) -> Type {
        match argument.map_or(-1, |word| word.int_or(-1)) {
            0..=5 => Type::Varint,
            6 | 7 => Type::Zigzag,
            8 | 9 => Type::Fixed64,
            10 => Type::Double,
            11 => Type::Fixed32,
            12 => Type::SignedFixed32,
            13 => Type::Float,
            _ => Type::Raw,
        }
    }
}

/// Says whether a path of field numbers can be followed.
pub(super) fn check_path(path: &str) -> Result<(), RuleError> {
    let is_number = |step: &str| step.parse::<u32>().is_ok_and(|number| number > 0);
    if path.split('.').all(is_number) {
        return Ok(());
    }
    Err(RuleError::new(0, format!("'{path}' is not a path of field numbers"))
        .hint("numbers with dots, such as 48.59.1"))
}

/// A varint at a place, and where it ends.
fn varint(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let mut value = 0_u64;
    for (step, byte) in bytes.get(at..)?.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * step);
        if byte & 0x80 == 0 {
            return Some((value, at + step + 1));
        }
    }
    None
}

/// The value of a field: its wire type and where it is.
struct Field {
    wire: u64,
    start: usize,
    end: usize,
}

/// Follows the path through the messages; `None` if the field is not there.
fn find(bytes: &[u8], path: &str) -> Option<Field> {
    let mut steps = path.split('.').map(|step| step.parse::<u64>().ok());
    let mut wanted = steps.next()??;
    let (mut at, mut limit) = (0, bytes.len());
    while at < limit {
        let message = &bytes[..limit];
        let (key, after) = varint(message, at)?;
        let wire = key & 7;
        let (start, end) = match wire {
            0 => (after, varint(message, after)?.1),
            1 => (after, after + 8),
            2 => {
                let (length, start) = varint(message, after)?;
                (start, start.checked_add(usize::try_from(length).ok()?)?)
            }
            5 => (after, after + 4),
            // Groups are deprecated, and the others do not exist.
            _ => return None,
        };
        if end > limit {
            return None;
        }
        if key >> 3 != wanted {
            at = end;
            continue;
        }
        match steps.next() {
            None => return Some(Field { wire, start, end }),
            // Only a message has fields inside.
            Some(inner) if wire == 2 => (wanted, at, limit) = (inner?, start, end),
            Some(_) => return None,
        }
    }
    None
}

/// The value as the type asks for it; `None` if it has another wire type.
fn value<'t>(text: Text<'t>, field: &Field, kind: Type) -> Option<Sample<'t>> {
    let bytes = &text[field.start..field.end];
    let number = match (kind, field.wire) {
        (Type::Raw, _) => return Some(Sample::Bin(text.part(field.start, field.end))),
        (Type::Varint, 0) => varint(bytes, 0)?.0 as i64,
        (Type::Zigzag, 0) => {
            let value = varint(bytes, 0)?.0;
            (value >> 1) as i64 ^ -((value & 1) as i64)
        }
        (Type::Fixed64, 1) => i64::from_le_bytes(bytes.try_into().ok()?),
        (Type::Double, 1) => f64::from_le_bytes(bytes.try_into().ok()?) as i64,
        (Type::Fixed32, 5) => i64::from(u32::from_le_bytes(bytes.try_into().ok()?)),
        (Type::SignedFixed32, 5) => i64::from(i32::from_le_bytes(bytes.try_into().ok()?)),
        // HAProxy keeps its low 32 bits.
        (Type::Float, 5) => i64::from(f32::from_le_bytes(bytes.try_into().ok()?) as i64 as u32),
        _ => return None,
    };
    Some(Sample::Int(number))
}

fn path(arguments: &[Argument]) -> Option<&str> {
    std::str::from_utf8(arguments.first()?.bytes()).ok()
}

pub(super) fn protobuf<'t>(
    _: &'t Transaction<'_>,
    arguments: &'t [Argument],
    sample: Sample<'t>,
) -> Option<Sample<'t>> {
    let text = into_text(sample);
    let field = find(&text, path(arguments)?)?;
    value(text, &field, Type::of(arguments.get(1)))
}

pub(super) fn ungrpc<'t>(_: &'t Transaction<'_>, arguments: &'t [Argument], sample: Sample<'t>) -> Option<Sample<'t>> {
    let text = into_text(sample);
    let path = path(arguments)?;
    let mut at = 0;
    // One message after the other, until one has the field.
    while text.len() > at + GRPC_HEADER {
        let length = u32::from_be_bytes(text[at + 1..at + GRPC_HEADER].try_into().ok()?);
        let start = at + GRPC_HEADER;
        let end = start.checked_add(usize::try_from(length).ok()?)?;
        if let Some(field) = find(text.get(start..end)?, path) {
            let field = Field { wire: field.wire, start: start + field.start, end: start + field.end };
            return value(text, &field, Type::of(arguments.get(1)));
        }
        at = end;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_does_not_end_is_none() {
        assert_eq!(varint(&[0x96, 0x01], 0), Some((150, 2)));
        assert_eq!(varint(&[0x96], 0), None);
        assert_eq!(varint(&[0xff; 11], 0), None);
    }

    #[test]
    fn paths_are_numbers() {
        assert!(check_path("48.59.1").is_ok());
        for wrong in ["", "a", "1.", "0", ".1", "1.a"] {
            assert!(check_path(wrong).is_err(), "{wrong}");
        }
    }
}
