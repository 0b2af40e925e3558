//! `show stat json`, `show info json`, and the page with `;json`: an object for each value, HAProxy's keys in its order.

use serde::Serialize;

use crate::stats::catalog::{COLUMNS, Described, tag_words, tags};
use crate::stats::info::Value;
use crate::stats::row::{Cell, Row};
use crate::stats::select::InfoRequest;

use super::resolvers::Content;
use super::typed;

#[derive(Serialize)]
struct Field<'a> {
    pos: usize,
    name: &'a str,
}

#[derive(Serialize)]
struct Tags {
    origin: &'static str,
    nature: &'static str,
    scope: &'static str,
}

#[derive(Serialize)]
struct Typed {
    #[serde(rename = "type")]
    kind: &'static str,
    value: serde_json::Value,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Place {
    obj_type: &'static str,
    proxy_id: u32,
    id: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    #[serde(flatten)]
    place: Option<Place>,
    field: Field<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    process_num: Option<u32>,
    tags: Tags,
    value: Typed,
}

fn entry<'a>(place: Option<Place>, at: usize, name: &'a str, tags: &str, value: Typed) -> Entry<'a> {
    let [origin, nature, scope] = tag_words(tags);
    Entry { place, field: Field { pos: at, name }, process_num: Some(1), tags: Tags { origin, nature, scope }, value }
}

/// An array with an array for each row.
pub fn rows(rows: &[Row]) -> String {
    fn objects(row: &Row) -> Vec<Entry<'static>> {
        let cells = row.cells.iter().enumerate().filter_map(|(position, cell)| {
            let place = Place { obj_type: row.kind.name(), proxy_id: row.proxy, id: row.id };
            let value = Typed { kind: typed::typed(cell)?.0, value: number_or_text(cell) };
            let tags = tags(position, row.kind);
            Some(entry(Some(place), position, COLUMNS[position].name, tags, value))
        });
        cells.collect()
    }
    text(&rows.iter().map(objects).collect::<Vec<_>>())
}

/// An array with an array for each name server.
pub(super) fn name_servers<'a>(rows: impl Iterator<Item = Vec<(Described, Content<'a>)>>) -> String {
    let objects = |columns: Vec<(Described, Content<'a>)>| {
        let cells = columns.into_iter().enumerate().map(|(position, (described, content))| {
            let value = match content {
                Content::Text(text) => Typed { kind: "str", value: text.into() },
                Content::Count(count) => Typed { kind: "u64", value: count.into() },
            };
            Entry { process_num: None, ..entry(None, position, described.name, described.tags, value) }
        });
        cells.collect::<Vec<_>>()
    };
    text(&rows.map(objects).collect::<Vec<_>>())
}

fn number_or_text(cell: &Cell) -> serde_json::Value {
    match cell {
        Cell::Empty => serde_json::Value::Null,
        Cell::U32(value) => (*value).into(),
        Cell::U64(value) => (*value).into(),
        Cell::S32(value) => (*value).into(),
        Cell::Text(text) => text.as_str().into(),
    }
}

/// An array with an object for each line.
pub(super) fn info(lines: impl Iterator<Item = (usize, Described, Value)>, request: InfoRequest) -> String {
    let lines = lines.map(|(position, described, content)| {
        let (kind, written) = typed::value(&content, request.has_fractions);
        let value = match content {
            Value::U32(number) | Value::U64(number) => number.into(),
            Value::Seconds(time) if request.has_fractions => time.as_secs_f64().into(),
            Value::Seconds(time) => time.as_secs().into(),
            Value::Text(_) | Value::Absent => written.into(),
        };
        entry(None, position, described.name, described.tags, Typed { kind, value })
    });
    text(&lines.collect::<Vec<_>>())
}

fn text(value: &impl Serialize) -> String {
    // Strings and numbers can always be written.
    serde_json::to_string(value).unwrap_or_default()
}
