//! Words that edited and judged lines of a head by regular expressions until HAProxy 2.0 (its manual 1.5 §4.2, `reqadd` to
//! `rspirep`), `block` and `monitor-net`: each becomes the rules that took its place.
//!
//! A search was tried against every line of the head, the request line first, written `Name: value`. Where it is about one
//! field ([`search`]) or about the target of the request line ([`target`]), the rule for that says the same. Verdicts
//! (`reqdeny`) look at any line; `reqallow` ends verdicts and nothing else, also in the backend. All of them came behind
//! `http-request` and `http-response` rules, and additions behind the rest: so they do here. Start with [`line()`].

mod conjunctions;
mod search;
mod target;
mod tokens;
mod verdict;

use crate::config::draft::Rule;
use crate::config::haproxy::lex::Word;
use crate::config::haproxy::section::{Line, Modifier};
use crate::config::haproxy::table::Row;
use crate::diag::{Diagnostic, Span};

use super::Context;
use super::settings::{Settings, spanned};

/// Says that a verdict let the request pass; verdicts behind it have nothing to say.
const ALLOWED: &str = "txn.reqallow";
/// The request line as verdicts see it.
const REQUEST_LINE: &str = "txn.request_line";

/// What these words of a section add up to: rules that come behind the others.
#[derive(Clone, Debug, Default)]
pub struct Old {
    edits: Vec<Rule>,
    additions: Vec<Rule>,
    /// Whether the variable has the request line as it is.
    knows_request_line: bool,
}

/// An old word without its case: what it does, and to what.
#[derive(Clone, Copy, Debug)]
struct Kind {
    action: Action,
    is_response: bool,
    is_case_blind: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Add,
    Allow,
    Delete,
    Deny,
    Pass,
    Replace,
    SetBackend,
    Tarpit,
}

impl Kind {
    fn of(word: &str) -> Option<Kind> {
        let (is_response, rest) = match (word.strip_prefix("req"), word.strip_prefix("rsp")) {
            (Some(rest), _) => (false, rest),
            (_, Some(rest)) => (true, rest),
            _ => return None,
        };
        let (is_case_blind, rest) = rest.strip_prefix('i').map_or((false, rest), |rest| (true, rest));
        let action = match rest {
            "add" => Action::Add,
            "allow" => Action::Allow,
            "del" => Action::Delete,
            "deny" => Action::Deny,
            "pass" => Action::Pass,
            "rep" => Action::Replace,
            "setbe" => Action::SetBackend,
            "tarpit" => Action::Tarpit,
            _ => return None,
        };
        Some(Kind { action, is_response, is_case_blind })
    }

    /// The rule set that took over.
    fn set(self) -> &'static str {
        if self.is_response { "http-response" } else { "http-request" }
    }

    /// How many words stand between the old word and its condition.
    fn arguments(self) -> usize {
        if matches!(self.action, Action::Replace | Action::SetBackend) { 2 } else { 1 }
    }

    /// The search as the regular expressions of rules have it.
    fn cased(self, pattern: &str) -> String {
        if self.is_case_blind { format!("(?i){pattern}") } else { pattern.to_owned() }
    }
}

/// What cannot be said by a rule: what is wrong, and what to write.
#[derive(Debug, PartialEq, Eq)]
struct Lost {
    why: String,
    hint: String,
}

impl Lost {
    fn new(why: impl Into<String>, hint: impl Into<String>) -> Lost {
        Lost { why: why.into(), hint: hint.into() }
    }
}

