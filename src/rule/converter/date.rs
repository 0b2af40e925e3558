//! Dates as text.

use std::io::Write as _;

use crate::http::{write_number, write_padded};

use super::super::argument::Argument;
use super::super::facts::Zone;
use super::super::sample::Sample;
use super::super::transaction::Transaction;
use super::calendar::{Civil, parse_http_date, write_http_date};
use super::text::into_text;

const UTC: Zone = Zone { offset: 0, name: "GMT" };

/// Appends a moment in the form of strftime(3) in the C locale; `%N` with an optional width writes the fraction.
pub(in super::super) fn format(out: &mut Vec<u8>, pattern: &[u8], seconds: i64, nanoseconds: i64, zone: Zone) {
    let date = Civil::of(seconds.saturating_add(i64::from(zone.offset)));
    let mut at = 0;
    while let Some(&byte) = pattern.get(at) {
        at += 1;
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let start = at;
        let digits = pattern[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let Some(&letter) = pattern.get(at + digits) else {
            out.extend_from_slice(&pattern[start - 1..]);
            return;
        };
        if letter == b'N' {
            let width = std::str::from_utf8(&pattern[at..at + digits]).ok().and_then(|width| width.parse().ok());
            write_padded(out, nanoseconds.unsigned_abs(), 9);
            out.truncate(out.len() - (9 - width.unwrap_or(9_usize).clamp(1, 9)));
            at += digits + 1;
            continue;
        }
        at += 1;
        if digits > 0 || !specifier(out, letter, date, seconds, zone) {
            at += digits;
            out.extend_from_slice(&pattern[start - 1..at]);
        }
    }
}

/// Writes what a letter stands for; `false` if it stands for nothing.
fn specifier(out: &mut Vec<u8>, letter: u8, date: Civil, seconds: i64, zone: Zone) -> bool {
    let two = |value: i64, out| write_padded(out, value.unsigned_abs(), 2);
    match letter {
        // Those of the dates in lines of log, which are written for every request.
        b'b' => out.extend_from_slice(date.month_name().as_bytes().get(..3).unwrap_or_default()),
        b'd' => two(date.day, out),
        b'H' => two(date.hour, out),
        b'M' => two(date.minute, out),
        b'S' => two(date.second, out),
        b'Y' => write_number(out, date.year),
        other => return write_seldom(out, other, date, seconds, zone),
    }
    true
}

/// Writes what any other letter stands for; `false` if it stands for nothing.
fn write_seldom(out: &mut Vec<u8>, letter: u8, date: Civil, seconds: i64, zone: Zone) -> bool {
    let Civil { year, month, day, hour, minute, second, weekday, yearday } = date;
    let twelve = if hour % 12 == 0 { 12 } else { hour % 12 };
    let half = if hour < 12 { "AM" } else { "PM" };
    let (sign, offset) = if zone.offset < 0 { ('-', -zone.offset) } else { ('+', zone.offset) };
    let (day_name, month_name) = (date.day_name(), date.month_name());
    let (short_day, short_month) = (&day_name[..3.min(day_name.len())], &month_name[..3.min(month_name.len())]);
    // Writing to a Vec cannot fail.
    let _ = match letter {
        b'%' => write!(out, "%"),
        b'n' => writeln!(out),
        b't' => write!(out, "\t"),
        b'a' => write!(out, "{short_day}"),
        b'A' => write!(out, "{day_name}"),
        b'h' => write!(out, "{short_month}"),
        b'B' => write!(out, "{month_name}"),
        b'c' => write!(out, "{short_day} {short_month} {day:2} {hour:02}:{minute:02}:{second:02} {year}"),
        b'C' => write!(out, "{:02}", year.div_euclid(100)),
        b'D' | b'x' => write!(out, "{month:02}/{day:02}/{:02}", year.rem_euclid(100)),
        b'e' => write!(out, "{day:2}"),
        b'F' => write!(out, "{year}-{month:02}-{day:02}"),
        b'g' => write!(out, "{:02}", date.iso_week().0.rem_euclid(100)),
        b'G' => write!(out, "{}", date.iso_week().0),
        b'I' => write!(out, "{twelve:02}"),
        b'j' => write!(out, "{yearday:03}"),
        b'k' => write!(out, "{hour:2}"),
        b'l' => write!(out, "{twelve:2}"),
        b'm' => write!(out, "{month:02}"),
        b'p' => write!(out, "{half}"),
        b'P' => write!(out, "{}", half.to_ascii_lowercase()),
        b'r' => write!(out, "{twelve:02}:{minute:02}:{second:02} {half}"),
        b'R' => write!(out, "{hour:02}:{minute:02}"),
        b's' => write!(out, "{seconds}"),
        b'T' | b'X' => write!(out, "{hour:02}:{minute:02}:{second:02}"),
        b'u' => write!(out, "{}", if weekday == 0 { 7 } else { weekday }),
        b'U' => write!(out, "{:02}", (yearday - 1 + 7 - weekday) / 7),
        b'V' => write!(out, "{:02}", date.iso_week().1),
        b'w' => write!(out, "{weekday}"),
        b'W' => write!(out, "{:02}", (yearday - 1 + 7 - (weekday + 6) % 7) / 7),
        b'y' => write!(out, "{:02}", year.rem_euclid(100)),
        b'z' => write!(out, "{sign}{:02}{:02}", offset / 3600, offset / 60 % 60),
        b'Z' => write!(out, "{}", zone.name),
        _ => return false,
    };
    true
}

fn written<'t>(
    transaction: &Transaction<'_>,
    arguments: &[Argument],
    sample: &Sample<'_>,
    per_second: i64,
    is_local: bool,
) -> Option<Sample<'t>> {
    let value = sample.to_int()?.saturating_add(arguments.get(1).map_or(0, |offset| offset.int_or(0)));
    let seconds = value.div_euclid(per_second);
    let nanoseconds = value.rem_euclid(per_second) * (1_000_000_000 / per_second);
    let zone = if is_local { transaction.facts.zone(seconds) } else { UTC };
    let mut out = Vec::with_capacity(32);
    format(&mut out, arguments.first()?.bytes(), seconds, nanoseconds, zone);
    Some(Sample::built(out))
}

