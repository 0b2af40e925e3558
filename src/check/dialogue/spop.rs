//! The hello of a stream processing agent (HAProxy's SPOE, protocol 2.0).

use crate::check::outcome::Code;

use super::packet::Judgement;

const AGENT_HELLO: u8 = 101;
const AGENT_DISCONNECT: u8 = 102;
/// Least and most size of a frame, bytes: HAProxy's, with a buffer of 16 KiB.
const FRAME_SIZES: std::ops::RangeInclusive<u64> = 256..=16_380;

/// HAProxy's `spop_err_reasons`, by their number.
const REASONS: [(i64, &str); 7] = [
    (4, "invalid frame received"),
    (5, "version value not found"),
    (6, "max-frame-size value not found"),
    (7, "capabilities value not found"),
    (8, "unsupported version"),
    (9, "max-frame-size too big or too small"),
    (99, "an unknown error occurred"),
];

fn bad(status: i64) -> Judgement {
    let why = REASONS.iter().find(|row| row.0 == status).map_or("an unknown error occurred", |row| row.1);
    Judgement::Bad { code: Code::L7Rsp, status, why: why.to_owned() }
}

/// Judges the agent's first frame.
pub(super) fn hello(bytes: &[u8]) -> Judgement {
    let Some(head) = bytes.first_chunk::<11>() else { return Judgement::Short };
    let length = usize::try_from(u32::from_be_bytes([head[0], head[1], head[2], head[3]])).unwrap_or(usize::MAX);
    let is_known = matches!(head[4], AGENT_HELLO | AGENT_DISCONNECT);
    // The flags say that the frame is whole; stream and frame have no number yet.
    if !is_known || head[5..9] != [0, 0, 0, 1] || head[9..11] != [0, 0] {
        return bad(4);
    }
    let Some(frame) = length.checked_add(4).and_then(|end| bytes.get(11..end)) else { return Judgement::Short };
    let judged = if head[4] == AGENT_HELLO { welcome(frame) } else { farewell(frame) };
    judged.unwrap_or_else(|| bad(4))
}

/// `None` if the frame is not well formed.
fn welcome(mut frame: &[u8]) -> Option<Judgement> {
    let (mut has_version, mut has_size, mut has_capabilities) = (false, false, false);
    while !frame.is_empty() {
        let key = string(&mut frame).filter(|key| !key.is_empty())?;
        match (key, value(&mut frame)?) {
            (b"version", Value::Text(version)) => match std::str::from_utf8(version).ok().map(str::trim) {
                Some("1.0" | "2.0") => has_version = true,
                Some(text)
                    if text.split_once('.').is_some_and(|(major, minor)| is_number(major) && is_number(minor)) =>
                {
                    return Some(bad(8));
                }
                _ => return Some(bad(4)),
            },
            (b"max-frame-size", Value::Number(size)) if FRAME_SIZES.contains(&size) => has_size = true,
            (b"max-frame-size", Value::Number(_)) => return Some(bad(9)),
            (b"capabilities", Value::Text(_)) => has_capabilities = true,
            (b"version" | b"max-frame-size" | b"capabilities", _) => return None,
            _ => {}
        }
    }
    Some(match (has_version, has_size, has_capabilities) {
        (false, ..) => bad(5),
        (_, false, _) => bad(6),
        (_, _, false) => bad(7),
        _ => Judgement::Well("SPOA server is ok".to_owned()),
    })
}

fn farewell(mut frame: &[u8]) -> Option<Judgement> {
    let (mut status, mut message) = (0, None);
    while !frame.is_empty() {
        let key = string(&mut frame).filter(|key| !key.is_empty())?;
        match (key, value(&mut frame)?) {
            (b"status-code", Value::Number(number)) => {
                status = i64::try_from(number).ok().filter(|n| *n < 100).unwrap_or(99)
            }
            (b"message", Value::Text(text)) => message = Some(String::from_utf8_lossy(text).into_owned()),
            (b"status-code" | b"message", _) => return None,
            _ => {}
        }
    }
    Some(match message {
        Some(why) => Judgement::Bad { code: Code::L7Rsp, status, why },
        None => bad(status),
    })
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

enum Value<'f> {
    Text(&'f [u8]),
    Number(u64),
    Other,
}

fn value<'f>(frame: &mut &'f [u8]) -> Option<Value<'f>> {
    let (kind, rest) = frame.split_first()?;
    *frame = rest;
    Some(match kind & 0x0f {
        // Null and booleans, whose value is in the kind.
        0 | 1 => Value::Other,
        2..=5 => Value::Number(number(frame)?),
        6 | 7 => {
            let (_, rest) = frame.split_at_checked(if kind & 0x0f == 6 { 4 } else { 16 })?;
            *frame = rest;
            Value::Other
        }
        8 => Value::Text(string(frame)?),
        9 => {
            string(frame)?;
            Value::Other
        }
        _ => return None,
    })
}

/// A text behind its length.
fn string<'f>(frame: &mut &'f [u8]) -> Option<&'f [u8]> {
    let length = usize::try_from(number(frame)?).ok()?;
    let (text, rest) = frame.split_at_checked(length)?;
    *frame = rest;
    Some(text)
}

/// A number of variable length: 4 bits of the first byte count, then 7 of each as long as the top one is set.
fn number(frame: &mut &[u8]) -> Option<u64> {
    let mut next = || {
        let (first, rest) = frame.split_first()?;
        *frame = rest;
        Some(u64::from(*first))
    };
    let mut number = next()?;
    if number < 240 {
        return Some(number);
    }
    let mut shift = 4;
    loop {
        let byte = next()?;
        number = number.checked_add(byte.checked_shl(shift)?)?;
        shift += 7;
        if byte < 128 {
            return Some(number);
        }
        if shift > 56 {
            return None;
        }
    }
}
