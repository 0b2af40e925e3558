//! Bytes made safe for where they are written (HAProxy manual §8.6).

use crate::http::are_field_values;

const DIGITS: &[u8; 16] = b"0123456789ABCDEF";

/// Two hexadecimal digits.
pub(super) fn push_digits(out: &mut Vec<u8>, byte: u8) {
    out.extend([DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
}

fn push_hex(out: &mut Vec<u8>, mark: u8, byte: u8) {
    out.push(mark);
    push_digits(out, byte);
}

fn push_escaped(out: &mut Vec<u8>, byte: u8) {
    if matches!(byte, b'"' | b'\\' | b']') {
        out.push(b'\\');
    }
    out.push(byte);
}

/// With a backslash before `"`, `\` and `]` (RFC 5424 §6.3.3).
pub(super) fn escaped(out: &mut Vec<u8>, text: &[u8]) {
    text.iter().for_each(|byte| push_escaped(out, *byte));
}

/// Control characters but tab as `%XX`, for header fields.
pub(super) fn percent(out: &mut Vec<u8>, text: &[u8], escapes: bool) {
    if !escapes && are_field_values(text) {
        return out.extend_from_slice(text);
    }
    for &byte in text {
        if byte < 0x20 && byte != b'\t' || byte == 0x7f {
            push_hex(out, b'%', byte);
        } else if escapes {
            push_escaped(out, byte);
        } else {
            out.push(byte);
        }
    }
}

/// What came from a peer, for a log line: `"`, `#`, the bytes of `also` and everything outside visible ASCII as `#XX`.
pub(super) fn for_log(out: &mut Vec<u8>, text: &[u8], also: &[u8], escapes: bool) {
    // Written without early exit so that it vectorises: almost everything goes as it is.
    let is_plain = |byte: u8| (0x20..0x7f).contains(&byte) & (byte != b'"') & (byte != b'#');
    if also.is_empty() && !escapes && text.iter().fold(true, |good, byte| good & is_plain(*byte)) {
        return out.extend_from_slice(text);
    }
    for &byte in text {
        if !(0x20..0x7f).contains(&byte) || matches!(byte, b'"' | b'#') || also.contains(&byte) {
            push_hex(out, b'#', byte);
        } else if escapes {
            push_escaped(out, byte);
        } else {
            out.push(byte);
        }
    }
}