/// A line that begins with `req` or `rsp`.
pub fn line(settings: &mut Settings, _: &'static Row, line: &Line, context: &Context<'_>) {
    let Some(kind) = Kind::of(line.text(0)) else { return };
    let condition = line.from(1 + kind.arguments());
    match condition.first().map(|word| word.text.as_str()) {
        None | Some("if" | "unless") => {}
        Some(other) => {
            let message = format!("'{}' expects 'if', 'unless' or nothing, not '{other}'", line.text(0));
            return context.error("E-VALUE", condition[0].span, message);
        }
    }
    if line.words.len() <= kind.arguments() {
        let what = if kind.arguments() == 2 { "a search and what takes its place" } else { "a search" };
        context.argument(line, kind.arguments(), what);
        return;
    }
    let made = match kind.action {
        Action::Add => add(settings, kind, line),
        Action::Delete => delete(settings, kind, line),
        Action::Replace => replace(settings, kind, line),
        Action::Pass => Ok(Vec::new()),
        _ => verdict::verdict(settings, kind, line, context),
    };
    match made {
        Ok(rules) => tell(line, &rules, context),
        Err(lost) => {
            let message = format!("'{}' cannot be read as a rule: {}", line.text(0), lost.why);
            let place = line.word(1).map_or(line.span(), |word| word.span);
            context.push(Diagnostic::error("E-OLD", place, message).hint(lost.hint));
        }
    }
}

/// Puts the rules of a section behind those that it has.
pub fn finish(settings: &mut Settings) {
    let old = std::mem::take(&mut settings.old);
    settings.rules.extend(old.edits);
    settings.rules.extend(old.additions);
}

/// `reqadd STRING`, `rspadd STRING`: a whole line.
fn add(settings: &mut Settings, kind: Kind, line: &Line) -> Result<Vec<Rule>, Lost> {
    let text = line.text(1);
    let is_line = |name: &str| !name.is_empty() && name.bytes().all(search::is_name);
    let Some((name, value)) = text.split_once(':').filter(|(name, _)| is_line(name)) else {
        let hint = format!("write '{} add-header NAME VALUE'", kind.set());
        return Err(Lost::new(format!("'{text}' is no line 'Name: value'"), hint));
    };
    let rule = rule(line, &[kind.set(), "add-header", name, &literal(value.trim())], line.from(2));
    settings.old.additions.push(rule.clone());
    Ok(vec![rule])
}

/// `reqdel SEARCH`, `rspdel SEARCH`: whole lines, by their name.
fn delete(settings: &mut Settings, kind: Kind, line: &Line) -> Result<Vec<Rule>, Lost> {
    let names = search::names(line.text(1), kind.set())?;
    let words = match &names {
        search::Names::One(name) => vec![kind.set(), "del-header", name],
        search::Names::Pattern(pattern) => vec![kind.set(), "del-header", pattern, "-m", "reg"],
    };
    let rule = rule(line, &words, line.from(2));
    settings.old.edits.push(rule.clone());
    Ok(vec![rule])
}

/// `reqrep SEARCH STRING`, `rsprep SEARCH STRING`: the line that matches becomes the string.
fn replace(settings: &mut Settings, kind: Kind, line: &Line) -> Result<Vec<Rule>, Lost> {
    let (text, string) = (line.text(1), line.text(2));
    let made = match search::Field::read(text) {
        Some(field) => {
            let (name, pattern, value) = field?.replaced(string, kind.set())?;
            let words = [kind.set(), "replace-header", &name, &kind.cased(&pattern), &literal(&value)];
            rule(line, &words, line.from(3))
        }
        None if kind.is_response => {
            let hint = "write 'http-response replace-header NAME REGEX VALUE', or 'http-response set-status'";
            return Err(Lost::new("the search names no field, so it may match the status line, too", hint));
        }
        None => {
            let target = target::Target::read(text, string)?;
            let condition = conjunctions::Conjunctions::read(line.from(3))?.and(line, &target.tests());
            let words = ["http-request", "replace-uri", &kind.cased(&target.pattern), &literal(&target.string)];
            settings.old.knows_request_line = false;
            rule(line, &words, &condition.words(line))
        }
    };
    settings.old.edits.push(made.clone());
    Ok(vec![made])
}

