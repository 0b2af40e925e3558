//! Texts and parts of texts.

use super::super::argument::{Argument, EVERY_CONTROL};
use super::super::sample::{Sample, Text};
use super::super::transaction::Transaction;
use super::super::userlist::is_same;
use super::super::variable::Stored;

/// The text of a sample that was cast to text or bytes.
pub(super) fn into_text(sample: Sample<'_>) -> Text<'_> {
    match sample {
        Sample::Str(text) | Sample::Bin(text) | Sample::Method(text) => text,
        other => other.into_text(),
    }
}

pub(super) fn lower<'t>(_: &'t Transaction<'_>, _: &'t [Argument], sample: Sample<'t>) -> Option<Sample<'t>> {
    let text = into_text(sample);
    if !text.iter().any(u8::is_ascii_uppercase) {
        return Some(Sample::Str(text));
    }
    let mut bytes = text.into_vec();
    bytes.make_ascii_lowercase();
    Some(Sample::built(bytes))
}

pub(super) fn upper<'t>(_: &'t Transaction<'_>, _: &'t [Argument], sample: Sample<'t>) -> Option<Sample<'t>> {
    let text = into_text(sample);
    if !text.iter().any(u8::is_ascii_lowercase) {
        return Some(Sample::Str(text));
    }
    let mut bytes = text.into_vec();
    bytes.make_ascii_uppercase();
    Some(Sample::built(bytes))
}

pub(super) fn length<'t>(_: &'t Transaction<'_>, _: &'t [Argument], sample: Sample<'t>) -> Option<Sample<'t>> {
    Some(Sample::Int(i64::try_from(sample.text().len()).ok()?))
}

pub(super) fn reverse<'t>(_: &'t Transaction<'_>, _: &'t [Argument], sample: Sample<'t>) -> Option<Sample<'t>> {
    let mut bytes = into_text(sample).into_vec();
    bytes.reverse();
    Some(Sample::built(bytes))
}

/// `mail.example.com.` becomes `com.example.mail`; an empty label is no domain.
pub(super) fn reverse_domain<'t>(_: &'t Transaction<'_>, _: &'t [Argument], sample: Sample<'t>) -> Option<Sample<'t>> {
    let text = into_text(sample);
    let name = text.strip_suffix(b".").unwrap_or(&text);
    let labels: Vec<&[u8]> = name.split(|byte| *byte == b'.').collect();
    if labels.iter().any(|label| label.is_empty()) {
        return None;
    }
    let reversed: Vec<&[u8]> = labels.into_iter().rev().collect();
    Some(Sample::built(reversed.join(&b'.')))
}

pub(super) fn cut_line<'t>(_: &'t Transaction<'_>, _: &'t [Argument], sample: Sample<'t>) -> Option<Sample<'t>> {
    let text = into_text(sample);
    let end = text.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(text.len());
    Some(Sample::Str(text.part(0, end)))
}

pub(super) fn trim_start<'t>(
    _: &'t Transaction<'_>,
    arguments: &'t [Argument],
    sample: Sample<'t>,
) -> Option<Sample<'t>> {
    let (text, set) = (into_text(sample), arguments.first()?.bytes());
    let start = text.iter().position(|byte| !set.contains(byte)).unwrap_or(text.len());
    let end = text.len();
    Some(Sample::Str(text.part(start, end)))
}

pub(super) fn trim_end<'t>(
    _: &'t Transaction<'_>,
    arguments: &'t [Argument],
    sample: Sample<'t>,
) -> Option<Sample<'t>> {
    let (text, set) = (into_text(sample), arguments.first()?.bytes());
    let end = text.iter().rposition(|byte| !set.contains(byte)).map_or(0, |last| last + 1);
    Some(Sample::Str(text.part(0, end)))
}

/// A number given, or what a variable holds.
fn number(transaction: &Transaction<'_>, argument: Option<&Argument>) -> Option<Option<i64>> {
    match argument {
        None | Some(Argument::Absent) => Some(None),
        Some(Argument::Int(value)) => Some(Some(*value)),
        Some(Argument::Variable(name)) => Some(Some(transaction.variables.find(name)?.sample().to_int()?)),
        Some(_) => None,
    }
}

pub(super) fn bytes<'t>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    sample: Sample<'t>,
) -> Option<Sample<'t>> {
    let text = into_text(sample);
    let (Some(offset), Some(count)) =
        (number(transaction, arguments.first())?, number(transaction, arguments.get(1))?.map_or(Some(i64::MAX), Some))
    else {
        return None;
    };
    let (Ok(start), Ok(count)) = (usize::try_from(offset), usize::try_from(count)) else {
        return Some(Sample::bin([]));
    };
    let end = start.saturating_add(count).min(text.len());
    Some(Sample::Bin(if start < text.len() { text.part(start, end) } else { Text::Borrowed(b"") }))
}

