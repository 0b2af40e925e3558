//! Answers of MySQL and LDAP servers.

use crate::check::outcome::Code;

/// What an answer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// As it should be, and what the server says of itself.
    Well(String),
    /// Not all there.
    Short,
    /// Not as it should be.
    Bad {
        /// The result.
        code: Code,
        /// Status code.
        status: i64,
        /// The server's words, or ours.
        why: String,
    },
}

fn words(bytes: &[u8]) -> String {
    let end = memchr::memchr(0, bytes).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

fn bad(code: Code, status: i64, why: impl Into<String>) -> Judgement {
    Judgement::Bad { code, status, why: why.into() }
}

/// A packet's length without its header of 4 bytes (3 of length, 1 of sequence).
fn mysql_length(bytes: &[u8]) -> Option<usize> {
    let [a, b, c, _] = *bytes.first_chunk::<4>()?;
    Some(usize::from(a) | usize::from(b) << 8 | usize::from(c) << 16)
}

/// The greeting of a MySQL server, or the packet behind it. The version is what the server says of itself.
pub(super) fn mysql(bytes: &[u8], is_second: bool, is_last: bool) -> Judgement {
    let start = match (is_second, mysql_length(bytes)) {
        (false, _) => 0,
        (true, Some(length)) => length + 4,
        (true, None) => return Judgement::Short,
    };
    let rest = bytes.get(start..).unwrap_or_default();
    let Some(body) = mysql_length(rest).and_then(|length| rest.get(4..4 + length)) else { return Judgement::Short };
    if body.first() == Some(&0xff) {
        let status = body.get(1..3).map_or(0, |code| i64::from(u16::from_le_bytes([code[0], code[1]])));
        return bad(Code::L7Sts, status, words(rest.get(7..).unwrap_or_default()));
    }
    Judgement::Well(if is_last { words(bytes.get(5..).unwrap_or_default()) } else { String::new() })
}

/// The answer to a bind (RFC 4511 §4.2.2), whose first byte was looked at before.
pub(super) fn ldap(bytes: &[u8]) -> Judgement {
    const NOT_LDAP: &str = "Not LDAPv3 protocol";
    let Some((length, body)) = bytes.get(1..).and_then(ber_length) else { return Judgement::Short };
    let Some(length) = length else { return bad(Code::L7Rsp, 0, NOT_LDAP) };
    if body.len() < length {
        return Judgement::Short;
    }
    // messageID: INTEGER 1; protocolOp: bindResponse
    let Some(response) = body.strip_prefix(b"\x02\x01\x01\x61") else { return bad(Code::L7Rsp, 0, NOT_LDAP) };
    let Some(first) = response.first() else { return Judgement::Short };
    let skipped = 1 + if first & 0x80 == 0 { 0 } else { usize::from(first & 0x7f) };
    let Some(result) = response.get(skipped..skipped + 3) else { return Judgement::Short };
    match result {
        [0x0a, 0x01, 0] => Judgement::Well("Success".to_owned()),
        [0x0a, 0x01, code] => {
            bad(Code::L7Sts, i64::from(*code), "See RFC: http://tools.ietf.org/html/rfc4511#section-4.1.9")
        }
        _ => bad(Code::L7Rsp, 0, NOT_LDAP),
    }
}

/// A length of BER and what follows it: `None` if it is not whole, a length of `None` if it has an odd size.
fn ber_length(bytes: &[u8]) -> Option<(Option<usize>, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    if first & 0x80 == 0 {
        return Some((Some(usize::from(*first)), rest));
    }
    let count = usize::from(first & 0x7f);
    let (number, rest) = rest.split_at_checked(count)?;
    let length = match number {
        [a, b] => Some(usize::from(u16::from_be_bytes([*a, *b]))),
        [a, b, c, d] => usize::try_from(u32::from_be_bytes([*a, *b, *c, *d])).ok(),
        _ => None,
    };
    Some((length, rest))
}
