//! `show stat`, and the page with `;csv`.

use std::fmt::Write;

use crate::stats::catalog::COLUMNS;
use crate::stats::row::{Cell, Row};

/// A header and a line for each row; every line ends in a comma, as HAProxy's do.
pub fn table(rows: &[Row]) -> String {
    let mut out = String::with_capacity(1024 + rows.len() * 512);
    out.push_str("# ");
    for column in COLUMNS {
        out.push_str(column.name);
        out.push(',');
    }
    out.push('\n');
    for row in rows {
        // The last column only says that no others follow.
        for cell in &row.cells[..COLUMNS.len() - 1] {
            self::cell(&mut out, cell);
            out.push(',');
        }
        out.push_str("-,\n");
    }
    out
}

fn cell(out: &mut String, cell: &Cell) {
    // Writing to a String cannot fail.
    let _ = match cell {
        Cell::Empty => Ok(()),
        Cell::U32(value) => write!(out, "{value}"),
        Cell::U64(value) => write!(out, "{value}"),
        Cell::S32(value) => write!(out, "{value}"),
        Cell::Text(text) => {
            quoted(out, text);
            Ok(())
        }
    };
}

/// In quotes where it has a comma, a quote or a line end (RFC 4180).
fn quoted(out: &mut String, text: &str) {
    if !text.contains([',', '"', '\n', '\r']) {
        return out.push_str(text);
    }
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\"\""),
            // A line is a row, whatever a server has said.
            '\n' | '\r' => out.push(' '),
            other => out.push(other),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_stays_in_its_column() {
        let mut out = String::new();
        cell(&mut out, &Cell::Text("he said \"no\",\nthen left".to_owned()));
        assert_eq!(out, "\"he said \"\"no\"\", then left\"");
    }

    #[test]
    fn the_header_has_haproxys_columns_in_their_places() {
        let header = table(&[]);
        let names: Vec<&str> = header.trim_start_matches("# ").trim_end().split(',').collect();
        let at = |name: &str| names.iter().position(|one| *one == name);
        let known = [("scur", 4), ("status", 17), ("type", 32), ("hrsp_1xx", 39), ("ttime", 61), ("addr", 73)];
        for (name, position) in known.into_iter().chain([("conn_tot", 79), ("agg_check_status", 102)]) {
            assert_eq!(at(name), Some(position), "{name}");
        }
        assert_eq!((names.len(), names.last()), (105, Some(&"")));
    }
}
