//! Messages of the Financial Information eXchange protocol: `tag=value` pairs that end with SOH each.

use super::super::argument::Argument;
use super::super::error::RuleError;
use super::super::sample::Sample;
use super::super::transaction::Transaction;
use super::text::into_text;

const DELIMITER: u8 = 1;
const BEGIN_STRING: u32 = 8;
const BODY_LENGTH: u32 = 9;
const CHECK_SUM: u32 = 10;
const MESSAGE_TYPE: u32 = 35;

/// Tags that may be named.
const NAMES: [(&str, u32); 6] = [
    ("BeginString", BEGIN_STRING),
    ("BodyLength", BODY_LENGTH),
    ("CheckSum", CHECK_SUM),
    ("MsgType", MESSAGE_TYPE),
    ("SenderCompID", 49),
    ("TargetCompID", 56),
];

/// Versions and their greatest tags; 10000-19999 are the users'.
const VERSIONS: [(&[u8], u32); 6] = [
    (b"FIX.4.0", 140),
    (b"FIX.4.1", 211),
    (b"FIX.4.2", 446),
    (b"FIX.4.3", 659),
    (b"FIX.4.4", 956),
    (b"FIXT.1.1", 1621),
];

/// A pair; `length` is that of all its bytes.
struct Pair<'m> {
    tag: u32,
    value: &'m [u8],
    length: usize,
}

/// The pair at the start: `Ok(None)` where more bytes are needed, `Err` where it is none.
fn pair(bytes: &[u8]) -> Result<Option<Pair<'_>>, ()> {
    let Some(end) = bytes.iter().position(|byte| *byte == DELIMITER) else { return Ok(None) };
    let equals = bytes[..end].iter().position(|byte| *byte == b'=').ok_or(())?;
    let (tag, value) = (&bytes[..equals], &bytes[equals + 1..end]);
    if value.is_empty() {
        return Err(());
    }
    Ok(Some(Pair { tag: number(tag).filter(|tag| *tag > 0).ok_or(())?, value, length: end + 1 }))
}

fn number(digits: &[u8]) -> Option<u32> {
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    is_number.then(|| std::str::from_utf8(digits).ok()?.parse().ok()).flatten()
}

/// Whether the bytes begin with a whole message that is right; `None` where more bytes are needed.
fn validity(message: &[u8]) -> Option<bool> {
    let (mut at, mut count, mut sum) = (0, 0, 0_u8);
    let (mut greatest, mut body) = (u32::MAX, (0, 0));
    loop {
        let pair = match pair(&message[at..]) {
            Ok(Some(pair)) => pair,
            Ok(None) => return None,
            Err(()) => return Some(false),
        };
        count += 1;
        if pair.tag > greatest && !(10_000..=19_999).contains(&pair.tag) {
            return Some(false);
        }
        match (count, pair.tag) {
            (1, BEGIN_STRING) => {
                let Some((_, last)) = VERSIONS.iter().find(|(name, _)| *name == pair.value) else { return Some(false) };
                greatest = *last;
            }
            (2, BODY_LENGTH) => match number(pair.value).filter(|length| *length > 0) {
                Some(length) => body = (at + pair.length, length as usize),
                None => return Some(false),
            },
            (3, MESSAGE_TYPE) => {}
            (1..=3, _) => return Some(false),
            (_, CHECK_SUM) => {
                let is_whole = at - body.0 == body.1;
                return Some(is_whole && pair.value.len() == 3 && number(pair.value) == Some(sum.into()));
            }
            _ => {}
        }
        sum = message[at..at + pair.length].iter().fold(sum, |sum, byte| sum.wrapping_add(*byte));
        at += pair.length;
    }
}

/// The value of a tag, without any look at the rest.
fn value(message: &[u8], tag: u32) -> Option<&[u8]> {
    let mut at = 0;
    while let Ok(Some(pair)) = pair(message.get(at..)?) {
        if pair.tag == tag {
            return Some(pair.value);
        }
        if pair.tag == CHECK_SUM {
            return None;
        }
        at += pair.length;
    }
    None
}

pub(super) fn is_valid<'t>(_: &'t Transaction<'_>, _: &'t [Argument], sample: Sample<'t>) -> Option<Sample<'t>> {
    validity(&into_text(sample)).map(Sample::Bool)
}

/// Says whether a tag can be found by what was written.
pub(super) fn check_tag(text: &str) -> Result<(), RuleError> {
    let wrong = || {
        let names = NAMES.map(|(name, _)| name).join(", ");
        RuleError::new(0, format!("'{text}' is no tag")).hint(format!("a number from 1, or one of {names}"))
    };
    tag(text.as_bytes()).map(drop).ok_or_else(wrong)
}

fn tag(text: &[u8]) -> Option<u32> {
    let named = NAMES.iter().find(|(name, _)| name.as_bytes() == text).map(|(_, tag)| *tag);
    named.or_else(|| number(text).filter(|tag| *tag > 0))
}

pub(super) fn tag_value<'t>(
    _: &'t Transaction<'_>,
    arguments: &'t [Argument],
    sample: Sample<'t>,
) -> Option<Sample<'t>> {
    let tag = tag(arguments.first()?.bytes())?;
    value(&into_text(sample), tag).map(Sample::bin)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGON: &str =
        "8=FIX.4.2|9=79|35=A|34=1|49=EXECUTOR|52=20201029-12:55:12.101414|56=CLIENT1|98=0|108=30|141=Y|10=027|";

    fn bytes(text: &str) -> Vec<u8> {
        text.replace('|', "\u{1}").into_bytes()
    }

    #[test]
    fn a_message_is_judged_by_its_tags_length_and_sum() {
        assert_eq!(validity(&bytes(LOGON)), Some(true));
        for (from, to) in [
            ("10=027", "10=028"),
            ("9=79", "9=78"),
            ("98=0", "=0"),
            ("98=0", "98="),
            ("FIX.4.2", "FIX.9.9"),
            ("35=A|34=1", "34=1|35=A"),
            ("98=0", "980=0"),
            ("10=027", "10=27"),
        ] {
            assert_eq!(validity(&bytes(&LOGON.replacen(from, to, 1))), Some(false), "{from} {to}");
        }
    }

    #[test]
    fn no_prefix_of_a_good_message_is_judged() {
        let whole = bytes(LOGON);
        assert!((0..whole.len()).all(|end| validity(&whole[..end]).is_none()));
    }

    #[test]
    fn values_are_found_by_name_and_number() {
        let message = bytes(LOGON);
        for (name, expected) in [("MsgType", Some("A")), ("49", Some("EXECUTOR")), ("10", Some("027")), ("7", None)] {
            let tag = tag(name.as_bytes()).expect("a tag");
            assert_eq!(value(&message, tag), expected.map(str::as_bytes), "{name}");
        }
        assert!(check_tag("Nothing").is_err() && check_tag("0").is_err());
    }
}
