//! Conditions: `if a !b or { path_beg /c }` (HAProxy manual §7.2, §7.4).

use std::sync::Arc;

use crate::model::proxy::Mode;

use super::acl::{self, Acl, Outcome, Term};
use super::error::RuleError;
use super::scope::Scope;
use super::transaction::Transaction;

/// An alternative of alternatives: one list of terms has to match altogether.
#[derive(Clone, Debug)]
pub struct Condition {
    alternatives: Vec<Vec<Term>>,
    /// `unless`
    is_negated: bool,
}

impl Condition {
    /// Whether the rule applies.
    pub fn outcome(&self, transaction: &Transaction<'_>) -> Outcome {
        let outcomes = self.alternatives.iter().map(|terms| acl::all(terms, transaction));
        Outcome::any(outcomes).negated(self.is_negated)
    }

    /// Compiles `if ...` or `unless ...`.
    pub fn compile(words: &[&str], scope: &mut Scope<'_>) -> Result<Condition, RuleError> {
        let is_negated = match words.first() {
            Some(&"if") => false,
            Some(&"unless") => true,
            Some(other) => return Err(RuleError::new(0, format!("unexpected '{other}'")).hint("if, or unless")),
            None => return Err(RuleError::new(0, "a condition is missing")),
        };
        let alternatives = alternatives(&words[1..], scope).map_err(|error| error.later(1))?;
        Ok(Condition { alternatives, is_negated })
    }

    /// Compiles what stands from this word on: a condition, or nothing.
    pub(super) fn optional(words: &[&str], at: usize, scope: &mut Scope<'_>) -> Result<Option<Condition>, RuleError> {
        match words.get(at..) {
            None | Some([]) => Ok(None),
            Some(words) => Condition::compile(words, scope).map(Some).map_err(|error| error.later(at)),
        }
    }

    /// Whether a condition begins with this word.
    pub(super) fn begins_with(word: &str) -> bool {
        matches!(word, "if" | "unless")
    }

    /// Compiles a condition given as one text, as in YAML: `path_beg /api`, or names and braces as after `if`.
    pub fn compile_text(text: &str, scope: &mut Scope<'_>) -> Result<Condition, RuleError> {
        let words = super::words::split(text)?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let words = match words.split_first() {
            Some((first, rest)) if Condition::begins_with(first) => rest,
            _ => &words[..],
        };
        if words.is_empty() {
            return Err(RuleError::new(0, "a condition is missing"));
        }
        let first = words.first().map_or("", |word| word.trim_start_matches('!'));
        let is_list = first.is_empty() || first == "{" || scope.acls.contains_key(first) || predefined(first).is_some();
        let is_negated = text.trim_start().starts_with("unless ");
        let alternatives = if is_list {
            alternatives(words, scope)?
        } else {
            let acl = Acl::new(text, acl::test(words, scope)?);
            check_stage(&acl, 0, scope);
            vec![vec![Term { is_negated: false, acl: Arc::new(acl) }]]
        };
        Ok(Condition { alternatives, is_negated })
    }
}

/// Whether an ACL of that name exists without being declared.
pub fn is_predefined(name: &str) -> bool {
    predefined(name).is_some()
}

impl Scope<'_> {
    /// Compiles `acl <name> <criterion> ...` without its first word, and declares the name or adds to it.
    pub fn declare_acl(&mut self, words: &[&str]) -> Result<(), RuleError> {
        let Some(name) = words.first() else { return Err(RuleError::new(0, "an ACL needs a name")) };
        let is_good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
        if let Some(wrong) = name.chars().find(|c| !is_good(*c)) {
            let what = format!("'{wrong}' is not allowed in the name of an ACL");
            return Err(RuleError::new(0, what).hint("letters, digits, '-', '_', '.' and ':'"));
        }
        if matches!(*name, "or" | "if" | "unless") {
            return Err(RuleError::new(0, format!("'{name}' means something else in conditions")));
        }
        let test = acl::test(&words[1..], self).map_err(|error| error.later(1))?;
        match self.acls.get(*name) {
            Some(known) => known.extend(test),
            None => {
                self.acls.insert((*name).to_owned(), Arc::new(Acl::new(name, test)));
            }
        }
        Ok(())
    }
}

fn alternatives(words: &[&str], scope: &mut Scope<'_>) -> Result<Vec<Vec<Term>>, RuleError> {
    let mut alternatives = Vec::new();
    let mut terms = Vec::new();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        if matches!(*word, "or" | "||") {
            alternatives.push(std::mem::take(&mut terms));
            at += 1;
            continue;
        }
        let (term, taken) = term(&words[at..], scope).map_err(|error| error.later(at))?;
        at += taken;
        let Some(term) = term else { continue };
        check_stage(&term.acl, at - taken, scope);
        terms.push(term);
    }
    alternatives.push(terms);
    // HAProxy passes over an alternative without a term, and a condition without any is false.
    if alternatives.iter().any(Vec::is_empty) {
        alternatives.retain(|terms| !terms.is_empty());
        let what = match alternatives.is_empty() {
            true => "the condition is empty: 'if' never holds, 'unless' always does",
            false => "an alternative of the condition is empty and is passed over",
        };
        scope.warn(at.saturating_sub(1), what.to_owned());
    }
    Ok(alternatives)
}

