//! The page with the tables: `docs/reference/ambiguous.md`. It is read for what to send and what must come of it, and
//! `UPDATE=1` writes what came into it.

use std::fmt::Write;
use std::path::PathBuf;

/// A row of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What is odd about the message.
    pub name: String,
    /// As the page has it, with `\r`, `\n`, `\t`, `\0` and `\xNN` written out.
    pub text: String,
    /// By itself.
    pub vipgate: String,
    /// With a haproxy.cfg, for which doubtful framings are not refused.
    pub lenient: String,
    pub haproxy: String,
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/reference/ambiguous.md")
}

/// The rows below a heading.
pub fn rows(heading: &str) -> Vec<Row> {
    let page = std::fs::read_to_string(path()).expect("the page");
    let (_, below) = page.split_once(&format!("## {heading}\n")).expect("the heading");
    let below = below.split("\n## ").next().unwrap_or_default();
    let rows = below.lines().filter(|line| line.starts_with("| ") && line.contains('`'));
    let row = |line: &str| {
        let mut cells = line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned());
        let mut next = || cells.next().expect("a cell");
        let (name, text) = (next(), next().trim_matches('`').to_owned());
        Row { name, text, vipgate: next(), lenient: next(), haproxy: next() }
    };
    rows.map(row).collect()
}

/// Writes the outcomes of the rows below a heading.
pub fn update(heading: &str, rows: &[Row]) {
    let page = std::fs::read_to_string(path()).expect("the page");
    let start = page.find(&format!("## {heading}\n")).expect("the heading");
    let mut out = page[..start].to_owned();
    let (mut rows, mut is_here) = (rows.iter(), true);
    for (number, line) in page[start..].lines().enumerate() {
        is_here &= number == 0 || !line.starts_with("## ");
        if is_here && line.starts_with("| ") && line.contains('`') {
            let Row { name, text, vipgate, lenient, haproxy } = rows.next().expect("as many rows as before");
            let _ = writeln!(out, "| {name} | `{text}` | {vipgate} | {lenient} | {haproxy} |");
        } else {
            let _ = writeln!(out, "{line}");
        }
    }
    std::fs::write(path(), out).expect("writable");
}

/// The bytes that a text of the page stands for; `…N…` repeats the character before it N times.
pub fn bytes(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        match character {
            '\\' => match rest.next() {
                Some('r') => out.push(b'\r'),
                Some('n') => out.push(b'\n'),
                Some('t') => out.push(b'\t'),
                Some('0') => out.push(0),
                Some('x') => {
                    let digits: String = rest.by_ref().take(2).collect();
                    out.push(u8::from_str_radix(&digits, 16).expect("two digits"));
                }
                other => panic!("no escape: {other:?} in {text}"),
            },
            '…' => {
                let count: String = rest.by_ref().take_while(|character| *character != '…').collect();
                let last = *out.last().expect("something to repeat");
                out.extend(std::iter::repeat_n(last, count.parse::<usize>().expect("a number") - 1));
            }
            other => out.extend(other.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out
}
