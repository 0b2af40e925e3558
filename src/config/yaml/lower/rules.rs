//! Rules: texts in HAProxy's language, cut into words.

use crate::config::draft::{ErrorPages, Rule};
use crate::config::options;
use crate::config::yaml::tree::{Entry, Node};
use crate::diag::{Span, Spanned};
use crate::rule;

/// An entry of `http_errors`.
pub fn error_pages(entry: &Entry) -> ErrorPages {
    ErrorPages { name: entry.key.clone(), pages: pages(&entry.value) }
}

fn pages(node: &Node) -> Vec<(Spanned<u64>, Spanned<String>)> {
    let page = |entry: &Entry| {
        let status = Spanned::new(entry.key.value.parse().ok()?, entry.key.span);
        Some((status, Spanned::new(entry.value.text()?.to_owned(), entry.value.span)))
    };
    node.entries().iter().filter_map(page).collect()
}

/// `errors` of a section, then its `rules`, in order.
pub fn lines(section: &Node) -> Vec<Rule> {
    let errors = section.value("errors").map(pages).unwrap_or_default();
    let errors = errors.into_iter().map(|(status, file)| Rule {
        span: Span { end: file.span.end, ..status.span },
        words: vec![
            Spanned::new("errorfile".to_owned(), status.span),
            Spanned::new(status.value.to_string(), status.span),
            file,
        ],
    });
    let page = section.entries().iter().find(|entry| entry.key.value == "stats").map(page).unwrap_or_default();
    errors.chain(page).chain(written(section)).collect()
}

/// `stats` of a section, as HAProxy's lines.
fn page(entry: &Entry) -> Vec<Rule> {
    let node = &entry.value;
    let mut rules = Vec::new();
    let mut line = |words: &[&str], span: Span| {
        let words = std::iter::once("stats").chain(words.iter().copied()).map(str::to_owned).collect();
        rules.push(of_words(words, span));
    };
    if node.text().is_some_and(|text| text != "true") {
        return rules;
    }
    line(&["enable"], entry.key.span);
    for (key, word) in [("uri", "uri"), ("realm", "realm"), ("refresh", "refresh"), ("description", "show-desc")] {
        if let Some((text, span)) = node.value(key).and_then(|value| Some((value.text()?, value.span))) {
            line(&[word, text], span);
        }
    }
    for user in node.value("users").map(Node::entries).unwrap_or_default() {
        line(&["auth", &format!("{}:{}", user.key.value, user.value.text().unwrap_or_default())], user.key.span);
    }
    for (key, word) in [("hide_version", "hide-version"), ("legends", "show-legends"), ("node", "show-node")] {
        if let Some(value) = node.value(key).filter(|value| value.text() == Some("true")) {
            line(&[word], value.span);
        }
    }
    for name in node.value("scope").map(Node::items).unwrap_or_default() {
        line(&["scope", name.text().unwrap_or_default()], name.span);
    }
    if let Some((text, span)) = node.value("admin").and_then(|value| Some((value.text()?, value.span)))
        && let Ok(test) = rule::split(text)
    {
        let words: Vec<String> = ["admin", "if"].map(str::to_owned).into_iter().chain(braced(test, &[])).collect();
        line(&words.iter().map(String::as_str).collect::<Vec<_>>(), span);
    }
    rules
}

fn written(section: &Node) -> Vec<Rule> {
    let items = section.value("rules").map(Node::items).unwrap_or_default();
    let line = |item: &Node| {
        let words = rule::split(item.text()?).ok().filter(|words| !words.is_empty())?;
        Some(of_words(words, item.span))
    };
    items.iter().filter_map(line).collect()
}

/// `rules` of the process.
pub fn of_process(root: &Node) -> Vec<Rule> {
    root.value("process").map(written).unwrap_or_default()
}

/// `rules` of a backend, then what its `balance` hashes and formats of its servers.
pub fn backend(section: &Node) -> Vec<Rule> {
    let mut rules = lines(section);
    let is_hash = |words: &Vec<String>| matches!(words.first().map(String::as_str), Some("hash" | "log-hash"));
    let hash = |node: &Node| {
        let words = rule::split(node.text()?).ok().filter(is_hash)?;
        Some(of_words(std::iter::once("balance".to_owned()).chain(words).collect(), node.span))
    };
    rules.extend(section.value("balance").and_then(hash));
    for server in section.value("servers").map(Node::entries).unwrap_or_default() {
        let Some(options) = server.value.value("options") else { continue };
        let options_of_server = super::proxy::server_options(options);
        rules.extend(options::server::line_of_pose(&server.key.value, &options_of_server.origin, options.span));
        let values = options_of_server.proxy_header.values;
        let line = |(kind, format): (u8, Option<String>)| {
            Some(options::server::line_of_value(&server.key.value, kind, &format?, options.span))
        };
        rules.extend(values.into_iter().filter_map(line));
    }
    rules
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
