//! TLS handshakes seen from outside: what a ClientHello says before anybody decrypts (RFC 8446 §4.1.2).

use super::super::argument::Argument;
use super::super::sample::{Sample, Text};
use super::super::transaction::{Data, Transaction};
use super::Cursor;

const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;

/// Reads big-endian numbers and counted parts, and never past the end.
struct Reader<'t>(&'t [u8]);

impl<'t> Reader<'t> {
    fn take(&mut self, count: usize) -> Option<&'t [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self, bytes: usize) -> Option<usize> {
        Some(self.take(bytes)?.iter().fold(0, |value, byte| value << 8 | usize::from(*byte)))
    }

    /// A part that starts with its length.
    fn part(&mut self, bytes: usize) -> Option<&'t [u8]> {
        let length = self.number(bytes)?;
        self.take(length)
    }
}

/// What is known about the start of a connection.
enum Start<'t> {
    /// A record of a handshake of that type and its body, as far as it is there.
    Handshake { kind: u8, body: &'t [u8], is_whole: bool },
    /// Not enough bytes yet.
    Short,
    /// Something else.
    Other,
}

fn start(data: Data<'_>) -> Start<'_> {
    let bytes = data.bytes;
    match bytes.first() {
        None => return Start::Short,
        Some(&HANDSHAKE) => {}
        Some(_) => return Start::Other,
    }
    if bytes.get(1).is_some_and(|major| *major != 3) {
        return Start::Other;
    }
    let (Some(kind), Some(length)) = (bytes.get(5), bytes.get(6..9)) else { return Start::Short };
    let length = length.iter().fold(0, |value, byte| value << 8 | usize::from(*byte));
    let body = &bytes[9..];
    let is_whole = body.len() >= length;
    Start::Handshake { kind: *kind, body: &body[..body.len().min(length)], is_whole }
}

fn hello_type<'t>(data: Data<'t>, wanted: u8, cursor: &mut Cursor) -> Option<Sample<'t>> {
    match start(data) {
        Start::Handshake { kind, is_whole, .. } if kind == wanted => {
            cursor.may_change = !is_whole && !data.is_final;
            (is_whole || data.is_final).then_some(Sample::Int(i64::from(kind)))
        }
        Start::Short if !data.is_final => {
            cursor.may_change = true;
            None
        }
        _ => Some(Sample::Int(0)),
    }
}

pub(super) fn client_hello_type<'t>(
    transaction: &'t Transaction<'_>,
    _: &'t [Argument],
    cursor: &mut Cursor,
) -> Option<Sample<'t>> {
    if transaction.stage.is_http() {
        return None;
    }
    hello_type(transaction.request_data, CLIENT_HELLO, cursor)
}

pub(super) fn server_hello_type<'t>(
    transaction: &'t Transaction<'_>,
    _: &'t [Argument],
    cursor: &mut Cursor,
) -> Option<Sample<'t>> {
    hello_type(transaction.response_data, SERVER_HELLO, cursor)
}

/// The body of a complete ClientHello; says in the cursor whether waiting helps.
fn client_hello<'t>(transaction: &'t Transaction<'_>, cursor: &mut Cursor) -> Option<&'t [u8]> {
    let data = transaction.request_data;
    match start(data) {
        Start::Handshake { kind: CLIENT_HELLO, body, is_whole: true } => Some(body),
        Start::Handshake { kind: CLIENT_HELLO, .. } | Start::Short => {
            cursor.may_change = !data.is_final;
            None
        }
        _ => None,
    }
}

/// The body of an extension of a ClientHello, by its number.
fn extension(hello: &[u8], wanted: usize) -> Option<&[u8]> {
    let mut reader = Reader(hello);
    reader.take(2 + 32)?;
    reader.part(1)?;
    reader.part(2)?;
    reader.part(1)?;
    let mut extensions = Reader(reader.part(2)?);
    loop {
        let number = extensions.number(2)?;
        let body = extensions.part(2)?;
        if number == wanted {
            return Some(body);
        }
    }
}

/// A list of an extension of a ClientHello, behind its length of so many bytes.
fn list<'t>(transaction: &'t Transaction<'_>, number: usize, length: usize, cursor: &mut Cursor) -> Option<Sample<'t>> {
    let body = extension(client_hello(transaction, cursor)?, number)?;
    Some(Sample::Bin(Text::Borrowed(Reader(body).part(length)?)))
}

