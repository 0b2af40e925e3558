//! Rules in `defaults` sections: where they may stand, and who may share them (HAProxy manual §4).

use crate::config::draft::Rule;
use crate::config::haproxy::section::{Line, Section};
use crate::config::haproxy::table::Place;
use crate::diag::{Diagnostic, Span};

use super::Context;

/// Lines that a `defaults` section has only if it has a name. All but the first are rules.
const WITH_A_NAME: [&str; 6] =
    ["acl", "http-request", "http-response", "http-after-response", "tcp-request", "tcp-response"];

/// Whether a `defaults` section has no name.
pub fn is_anonymous(section: &Section) -> bool {
    section.name().is_none_or(|name| name.text == "from")
}

/// Whether a line needs a section with a name and stands in one without, which is reported.
pub fn is_misplaced(section: &Section, line: &Line, context: &Context<'_>) -> bool {
    let is_it = section.place == Place::Defaults && is_anonymous(section) && WITH_A_NAME.contains(&line.text(0));
    if is_it {
        let message = format!("'{}' not allowed in anonymous 'defaults' section", line.text(0));
        context.error("E-PLACE", line.span_of(1), message);
    }
    is_it
}

/// The rules of `defaults` sections that frontends and backends have: which are the first, and who has them.
#[derive(Debug, Default)]
pub struct Shared(Vec<(Span, Place)>);

impl Shared {
    /// Notes the rules that a section inherits; frontends and backends do not share them.
    pub fn note(&mut self, section: &Section, rules: &[Rule], context: &Context<'_>) {
        let is_inherited = |rule: &&Rule| {
            let [first, second] = [0, 1].map(|at| rule.words.get(at).map_or("", |word| word.value.as_str()));
            WITH_A_NAME[1..].contains(&first)
                && second != "inspect-delay"
                && section.lines.iter().all(|line| line.span() != rule.span)
        };
        let Some(first) = rules.iter().find(is_inherited).map(|rule| rule.span) else { return };
        let is_other = |other: Place| {
            matches!((section.place, other), (Place::Frontend, Place::Backend) | (Place::Backend, Place::Frontend))
        };
        if self.0.iter().any(|(rule, other)| *rule == first && is_other(*other)) {
            let message =
                "frontends and backends cannot inherit from the same defaults section if it defines TCP/HTTP rules";
            let problem = Diagnostic::error("E-PLACE", section.head.span_of(1), message);
            context.push(problem.label(first, "its first rule"));
        }
        self.0.push((first, section.place));
    }
}
