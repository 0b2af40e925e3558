//! vipgate.yaml(5) from the keyword table, in roff.

use std::fmt::Write;

use super::keyword::{Key, Need, Scalar, Section, Value};
use super::shape::expected;
use super::table;

/// The example of the page.
const PAIR: &str = include_str!("../../../configs/pair.yaml");

/// What the page says first.
pub(super) const INTRODUCTION: &str = "\
The configuration of vipgate(8), in YAML: virtual routers, virtual addresses and the proxy behind them. \
conf.d/*.yaml beside the file is merged into it by name. `vipgate check` reads it as the daemon does, and names every \
mistake with its line and column; `vipgate schema` prints a JSON Schema for editors.

Durations are numbers with a unit: 500ms, 2s, 1m, 1h, 1d. A list with one element may be written without brackets. \
NAME stands for a name of your own.";

/// The page, for a version of vipgate.
pub fn manual(version: &str) -> String {
    let mut page = format!(".TH VIPGATE.YAML 5 \"\" \"vipgate {}\" \"File formats\"\n", escape(version));
    heading(&mut page, "NAME");
    paragraph(&mut page, "vipgate.yaml - configuration of vipgate");
    heading(&mut page, "DESCRIPTION");
    INTRODUCTION.split("\n\n").for_each(|text| paragraph(&mut page, text));
    for (path, section) in sections() {
        heading(&mut page, if path.is_empty() { "THE FILE" } else { &path });
        paragraph(&mut page, section.doc);
        section.keys.iter().for_each(|key| self::key(&mut page, key));
    }
    heading(&mut page, "EXAMPLE");
    // Writing to a String cannot fail.
    let _ = writeln!(page, ".nf\n{}\n.fi", escape(PAIR.trim_end()));
    heading(&mut page, "SEE ALSO");
    let _ = writeln!(page, ".BR vipgate (8)");
    page
}

/// Every section with the path that leads to it: each before those inside it.
pub(super) fn sections() -> Vec<(String, &'static Section)> {
    let mut found = Vec::new();
    below(String::new(), &table::FILE, &mut found);
    found
}

fn below(path: String, section: &'static Section, found: &mut Vec<(String, &'static Section)>) {
    let dot = if path.is_empty() { "" } else { "." };
    let mut inside = Vec::new();
    for key in section.keys {
        inner(format!("{path}{dot}{}", key.name), &key.value, &mut inside);
    }
    found.push((path, section));
    for (path, section) in inside {
        below(path, section, found);
    }
}

/// The sections that a value holds.
fn inner(path: String, value: &'static Value, found: &mut Vec<(String, &'static Section)>) {
    match value {
        Value::One(_) => {}
        Value::Section(section) => found.push((path, section)),
        Value::Named(_, value) => inner(format!("{path}.NAME"), value, found),
        Value::List(value) => inner(format!("{path}[]"), value, found),
        Value::Any(choices) => choices.iter().for_each(|choice| inner(path.clone(), choice, found)),
    }
}

fn key(page: &mut String, key: &Key) {
    let _ = writeln!(page, ".TP\n\\fB{}\\fR", escape(key.name));
    let text = match key.need {
        Need::Refused(why) => format!("Not supported: {why}."),
        Need::Required => format!("{}. Required. {}", kind(&key.value), key.doc),
        Need::Optional => format!("{}. {}", kind(&key.value), key.doc),
    };
    line(page, &text);
}

/// What is written for a value, as a sentence begins.
pub(super) fn kind(value: &Value) -> String {
    let text = match value {
        Value::One(Scalar::Number(least, most)) => format!("a whole number, {least}-{most}"),
        value => expected(value),
    };
    // A word of the configuration keeps its spelling.
    match text.strip_prefix('a') {
        Some(rest) if rest.starts_with([' ', 'n']) => format!("A{rest}"),
        _ => text,
    }
}

fn heading(page: &mut String, text: &str) {
    let _ = writeln!(page, ".SH \"{}\"", escape(text));
}

fn paragraph(page: &mut String, text: &str) {
    page.push_str(".PP\n");
    line(page, text);
}

fn line(page: &mut String, text: &str) {
    let _ = writeln!(page, "{}", escape(text));
}

/// Letters that roff would take for its own.
fn escape(text: &str) -> String {
    let escaped = text.replace('\\', "\\e").replace('-', "\\-");
    let is_control = |line: &&str| line.starts_with(['.', '\'']);
    escaped
        .split('\n')
        .map(|line| if is_control(&line) { format!("\\&{line}") } else { line.to_owned() })
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_the_table_is_on_the_page() {
        let page = manual("1.0");
        let sections = sections();
        assert!(sections.len() > 15, "{}", sections.len());
        for (path, section) in sections {
            assert!(path.is_empty() || page.contains(&format!(".SH \"{}\"", escape(&path))), "{path}");
            for key in section.keys {
                assert!(page.contains(&format!("\\fB{}\\fR", escape(key.name))), "{path}: {}", key.name);
            }
        }
    }

    #[test]
    fn nothing_that_is_written_becomes_a_command() {
        assert_eq!(escape(".so x\n'y -a\\b"), "\\&.so x\n\\&'y \\-a\\eb");
    }
}
