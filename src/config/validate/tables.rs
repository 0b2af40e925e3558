//! Stick tables: each name once, and what `stick` rules need in them.

use crate::config::draft::{Draft, Rule};
use crate::diag::Diagnostic;
use crate::model::stick::Table;

use super::Context;

/// The tables of a draft, with what its rules need of them.
pub fn resolve(draft: &Draft) -> Vec<Table> {
    let mut tables: Vec<Table> = Vec::new();
    for written in &draft.tables {
        if tables.iter().all(|known| known.name != written.name.value) {
            tables.push(Table { name: written.name.value.clone(), ..written.model.clone() });
        }
    }
    for backend in &draft.backends {
        for rule in backend.rules.iter().filter(|rule| is(rule, 0, "stick")) {
            let named = rule.words.iter().position(|word| word.value == "table").and_then(|at| rule.words.get(at + 1));
            let name = named.map_or(&backend.name.value, |word| &word.value);
            tables.iter_mut().filter(|table| table.name == *name).for_each(Table::remember_servers);
        }
    }
    tables.sort_by(|a, b| a.name.cmp(&b.name));
    tables
}

fn is(rule: &Rule, at: usize, text: &str) -> bool {
    rule.words.get(at).is_some_and(|word| word.value == text)
}

/// Tells which tables cannot be.
pub fn check(context: &Context<'_>) {
    let draft = context.draft;
    for (number, table) in draft.tables.iter().enumerate() {
        let is_same = |other: &&crate::config::draft::Table| other.name.value == table.name.value;
        if let Some(first) = draft.tables.iter().take(number).find(is_same) {
            let message = format!("there are two stick tables called `{}`", table.name.value);
            let problem = Diagnostic::error("E-DUPLICATE", table.name.span, message);
            context.problems.push(problem.label(first.name.span, "first given here").hint("name a section otherwise"));
        }
        if let Some(target) = &table.model.write_to {
            let known = draft.tables.iter().map(|other| other.name.value.as_str());
            let found = context.find("stick table", target, table.name.span, known);
            let other = found.and_then(|number| draft.tables.get(number));
            if other.is_some_and(|other| other.model.key != table.model.key) {
                let message = format!("`{target}` has keys of another type than `{}`", table.name.value);
                context.error("E-VALUE", table.name.span, message, "'write-to' needs a table of the same type");
            }
        }
        if let Some(peers) = &table.peers
            && !draft.peers.contains(&peers.value)
        {
            let message = format!("unable to find sync peers '{}'", peers.value);
            context.error("E-UNRESOLVED", peers.span, message, "add a `peers` section of that name");
        }
    }
}
