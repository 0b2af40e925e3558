//! Character classes of RFC 9110 §5.6.

const TCHAR: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        table[byte] = b.is_ascii_alphanumeric()
            || matches!(
                b,
                b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
            );
        byte += 1;
    }
    table
};

/// A byte of a token.
pub(super) fn is_token(byte: u8) -> bool {
    TCHAR[byte as usize]
}

/// Whether the bytes are one token. Written without early exit, as almost all are.
pub fn is_whole_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().fold(true, |good, &byte| good & is_token(byte))
}

/// A byte of a field value: anything but control characters; HTAB is allowed, obs-text too.
pub(super) fn is_field_value(byte: u8) -> bool {
    (byte >= 0x20 && byte != 0x7f) || byte == b'\t'
}

/// Puts a space in place of every byte that may not stand in a field value: no line ends there, whatever a client's bytes
/// were made into.
pub fn blank_controls(bytes: &mut [u8]) {
    if !are_field_values(bytes) {
        bytes.iter_mut().filter(|byte| !is_field_value(**byte)).for_each(|byte| *byte = b' ');
    }
}

/// Whether every byte may stand in a field value. Eight bytes at a time; those that have something odd are looked at one by
/// one.
pub fn are_field_values(bytes: &[u8]) -> bool {
    let are_good = |word: &[u8; 8]| !may_be_odd(*word) || word.iter().all(|byte| is_field_value(*byte));
    match bytes.last_chunk::<8>() {
        // The last eight may have been seen in part.
        Some(last) => bytes.as_chunks::<8>().0.iter().all(are_good) && are_good(last),
        None => bytes.iter().all(|byte| is_field_value(*byte)),
    }
}

/// How many bytes stand before the first that may not stand in a field value. Eight at a time.
#[inline]
pub(super) fn field_value_length(bytes: &[u8]) -> usize {
    let is_odd = |byte: &u8| !is_field_value(*byte);
    let (words, rest) = bytes.as_chunks::<8>();
    let mut length = 0;
    for word in words {
        if may_be_odd(*word)
            && let Some(found) = word.iter().position(is_odd)
        {
            return length + found;
        }
        length += 8;
    }
    length + rest.iter().position(is_odd).unwrap_or(rest.len())
}

/// Whether one of eight bytes is below 0x20 or is 0x7f.
fn may_be_odd(word: [u8; 8]) -> bool {
    const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    let word = u64::from_ne_bytes(word);
    // Subtracting sets the high bit of a byte that is less, unless it was set before.
    let is_low = word.wrapping_sub(ONES * 0x20) & !word;
    let from_delete = word ^ (ONES * 0x7f);
    let is_delete = from_delete.wrapping_sub(ONES) & !from_delete;
    (is_low | is_delete) & HIGH != 0
}

/// Whether every byte is a visible ASCII character, as in a request target.
pub(super) fn are_visible(bytes: &[u8]) -> bool {
    bytes.iter().fold(true, |good, &byte| good & (byte > 0x20) & (byte < 0x7f))
}

/// Without spaces and tabs at both ends.
pub(super) fn trim(bytes: &[u8]) -> &[u8] {
    trim_end(trim_start(bytes))
}

/// Without spaces and tabs in front.
pub(super) fn trim_start(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    bytes
}

/// Without spaces and tabs at the end.
pub(super) fn trim_end(mut bytes: &[u8]) -> &[u8] {
    while let [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_good_where_each_of_their_bytes_is() {
        for odd in 0..=u8::MAX {
            for length in [1, 7, 8, 9, 17] {
                for at in 0..length {
                    let mut text = vec![b'a'; length];
                    text[at] = odd;
                    assert_eq!(are_field_values(&text), is_field_value(odd), "{odd} at {at} of {length}");
                    let before = if is_field_value(odd) { length } else { at };
                    assert_eq!(field_value_length(&text), before, "{odd} at {at} of {length}");
                }
            }
        }
        assert!(are_field_values(b"") && are_field_values("\täöü ~\u{80}".as_bytes()));
        assert!(!are_field_values(b"\t\t\t\t\t\t\t\x7f"));
        assert_eq!(field_value_length(b"\t\t\t\t\t\t\t\t\t\x7f\r\n\r\n\r\n"), 9);
    }
}
