//! Where a body ends (RFC 9112 §6.3), and whether the connection outlives it.

use super::chunked::{ChunkError, ChunkScanner};
use super::head::{FieldKind, Head, Method, Transfer, Version};
use super::parse::HeadError;

/// How a body is delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFraming {
    /// There is none.
    None,
    /// So many bytes.
    Length(u64),
    /// Chunks.
    Chunked,
    /// Everything until the sender closes.
    UntilClose,
}

/// The number in a Content-Length; `None` for anything but digits that fit (`+5`, `5, 5` and an empty value do not).
pub(super) fn content_length(value: &[u8]) -> Option<u64> {
    if value.is_empty() {
        return None;
    }
    value.iter().try_fold(0u64, |sum, &byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        sum.checked_mul(10)?.checked_add(digit)
    })
}

/// Refuses what two parsers could read differently, or settles it.
pub(super) fn check(head: &mut Head) -> Result<(), HeadError> {
    if head.transfer == Transfer::Absent {
        return Ok(());
    }
    if head.leniency.transfer_wins {
        let is_doubtful = head.content_length.is_some() || head.version == Version::Http10;
        head.is_framing_doubtful = is_doubtful && !head.leniency.keeps_doubtful;
        if head.content_length.take().is_some() {
            // RFC 9112 §6.3: it must be removed before the message is forwarded.
            head.fields.retain(|field| field.kind != FieldKind::ContentLength);
        }
        return Ok(());
    }
    if head.content_length.is_some() {
        return Err(HeadError::LengthAndTransfer);
    }
    // RFC 9112 §6.1: Transfer-Encoding in an HTTP/1.0 message means that its framing is faulty.
    if head.version == Version::Http10 { Err(HeadError::TransferEncoding) } else { Ok(()) }
}

impl Head {
    /// How the body of this request is delimited.
    pub fn request_framing(&self) -> BodyFraming {
        match (self.transfer, self.content_length) {
            (Transfer::Chunked, _) => BodyFraming::Chunked,
            (Transfer::Absent, Some(0) | None) => BodyFraming::None,
            (Transfer::Absent, Some(length)) => BodyFraming::Length(length),
        }
    }

    /// How the body of this response to a request with `method` is delimited.
    pub fn response_framing(&self, method: Method) -> BodyFraming {
        if method == Method::Head || matches!(self.status, 100..=199 | 204 | 304) {
            return BodyFraming::None;
        }
        match (self.transfer, self.content_length) {
            (Transfer::Chunked, _) => BodyFraming::Chunked,
            (Transfer::Absent, Some(0)) => BodyFraming::None,
            (Transfer::Absent, Some(length)) => BodyFraming::Length(length),
            (Transfer::Absent, None) => BodyFraming::UntilClose,
        }
    }

    /// Whether the sender of this message wants its connection to persist (RFC 9112 §9.3).
    pub fn keeps_alive(&self) -> bool {
        match self.version {
            _ if self.is_framing_doubtful => false,
            Version::Http11 => !self.says_close,
            Version::Http10 => self.says_keep_alive && !self.says_close,
        }
    }
}

/// Why a body was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// The chunked coding is malformed.
    #[error(transparent)]
    Chunk(#[from] ChunkError),
}

/// How much of a body is still to come.
#[derive(Clone, Copy, Debug)]
pub enum Body {
    /// Nothing.
    Done,
    /// So many bytes, at least one.
    Length(u64),
    /// Chunks; the scanner knows where.
    Chunked(ChunkScanner),
    /// Everything until the sender closes.
    UntilClose,
}

impl From<BodyFraming> for Body {
    fn from(framing: BodyFraming) -> Body {
        match framing {
            BodyFraming::None | BodyFraming::Length(0) => Body::Done,
            BodyFraming::Length(length) => Body::Length(length),
            BodyFraming::Chunked => Body::Chunked(ChunkScanner::default()),
            BodyFraming::UntilClose => Body::UntilClose,
        }
    }
}

impl Body {
    /// Whether the body is complete. One that ends with the connection never is by itself.
    pub fn is_done(&self) -> bool {
        matches!(self, Body::Done)
    }

    /// Bytes that come next for certain and need not be looked at; `u64::MAX` until the connection closes.
    pub fn unexamined(&self) -> u64 {
        match self {
            Body::Done => 0,
            Body::Length(left) => *left,
            Body::Chunked(scanner) => scanner.data_left(),
            Body::UntilClose => u64::MAX,
        }
    }

    /// Takes bytes that were not looked at, at most [`Body::unexamined`].
    pub fn skip(&mut self, count: u64) {
        match self {
            Body::Done | Body::UntilClose => {}
            Body::Length(left) if *left <= count => *self = Body::Done,
            Body::Length(left) => *left -= count,
            Body::Chunked(scanner) => scanner.skip(count),
        }
    }

    /// Takes the next bytes of the connection and tells how many of them belong to this body.
    pub fn advance(&mut self, bytes: &[u8]) -> Result<usize, BodyError> {
        match self {
            Body::Done => Ok(0),
            Body::UntilClose => Ok(bytes.len()),
            Body::Length(left) => {
                let taken = bytes.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= taken as u64;
                if *left == 0 {
                    *self = Body::Done;
                }
                Ok(taken)
            }
            Body::Chunked(scanner) => {
                let taken = scanner.scan(bytes)?;
                if scanner.is_done() {
                    *self = Body::Done;
                }
                Ok(taken)
            }
        }
    }
}
