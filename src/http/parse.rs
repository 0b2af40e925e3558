//! Bytes to [`Head`], strictly.
//!
//! Policies where RFC 9112 leaves a choice: a bare LF ends a line of a head (§2.2 MAY; HAProxy does too) and is written
//! as CRLF when forwarded; a bare CR, a folded line, white space around a field name and a second Host are refused.

use memchr::memchr;

use super::framing;
use super::grammar::{are_field_values, field_value_length, is_token, is_whole_token, trim, trim_end, trim_start};
use super::head::{Field, FieldKind, Head, Leniency, Method, Span, Transfer, Version};
use super::target;

/// Fields that a head may have (HAProxy's `tune.http.maxhdr`).
pub const MAX_FIELDS: usize = 101;

/// Empty lines tolerated before a request line (RFC 9112 §2.2), in bytes.
const MAX_LEADING: usize = 8;

/// Whether the head is all there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// The head is complete; [`Head::length`] tells where the body begins.
    Complete,
    /// More bytes are needed.
    Partial,
}

/// Why a head was refused. The sender is to blame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// The method is not a token.
    #[error("bad method")]
    Method,
    /// The request target has none of the forms of RFC 9112 §3.2, or a character that it must not have.
    #[error("bad request target")]
    Target,
    /// Not HTTP/1.0 or HTTP/1.1.
    #[error("bad protocol version")]
    Version,
    /// The status code is not three digits from 100 on.
    #[error("bad status line")]
    StatusLine,
    /// A field line has no colon, or its name is not a token.
    #[error("bad field name")]
    FieldName,
    /// A field value contains a control character.
    #[error("bad field value")]
    FieldValue,
    /// A field line is folded (RFC 9112 §5.2).
    #[error("folded field line")]
    Folded,
    /// A CR is not followed by LF.
    #[error("bare carriage return")]
    BareCarriageReturn,
    /// More fields than it may have: [`MAX_FIELDS`], or what is said instead.
    #[error("too many fields")]
    TooManyFields,
    /// Content-Length is not a number, does not fit, or is given more than once.
    #[error("bad content length")]
    ContentLength,
    /// Content-Length and Transfer-Encoding in one message (RFC 9112 §6.3).
    #[error("both content length and transfer encoding")]
    LengthAndTransfer,
    /// Transfer-Encoding does not end in `chunked`, names it twice, or came in HTTP/1.0.
    #[error("bad transfer encoding")]
    TransferEncoding,
    /// A transfer coding that is not `chunked`.
    #[error("unknown transfer coding")]
    UnknownCoding,
    /// More than one Host field.
    #[error("more than one host")]
    Host,
    /// The request target names another host than the Host field.
    #[error("the target names another host")]
    OtherHost,
}

impl HeadError {
    /// Status code that a client gets for it.
    pub fn status(self, leniency: Leniency) -> u16 {
        match self {
            // RFC 9112 §6.1 asks for 501; HAProxy, whose leniency that is, says 422.
            HeadError::UnknownCoding => {
                if leniency.transfer_wins {
                    422
                } else {
                    501
                }
            }
            _ => 400,
        }
    }
}

/// Whether `bytes` hold an empty line, given that the first `seen` of them held none: lets a caller that gets a head
/// byte by byte parse it once instead of for each byte.
pub fn is_head_complete(bytes: &[u8], seen: usize) -> bool {
    let mut at = seen.saturating_sub(3);
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr(b'\n', rest)) {
        at += found + 1;
        if let Some([b'\n', ..] | [b'\r', b'\n', ..]) = bytes.get(at..) {
            return true;
        }
    }
    false
}

