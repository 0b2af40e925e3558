//! The chunked coding, scanned but not decoded: a proxy forwards the bytes as they are and only needs their end.
//!
//! Strict, because the bytes are forwarded: CRLF and nothing else ends a line (a bare LF or CR is where two parsers
//! disagree), sizes are at most 15 hex digits, extensions and trailers are bounded.

use super::grammar::{is_field_value, is_token};

/// Bytes of extensions and trailers that one body may carry.
const MAX_OVERHEAD: u32 = 16 * 1024;
/// Hex digits of a size: 2^60 bytes are enough and cannot overflow.
const MAX_DIGITS: u8 = 15;

/// Why a chunked body was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChunkError {
    /// A chunk size is missing, too long or not hexadecimal.
    #[error("bad chunk size")]
    Size,
    /// A chunk extension contains a control character.
    #[error("bad chunk extension")]
    Extension,
    /// CRLF was expected.
    #[error("bad line end in chunked body")]
    LineEnd,
    /// A trailer line is not a field line.
    #[error("bad trailer")]
    Trailer,
    /// Extensions and trailers exceed 16 KiB.
    #[error("chunk extensions or trailers too long")]
    TooLong,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    #[default]
    SizeStart,
    Size,
    Extension,
    SizeLineFeed,
    Data,
    DataReturn,
    DataLineFeed,
    LineStart,
    TrailerName,
    TrailerValue,
    TrailerLineFeed,
    LastLineFeed,
    Done,
}

/// Where a chunked body stands.
#[derive(Clone, Copy, Debug, Default)]
pub struct ChunkScanner {
    at: At,
    digits: u8,
    overhead: u32,
    /// Bytes left of the current chunk's data.
    left: u64,
}

impl ChunkScanner {
    /// Whether the last chunk and its trailers have passed.
    pub fn is_done(&self) -> bool {
        self.at == At::Done
    }

    /// Bytes of chunk data that come next for certain.
    pub fn data_left(&self) -> u64 {
        if self.at == At::Data { self.left } else { 0 }
    }

    /// Passes over chunk data, at most [`ChunkScanner::data_left`] bytes.
    pub fn skip(&mut self, count: u64) {
        if self.at == At::Data {
            self.left = self.left.saturating_sub(count);
            if self.left == 0 {
                self.at = At::DataReturn;
            }
        }
    }

    /// Scans the next bytes and tells how many belong to the body; fewer than all only when it is done.
    pub fn scan(&mut self, bytes: &[u8]) -> Result<usize, ChunkError> {
        let mut i = 0;
        while i < bytes.len() {
            if self.at == At::Data {
                i += self.scan_data(bytes.len() - i);
                continue;
            }
            if self.at == At::Done {
                break;
            }
            self.step(bytes[i])?;
            i += 1;
        }
        Ok(i)
    }

    /// Appends the next bytes without trailers; those that [`ChunkScanner::scan`] took of the body.
    ///
    /// # Errors
    /// As there.
    pub fn write_without_trailers(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), ChunkError> {
        let mut i = 0;
        while i < bytes.len() && self.at != At::Done {
            if self.at == At::Data {
                let start = i;
                i += self.scan_data(bytes.len() - i);
                out.extend_from_slice(&bytes[start..i]);
                continue;
            }
            let is_of_trailers = match self.at {
                At::LineStart => bytes[i] != b'\r',
                At::TrailerName | At::TrailerValue | At::TrailerLineFeed => true,
                _ => false,
            };
            self.step(bytes[i])?;
            if !is_of_trailers {
                out.push(bytes[i]);
            }
            i += 1;
        }
        Ok(())
    }

    /// Passes over chunk data of which so much is there; how much it is.
    fn scan_data(&mut self, there: usize) -> usize {
        let taken = there.min(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.left -= taken as u64;
        if self.left == 0 {
            self.at = At::DataReturn;
        }
        taken
    }

    fn step(&mut self, byte: u8) -> Result<(), ChunkError> {
        self.at = match (self.at, byte) {
            (At::SizeStart | At::Size, _) if byte.is_ascii_hexdigit() => {
                if self.at == At::SizeStart {
                    (self.left, self.digits) = (0, 0);
                }
                self.digits += 1;
                if self.digits > MAX_DIGITS {
                    return Err(ChunkError::Size);
                }
                self.left = self.left << 4 | u64::from(hex(byte));
                At::Size
            }
            (At::Size | At::Extension, b'\r') => At::SizeLineFeed,
            (At::Size, b';' | b' ' | b'\t') => self.count(At::Extension)?,
            (At::SizeStart | At::Size, _) => return Err(ChunkError::Size),
            (At::Extension, _) if is_field_value(byte) => self.count(At::Extension)?,
            (At::Extension, _) => return Err(ChunkError::Extension),
            (At::SizeLineFeed, b'\n') if self.left == 0 => At::LineStart,
            (At::SizeLineFeed, b'\n') => At::Data,
            (At::DataReturn, b'\r') => At::DataLineFeed,
            (At::DataLineFeed, b'\n') => At::SizeStart,
            (At::LineStart, b'\r') => At::LastLineFeed,
            (At::LineStart | At::TrailerName, _) if is_token(byte) => self.count(At::TrailerName)?,
            (At::TrailerName, b':') => self.count(At::TrailerValue)?,
            (At::LineStart | At::TrailerName, _) => return Err(ChunkError::Trailer),
            (At::TrailerValue, b'\r') => At::TrailerLineFeed,
            (At::TrailerValue, _) if is_field_value(byte) => self.count(At::TrailerValue)?,
            (At::TrailerValue, _) => return Err(ChunkError::Trailer),
            (At::TrailerLineFeed, b'\n') => At::LineStart,
            (At::LastLineFeed, b'\n') => At::Done,
            (At::SizeLineFeed | At::DataReturn | At::DataLineFeed | At::TrailerLineFeed | At::LastLineFeed, _) => {
                return Err(ChunkError::LineEnd);
            }
            (At::Data | At::Done, _) => self.at,
        };
        Ok(())
    }

    fn count(&mut self, next: At) -> Result<At, ChunkError> {
        self.overhead += 1;
        if self.overhead > MAX_OVERHEAD { Err(ChunkError::TooLong) } else { Ok(next) }
    }
}

/// Appends the data of a chunked body of which so much came; it was scanned before.
pub fn write_data(bytes: &[u8], out: &mut Vec<u8>) {
    each_chunk(bytes, |data| out.extend_from_slice(data));
}

/// Bytes of data in what came of a body, chunked or not.
pub fn data_length(bytes: &[u8], is_chunked: bool) -> usize {
    let mut length = if is_chunked { 0 } else { bytes.len() };
    if is_chunked {
        each_chunk(bytes, |data| length += data.len());
    }
    length
}

fn each_chunk(mut bytes: &[u8], mut take: impl FnMut(&[u8])) {
    while let Some(end) = memchr::memchr(b'\n', bytes) {
        let digits = bytes.iter().take_while(|byte| byte.is_ascii_hexdigit());
        let size = digits.fold(0_usize, |size, digit| size.saturating_mul(16).saturating_add(usize::from(hex(*digit))));
        let rest = &bytes[end + 1..];
        take(&rest[..size.min(rest.len())]);
        if size == 0 {
            return;
        }
        bytes = rest.get(size.saturating_add(2)..).unwrap_or_default();
    }
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit.wrapping_sub(b'A') + 10,
    }
}
