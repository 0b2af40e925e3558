//! The page "configuration reference" from the keyword table, in Markdown: the manual page's words as a page of the
//! site.

use std::fmt::Write;

use super::keyword::{Key, Need, Scalar, Section, Value};
use super::manual::{INTRODUCTION, kind, sections};

/// The page.
pub fn reference() -> String {
    let mut page =
        "# Configuration reference\n\n<!-- Written by `vipgate manual` from the keyword table: edit that. -->\n\n"
            .to_owned();
    page.push_str(INTRODUCTION);
    page.push('\n');
    for (path, section) in sections() {
        section_of(&mut page, &path, section);
    }
    page
}

// Writing to a String cannot fail; `let _` says that it was considered.
fn section_of(page: &mut String, path: &str, section: &Section) {
    let heading = if path.is_empty() { "The file".to_owned() } else { format!("`{path}`") };
    let _ = writeln!(page, "\n## {heading}\n\n{}\n\n| Key | Value | Meaning |\n|---|---|---|", section.doc);
    for key in section.keys {
        let inner = format!("{path}{}{}", if path.is_empty() { "" } else { "." }, key.name);
        let _ = writeln!(page, "| {} | {} | {} |", name(key), cell(&value(key, &inner)), cell(&meaning(key)));
    }
}

fn name(key: &Key) -> String {
    match key.need {
        Need::Required => format!("**`{}`**", key.name),
        Need::Optional | Need::Refused(_) => format!("`{}`", key.name),
    }
}

/// What may be written, with links to the sections below it.
fn value(key: &Key, path: &str) -> String {
    if let Need::Refused(_) = key.need {
        return "none".to_owned();
    }
    let mut text = kind(&key.value);
    if let Value::One(Scalar::Duration(least, most)) = key.value {
        let _ = write!(text, ", {}-{}", duration(least), duration(most));
    }
    let mut links = Vec::new();
    follow(path, &key.value, &mut links);
    for link in links {
        let _ = write!(text, ": [`{link}`](#{})", anchor(&link));
    }
    text
}

fn meaning(key: &Key) -> String {
    match key.need {
        Need::Refused(why) => format!("Not supported: {why}."),
        Need::Required => format!("Required. {}", key.doc),
        Need::Optional => key.doc.to_owned(),
    }
}

/// The paths of the sections that a value holds.
fn follow(path: &str, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::One(_) => {}
        Value::Section(_) => found.push(path.to_owned()),
        Value::Named(_, value) => follow(&format!("{path}.NAME"), value, found),
        Value::List(value) => follow(&format!("{path}[]"), value, found),
        Value::Any(choices) => choices.iter().for_each(|choice| follow(path, choice, found)),
    }
}

/// The anchor that Markdown gives a heading.
fn anchor(heading: &str) -> String {
    heading
        .chars()
        .filter(|letter| letter.is_alphanumeric() || "_-".contains(*letter))
        .collect::<String>()
        .to_lowercase()
}

fn duration(milliseconds: u64) -> String {
    match milliseconds {
        whole if whole % 3_600_000 == 0 && whole > 0 => format!("{}h", whole / 3_600_000),
        whole if whole % 1000 == 0 => format!("{}s", whole / 1000),
        other => format!("{other}ms"),
    }
}

/// Text in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;").replace('*', "\\*")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_link_leads_to_a_heading() {
        let page = reference();
        let headings: Vec<_> = page
            .lines()
            .filter_map(|line| line.strip_prefix("## "))
            .map(|text| anchor(text.trim_matches('`')))
            .collect();
        let links: Vec<_> =
            page.split("](#").skip(1).filter_map(|rest| rest.split_once(')')).map(|link| link.0).collect();
        assert!(links.len() > 15, "{links:?}");
        for link in links {
            assert!(headings.iter().any(|heading| heading == link), "{link}");
        }
    }

    #[test]
    fn every_key_is_in_a_table_whose_rows_have_three_cells() {
        let page = reference();
        for (path, section) in sections() {
            for key in section.keys {
                assert!(page.contains(&format!("`{}`", key.name)), "{path}: {}", key.name);
            }
        }
        for row in page.lines().filter(|line| line.starts_with('|')) {
            assert_eq!(row.replace("\\|", "").matches('|').count(), 4, "{row}");
        }
    }
}
