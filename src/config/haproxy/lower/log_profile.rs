//! `log-profile` sections: lines of the process, each with the name of its profile in front (manual §8.3.5).

use crate::config::draft::Rule;
use crate::config::haproxy::lex::Word;
use crate::config::haproxy::section::{Line, Section};
use crate::config::haproxy::table::Place;
use crate::diag::{Diagnostic, Spanned};

use super::Context;

/// A section. What its lines mean is read where rules are compiled.
pub fn read(section: &Section, known: &[Rule], context: &Context<'_>) -> Vec<Rule> {
    let Some(name) = context.argument(&section.head, 1, "a name") else { return Vec::new() };
    context.no_more(&section.head, 2);
    let named = |rule: &&Rule| rule.words.get(1).is_some_and(|word| word.value == name.text);
    if let Some(first) = known.iter().find(named) {
        let problem =
            Diagnostic::error("E-DUPLICATE", name.span, format!("log-profile `{}` is given twice", name.text));
        context.push(problem.label(first.words[1].span, "first given here"));
        return Vec::new();
    }
    let begin = |line: &Line| vec![Spanned::new("log-profile".to_owned(), line.span_of(0)), written(name)];
    let mut rules = vec![Rule { words: begin(&section.head), span: section.head.span_of(0) }];
    for line in &section.lines {
        if context.find(Place::LogProfile, Place::LogProfile, line).is_none() {
            continue;
        }
        let words = begin(line).into_iter().chain(line.from(0).iter().map(written)).collect();
        rules.push(Rule { words, span: line.span_of(0) });
    }
    rules
}

fn written(word: &Word) -> Spanned<String> {
    Spanned::new(word.text.clone(), word.span)
}
