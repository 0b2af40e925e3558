//! Problems as HAProxy prints them.

use std::fmt::Write;

use crate::diag::{Diagnostic, Label, Severity, Source};

/// `[ALERT]    (pid) : config : parsing [file:line] : what is wrong.`, the line, a caret, the hint.
pub fn alert(problem: &Diagnostic, sources: &[Source], pid: u32) -> String {
    let tag = match problem.severity {
        Severity::Error => "[ALERT]   ",
        Severity::Warning => "[WARNING] ",
        Severity::Notice => "[NOTICE]  ",
    };
    let mut out = format!("{tag} ({pid}) : config : ");
    // Writing to a String cannot fail.
    if let Some((source, label)) =
        problem.labels.first().and_then(|label| Some((sources.get(label.span.source)?, label)))
    {
        let line = source.position(label.span.start).line;
        let _ = write!(out, "parsing [{}:{line}] : ", source.name);
        let _ = writeln!(out, "{}.", printable(&problem.message));
        caret(&mut out, source, label);
    } else {
        let _ = writeln!(out, "{}.", printable(&problem.message));
    }
    for label in problem.labels.iter().skip(1) {
        if let Some(source) = sources.get(label.span.source) {
            let line = source.position(label.span.start).line;
            let _ = writeln!(out, "  [{}:{line}] : {}.", source.name, printable(&label.text));
        }
    }
    if let Some(hint) = &problem.hint {
        let _ = writeln!(out, "  hint: {}", printable(hint));
    }
    out
}

fn caret(out: &mut String, source: &Source, label: &Label) {
    let position = source.position(label.span.start);
    let line = source.text.get(position.range.clone()).unwrap_or_default();
    let shown = line.trim_start();
    let indent = line.chars().count() - shown.chars().count();
    let _ = writeln!(out, "  {}", printable(shown.trim_end()));
    let _ = writeln!(out, "  {:width$}^", "", width = (position.column - 1).saturating_sub(indent));
}

/// Control characters from a file must not reach a terminal; a tab is as wide as a space here.
fn printable(text: &str) -> String {
    let show = |c: char| match c {
        '\t' => ' ',
        c if c.is_control() => '\u{fffd}',
        c => c,
    };
    text.chars().map(show).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Span;

    #[test]
    fn place_line_caret_and_hint_are_drawn() {
        let sources = [Source::new("a.cfg", "global\n\tmaxcon 1\n")];
        let problem = Diagnostic::error("E", Span { source: 0, start: 8, end: 14 }, "unknown keyword 'maxcon'")
            .hint("did you mean 'maxconn' maybe ?");
        assert_eq!(
            alert(&problem, &sources, 7),
            "[ALERT]    (7) : config : parsing [a.cfg:2] : unknown keyword 'maxcon'.\n  maxcon 1\n  ^\n  hint: did you mean 'maxconn' maybe ?\n"
        );
    }
}