/// `block if CONDITION`: before every `http-request` rule, wherever it stands.
pub fn block(settings: &mut Settings, _: &'static Row, line: &Line, context: &Context<'_>) {
    if !matches!(line.text(1), "if" | "unless") {
        let place = line.word(1).map_or(line.end(), |word| word.span);
        return context.error("E-MISSING", place, "'block' expects 'if' or 'unless' and a condition");
    }
    let deny = rule(line, &["http-request", "deny"], line.from(1));
    tell(line, std::slice::from_ref(&deny), context);
    put_before(settings, deny, "http-request");
}

/// `monitor-net ADDRESS`: who asks from there is answered without looking any further.
pub fn monitor(settings: &mut Settings, _: &'static Row, line: &Line, context: &Context<'_>) {
    context.no_more(line, 2);
    let from = ["if", "{", "src", line.text(1), "}"].map(|word| at(line, word));
    let rules = [
        rule(line, &["http-request", "set-log-level", "silent"], &from),
        rule(line, &["http-request", "return", "status", "200"], &from),
    ];
    tell(line, &rules, context);
    rules.into_iter().rev().for_each(|rule| put_before(settings, rule, "http-request"));
}

/// `option forceclose`: an old word for `option httpclose`.
pub fn force_close(settings: &mut Settings, _: &'static Row, line: &Line, context: &Context<'_>) {
    let no = (line.modifier != Modifier::None).then_some("no");
    let words: Vec<&str> = no.into_iter().chain(["option", "httpclose"]).collect();
    let rule = rule(line, &words, &[]);
    tell(line, std::slice::from_ref(&rule), context);
    settings.rules.push(rule);
}

/// Puts a rule before the others of its set. Lines that declare what it tests stay before it.
fn put_before(settings: &mut Settings, rule: Rule, set: &str) {
    let is_of_set = |rule: &Rule| rule.words.first().is_some_and(|word| word.value == set);
    let (later, mut rules): (Vec<Rule>, Vec<Rule>) = settings.rules.drain(..).partition(is_of_set);
    rules.push(rule);
    rules.extend(later);
    settings.rules = rules;
}

/// Warns of the word, and says the rules that took its place.
fn tell(line: &Line, rules: &[Rule], context: &Context<'_>) {
    let said = rules.iter().map(|rule| format!("`{}`", typed(rule))).collect::<Vec<_>>().join(", then ");
    let name = match line.text(0) {
        "option" => format!("option {}", line.text(1)),
        name => name.to_owned(),
    };
    let since = if name == "monitor-net" { "2.3" } else { "2.1" };
    let (what, hint) = match rules {
        [] => ("and never changed anything", "delete the line".to_owned()),
        [_] => ("and read as the rule that took its place", format!("write {said}")),
        _ => ("and read as the rules that took its place", format!("write {said}")),
    };
    let message = format!("'{name}' is gone since HAProxy {since}, {what}");
    context.warning("W-OLD", line.span_of(1), message, hint);
}

/// A rule as it would be typed.
fn typed(rule: &Rule) -> String {
    let quoted = |word: &str| match word.chars().any(|c| " \t#\"'\\$".contains(c)) || word.is_empty() {
        true => format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$")),
        false => word.to_owned(),
    };
    rule.words.iter().map(|word| quoted(&word.value)).collect::<Vec<_>>().join(" ")
}

/// A rule in the place of a line.
fn rule(line: &Line, words: &[&str], condition: &[Word]) -> Rule {
    let own = words.iter().map(|word| at(line, word));
    let words = own.chain(condition.iter().cloned()).map(|word| spanned(&word.text, word.span)).collect();
    Rule { words, span: line.span() }
}

/// A word that stands for those of a line.
fn at(line: &Line, text: &str) -> Word {
    Word { text: text.to_owned(), span: place(line) }
}

fn place(line: &Line) -> Span {
    line.word(1).map_or(line.span(), |word| word.span)
}

/// A text that a format says as it is.
fn literal(text: &str) -> String {
    text.replace('%', "%%")
}

#[cfg(test)]
mod tests;
