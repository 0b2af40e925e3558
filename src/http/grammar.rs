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

/// Whether the bytes are one token.
pub fn is_whole_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|&byte| is_token(byte))
}

/// A byte of a field value: anything but control characters; HTAB is allowed, obs-text too.
pub(super) fn is_field_value(byte: u8) -> bool {
    (byte >= 0x20 && byte != 0x7f) || byte == b'\t'
}

/// Whether every byte may stand in a field value. Written without early exit so that it vectorises.
pub fn are_field_values(bytes: &[u8]) -> bool {
    bytes.iter().fold(true, |good, &byte| good & is_field_value(byte))
}

/// Whether every byte is a visible ASCII character, as in a request target.
pub(super) fn are_visible(bytes: &[u8]) -> bool {
    bytes.iter().fold(true, |good, &byte| good & (byte > 0x20) & (byte < 0x7f))
}

/// Without spaces and tabs at both ends.
pub(super) fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}
