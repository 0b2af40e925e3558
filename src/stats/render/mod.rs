//! The forms of a text: comma-separated, typed lines, JSON, the page.
//!
//! They decide how rows are written, never what stands in them. Read [`csv`] first.

pub mod csv;
pub mod typed;
pub mod json;
pub mod schema;
pub mod html;
mod resolvers;
pub mod prometheus;

use super::info::{LINES, Value};
use super::select::{Domain, Form, InfoRequest, StatRequest};
use super::snapshot::Snapshot;

/// The answer to `show stat`, without the empty line that ends it.
///
/// # Errors
/// HAProxy's answer where a proxy was named that does not exist.
pub fn show_stat(snapshot: &Snapshot, request: &StatRequest) -> Result<String, &'static str> {
    if request.domain == Domain::Resolvers {
        return Ok(resolvers::rows(&snapshot.name_servers, request));
    }
    let rows = request.rows(snapshot)?;
    Ok(match request.form {
        Form::Plain => csv::table(&rows),
        Form::Typed => typed::rows(&rows, request.is_described),
        Form::Json => json::rows(&rows) + "\n",
    })
}

/// The answer to `show info`, without the empty line that ends it.
pub fn show_info(snapshot: &Snapshot, request: InfoRequest) -> String {
    let lines = LINES.iter().enumerate().filter_map(|(position, line)| {
        let value = (line.value)(snapshot);
        (value != Value::Absent).then_some((position, line.described, value))
    });
    match request.form {
        Form::Plain => typed::plain_info(lines, request),
        Form::Typed => typed::info(lines, request),
        Form::Json => json::info(lines, request) + "\n",
    }
}

/// The answer to `show schema json`, without the empty line that ends it.
pub fn show_schema() -> String {
    schema::schema() + "\n"
}
