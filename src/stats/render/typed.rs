//! `show stat typed`, `show info` and `show info typed`: a line for each value.

use std::fmt::Write;

use crate::stats::catalog::{COLUMNS, Described, tags};
use crate::stats::info::Value;
use crate::stats::row::{Cell, Row};
use crate::stats::select::InfoRequest;

/// `F.2.0.4.scur.1:MGP:u32:0`; rows are apart by an empty line in none of HAProxy's versions, so here neither.
pub fn rows(rows: &[Row], is_described: bool) -> String {
    let mut out = String::new();
    for row in rows {
        for (position, cell) in row.cells.iter().enumerate() {
            let Some((kind, value)) = typed(cell) else { continue };
            let Described { name, doc, .. } = COLUMNS[position];
            let (letter, tags) = (row.kind.letter(), tags(position, row.kind));
            // Writing to a String cannot fail.
            let _ = write!(out, "{letter}.{}.{}.{position}.{name}.1:{tags}:{kind}:{value}", row.proxy, row.id);
            end(&mut out, is_described.then_some(doc));
        }
    }
    out
}

/// The type of a cell and its value; an empty one has neither.
pub(super) fn typed(cell: &Cell) -> Option<(&'static str, String)> {
    Some(match cell {
        Cell::Empty => return None,
        Cell::U32(value) => ("u32", value.to_string()),
        Cell::U64(value) => ("u64", value.to_string()),
        Cell::S32(value) => ("s32", value.to_string()),
        Cell::Text(text) => ("str", text.replace(['\n', '\r'], " ")),
    })
}

pub(super) fn end(out: &mut String, doc: Option<&str>) {
    if let Some(doc) = doc {
        let _ = write!(out, ":\"{doc}\"");
    }
    out.push('\n');
}

/// The type of a value of `show info` and how it reads.
pub(super) fn value(value: &Value, has_fractions: bool) -> (&'static str, String) {
    match value {
        Value::U32(number) => ("u32", number.to_string()),
        Value::U64(number) => ("u64", number.to_string()),
        Value::Seconds(time) if has_fractions => ("flt", format!("{:.6}", time.as_secs_f64())),
        Value::Seconds(time) => ("u32", time.as_secs().to_string()),
        Value::Text(text) => ("str", text.replace(['\n', '\r'], " ")),
        Value::Absent => ("str", String::new()),
    }
}

/// `Name: HAProxy`.
pub(super) fn plain_info(lines: impl Iterator<Item = (usize, Described, Value)>, request: InfoRequest) -> String {
    let mut out = String::new();
    for (_, Described { name, doc, .. }, content) in lines {
        let (_, text) = value(&content, request.has_fractions);
        let _ = write!(out, "{name}: {text}");
        end(&mut out, request.is_described.then_some(doc));
    }
    out
}

/// `0.Name.1:POS:str:HAProxy`.
pub(super) fn info(lines: impl Iterator<Item = (usize, Described, Value)>, request: InfoRequest) -> String {
    let mut out = String::new();
    for (position, Described { name, tags, doc }, content) in lines {
        let (kind, text) = value(&content, request.has_fractions);
        let _ = write!(out, "{position}.{name}.1:{tags}:{kind}:{text}");
        end(&mut out, request.is_described.then_some(doc));
    }
    out
}
