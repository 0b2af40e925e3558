//! Messages of syslog (RFC 3164, RFC 5424) taken apart, and told apart on a stream (RFC 6587).
//!
//! Nobody has to send what the standards say: whatever is no header is text.

/// Bytes of a message at most.
pub const LONGEST: usize = 65_535;
/// `Nov 22 04:40:00`
const LEGACY_TIME: usize = 15;
/// Names of months as RFC 3164 has them.
pub const MONTHS: [&[u8; 3]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];

/// A message; what its header does not tell is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Message<'a> {
    /// Facility (0-23) and severity (0-7); `None` if it does not begin with them.
    pub priority: Option<(u8, u8)>,
    /// As it stands there, in one form or the other; `-` is a time that the sender does not know.
    pub time: &'a [u8],
    /// The machine.
    pub host: &'a [u8],
    /// The program.
    pub tag: &'a [u8],
    /// Its process.
    pub process: &'a [u8],
    /// Kind of the message (RFC 5424 alone).
    pub kind: &'a [u8],
    /// Structured data with its brackets (RFC 5424 alone).
    pub structured: &'a [u8],
    /// What is left.
    pub text: &'a [u8],
}

/// Takes a message apart. A header that ends too soon or makes no sense is text, but for the priority.
pub fn parse(bytes: &[u8]) -> Message<'_> {
    let Some((priority, rest)) = priority(bytes) else { return Message { text: bytes, ..Message::default() } };
    let plain = Message { priority: Some(priority), text: rest, ..Message::default() };
    let parsed = match rest.strip_prefix(b"1 ") {
        Some(rest) => modern(rest, plain),
        None => legacy(rest, plain),
    };
    parsed.unwrap_or(plain)
}

/// `<134>`, 191 at most.
fn priority(bytes: &[u8]) -> Option<((u8, u8), &[u8])> {
    let rest = bytes.strip_prefix(b"<")?;
    let end = rest.iter().take(4).position(|byte| *byte == b'>')?;
    let digits =
        std::str::from_utf8(&rest[..end]).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    let number = digits.parse::<u8>().ok().filter(|number| *number <= 191)?;
    Some(((number / 8, number % 8), &rest[end + 1..]))
}

/// `TIME HOST TAG PROCESS KIND DATA TEXT` (RFC 5424 §6).
fn modern<'a>(rest: &'a [u8], plain: Message<'a>) -> Option<Message<'a>> {
    let (time, rest) = word(rest)?;
    if time != b"-" && !is_time(time) {
        return None;
    }
    let (host, rest) = word(rest)?;
    let (tag, rest) = word(rest)?;
    let (process, rest) = word(rest)?;
    let (kind, rest) = word(rest)?;
    let (structured, text) = structured(rest)?;
    let told = |field: &'a [u8]| if field == b"-" { b"" } else { field };
    Some(Message {
        time,
        host: told(host),
        tag: told(tag),
        process: told(process),
        kind: told(kind),
        structured: told(structured),
        text,
        ..plain
    })
}

/// `Nov 22 04:40:00 HOST TAG[PROCESS]: TEXT` (RFC 3164 §4.1); the tag is not always there.
fn legacy<'a>(rest: &'a [u8], plain: Message<'a>) -> Option<Message<'a>> {
    let (time, after) = rest.split_at_checked(LEGACY_TIME)?;
    MONTHS.iter().find(|month| time.starts_with(**month))?;
    let (host, text) = word(after.strip_prefix(b" ")?)?;
    let message = Message { time, host, text, ..plain };
    let Some(end) = text.iter().position(|byte| matches!(byte, b':' | b' ')) else { return Some(message) };
    let (tag, rest) = text.split_at(end);
    let Some(rest) = rest.strip_prefix(b": ") else { return Some(message) };
    let Some(open) = tag.iter().position(|byte| *byte == b'[') else {
        return Some(Message { tag, text: rest, ..message });
    };
    // A bracket that is never closed leaves the process unknown.
    let process = tag[open + 1..].strip_suffix(b"]").unwrap_or_default();
    Some(Message { tag: &tag[..open], process, text: rest, ..message })
}

/// The bytes up to a space, at least one, and what follows it.
fn word(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b' ').filter(|end| *end > 0)?;
    Some((&bytes[..end], &bytes[end + 1..]))
}

/// `[a b="c"][d]`, or `-`, and the text behind the space that ends it.
fn structured(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    if bytes.starts_with(b"-") {
        return word(bytes).filter(|(field, _)| *field == b"-");
    }
    let (mut is_inside, mut is_escaped) = (false, false);
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_inside => is_escaped = true,
            b']' if is_inside => is_inside = false,
            _ if is_inside => {}
            b'[' => is_inside = true,
            b' ' if at > 0 => return Some((&bytes[..at], &bytes[at + 1..])),
            _ => return None,
        }
    }
    None
}

/// `2026-11-22T04:40:00`, with parts of a second or without, then `Z` or a distance from it.
fn is_time(text: &[u8]) -> bool {
    let Some((date, rest)) = text.split_at_checked(19) else { return false };
    let has_shape = date.iter().zip(b"0000-00-00T00:00:00").all(|(byte, model)| match model {
        b'0' => byte.is_ascii_digit(),
        other => byte == other,
    });
    let zone = match rest.strip_prefix(b".") {
        Some(parts) => &parts[parts.iter().take_while(|byte| byte.is_ascii_digit()).count()..],
        None => rest,
    };
    let is_distance = |zone: &[u8]| matches!(zone, [b'+' | b'-', a, b, b':', c, d] if [a, b, c, d].iter().all(|byte| byte.is_ascii_digit()));
    has_shape && (zone == b"Z" || is_distance(zone))
}