/// Parses a request head at the start of `bytes`.
pub fn parse_request(bytes: &[u8], head: &mut Head) -> Result<Parsed, HeadError> {
    head.clear();
    let mut at = 0;
    while at < MAX_LEADING && matches!(bytes.get(at), Some(b'\r' | b'\n')) {
        at += 1;
    }
    let Some((line, next)) = take_line(bytes, at, head)? else {
        // Something that is not HTTP at all (a TLS ClientHello) is refused before it fills a buffer.
        let start = bytes.get(at..).unwrap_or_default();
        let method = &start[..start.len().min(32)];
        let method = memchr(b' ', method).map_or(method, |space| &method[..space]);
        return if method.iter().all(|&byte| is_token(byte)) { Ok(Parsed::Partial) } else { Err(HeadError::Method) };
    };
    head.line = line;
    request_line(bytes, line, head)?;
    if fields(bytes, next, head)? == Parsed::Partial {
        return Ok(Parsed::Partial);
    }
    framing::check(head)?;
    target::check_host(bytes, head)?;
    Ok(Parsed::Complete)
}

/// Parses a response head at the start of `bytes`.
pub fn parse_response(bytes: &[u8], head: &mut Head) -> Result<Parsed, HeadError> {
    head.clear();
    let Some((line, next)) = take_line(bytes, 0, head)? else {
        let start = &bytes[..bytes.len().min(5)];
        return if b"HTTP/".starts_with(start) { Ok(Parsed::Partial) } else { Err(HeadError::Version) };
    };
    head.line = line;
    status_line(line.of(bytes), head)?;
    if fields(bytes, next, head)? == Parsed::Partial {
        return Ok(Parsed::Partial);
    }
    framing::check(head)?;
    Ok(Parsed::Complete)
}

/// The line that starts at `at` without its end, and where the next one starts.
fn take_line(bytes: &[u8], at: usize, head: &mut Head) -> Result<Option<(Span, usize)>, HeadError> {
    let rest = bytes.get(at..).unwrap_or_default();
    let Some(end) = memchr(b'\n', rest) else { return Ok(None) };
    let next = at + end + 1;
    let mut stop = at + end;
    if end > 0 && rest[end - 1] == b'\r' {
        stop -= 1;
    } else {
        head.is_written_line_by_line = true;
    }
    Ok(Some((Span::new(at, stop), next)))
}

fn request_line(bytes: &[u8], line: Span, head: &mut Head) -> Result<(), HeadError> {
    let text = line.of(bytes);
    let space = memchr(b' ', text).ok_or(HeadError::Method)?;
    if !is_whole_token(&text[..space]) {
        return Err(HeadError::Method);
    }
    head.method = Method::from_bytes(&text[..space]);
    // RFC 9112 §3 lets a recipient take several spaces for one; one is forwarded.
    let start = space + text[space..].iter().take_while(|byte| **byte == b' ').count();
    let rest = &text[start..];
    let second = memchr(b' ', rest).ok_or(HeadError::Version)?;
    let target = &rest[..second];
    target::check(target, head.method, head.leniency.odd_bytes)?;
    let start = line.start as usize + start;
    head.target = Span::new(start, start + second);
    let spaces = rest[second..].iter().take_while(|byte| **byte == b' ').count();
    head.version = version(&rest[second + spaces..])?;
    Ok(())
}

fn version(text: &[u8]) -> Result<Version, HeadError> {
    match text {
        b"HTTP/1.1" => Ok(Version::Http11),
        b"HTTP/1.0" => Ok(Version::Http10),
        // RFC 9110 §2.5: a higher minor version is that of the recipient's choice; it is forwarded as 1.1.
        [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'2'..=b'9'] => Ok(Version::Http11),
        _ => Err(HeadError::Version),
    }
}

fn status_line(text: &[u8], head: &mut Head) -> Result<(), HeadError> {
    let (start, rest) = text.split_at_checked(8).ok_or(HeadError::Version)?;
    head.version = version(start)?;
    let [b' ', a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', reason @ ..] = rest else {
        return Err(HeadError::StatusLine);
    };
    if !reason.is_empty() && reason[0] != b' ' || !are_field_values(reason) {
        return Err(HeadError::StatusLine);
    }
    head.status = u16::from(a - b'0') * 100 + u16::from(b - b'0') * 10 + u16::from(c - b'0');
    Ok(())
}

