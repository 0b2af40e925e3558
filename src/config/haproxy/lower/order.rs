//! Rules that stand behind others which are carried out after them: HAProxy warns, and so does this.

use crate::config::haproxy::section::{Line, Modifier, Section};

use super::Context;

/// The sets of rules on requests, in the order in which they are carried out.
const SETS: [&str; 8] = [
    "tcp-request connection",
    "tcp-request session",
    "tcp-request content",
    "monitor fail",
    "http-request",
    "redirect",
    "use_backend",
    "use-server",
];

/// Warns of rules of a section that stand behind others which come later.
pub fn judge(section: &Section, context: &Context<'_>) {
    let mut seen = [false; SETS.len()];
    let mut has_response_rules = false;
    for line in section.lines.iter().filter(|line| line.modifier == Modifier::None) {
        if is(line, "http-response") {
            has_response_rules = true;
        } else if is(line, "tcp-response content") && has_response_rules {
            warn(line, "tcp-response content", "http-response", context);
        }
        let Some(rank) = SETS.iter().position(|set| is(line, set)) else { continue };
        let later = (rank + 1..SETS.len()).find(|later| seen[*later]);
        // HAProxy looks at what `use_backend` and `use-server` stand behind in no case.
        if let Some(later) = later.filter(|_| rank < 6) {
            warn(line, SETS[rank], SETS[later], context);
        }
        seen[rank] = true;
    }
}

fn is(line: &Line, set: &str) -> bool {
    set.split(' ').enumerate().all(|(number, word)| line.text(number) == word)
}

fn warn(line: &Line, set: &str, later: &str, context: &Context<'_>) {
    let article = if later.starts_with('h') { "an" } else { "a" };
    let message = format!("a '{set}' rule placed after {article} '{later}' rule will still be processed before");
    context.warning("W-ORDER", line.span_of(1), message, "write it above, where it counts");
}