/// What a stream begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A message at these bytes; the first so many belong to it.
    Whole {
        /// Its bytes.
        message: std::ops::Range<usize>,
        /// Bytes with its frame.
        length: usize,
    },
    /// The beginning of one.
    Partial,
    /// No message.
    Broken,
}

/// Looks for a message at the beginning of what a stream brought: counted octets, or a line, which begins with `<` unless
/// every message is a line (RFC 6587 §3.4). A carriage return before the line feed is no part of it.
pub fn frame(bytes: &[u8], are_lines: bool) -> Frame {
    match bytes.first() {
        None => Frame::Partial,
        Some(b'<') => line(bytes),
        Some(_) if are_lines => line(bytes),
        Some(b'1'..=b'9') => counted(bytes),
        Some(_) => Frame::Broken,
    }
}

fn line(bytes: &[u8]) -> Frame {
    match bytes.iter().take(LONGEST + 1).position(|byte| *byte == b'\n') {
        Some(end) => {
            let cut = usize::from(end > 0 && bytes[end - 1] == b'\r');
            Frame::Whole { message: 0..end - cut, length: end + 1 }
        }
        None if bytes.len() > LONGEST => Frame::Broken,
        None => Frame::Partial,
    }
}

fn counted(bytes: &[u8]) -> Frame {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits > 5 {
        return Frame::Broken;
    }
    let length = bytes[..digits].iter().fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0'));
    let end = digits + 1 + length;
    match bytes.get(digits) {
        _ if length > LONGEST => Frame::Broken,
        None => Frame::Partial,
        Some(b' ') if bytes.len() < end => Frame::Partial,
        Some(b' ') => Frame::Whole { message: digits + 1..end, length: end },
        Some(_) => Frame::Broken,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> [String; 7] {
        let Message { time, host, tag, process, kind, structured, text, .. } = parse(text.as_bytes());
        [time, host, tag, process, kind, structured, text].map(|field| String::from_utf8_lossy(field).into_owned())
    }

    #[test]
    fn headers_of_rfc_3164_are_taken_apart() {
        let time = "Nov 22 04:40:00";
        for (text, fields) in [
            ("<134>Nov 22 04:40:00 h tag[12]: hello", [time, "h", "tag", "12", "", "", "hello"]),
            ("<134>Nov 22 04:40:00 h tag: hello", [time, "h", "tag", "", "", "", "hello"]),
            ("<134>Nov 22 04:40:00 h tag[12: hello", [time, "h", "tag", "", "", "", "hello"]),
            ("<134>Nov 22 04:40:00 h no tag: here", [time, "h", "", "", "", "", "no tag: here"]),
            ("<134>Nov 22 04:40:00 tag[7]: a host", [time, "tag[7]:", "", "", "", "", "a host"]),
            ("<134>Nov 22 04:40:00 h ", [time, "h", "", "", "", "", ""]),
        ] {
            assert_eq!(told(text), fields, "{text}");
        }
    }

    #[test]
    fn headers_of_rfc_5424_are_taken_apart() {
        let time = "2024-06-12T10:09:11.8234+02:00";
        for (text, fields) in [
            (&format!("<134>1 {time} h t 3 m - hello"), [time, "h", "t", "3", "m", "", "hello"]),
            (&"<134>1 - - - - - - nil".to_owned(), ["-", "", "", "", "", "", "nil"]),
            (
                &"<134>1 2024-06-12T10:09:11Z h - - - [a b=\"\\]\"][c] x y".to_owned(),
                ["2024-06-12T10:09:11Z", "h", "", "", "", "[a b=\"\\]\"][c]", "x y"],
            ),
        ] {
            assert_eq!(told(text), fields, "{text}");
        }
    }

    #[test]
    fn what_is_no_header_is_text() {
        assert_eq!(parse(b"<134>1 broken").text, b"1 broken");
        assert_eq!(
            parse(b"<134>1 broken"),
            Message { priority: Some((16, 6)), text: b"1 broken", ..Message::default() }
        );
        for text in ["<134", "<>x", "<192>x", "<1x>y", "", "x", "<01345>x"] {
            assert_eq!(parse(text.as_bytes()), Message { text: text.as_bytes(), ..Message::default() }, "{text}");
        }
        for text in ["Xov 22 04:40:00 h t: x", "Nov 22 04:40:00", "Nov 22 04:40:00 h", "1 20240612 h t 3 m - x"] {
            assert_eq!(parse(format!("<7>{text}").as_bytes()).text, text.as_bytes());
        }
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let seed = b"<134>1 2024-06-12T10:09:11.8+02:00 h t 3 m [a b=\"c\"] hello";
        for from in 0..seed.len() {
            for to in from..seed.len() {
                parse(&seed[from..to]);
                frame(&seed[from..to], false);
            }
        }
    }

    #[test]
    fn messages_are_told_apart_by_their_length_or_by_lines() {
        let whole = |message, length| Frame::Whole { message, length };
        assert_eq!(frame(b"5 hello<", false), whole(2..7, 7));
        assert_eq!(frame(b"<1>a\r\n<2>", false), whole(0..4, 6));
        assert_eq!(frame(b"5 x\n", true), whole(0..3, 4));
        assert_eq!(frame(b"\n", true), whole(0..0, 1));
        for partial in ["", "5", "5 hell", "<1>a"] {
            assert_eq!(frame(partial.as_bytes(), false), Frame::Partial, "{partial}");
        }
        for broken in ["x", "0 ", "5x", "123456 ", "65536 ", " "] {
            assert_eq!(frame(broken.as_bytes(), false), Frame::Broken, "{broken}");
        }
        assert_eq!(frame(&[b'<'; LONGEST + 1], false), Frame::Broken);
    }
}