fn fields(bytes: &[u8], mut at: usize, head: &mut Head) -> Result<Parsed, HeadError> {
    loop {
        // What cannot stand in a value ends a line; nearly always it is the line's end.
        let mut end = at + field_value_length(bytes.get(at..).unwrap_or_default());
        // RFC 9110 §5.5 lets recipients keep such characters; names are tokens all the same.
        while head.leniency.odd_bytes
            && head.status == 0
            && bytes.get(end).is_some_and(|byte| !matches!(byte, b'\0' | b'\r' | b'\n'))
        {
            end += 1 + field_value_length(bytes.get(end + 1..).unwrap_or_default());
        }
        let next = match bytes.get(end..) {
            Some([b'\r', b'\n', ..]) => end + 2,
            Some([b'\n', ..]) => {
                head.is_written_line_by_line = true;
                end + 1
            }
            _ => return refuse_line(bytes, at, head),
        };
        if end == at {
            head.length = next;
            finish(bytes, head);
            return Ok(Parsed::Complete);
        }
        if head.fields.len() >= head.leniency.max_fields.unwrap_or(MAX_FIELDS) {
            return Err(HeadError::TooManyFields);
        }
        let field = field(&bytes[at..end], at, next)?;
        head.fields.push(field);
        note(field.kind, bytes, field.value, head)?;
        at = next;
    }
}

/// What is wrong with the line that starts at `at`, which has a byte that may stand nowhere in it; nothing yet, if its
/// end has not come.
fn refuse_line(bytes: &[u8], at: usize, head: &mut Head) -> Result<Parsed, HeadError> {
    let Some((line, _)) = take_line(bytes, at, head)? else { return Ok(Parsed::Partial) };
    if head.fields.len() >= head.leniency.max_fields.unwrap_or(MAX_FIELDS) {
        return Err(HeadError::TooManyFields);
    }
    let text = line.of(bytes);
    let colon = find_colon(text)?;
    Err(if text[colon..].contains(&b'\r') { HeadError::BareCarriageReturn } else { HeadError::FieldValue })
}

/// A field of a line of which every byte may stand in a value.
fn field(text: &[u8], at: usize, next: usize) -> Result<Field, HeadError> {
    let colon = find_colon(text)?;
    let rest = trim_start(&text[colon + 1..]);
    let start = at + text.len() - rest.len();
    Ok(Field {
        line: Span::new(at, next),
        name: Span::new(at, at + colon),
        value: Span::new(start, start + trim_end(rest).len()),
        kind: classify(&text[..colon]),
    })
}

/// Where the name of a field ends.
fn find_colon(text: &[u8]) -> Result<usize, HeadError> {
    let name = text.iter().position(|byte| !is_token(*byte)).unwrap_or(text.len());
    match (name, text) {
        (0, [b' ' | b'\t', ..]) => Err(HeadError::Folded),
        (1.., _) if text.get(name) == Some(&b':') => Ok(name),
        _ => Err(HeadError::FieldName),
    }
}

pub(super) fn classify(name: &[u8]) -> FieldKind {
    let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
    match name.len() {
        2 if is("te") => FieldKind::Te,
        4 if is("host") => FieldKind::Host,
        6 if is("expect") => FieldKind::Expect,
        6 if is("cookie") => FieldKind::Cookie,
        7 if is("upgrade") => FieldKind::Upgrade,
        10 if is("connection") => FieldKind::Connection,
        10 if is("keep-alive") => FieldKind::KeepAlive,
        10 if is("set-cookie") => FieldKind::Cookie,
        14 if is("content-length") => FieldKind::ContentLength,
        16 if is("proxy-connection") => FieldKind::ProxyConnection,
        17 if is("transfer-encoding") => FieldKind::TransferEncoding,
        17 if is("x-forwarded-proto") => FieldKind::ForwardedProto,
        _ => FieldKind::Other,
    }
}

