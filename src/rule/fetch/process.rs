//! Time, chance, and what is known about the stream.

use super::super::argument::Argument;
use super::super::facts::{Number, Words};
use super::super::sample::{Sample, Text};
use super::super::transaction::{Transaction, Waiting};
use super::Cursor;

/// Microseconds in a unit of `s`, `ms`, `us`, by its number in the table.
fn divisor(unit: Option<&Argument>) -> i64 {
    match unit.map_or(0, |unit| unit.int_or(0)) {
        1 => 1000,
        2 => 1,
        _ => 1_000_000,
    }
}

fn now(transaction: &Transaction<'_>) -> i64 {
    i64::try_from(transaction.facts.wall_clock().as_micros()).unwrap_or(i64::MAX)
}

pub(super) fn date<'t>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    _: &mut Cursor,
) -> Option<Sample<'t>> {
    let value = now(transaction) / divisor(arguments.get(1));
    Some(Sample::Int(value.saturating_add(arguments.first().map_or(0, |offset| offset.int_or(0)))))
}

pub(super) fn date_microseconds<'t>(
    transaction: &'t Transaction<'_>,
    _: &'t [Argument],
    _: &mut Cursor,
) -> Option<Sample<'t>> {
    Some(Sample::Int(now(transaction) % 1_000_000))
}

pub(super) fn accept_date<'t>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    _: &mut Cursor,
) -> Option<Sample<'t>> {
    let date = transaction.facts.number(Number::AcceptDate, None)?;
    Some(Sample::Int(date / divisor(arguments.first())))
}

pub(super) fn request_date<'t>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    _: &mut Cursor,
) -> Option<Sample<'t>> {
    let date = transaction.facts.number(Number::RequestDate, None)?;
    Some(Sample::Int(date / divisor(arguments.first())))
}

pub(super) fn random<'t>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    _: &mut Cursor,
) -> Option<Sample<'t>> {
    let value = i64::from(transaction.facts.random());
    let range = arguments.first().map_or(0, |range| range.int_or(0));
    Some(Sample::Int(if range > 0 { ((i128::from(value) * i128::from(range)) >> 32) as i64 } else { value }))
}

pub(super) fn uuid<'t>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    _: &mut Cursor,
) -> Option<Sample<'t>> {
    let random = |_| u128::from(transaction.facts.random());
    let mut bits = (0..4).map(random).fold(0_u128, |bits, part| bits << 32 | part);
    let version = match arguments.first().map_or(4, |version| version.int_or(4)) {
        4 => 4,
        7 => {
            let milliseconds = transaction.facts.wall_clock().as_millis();
            bits = bits & (u128::MAX >> 48) | milliseconds << 80;
            7
        }
        _ => return None,
    };
    bits = bits & !(0xf << 76) | version << 76;
    bits = bits & !(0x3 << 62) | 0x2 << 62;
    let [a, b, c, d, e] =
        [bits >> 96, bits >> 80 & 0xffff, bits >> 64 & 0xffff, bits >> 48 & 0xffff, bits & 0xffff_ffff_ffff];
    Some(Sample::built(format!("{a:08x}-{b:04x}-{c:04x}-{d:04x}-{e:012x}")))
}

pub(super) fn one<'t>(_: &'t Transaction<'_>, _: &'t [Argument], _: &mut Cursor) -> Option<Sample<'t>> {
    Some(Sample::Int(1))
}

pub(super) fn average_queue<'t>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    _: &mut Cursor,
) -> Option<Sample<'t>> {
    let name = arguments.first().and_then(Argument::name);
    let queue = transaction.facts.number(Number::BackendQueue, name)?;
    let servers = transaction.facts.number(Number::UsableServers, name)?;
    Some(Sample::Int(if servers > 0 { (queue + servers - 1) / servers } else { queue * 2 }))
}

pub(super) fn priority_class<'t>(
    transaction: &'t Transaction<'_>,
    _: &'t [Argument],
    _: &mut Cursor,
) -> Option<Sample<'t>> {
    Some(Sample::Int(i64::from(transaction.effects.priority_class.unwrap_or(0))))
}

pub(super) fn priority_offset<'t>(
    transaction: &'t Transaction<'_>,
    _: &'t [Argument],
    _: &mut Cursor,
) -> Option<Sample<'t>> {
    Some(Sample::Int(i64::from(transaction.effects.priority_offset.unwrap_or(0))))
}

pub(super) fn last_rule_line<'t>(
    transaction: &'t Transaction<'_>,
    _: &'t [Argument],
    _: &mut Cursor,
) -> Option<Sample<'t>> {
    transaction.effects.last_rule.as_ref().map(|(_, line)| Sample::Int(i64::from(*line)))
}

pub(super) fn last_rule_file<'t>(
    transaction: &'t Transaction<'_>,
    _: &'t [Argument],
    _: &mut Cursor,
) -> Option<Sample<'t>> {
    transaction.effects.last_rule.as_ref().map(|(file, _)| Sample::str(file.as_bytes()))
}

pub(super) fn last_entity<'t>(
    transaction: &'t Transaction<'_>,
    _: &'t [Argument],
    _: &mut Cursor,
) -> Option<Sample<'t>> {
    transaction.effects.last_rule.as_ref().map(|(file, line)| place(file, *line))
}

pub(super) fn waiting_entity<'t>(
    transaction: &'t Transaction<'_>,
    _: &'t [Argument],
    _: &mut Cursor,
) -> Option<Sample<'t>> {
    match transaction.effects.waiting.as_ref()? {
        Waiting::Rule(file, line) => Some(place(file, *line)),
        Waiting::Buffer => Some(Sample::str(b"http-buffer-request")),
    }
}

/// A line of a file, as `FILE:LINE`.
fn place<'t>(file: &str, line: u32) -> Sample<'t> {
    Sample::Str(Text::Built(format!("{file}:{line}").into_bytes()))
}

pub(super) fn termination_state<'t>(
    transaction: &'t Transaction<'_>,
    _: &'t [Argument],
    _: &mut Cursor,
) -> Option<Sample<'t>> {
    let state = transaction.facts.words(Words::TerminationState)?;
    Some(Sample::str(state.get(..2)?))
}

pub(super) fn proxy_header_value<'t>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    _: &mut Cursor,
) -> Option<Sample<'t>> {
    let text = std::str::from_utf8(arguments.first()?.bytes()).ok()?;
    let kind = match text {
        "ALPN" => 0x01,
        "AUTHORITY" => 0x02,
        "CRC32C" => 0x03,
        "NOOP" => 0x04,
        "UNIQUE_ID" => 0x05,
        "SSL" => 0x20,
        "NETNS" => 0x30,
        number => match number.strip_prefix("0x") {
            Some(digits) => u8::from_str_radix(digits, 16).ok()?,
            None => number.parse().ok()?,
        },
    };
    transaction.facts.proxy_header_value(kind).map(Sample::str)
}
