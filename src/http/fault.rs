//! Where in a head the byte is that made it bad: for people, after the refusal. Nothing is decided here.

use super::grammar::is_token;
use super::head::{Field, FieldKind, Head};
use super::parse::HeadError;

/// The place of the byte that is to blame, as far as it can be told; `head` is what was found before the refusal.
pub fn place_of_fault(bytes: &[u8], head: &Head, error: HeadError) -> usize {
    let start = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let line = Range::line_at(bytes, start);
    match error {
        HeadError::Method => line.first(bytes, |byte| !is_token(byte)),
        HeadError::Target => {
            let target = line.word(bytes, 1);
            let is_bad = |byte: u8| byte <= b' ' || byte >= 0x7f || byte == b'#';
            let at = target.first(bytes, is_bad);
            if at < target.end { at } else { target.start }
        }
        HeadError::Version => {
            let is_response = bytes.starts_with(b"HTTP/");
            let version = line.word(bytes, if is_response { 0 } else { 2 });
            let alike = version.of(bytes).iter().zip(b"HTTP/1.").take_while(|(byte, known)| byte == known).count();
            version.start + alike
        }
        HeadError::StatusLine => {
            let status = line.word(bytes, 1);
            let at = status.first(bytes, |byte| !byte.is_ascii_digit());
            if at < status.end { at } else { status.start }
        }
        HeadError::FieldName | HeadError::Folded => next_line(bytes, head, line).first(bytes, |byte| !is_token(byte)),
        HeadError::FieldValue | HeadError::BareCarriageReturn => {
            let line = next_line(bytes, head, line);
            let at = line.first(bytes, |byte| byte < b' ' && byte != b'\t' || byte == 0x7f);
            if error == HeadError::BareCarriageReturn { at + 1 } else { at }
        }
        HeadError::TooManyFields => next_line(bytes, head, line).start,
        HeadError::ContentLength | HeadError::TransferEncoding | HeadError::UnknownCoding | HeadError::Host => {
            head.fields.last().map_or(line.end, value_of)
        }
        HeadError::LengthAndTransfer => {
            let is_framing =
                |field: &&Field| matches!(field.kind, FieldKind::ContentLength | FieldKind::TransferEncoding);
            head.fields.iter().rev().find(is_framing).map_or(line.end, value_of)
        }
        HeadError::OtherHost => {
            head.fields.iter().find(|field| field.kind == FieldKind::Host).map_or(line.end, value_of)
        }
    }
}

fn value_of(field: &Field) -> usize {
    field.value.start as usize
}

/// The line behind the last field that was found.
fn next_line(bytes: &[u8], head: &Head, first: Range) -> Range {
    let start = head.fields.last().map_or_else(|| first.next(bytes), |field| field.line.end as usize);
    Range::line_at(bytes, start)
}

#[derive(Clone, Copy)]
struct Range {
    start: usize,
    end: usize,
}

impl Range {
    /// A line without its end.
    fn line_at(bytes: &[u8], start: usize) -> Range {
        let rest = bytes.get(start..).unwrap_or_default();
        let length = rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
        let has_return = length > 0 && length < rest.len() && rest[length - 1] == b'\r';
        Range { start, end: start + length - usize::from(has_return) }
    }

    fn of(self, bytes: &[u8]) -> &[u8] {
        bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// Where the next line starts.
    fn next(self, bytes: &[u8]) -> usize {
        let rest = bytes.get(self.end..).unwrap_or_default();
        self.end + rest.iter().position(|&byte| byte == b'\n').map_or(rest.len(), |at| at + 1)
    }

    /// The first byte of it that is bad; its end without one.
    fn first(self, bytes: &[u8], is_bad: impl Fn(u8) -> bool) -> usize {
        self.of(bytes).iter().position(|&byte| is_bad(byte)).map_or(self.end, |at| self.start + at)
    }

    /// A word of it, between spaces; empty, at its end, where there is none.
    fn word(self, bytes: &[u8], number: usize) -> Range {
        let mut at = self.start;
        for _ in 0..number {
            let of = Range { start: at, end: self.end };
            at = of.first(bytes, |byte| byte == b' ');
            at = Range { start: at, end: self.end }.first(bytes, |byte| byte != b' ');
        }
        let rest = Range { start: at, end: self.end };
        Range { start: at, end: rest.first(bytes, |byte| byte == b' ') }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{parse_request, parse_response};
    use super::*;

    /// The rest of a head from the byte that is to blame.
    fn blamed(text: &str) -> &str {
        let mut head = Head::default();
        let parsed = match text.starts_with("HTTP/") {
            true => parse_response(text.as_bytes(), &mut head),
            false => parse_request(text.as_bytes(), &mut head),
        };
        let error = parsed.expect_err(text);
        &text[place_of_fault(text.as_bytes(), &head, error)..]
    }

    #[test]
    fn the_byte_to_blame_is_the_one_that_haproxy_names() {
        for (text, rest) in [
            ("GE(T / HTTP/1.1\r\nhost: a\r\n\r\n", "(T /"),
            ("GET /\u{1}b HTTP/1.1\r\nhost: a\r\n\r\n", "\u{1}b"),
            ("GET / HTTP/1.x\r\nhost: a\r\n\r\n", "x\r\n"),
            ("GET / FTP/1.1\r\nhost: a\r\n\r\n", "FTP/"),
            ("GET / HTTP/1.1\r\nhost: a\r\nbad header: x\r\n\r\n", " header"),
            ("GET / HTTP/1.1\r\nhost: a\r\nnocolon\r\n\r\n", "\r\n\r\n"),
            ("GET / HTTP/1.1\r\nhost : a\r\n\r\n", " : a"),
            ("GET / HTTP/1.1\r\nhost: a\r\nx: a\rb\r\n\r\n", "b\r\n"),
            ("GET / HTTP/1.1\r\nhost: a\r\ncontent-length: 1x\r\n\r\n", "1x"),
            ("GET / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", "2\r\n"),
            ("GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n", "b\r\n"),
            ("GET http://b/ HTTP/1.1\r\nhost: a\r\n\r\n", "a\r\n"),
            ("HTTP/1.1 200 OK\r\nbad/header: x\r\n\r\n", "/header"),
            ("HTTP/1.1 2x0 OK\r\n\r\n", "x0 OK"),
        ] {
            assert!(blamed(text).starts_with(rest), "{text:?}: {:?}", blamed(text));
        }
    }

    #[test]
    fn the_place_lies_within_whatever_is_refused() {
        for text in
            ["\u{16}\u{3}\u{1}", "\r\n\r\n x", " ", "GET\r\n", "HTTP/9", "HTTP/1.1\r\n", "HTTP/1.1 200\u{1}\r\n"]
        {
            let mut head = Head::default();
            if let Err(error) = parse_request(text.as_bytes(), &mut head) {
                assert!(place_of_fault(text.as_bytes(), &head, error) <= text.len(), "{text:?}");
            }
            if let Err(error) = parse_response(text.as_bytes(), &mut head) {
                assert!(place_of_fault(text.as_bytes(), &head, error) <= text.len(), "{text:?}");
            }
        }
    }
}