/// What a field adds to the facts about the message.
fn note(kind: FieldKind, bytes: &[u8], value: Span, head: &mut Head) -> Result<(), HeadError> {
    let value = value.of(bytes);
    match kind {
        FieldKind::ContentLength => {
            if head.content_length.is_some() {
                return Err(HeadError::ContentLength);
            }
            head.content_length = Some(framing::content_length(value).ok_or(HeadError::ContentLength)?);
        }
        FieldKind::TransferEncoding => {
            let is_last_chunked = value.rsplit(|&b| b == b',').next().is_some_and(is_chunked);
            if head.transfer == Transfer::Chunked || !is_last_chunked {
                return Err(HeadError::TransferEncoding);
            }
            let others = || value.split(|&b| b == b',').rev().skip(1);
            if others().next().is_some() {
                let is_twice = others().any(is_chunked);
                return Err(if is_twice { HeadError::TransferEncoding } else { HeadError::UnknownCoding });
            }
            head.transfer = Transfer::Chunked;
        }
        FieldKind::Connection => {
            for option in value.split(|&b| b == b',').map(trim).filter(|option| !option.is_empty()) {
                match option {
                    _ if option.eq_ignore_ascii_case(b"close") => head.says_close = true,
                    _ if option.eq_ignore_ascii_case(b"keep-alive") => head.says_keep_alive = true,
                    _ if option.eq_ignore_ascii_case(b"upgrade") => head.says_upgrade = true,
                    _ => head.nominates = true,
                }
            }
        }
        FieldKind::Te => keep_trailers(bytes, head),
        FieldKind::Upgrade => head.has_upgrade = true,
        FieldKind::Cookie => head.has_cookies = true,
        FieldKind::Expect => head.expects_continue |= value.eq_ignore_ascii_case(b"100-continue"),
        FieldKind::Host if std::mem::replace(&mut head.has_host, true) => return Err(HeadError::Host),
        _ => {}
    }
    Ok(())
}

/// Narrows the TE field that came last to its `trailers`, if it has one without a weight.
fn keep_trailers(bytes: &[u8], head: &mut Head) {
    let Some(field) = head.fields.last_mut() else { return };
    let whole = field.value.of(bytes);
    let mut at = field.value.start as usize;
    for coding in whole.split(|&byte| byte == b',') {
        if trim(coding).eq_ignore_ascii_case(b"trailers") {
            let start = at + coding.len() - trim_start(coding).len();
            let narrow = Span::new(start, start + b"trailers".len());
            head.is_written_line_by_line |= narrow.of(bytes).len() != whole.len();
            (field.kind, field.value) = (FieldKind::TeTrailers, narrow);
            return;
        }
        at += coding.len() + 1;
    }
}

fn is_chunked(coding: &[u8]) -> bool {
    trim(coding).eq_ignore_ascii_case(b"chunked")
}

/// Facts that need all fields: upgrade, and fields that Connection names. Framing and Host are never hop-by-hop.
fn finish(bytes: &[u8], head: &mut Head) {
    head.says_upgrade &= head.has_upgrade;
    if !head.nominates {
        return;
    }
    for index in 0..head.fields.len() {
        if head.fields[index].kind != FieldKind::Connection {
            continue;
        }
        let value = head.fields[index].value.of(bytes);
        for option in value.split(|&b| b == b',').map(trim) {
            for field in &mut head.fields {
                let is_plain = matches!(field.kind, FieldKind::Other | FieldKind::Cookie);
                if is_plain && field.name.of(bytes).eq_ignore_ascii_case(option) {
                    field.kind = FieldKind::Nominated;
                }
            }
        }
    }
}
