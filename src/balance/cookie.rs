//! The cookie that keeps a client on its server: read from requests, looked for in and written into responses.
//!
//! It works on the bytes of a head and allocates nothing. A value is the server's, and with `maxidle` or `maxlife` when the
//! cookie was last used and first made: `s1|ZkTVq|ZkTVA`, counted in steps of four seconds, in base 64 with five
//! digits (HAProxy's form, so that clients keep their server when HAProxy gives way to vipgate).

use std::ops::Range;

use crate::model::cookie::{Cookie, CookieMode};

/// Between the server's value and what the application put into a prefixed cookie.
pub const PREFIX_END: u8 = b'~';
/// Between the server's value and the dates.
const DATE_START: u8 = b'|';
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// A date that is further ahead is wrong, in seconds.
const AHEAD: i64 = 86_400;

/// A pair of a field: from its separator or the beginning to the next separator, and its value without blanks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// With the separator before it.
    pub whole: Range<usize>,
    /// Its name.
    pub name: Range<usize>,
    /// Its value.
    pub value: Range<usize>,
    /// Whether it has a `=`.
    pub has_value: bool,
}

/// The pair that begins at `at`, of a field's value that ends at `end`. Every pair but the first begins with its separator,
/// so only the first may be empty.
pub fn pair(bytes: &[u8], at: usize, end: usize, is_first: bool) -> Pair {
    let text = if is_first { at } else { at + 1 };
    within(bytes, at, text..value_end(bytes, text, end))
}

/// The pair that a Set-Cookie field begins with: its attributes begin with a semicolon, and commas are its own.
pub fn first_pair(bytes: &[u8], from: usize, end: usize) -> Pair {
    let length = memchr::memchr(b';', &bytes[from..end]).unwrap_or(end - from);
    within(bytes, from, from..from + length)
}

fn within(bytes: &[u8], start: usize, text: Range<usize>) -> Pair {
    let (name, value, has_value) = match memchr::memchr(b'=', &bytes[text.clone()]) {
        Some(equal) => {
            let equal = text.start + equal;
            (trimmed(bytes, text.start..equal), trimmed(bytes, equal + 1..text.end), true)
        }
        None => (trimmed(bytes, text.clone()), text.end..text.end, false),
    };
    Pair { whole: start..text.end, name, value, has_value }
}

/// Where a pair ends: at a separator outside of quotes.
fn value_end(bytes: &[u8], from: usize, end: usize) -> usize {
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (at, &byte) in bytes[from..end].iter().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            b',' | b';' if !is_quoted => return from + at,
            _ => {}
        }
    }
    end
}

fn trimmed(bytes: &[u8], range: Range<usize>) -> Range<usize> {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let text = &bytes[range.clone()];
    let start = text.iter().take_while(|byte| is_blank(byte)).count();
    let end = text.len() - text.iter().rev().take_while(|byte| is_blank(byte)).count().min(text.len() - start);
    range.start + start..range.start + end
}

/// What a client's cookie says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Said<'v> {
    /// The server's value; empty if there is none, or it is too old.
    pub server: &'v [u8],
    /// When it was last used, in seconds since 1970; `None` is not said.
    pub last: Option<u32>,
    /// When it was made.
    pub first: Option<u32>,
    /// Whether it is too old.
    pub age: Age,
    /// Where the application's part begins in the value of a prefixed cookie.
    pub rest: Option<usize>,
}

/// Whether a cookie is still valid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Age {
    /// It is.
    #[default]
    Fresh,
    /// It was not used for longer than `maxidle`.
    Idle,
    /// It was made longer than `maxlife` ago.
    Old,
}

/// What the value of a client's cookie says at a time in seconds since 1970.
pub fn read<'v>(cookie: &Cookie, value: &'v [u8], now: u32) -> Said<'v> {
    if cookie.mode == CookieMode::Prefix {
        let end = memchr::memchr(PREFIX_END, value);
        return Said { server: &value[..end.unwrap_or(value.len())], rest: end.map(|end| end + 1), ..Said::default() };
    }
    let Some(bar) = memchr::memchr(DATE_START, value) else { return Said { server: value, ..Said::default() } };
    let dates = &value[bar + 1..];
    let last = date(dates);
    let first = memchr::memchr(DATE_START, dates).and_then(|bar| date(&dates[bar + 1..]));
    let is_past = |date: Option<u32>, limit: Option<u32>| {
        let (Some(date), Some(limit)) = (date, limit) else { return false };
        let age = i64::from(now) - i64::from(date);
        age > i64::from(limit) || -age > AHEAD
    };
    let age = match (is_past(first, cookie.max_life), is_past(last, cookie.max_idle)) {
        (true, _) => Age::Old,
        (_, true) => Age::Idle,
        _ => Age::Fresh,
    };
    match age {
        Age::Fresh => Said { server: &value[..bar], last, first, age, rest: None },
        _ => Said { age, ..Said::default() },
    }
}

/// Five digits of base 64: steps of four seconds since 1970.
fn date(digits: &[u8]) -> Option<u32> {
    let digit = |byte: &u8| DIGITS.iter().position(|digit| digit == byte);
    let value = digits.get(..5)?.iter().try_fold(0_u32, |value, byte| Some(value << 6 | digit(byte)? as u32))?;
    Some(value << 2).filter(|date| *date > 0)
}

fn write_date(out: &mut Vec<u8>, steps: u32) {
    out.push(DATE_START);
    out.extend((0..5).rev().map(|digit| DIGITS[(steps >> (6 * digit)) as usize & 0x3f]));
}

