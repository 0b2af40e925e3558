//! Representations of bytes as text, and back.

use std::io::Write as _;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD, URL_SAFE_NO_PAD};

use super::super::argument::{Argument, hex as parse_hex};
use super::super::sample::Sample;
use super::super::transaction::Transaction;
use super::text::into_text;

const URL_SAFE: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// HAProxy does not look at the bits that are left over at the end.
const LENIENT: GeneralPurpose =
    GeneralPurpose::new(&alphabet::STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));

/// Bytes of standard base64, padding required.
pub(in super::super) fn base64_decode(text: &[u8]) -> Option<Vec<u8>> {
    LENIENT.decode(text).ok()
}

/// Standard base64 with padding.
pub(super) fn encode_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Bytes that an argument gives in base64, itself or in the variable that it names.
pub(super) fn decoded(transaction: &Transaction<'_>, argument: &Argument) -> Option<Vec<u8>> {
    match argument {
        Argument::Variable(name) => base64_decode(&into_text(transaction.variables.find(name)?.sample())),
        text => base64_decode(text.bytes()),
    }
}

/// Bytes of URL-safe base64, with or without padding.
pub(super) fn base64_url_decode(text: &[u8]) -> Option<Vec<u8>> {
    URL_SAFE.decode(text).ok()
}

pub(super) fn to_base64<'t>(_: &'t Transaction<'_>, _: &'t [Argument], sample: Sample<'t>) -> Option<Sample<'t>> {
    Some(Sample::built(STANDARD.encode(&*into_text(sample))))
}

pub(super) fn from_base64<'t>(_: &'t Transaction<'_>, _: &'t [Argument], sample: Sample<'t>) -> Option<Sample<'t>> {
    base64_decode(&into_text(sample)).map(Sample::bin)
}

pub(super) fn to_base64_url<'t>(_: &'t Transaction<'_>, _: &'t [Argument], sample: Sample<'t>) -> Option<Sample<'t>> {
    Some(Sample::built(URL_SAFE_NO_PAD.encode(&*into_text(sample))))
}

pub(super) fn from_base64_url<'t>(_: &'t Transaction<'_>, _: &'t [Argument], sample: Sample<'t>) -> Option<Sample<'t>> {
    base64_url_decode(&into_text(sample)).map(Sample::built)
}

pub(super) fn to_hex<'t>(_: &'t Transaction<'_>, _: &'t [Argument], sample: Sample<'t>) -> Option<Sample<'t>> {
    let mut out = Vec::new();
    push_hex(&mut out, &into_text(sample));
    Some(Sample::built(out))
}

fn push_hex(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.reserve(bytes.len() * 2);
    for byte in bytes {
        out.extend([DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
}

pub(super) fn hex_to_int<'t>(_: &'t Transaction<'_>, _: &'t [Argument], sample: Sample<'t>) -> Option<Sample<'t>> {
    let text = into_text(sample);
    let digit = |byte: &u8| char::from(*byte).to_digit(16).map(u64::from);
    let value = text.iter().try_fold(0_u64, |value, byte| Some(value << 4 | digit(byte)?))?;
    Some(Sample::Int(value as i64))
}

pub(super) fn to_bits<'t>(_: &'t Transaction<'_>, _: &'t [Argument], sample: Sample<'t>) -> Option<Sample<'t>> {
    let text = into_text(sample);
    let bits = text.iter().flat_map(|byte| (0..8).rev().map(move |bit| b'0' + (byte >> bit & 1)));
    Some(Sample::built(bits.collect::<Vec<u8>>()))
}

/// Writes chunks of bytes with a separator between them.
fn chunks<'t>(
    arguments: &[Argument],
    sample: Sample<'t>,
    default_size: usize,
    write: impl Fn(&mut Vec<u8>, &[u8]),
) -> Option<Sample<'t>> {
    let text = into_text(sample);
    let separator = arguments.first().map(Argument::bytes).unwrap_or_default();
    let size = match arguments.get(1).map_or(0, |size| size.int_or(0)) {
        0 => default_size,
        size => usize::try_from(size).ok()?,
    };
    let truncates = arguments.get(2).is_some_and(|truncate| truncate.int_or(0) != 0);
    let mut out = Vec::new();
    for (at, chunk) in text.chunks(size.max(1)).enumerate() {
        if truncates && chunk.len() < size {
            break;
        }
        if at > 0 {
            out.extend_from_slice(separator);
        }
        write(&mut out, chunk);
    }
    Some(Sample::built(out))
}

pub(super) fn chunks_to_hex<'t>(
    _: &'t Transaction<'_>,
    arguments: &'t [Argument],
    sample: Sample<'t>,
) -> Option<Sample<'t>> {
    chunks(arguments, sample, 1, push_hex)
}