/// One ACL at the start of the words, and how many of them it takes. There is none where only exclamation marks are left.
fn term(words: &[&str], scope: &mut Scope<'_>) -> Result<(Option<Term>, usize), RuleError> {
    let mut is_negated = false;
    let mut at = 0;
    let mut word = words.first().copied().unwrap_or_default();
    loop {
        while let Some(rest) = word.strip_prefix('!') {
            is_negated = !is_negated;
            word = rest;
        }
        if !word.is_empty() {
            break;
        }
        at += 1;
        let Some(next) = words.get(at) else { return Ok((None, at)) };
        word = next;
    }
    if word == "{" {
        let start = at + 1;
        let Some(length) = words[start..].iter().position(|word| *word == "}") else {
            return Err(RuleError::new(at, "'{' is not closed").hint("' }' with a space before it"));
        };
        let inside = &words[start..start + length];
        let test = acl::test(inside, scope).map_err(|error| error.later(start))?;
        let acl = Arc::new(Acl::new(&inside.join(" "), test));
        return Ok((Some(Term { is_negated, acl }), start + length + 1));
    }
    let acl = named(word, scope).map_err(|error| error.later(at))?;
    Ok((Some(Term { is_negated, acl }), at + 1))
}

/// The terms of names such as `!local`, for the `acl()` fetch.
pub(super) fn terms(names: &[&str], scope: &mut Scope<'_>) -> Result<Vec<Term>, RuleError> {
    let one = |name: &&str| {
        let (plain, is_negated) = name.strip_prefix('!').map_or((*name, false), |plain| (plain, true));
        Ok(Term { is_negated, acl: named(plain, scope)? })
    };
    names.iter().map(one).collect()
}

fn named(name: &str, scope: &mut Scope<'_>) -> Result<Arc<Acl>, RuleError> {
    if let Some(known) = scope.acls.get(name) {
        return Ok(Arc::clone(known));
    }
    let Some(words) = predefined(name) else {
        let known = scope.acls.keys().map(String::as_str).chain(PREDEFINED.iter().map(|(name, _)| *name));
        return Err(RuleError::unknown("ACL", name, known));
    };
    let acl = Arc::new(Acl::new(name, acl::test(words, scope)?));
    scope.acls.insert(name.to_owned(), Arc::clone(&acl));
    Ok(acl)
}

/// HAProxy warns, too: such a condition is legal and never true.
fn check_stage(acl: &Acl, at: usize, scope: &mut Scope<'_>) {
    let complaint = acl.tests().map(acl::Test::fetch).find(|fetch| !scope.has(fetch.needs)).map(|fetch| {
        let (name, needs, place) = (fetch.name, fetch.needs.name(), scope.place(fetch.needs));
        format!("ACL '{}' never matches: '{name}' needs {needs}, which {place} does not have", acl.name)
    });
    let is_of_bytes = acl.tests().any(|test| test.fetch().needs.is_of_bytes());
    if let Some(what) = complaint {
        scope.warn_too(at, what);
    } else if is_of_bytes && scope.proxy == Some(Mode::Http) {
        scope.warn_too(at, "L6 sample fetches ignored on HTTP proxies".to_owned());
    }
}

fn predefined(name: &str) -> Option<&'static [&'static str]> {
    PREDEFINED.iter().find(|(known, _)| *known == name).map(|(_, words)| *words)
}

/// ACLs that exist without being declared (HAProxy manual §7.4).
pub const PREDEFINED: &[(&str, &[&str])] = &[
    ("FALSE", &["always_false"]),
    ("HTTP", &["req.proto_http"]),
    ("HTTP_1.0", &["req.ver", "1.0"]),
    ("HTTP_1.1", &["req.ver", "1.1"]),
    ("HTTP_2.0", &["req.ver", "2.0"]),
    ("HTTP_3.0", &["req.ver", "3.0"]),
    ("HTTP_CONTENT", &["req.hdr_val(content-length)", "gt", "0"]),
    ("HTTP_URL_ABS", &["url_reg", "^[^/:]*://"]),
    ("HTTP_URL_SLASH", &["url_beg", "/"]),
    ("HTTP_URL_STAR", &["url", "*"]),
    ("LOCALHOST", &["src", "127.0.0.1/8", "::1"]),
    ("METH_CONNECT", &["method", "CONNECT"]),
    ("METH_DELETE", &["method", "DELETE"]),
    ("METH_GET", &["method", "GET", "HEAD"]),
    ("METH_HEAD", &["method", "HEAD"]),
    ("METH_OPTIONS", &["method", "OPTIONS"]),
    ("METH_POST", &["method", "POST"]),
    ("METH_PUT", &["method", "PUT"]),
    ("METH_TRACE", &["method", "TRACE"]),
    ("RDP_COOKIE", &["req.rdp_cookie_cnt", "gt", "0"]),
    ("REQ_CONTENT", &["req.len", "gt", "0"]),
    ("TRUE", &["always_true"]),
    ("WAIT_END", &["wait_end"]),
];
