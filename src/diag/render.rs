//! Drawing diagnostics.

use std::fmt::Write;

use super::{Diagnostic, Label, Source};

/// Diagnostics that are drawn: nobody reads more, and a file that is no configuration has one for each line.
const MOST: usize = 100;

/// Characters of a line that are drawn.
const WIDEST: usize = 160;

/// Plain text, without colour: `file:line:col: error[code]: message`, the line, carets under the words, the hint.
pub fn render(diagnostics: &[Diagnostic], sources: &[Source]) -> String {
    let mut out = String::new();
    for (number, diagnostic) in diagnostics.iter().take(MOST).enumerate() {
        if number > 0 {
            out.push('\n');
        }
        one(&mut out, diagnostic, sources);
    }
    if let more @ 1.. = diagnostics.len().saturating_sub(MOST) {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "\n... and {more} more");
    }
    out
}

fn one(out: &mut String, diagnostic: &Diagnostic, sources: &[Source]) {
    let place = |label: &Label| {
        let source = sources.get(label.span.source)?;
        let position = source.position(label.span.start);
        Some(format!("{}:{}:{}", source.name, position.line, position.column))
    };
    if let Some(place) = diagnostic.labels.first().and_then(place) {
        out.push_str(&place);
        out.push_str(": ");
    }
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{}[{}]: {}", diagnostic.severity.name(), diagnostic.code, printable(&diagnostic.message));
    let lines = diagnostic
        .labels
        .iter()
        .filter_map(|label| Some(sources.get(label.span.source)?.position(label.span.start).line));
    let width = lines.max().unwrap_or(0).to_string().len();
    let mut previous = None;
    for (number, label) in diagnostic.labels.iter().enumerate() {
        if number > 0
            && let Some(place) = place(label)
        {
            let _ = writeln!(out, "{:width$}::: {place}", "");
        }
        snippet(out, label, number == 0, width, sources);
        previous = Some(label);
    }
    if let Some(hint) = &diagnostic.hint {
        let indent = if previous.is_some() { width + 1 } else { 1 };
        let _ = writeln!(out, "{:indent$}= hint: {}", "", printable(hint));
    }
}

fn snippet(out: &mut String, label: &Label, is_first: bool, width: usize, sources: &[Source]) {
    let Some(source) = sources.get(label.span.source) else { return };
    let position = source.position(label.span.start);
    let line = source.text.get(position.range.clone()).unwrap_or_default();
    let last = label.span.end.min(position.range.end).max(label.span.start);
    let marked = source.text.get(label.span.start..last).unwrap_or_default().trim_end().chars().count().max(1);
    let column = position.column - 1;
    // Of a long line, what stands around the place.
    let skipped = if column + marked > WIDEST { column.saturating_sub(WIDEST / 4) } else { 0 };
    let part: String = line.trim_end().chars().skip(skipped).take(WIDEST).collect();
    // A tab is drawn as one space, so that carets stand under their word.
    let shown = printable(&part);
    let before = column - skipped;
    let mark = if is_first { "^" } else { "-" }.repeat(marked.min(WIDEST - before));
    let _ = writeln!(out, "{:width$} |", "");
    let _ = writeln!(out, "{:width$} | {shown}", position.line);
    let _ = writeln!(out, "{}", format!("{:width$} | {:before$}{mark} {}", "", "", label.text).trim_end());
}

/// Control characters from a file must not reach a terminal.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c == '\t' {
                ' '
            } else if c.is_control() {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Span;

    #[test]
    fn place_line_carets_and_hint_are_drawn() {
        let sources = [Source::new("pair.yaml", "vrrp:\n  web:\n    vrid: 51\n")];
        let span = Span { source: 0, start: 17, end: 21 };
        let problem = Diagnostic::error("E-UNKNOWN-KEY", span, "unknown key `vrid`")
            .label(Span { source: 0, start: 8, end: 11 }, "in this entry")
            .hint("did you mean `virtual_router_id`?");
        assert_eq!(
            render(&[problem], &sources),
            "pair.yaml:3:5: error[E-UNKNOWN-KEY]: unknown key `vrid`\n  |\n3 |     vrid: 51\n  |     ^^^^\n ::: \
             pair.yaml:2:3\n  |\n2 |   web:\n  |   --- in this entry\n  = hint: did you mean `virtual_router_id`?\n"
        );
    }

    #[test]
    fn a_long_line_is_drawn_around_the_place() {
        let text = format!("{}bad{}", "x".repeat(1000), "y".repeat(1000));
        let sources = [Source::new("a", text)];
        let problem = |start, end| Diagnostic::error("E", Span { source: 0, start, end }, "wrong");
        let drawn = render(&[problem(1000, 1003)], &sources);
        let line = drawn.lines().find(|line| line.starts_with("1 | ")).unwrap();
        let carets = drawn.lines().find(|line| line.contains('^')).unwrap();
        assert_eq!((line.len(), line.find("bad")), (4 + WIDEST, carets.find("^^^")));
        assert!(render(&[problem(0, 2000)], &sources).lines().all(|line| line.len() <= 4 + WIDEST));
    }

    #[test]
    fn so_many_diagnostics_are_counted_not_drawn() {
        let sources = [Source::new("a", "text")];
        let problem = Diagnostic::error("E", Span { source: 0, start: 0, end: 4 }, "wrong");
        let drawn = render(&vec![problem; MOST + 5], &sources);
        assert_eq!(drawn.matches("wrong").count(), MOST);
        assert!(drawn.ends_with("\n... and 5 more\n"), "{drawn}");
    }

    #[test]
    fn control_characters_of_a_file_do_not_reach_the_terminal() {
        let sources = [Source::new("a", "\u{1b}[31m: 1")];
        let text = render(&[Diagnostic::error("E", Span { source: 0, start: 0, end: 5 }, "x\u{7}")], &sources);
        assert!(!text.contains('\u{1b}') && !text.contains('\u{7}'));
    }
}
