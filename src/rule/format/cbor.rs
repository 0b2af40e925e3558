//! CBOR (RFC 8949) as log lines write it: bytes, or their hexadecimal digits for what takes text only.

use super::encode::push_digits;

/// What a text starts with whose length is told by what ends it.
const OPEN_TEXT: u8 = 0x7f;
/// The same of bytes.
const OPEN_BYTES: u8 = 0x5f;
/// What an array starts with whose length is told by what ends it.
const OPEN_ARRAY: u8 = 0x9f;
/// The same of a map.
const OPEN_MAP: u8 = 0xbf;
/// What ends each of them.
const BREAK: u8 = 0xff;

/// A writer of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cbor {
    /// Bytes instead of digits.
    pub is_binary: bool,
}

impl Cbor {
    fn push(self, out: &mut Vec<u8>, bytes: &[u8]) {
        match self.is_binary {
            true => out.extend_from_slice(bytes),
            false => bytes.iter().for_each(|byte| push_digits(out, *byte)),
        }
    }

    /// A major type with the shortest form of its number (§3).
    fn head(self, out: &mut Vec<u8>, major: u8, number: u64) {
        let bytes = number.to_be_bytes();
        let (additional, length) = match number {
            0..24 => (number as u8, 0),
            24..0x100 => (24, 1),
            0x100..0x1_0000 => (25, 2),
            0x1_0000..0x1_0000_0000 => (26, 4),
            _ => (27, 8),
        };
        self.push(out, &[major << 5 | additional]);
        self.push(out, &bytes[bytes.len() - length..]);
    }

    pub(super) fn number(self, out: &mut Vec<u8>, value: i64) {
        match u64::try_from(value) {
            Ok(value) => self.head(out, 0, value),
            Err(_) => self.head(out, 1, !value as u64),
        }
    }

    pub(super) fn boolean(self, out: &mut Vec<u8>, value: bool) {
        self.push(out, &[if value { 0xf5 } else { 0xf4 }]);
    }

    pub(super) fn null(self, out: &mut Vec<u8>) {
        self.push(out, &[0xf6]);
    }

    /// Text of a known length.
    pub(super) fn text(self, out: &mut Vec<u8>, text: &[u8]) {
        self.head(out, 3, text.len() as u64);
        self.push(out, text);
    }

    /// Text in pieces.
    pub(super) fn texts<'t>(self, out: &mut Vec<u8>, pieces: impl Iterator<Item = &'t [u8]>) {
        self.push(out, &[OPEN_TEXT]);
        pieces.for_each(|piece| self.text(out, piece));
        self.push(out, &[BREAK]);
    }

    /// Bytes, in one piece if there are any.
    pub(super) fn bytes(self, out: &mut Vec<u8>, bytes: &[u8]) {
        self.push(out, &[OPEN_BYTES]);
        if !bytes.is_empty() {
            self.head(out, 2, bytes.len() as u64);
            self.push(out, bytes);
        }
        self.push(out, &[BREAK]);
    }

    pub(super) fn open_array(self, out: &mut Vec<u8>) {
        self.push(out, &[OPEN_ARRAY]);
    }

    pub(super) fn open_map(self, out: &mut Vec<u8>) {
        self.push(out, &[OPEN_MAP]);
    }

    /// Ends an array or a map.
    pub(super) fn close(self, out: &mut Vec<u8>) {
        self.push(out, &[BREAK]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(write: impl FnOnce(Cbor, &mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(Cbor { is_binary: false }, &mut out);
        String::from_utf8(out).unwrap()
    }

    /// RFC 8949, appendix A.
    #[test]
    fn numbers_are_those_of_the_standard() {
        for (value, expected) in [
            (0, "00"),
            (10, "0A"),
            (23, "17"),
            (24, "1818"),
            (100, "1864"),
            (1000, "1903E8"),
            (1_000_000, "1A000F4240"),
            (1_000_000_000_000, "1B000000E8D4A51000"),
            (-1, "20"),
            (-10, "29"),
            (-100, "3863"),
            (-1000, "3903E7"),
            (i64::MIN, "3B7FFFFFFFFFFFFFFF"),
        ] {
            assert_eq!(digits(|cbor, out| cbor.number(out, value)), expected, "{value}");
        }
    }

    #[test]
    fn texts_bytes_and_marks_are_those_of_the_standard() {
        assert_eq!(digits(|cbor, out| cbor.text(out, b"IETF")), "6449455446");
        assert_eq!(
            digits(|cbor, out| cbor.texts(out, [&b"strea"[..], b"ming"].into_iter())),
            "7F657374726561646D696E67FF"
        );
        assert_eq!(digits(|cbor, out| cbor.bytes(out, &[1, 2])), "5F420102FF");
        assert_eq!(digits(|cbor, out| cbor.boolean(out, true)), "F5");
        assert_eq!(digits(Cbor::null), "F6");
        let mut raw = Vec::new();
        Cbor { is_binary: true }.text(&mut raw, b"a");
        assert_eq!(raw, [0x61, b'a']);
    }
}
