//! `healthcheck` sections: checks by name, for `server ... healthcheck NAME` (HAProxy 3.4).

use crate::config::draft::Rule;
use crate::config::haproxy::section::Section;
use crate::config::haproxy::table::Place;
use crate::diag::{Diagnostic, Spanned, nearest};

use super::Context;
use super::settings::spanned;

/// A section: its lines as they would stand in a backend.
#[derive(Clone, Debug)]
pub struct Healthcheck {
    name: String,
    rules: Vec<Rule>,
}

/// Reads a section; `known` are those before it.
pub fn read(section: &Section, known: &[Healthcheck], context: &Context<'_>) -> Option<Healthcheck> {
    let name = context.argument(&section.head, 1, "a name")?;
    context.no_more(&section.head, 2);
    if known.iter().any(|check| check.name == name.text) {
        context.error("E-DUPLICATE", name.span, format!("healthcheck section '{}' already defined", name.text));
    }
    let mut rules: Vec<Rule> = Vec::new();
    for line in &section.lines {
        let Some((row, _)) = context.find(Place::Healthcheck, Place::Healthcheck, line) else { continue };
        let mut words: Vec<_> = line.words.iter().map(|word| spanned(&word.text, word.span)).collect();
        if row.name == "type" {
            if rules.iter().any(|rule| rule.words.first().is_some_and(|word| word.value == "option")) {
                context.error("E-DUPLICATE", line.span(), "healthcheck type already defined");
            }
            if let Some(first) = words.first_mut() {
                first.value = "option".to_owned();
            }
        }
        rules.push(Rule { words, span: line.span() });
    }
    Some(Healthcheck { name: name.text.clone(), rules })
}

/// The rules of that name.
pub fn find<'h>(known: &'h [Healthcheck], name: &Spanned<String>, context: &Context<'_>) -> Option<&'h [Rule]> {
    let found = known.iter().find(|check| check.name == name.value);
    if found.is_none() {
        let hint = nearest(&name.value, known.iter().map(|check| check.name.as_str()));
        let message = format!("unable to find healthcheck '{}'", name.value);
        let hint = hint.map(|known| format!("did you mean '{known}'?"));
        context.push(Diagnostic::error("E-UNRESOLVED", name.span, message).hint_if(hint));
    }
    found.map(|check| check.rules.as_slice())
}
