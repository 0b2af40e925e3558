//! Rules: texts in HAProxy's language, cut into words.

use crate::config::draft::Rule;
use crate::config::yaml::tree::Node;
use crate::diag::{Span, Spanned};
use crate::rule;

/// `rules` of a section, in order.
pub fn lines(section: &Node) -> Vec<Rule> {
    let items = section.value("rules").map(Node::items).unwrap_or_default();
    let line = |item: &Node| {
        let words = rule::split(item.text()?).ok().filter(|words| !words.is_empty())?;
        Some(of_words(words, item.span))
    };
    items.iter().filter_map(line).collect()
}

/// `rules` of a frontend, then its `use_backend`.
pub fn frontend(section: &Node) -> Vec<Rule> {
    let mut rules = lines(section);
    let entries = section.value("use_backend").map(Node::items).unwrap_or_default();
    for entry in entries {
        let Some(name) = entry.value("backend").filter(|name| name.text().is_some()) else { continue };
        let mut rule = of_words(vec!["use_backend".to_owned(), name.text().unwrap_or_default().to_owned()], name.span);
        let condition = ["if", "unless"].into_iter().find_map(|word| Some((word, entry.value(word)?)));
        if let Some((word, node)) = condition {
            let Ok(test) = rule::split(node.text().unwrap_or_default()) else { continue };
            let words = std::iter::once(word.to_owned()).chain(braced(test, &rules));
            rule.words.extend(words.map(|word| Spanned::new(word, node.span)));
        }
        rules.push(rule);
    }
    rules
}

/// A bare test gets the braces that HAProxy's files have around it; names of ACLs have none.
fn braced(test: Vec<String>, rules: &[Rule]) -> Vec<String> {
    let first = test.first().map_or("", |word| word.trim_start_matches('!'));
    let is_acl = |rule: &Rule| {
        let mut words = rule.words.iter().map(|word| word.value.as_str());
        words.next() == Some("acl") && words.next() == Some(first)
    };
    if first == "{" || rule::condition::is_predefined(first) || rules.iter().any(is_acl) {
        return test;
    }
    let (open, close) = ("{".to_owned(), "}".to_owned());
    std::iter::once(open).chain(test).chain([close]).collect()
}

fn of_words(words: Vec<String>, span: Span) -> Rule {
    Rule { words: words.into_iter().map(|word| Spanned::new(word, span)).collect(), span }
}