macro_rules! dates {
    ($($name:ident, $per_second:expr, $is_local:expr;)*) => { $(
        pub(super) fn $name<'t>(
            transaction: &'t Transaction<'_>,
            arguments: &'t [Argument],
            sample: Sample<'t>,
        ) -> Option<Sample<'t>> {
            written(transaction, arguments, &sample, $per_second, $is_local)
        }
    )* };
}

dates! {
    utime, 1, false;
    ms_utime, 1000, false;
    us_utime, 1_000_000, false;
    ltime, 1, true;
    ms_ltime, 1000, true;
    us_ltime, 1_000_000, true;
}

/// The fraction is written without leading zeros, as HAProxy does.
pub(super) fn http_date<'t>(
    _: &'t Transaction<'_>,
    arguments: &'t [Argument],
    sample: Sample<'t>,
) -> Option<Sample<'t>> {
    let value = sample.to_int()?.saturating_add(arguments.first().map_or(0, |offset| offset.int_or(0)));
    let per_second = match arguments.get(1).map_or(0, |unit| unit.int_or(0)) {
        0 => 1,
        1 => 1000,
        _ => 1_000_000,
    };
    let fraction = (per_second > 1).then(|| value.rem_euclid(per_second));
    let mut out = Vec::with_capacity(40);
    write_http_date(&mut out, value.div_euclid(per_second), fraction);
    Some(Sample::built(out))
}

pub(super) fn from_http_date<'t>(_: &'t Transaction<'_>, _: &'t [Argument], sample: Sample<'t>) -> Option<Sample<'t>> {
    let text = into_text(sample);
    parse_http_date(std::str::from_utf8(&text).ok()?).map(Sample::Int)
}