fn push_number<'b>(out: &mut Vec<u8>, bytes: impl Iterator<Item = &'b u8>) {
    let value = bytes.take(8).fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
    // Writing to a Vec cannot fail.
    let _ = write!(out, "{value}");
}

pub(super) fn big_endian<'t>(
    _: &'t Transaction<'_>,
    arguments: &'t [Argument],
    sample: Sample<'t>,
) -> Option<Sample<'t>> {
    chunks(arguments, sample, 1, |out, chunk| push_number(out, chunk.iter()))
}

pub(super) fn little_endian<'t>(
    _: &'t Transaction<'_>,
    arguments: &'t [Argument],
    sample: Sample<'t>,
) -> Option<Sample<'t>> {
    chunks(arguments, sample, 1, |out, chunk| push_number(out, chunk.iter().rev()))
}

/// Percent signs are decoded everywhere, plus signs only behind a question mark or in a form; a broken one is no sample.
pub(super) fn url_decode<'t>(
    _: &'t Transaction<'_>,
    arguments: &'t [Argument],
    sample: Sample<'t>,
) -> Option<Sample<'t>> {
    let text = into_text(sample);
    let mut in_form = arguments.first().is_some_and(|in_form| in_form.int_or(0) != 0);
    if !text.iter().any(|byte| matches!(byte, b'%' | b'+')) {
        return Some(Sample::Str(text));
    }
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        match byte {
            b'%' => {
                out.extend(parse_hex(text.get(at..at + 2)?)?);
                at += 2;
            }
            b'+' if in_form => out.push(b' '),
            _ => {
                in_form |= byte == b'?';
                out.push(byte);
            }
        }
    }
    Some(Sample::built(out))
}

/// Everything but unreserved characters (RFC 3986 §2.3).
pub(super) fn url_encode<'t>(_: &'t Transaction<'_>, _: &'t [Argument], sample: Sample<'t>) -> Option<Sample<'t>> {
    let text = into_text(sample);
    let mut out = Vec::with_capacity(text.len() + 8);
    for &byte in text.iter() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(byte);
        } else {
            out.push(b'%');
            push_hex(&mut out, &[byte]);
        }
    }
    Some(Sample::built(out))
}

/// What to do with input that is not UTF-8: the words of the `json` converter's argument.
pub(super) const JSON_INPUTS: &[&str] = &["ascii", "utf8", "utf8s", "utf8p", "utf8ps"];

pub(super) fn to_json<'t>(_: &'t Transaction<'_>, arguments: &'t [Argument], sample: Sample<'t>) -> Option<Sample<'t>> {
    let text = into_text(sample);
    let mode = arguments.first().map_or(0, |mode| mode.int_or(0));
    let mut out = Vec::with_capacity(text.len() + 16);
    if mode == 0 {
        text.iter().for_each(|byte| push_json(&mut out, u32::from(*byte)));
        return Some(Sample::built(out));
    }
    let mut rest = &*text;
    while !rest.is_empty() {
        let (good, bad) = match std::str::from_utf8(rest) {
            Ok(good) => (good, None),
            Err(error) => {
                let (good, bad) = rest.split_at(error.valid_up_to());
                (std::str::from_utf8(good).unwrap_or_default(), bad.first())
            }
        };
        good.chars().for_each(|character| push_json(&mut out, u32::from(character)));
        match (bad, mode) {
            (None, _) => break,
            // utf8: an error is no sample; utf8s drops the byte; utf8p and utf8ps take it for a code point.
            (Some(_), 1) => return None,
            (Some(_), 2) => {}
            (Some(byte), _) => push_json(&mut out, u32::from(*byte)),
        }
        rest = &rest[good.len() + 1..];
    }
    Some(Sample::built(out))
}

fn push_json(out: &mut Vec<u8>, character: u32) {
    let escape: &[u8] = match character {
        0x22 => b"\\\"",
        0x5c => b"\\\\",
        0x2f => b"\\/",
        0x08 => b"\\b",
        0x0c => b"\\f",
        0x0a => b"\\n",
        0x0d => b"\\r",
        0x09 => b"\\t",
        0x20..=0x7e => return out.push(character as u8),
        _ => {
            let mut units = [0; 2];
            for unit in char::from_u32(character).unwrap_or('\u{fffd}').encode_utf16(&mut units) {
                // Writing to a Vec cannot fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
            return;
        }
    };
    out.extend_from_slice(escape);
}