/// Writes the field that gives a client its server, or takes it away where the server has no value.
pub fn write(out: &mut Vec<u8>, cookie: &Cookie, server: Option<&str>, first: Option<u32>, now: u32) {
    out.extend_from_slice(b"set-cookie: ");
    out.extend_from_slice(cookie.name.as_bytes());
    out.push(b'=');
    match server {
        None => out.extend_from_slice(b"; Expires=Thu, 01-Jan-1970 00:00:01 GMT; path=/"),
        Some(value) => {
            out.extend_from_slice(value.as_bytes());
            let steps = now.saturating_add(3) >> 2;
            if cookie.max_idle.is_some() || cookie.max_life.is_some() {
                write_date(out, steps);
            }
            if cookie.max_life.is_some() {
                write_date(out, first.map_or(steps, |first| first >> 2));
            }
            out.extend_from_slice(b"; path=/");
        }
    }
    for domain in &cookie.domains {
        out.extend_from_slice(b"; domain=");
        out.extend_from_slice(domain.as_bytes());
    }
    if cookie.is_http_only {
        out.extend_from_slice(b"; HttpOnly");
    }
    if cookie.is_secure {
        out.extend_from_slice(b"; Secure");
    }
    for attribute in &cookie.attributes {
        out.extend_from_slice(b"; ");
        out.extend_from_slice(attribute.as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}

/// The value of a server that has none of its own, with `dynamic`: the same on every proxy with the same key.
pub fn dynamic_value(key: &str, address: std::net::SocketAddr) -> String {
    let mut bytes = key.as_bytes().to_vec();
    match address.ip() {
        std::net::IpAddr::V4(address) => bytes.extend(address.octets()),
        std::net::IpAddr::V6(address) => bytes.extend(address.octets()),
    }
    bytes.extend(u32::from(address.port()).to_be_bytes());
    format!("{:016x}", xxhash_rust::xxh64::xxh64(&bytes, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(field: &str) -> Vec<(String, String)> {
        let text = |range: Range<usize>| field[range].to_owned();
        let (mut at, mut found): (_, Vec<(String, String)>) = (0, Vec::new());
        while at < field.len() {
            let pair = pair(field.as_bytes(), at, field.len(), found.is_empty());
            at = pair.whole.end;
            found.push((text(pair.name), text(pair.value)));
        }
        found
    }

    #[test]
    fn pairs_come_apart_at_separators_outside_of_quotes() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(names("a=1; b = 2 ;c"), [pair("a", "1"), pair("b", "2"), pair("c", "")]);
        assert_eq!(names("a=\"x;y\\\";\"; b=2"), [pair("a", "\"x;y\\\";\""), pair("b", "2")]);
        assert_eq!(names(""), []);
        assert_eq!(names(";;"), [pair("", ""), pair("", ""), pair("", "")]);
        assert_eq!(names("   "), [pair("", "")]);
    }

    fn cookie() -> Cookie {
        Cookie { name: "S".to_owned(), mode: CookieMode::Insert, ..Cookie::default() }
    }

    fn written(cookie: &Cookie, server: Option<&str>, first: Option<u32>, now: u32) -> String {
        let mut out = Vec::new();
        write(&mut out, cookie, server, first, now);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn dates_are_read_as_they_are_written() {
        let dated = Cookie { max_idle: Some(60), max_life: Some(600), ..cookie() };
        let now = 1_700_000_001;
        let line = written(&dated, Some("s1"), Some(now - 101), now);
        let value = line.trim_start_matches("set-cookie: S=").split(';').next().expect("a value").to_owned();
        let said = read(&dated, value.as_bytes(), now);
        assert_eq!((said.server, said.age), (b"s1".as_slice(), Age::Fresh));
        assert_eq!((said.last, said.first), (Some(1_700_000_004), Some(1_699_999_900)));
        assert_eq!(read(&dated, value.as_bytes(), now + 64).age, Age::Idle);
        assert_eq!(read(&dated, value.as_bytes(), now + 600).age, Age::Old);
        assert_eq!(read(&dated, value.as_bytes(), now - 100_000).age, Age::Old);
        assert_eq!(read(&dated, b"s1|bad", now), Said { server: b"s1", ..Said::default() });
        assert_eq!(read(&dated, b"", now), Said::default());
    }

    #[test]
    fn a_prefixed_value_ends_at_its_mark() {
        let prefixed = Cookie { mode: CookieMode::Prefix, ..cookie() };
        let said = read(&prefixed, b"s1~app", 0);
        assert_eq!((said.server, said.rest), (b"s1".as_slice(), Some(3)));
        assert_eq!(read(&prefixed, b"app", 0).rest, None);
    }

    #[test]
    fn a_cookie_says_what_is_asked_for() {
        assert_eq!(written(&cookie(), Some("s1"), None, 0), "set-cookie: S=s1; path=/\r\n");
        assert_eq!(
            written(&cookie(), None, None, 0),
            "set-cookie: S=; Expires=Thu, 01-Jan-1970 00:00:01 GMT; path=/\r\n"
        );
        let rich = Cookie {
            is_http_only: true,
            is_secure: true,
            domains: vec![".a.example".to_owned(), ".b.example".to_owned()],
            attributes: vec!["SameSite=None".to_owned()],
            ..cookie()
        };
        assert_eq!(
            written(&rich, Some("s1"), None, 0),
            "set-cookie: S=s1; path=/; domain=.a.example; domain=.b.example; HttpOnly; Secure; SameSite=None\r\n"
        );
    }

    #[test]
    fn a_dynamic_value_is_haproxys() {
        // As haproxy 2.6 makes it of 'dynamic-cookie-key mysecret' and 127.0.0.1:8081.
        let address = "127.0.0.1:8081".parse().expect("an address");
        assert_eq!(dynamic_value("mysecret", address), DYNAMIC);
    }

    const DYNAMIC: &str = "c9080f4b5958a6f0";
}