pub(super) fn cipher_suites<'t>(
    transaction: &'t Transaction<'_>,
    _: &'t [Argument],
    cursor: &mut Cursor,
) -> Option<Sample<'t>> {
    let mut reader = Reader(client_hello(transaction, cursor)?);
    reader.take(2 + 32)?;
    reader.part(1)?;
    reader.part(2).map(|list| Sample::Bin(Text::Borrowed(list)))
}

pub(super) fn supported_groups<'t>(
    transaction: &'t Transaction<'_>,
    _: &'t [Argument],
    cursor: &mut Cursor,
) -> Option<Sample<'t>> {
    list(transaction, 10, 2, cursor)
}

pub(super) fn signature_algorithms<'t>(
    transaction: &'t Transaction<'_>,
    _: &'t [Argument],
    cursor: &mut Cursor,
) -> Option<Sample<'t>> {
    list(transaction, 13, 2, cursor)
}

/// The groups of the key shares, without the keys.
pub(super) fn key_share_groups<'t>(
    transaction: &'t Transaction<'_>,
    _: &'t [Argument],
    cursor: &mut Cursor,
) -> Option<Sample<'t>> {
    let mut shares = Reader(Reader(extension(client_hello(transaction, cursor)?, 51)?).part(2)?);
    let mut groups = Vec::new();
    while let Some(group) = shares.take(2) {
        groups.extend_from_slice(group);
        shares.part(2)?;
    }
    Some(Sample::bin(groups))
}

pub(super) fn server_name<'t>(
    transaction: &'t Transaction<'_>,
    _: &'t [Argument],
    cursor: &mut Cursor,
) -> Option<Sample<'t>> {
    let mut names = Reader(Reader(extension(client_hello(transaction, cursor)?, 0)?).part(2)?);
    loop {
        let is_host = names.number(1)? == 0;
        let name = names.part(2)?;
        if is_host {
            return Some(Sample::Str(Text::Borrowed(name)));
        }
    }
}

pub(super) fn protocols<'t>(
    transaction: &'t Transaction<'_>,
    _: &'t [Argument],
    cursor: &mut Cursor,
) -> Option<Sample<'t>> {
    let mut names = Reader(Reader(extension(client_hello(transaction, cursor)?, 16)?).part(2)?);
    let mut out = Vec::new();
    while let Some(name) = names.part(1) {
        if !out.is_empty() {
            out.push(b',');
        }
        out.extend_from_slice(name);
    }
    Some(Sample::built(out))
}

pub(super) fn version<'t>(
    transaction: &'t Transaction<'_>,
    _: &'t [Argument],
    cursor: &mut Cursor,
) -> Option<Sample<'t>> {
    let hello = client_hello(transaction, cursor)?;
    let mut highest = Reader(hello).number(2)?;
    // TLS 1.3 says its version in supported_versions; values like 0x?a?a are noise (RFC 8701).
    if let Some(versions) = extension(hello, 43).and_then(|body| Reader(body).part(1)) {
        let offered = versions.chunks_exact(2).map(|pair| usize::from(pair[0]) << 8 | usize::from(pair[1]));
        highest = offered.filter(|version| version & 0x0f0f != 0x0a0a).fold(highest, usize::max);
    }
    Some(Sample::Int(i64::try_from((highest >> 8) << 16 | highest & 0xff).ok()?))
}

pub(super) fn ticket<'t>(
    transaction: &'t Transaction<'_>,
    _: &'t [Argument],
    cursor: &mut Cursor,
) -> Option<Sample<'t>> {
    let hello = client_hello(transaction, cursor)?;
    Some(Sample::Int(match extension(hello, 35) {
        None => 0,
        Some(b"") => 1,
        Some(_) => 2,
    }))
}

pub(super) fn has_curves<'t>(
    transaction: &'t Transaction<'_>,
    _: &'t [Argument],
    cursor: &mut Cursor,
) -> Option<Sample<'t>> {
    let hello = client_hello(transaction, cursor)?;
    Some(Sample::Bool(extension(hello, 10).is_some()))
}