/// The part of `text` from one piece to another, delimiters between them included. Pieces are counted from 1, or from the
/// end with -1; `count` 0 means all that follow. `skips_empty` counts words, not fields.
fn pieces(text: &[u8], arguments: &[Argument], skips_empty: bool) -> Option<(usize, usize)> {
    let index = arguments.first()?.int_or(1);
    let delimiters = arguments.get(1).map(Argument::bytes).unwrap_or_default();
    let count = usize::try_from(arguments.get(2).map_or(1, |count| count.int_or(1))).ok()?;
    let nth = usize::try_from(index.unsigned_abs()).ok()?.checked_sub(1)?;
    let mut spans = Vec::new();
    let mut start = 0;
    for (at, byte) in text.iter().enumerate() {
        if delimiters.contains(byte) {
            spans.push((start, at));
            start = at + 1;
        }
    }
    spans.push((start, text.len()));
    if skips_empty {
        spans.retain(|(start, end)| start < end);
    }
    let last = spans.len().checked_sub(1)?;
    let (first, last) = if index > 0 {
        let end = if count == 0 { last } else { last.min((nth + count).checked_sub(1)?) };
        (nth, end)
    } else {
        let end = last.checked_sub(nth)?;
        (if count == 0 { 0 } else { (end + 1).saturating_sub(count) }, end)
    };
    Some((spans.get(first)?.0, spans.get(last)?.1))
}

pub(super) fn field<'t>(_: &'t Transaction<'_>, arguments: &'t [Argument], sample: Sample<'t>) -> Option<Sample<'t>> {
    let text = into_text(sample);
    let (start, end) = pieces(&text, arguments, false)?;
    Some(Sample::Str(text.part(start, end)))
}

/// A word that is not there is empty; a field that is not there is no sample.
pub(super) fn word<'t>(_: &'t Transaction<'_>, arguments: &'t [Argument], sample: Sample<'t>) -> Option<Sample<'t>> {
    let text = into_text(sample);
    let (start, end) = pieces(&text, arguments, true).unwrap_or((0, 0));
    Some(Sample::Str(text.part(start, end)))
}

fn variable(transaction: &Transaction<'_>, argument: Option<&Argument>) -> Option<Stored> {
    match argument? {
        Argument::Variable(name) => transaction.variables.find(name),
        _ => None,
    }
}

pub(super) fn concat<'t>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    sample: Sample<'t>,
) -> Option<Sample<'t>> {
    let mut out = into_text(sample).into_vec();
    out.extend_from_slice(arguments.first().map(Argument::bytes).unwrap_or_default());
    if let Some(value) = variable(transaction, arguments.get(1)) {
        value.sample().write(&mut out);
    }
    out.extend_from_slice(arguments.get(2).map(Argument::bytes).unwrap_or_default());
    Some(Sample::built(out))
}

pub(super) fn add_item<'t>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    sample: Sample<'t>,
) -> Option<Sample<'t>> {
    let mut out = into_text(sample).into_vec();
    let value = variable(transaction, arguments.get(1));
    let suffix = arguments.get(2).map(Argument::bytes).unwrap_or_default();
    if !out.is_empty() && (value.is_some() || !suffix.is_empty()) {
        out.extend_from_slice(arguments.first()?.bytes());
    }
    if let Some(value) = value {
        value.sample().write(&mut out);
    }
    out.extend_from_slice(suffix);
    Some(Sample::built(out))
}

pub(super) fn strcmp<'t>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    sample: Sample<'t>,
) -> Option<Sample<'t>> {
    let (left, right) = (into_text(sample), into_text(variable(transaction, arguments.first())?.sample()));
    let different = left.iter().zip(right.iter()).find(|(a, b)| a != b);
    Some(Sample::Int(match different {
        Some((a, b)) => i64::from(*a) - i64::from(*b),
        None => match left.len().cmp(&right.len()) {
            std::cmp::Ordering::Less => -1,
            std::cmp::Ordering::Equal => 0,
            std::cmp::Ordering::Greater => 1,
        },
    }))
}

pub(super) fn secure_memcmp<'t>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    sample: Sample<'t>,
) -> Option<Sample<'t>> {
    let (left, right) = (into_text(sample), into_text(variable(transaction, arguments.first())?.sample()));
    Some(Sample::Bool(is_same(&left, &right)))
}

/// Whether there is a control character; a mask of 32 bits says which of 0-31 count.
pub(super) fn has_control<'t>(
    _: &'t Transaction<'_>,
    arguments: &'t [Argument],
    sample: Sample<'t>,
) -> Option<Sample<'t>> {
    // Without a mask a tab is none.
    let usual = EVERY_CONTROL & !(1 << 9);
    let mask = arguments.first().map_or(usual, |mask| mask.int_or(usual));
    let is_control = |byte: &u8| match byte {
        0..32 => mask >> *byte & 1 == 1,
        127 => mask >> 32 & 1 == 1,
        _ => false,
    };
    Some(Sample::Bool(into_text(sample).iter().any(is_control)))
}
