//! ACLs: tests of samples against patterns, by name or anonymous (HAProxy manual §7.1).

use std::sync::{Arc, OnceLock};

use super::argument;
use super::error::RuleError;
use super::expression::{Expression, fetch_arguments, find_fetch, steps};
use super::fetch::{self, Cursor};
use super::pattern::set::Case;
use super::pattern::{Method, Operator, PatternSpec, Patterns};
use super::sample::Kind;
use super::scope::Scope;
use super::transaction::Transaction;

/// What a test says. Ordered so that `and` is the least and `or` the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// No.
    NoMatch,
    /// More data has to come first.
    Unknown,
    /// Yes.
    Match,
}

impl Outcome {
    /// The opposite if it is negated; what is not known yet stays so.
    pub(super) fn negated(self, is_negated: bool) -> Outcome {
        match (self, is_negated) {
            (Outcome::Match, true) => Outcome::NoMatch,
            (Outcome::NoMatch, true) => Outcome::Match,
            (outcome, _) => outcome,
        }
    }

    /// The greatest; what comes after a match is not asked.
    pub(super) fn any(outcomes: impl Iterator<Item = Outcome>) -> Outcome {
        let mut best = Outcome::NoMatch;
        for outcome in outcomes {
            best = best.max(outcome);
            if best == Outcome::Match {
                break;
            }
        }
        best
    }
}

/// A test: one `acl` line.
#[derive(Debug)]
pub struct Test {
    expression: Expression,
    method: Method,
    /// `None` for groups of users.
    patterns: Vec<Arc<Patterns>>,
    groups: Option<Vec<String>>,
}

/// A named ACL: true if one of its tests is. Later lines add tests, for rules that were compiled before them too.
#[derive(Debug)]
pub struct Acl {
    /// Its name, or the text of an anonymous one.
    pub name: String,
    first: Link,
}

#[derive(Debug)]
struct Link {
    test: Test,
    next: OnceLock<Box<Link>>,
}

impl Acl {
    pub(super) fn new(name: &str, test: Test) -> Acl {
        Acl { name: name.to_owned(), first: Link { test, next: OnceLock::new() } }
    }

    pub(super) fn extend(&self, test: Test) {
        let mut link = &self.first;
        while let Some(next) = link.next.get() {
            link = next;
        }
        // The scope that compiles is the only one that extends: the place is free.
        let _ = link.next.set(Box::new(Link { test, next: OnceLock::new() }));
    }

    pub(super) fn tests(&self) -> impl Iterator<Item = &Test> {
        let mut link = Some(&self.first);
        std::iter::from_fn(move || {
            let current = link?;
            link = current.next.get().map(|next| &**next);
            Some(&current.test)
        })
    }

    /// Whether one of its tests matches.
    pub fn outcome(&self, transaction: &Transaction<'_>) -> Outcome {
        Outcome::any(self.tests().map(|test| test.outcome(transaction)))
    }
}

/// An ACL in a condition.
#[derive(Clone, Debug)]
pub struct Term {
    /// `!`
    pub is_negated: bool,
    /// What is asked.
    pub acl: Arc<Acl>,
}

impl Term {
    fn outcome(&self, transaction: &Transaction<'_>) -> Outcome {
        self.acl.outcome(transaction).negated(self.is_negated)
    }
}

/// Whether all terms match.
pub fn all(terms: &[Term], transaction: &Transaction<'_>) -> Outcome {
    let mut worst = Outcome::Match;
    for term in terms {
        worst = worst.min(term.outcome(transaction));
        if worst == Outcome::NoMatch {
            break;
        }
    }
    worst
}

impl Test {
    /// The fetch that it looks with.
    pub fn fetch(&self) -> &'static fetch::Row {
        self.expression.fetch()
    }

    fn outcome(&self, transaction: &Transaction<'_>) -> Outcome {
        let mut cursor = Cursor { iterates: true, ..Cursor::default() };
        loop {
            cursor.has_more = false;
            let is_match = match self.expression.next(transaction, &mut cursor) {
                Some(_) if self.method == Method::Found => true,
                Some(sample) => match (&self.groups, sample.cast(self.method.takes())) {
                    (Some(groups), _) => self.is_member(groups, transaction),
                    (None, Some(sample)) if self.method == Method::Bool => {
                        sample.to_int().is_some_and(|value| value != 0)
                    }
                    (None, Some(sample)) => self.patterns.iter().any(|patterns| patterns.matches(&sample)),
                    (None, None) => false,
                },
                None => false,
            };
            match (is_match, cursor.has_more) {
                (true, _) => return Outcome::Match,
                (false, true) => cursor.nth += 1,
                (false, false) if cursor.may_change && transaction.may_wait() => return Outcome::Unknown,
                (false, false) => return Outcome::NoMatch,
            }
        }
    }

    fn is_member(&self, groups: &[String], transaction: &Transaction<'_>) -> bool {
        let user = self.expression.arguments().first().and_then(|list| fetch::known_user(transaction, list));
        user.is_some_and(|user| user.groups.iter().any(|group| groups.contains(group)))
    }
}

/// Suffixes of fetch names that name a method, as in `path_beg`.
const SUFFIXES: [(&str, Method); 7] = [
    ("_beg", Method::Beg),
    ("_dir", Method::Dir),
    ("_dom", Method::Dom),
    ("_end", Method::End),
    ("_len", Method::Len),
    ("_reg", Method::Reg),
    ("_sub", Method::Sub),
];

/// Fetches that have such forms.
const DERIVED: [&str; 13] = [
    "base",
    "path",
    "url",
    "urlp",
    "hdr",
    "req.hdr",
    "res.hdr",
    "shdr",
    "cook",
    "req.cook",
    "res.cook",
    "scook",
    "ssl_fc_sni",
];

/// The names with suffixes, for the documentation and suggestions.
pub fn derived_names() -> impl Iterator<Item = String> {
    DERIVED.iter().flat_map(|base| SUFFIXES.iter().map(move |(suffix, _)| format!("{base}{suffix}")))
}

/// The fetch of a criterion and the method that its name implies.
fn criterion(name: &str, scope: &Scope<'_>) -> Result<(&'static fetch::Row, Option<Method>), RuleError> {
    for (suffix, method) in SUFFIXES {
        if let Some(base) = name.strip_suffix(suffix).filter(|base| DERIVED.contains(base)) {
            return Ok((find_fetch(base, scope)?, Some(method)));
        }
    }
    let row = match fetch::by_name(name) {
        Some(_) => find_fetch(name, scope)?,
        None => {
            let derived: Vec<String> = derived_names().collect();
            let known = fetch::all().map(|row| row.name).chain(derived.iter().map(String::as_str));
            return Err(RuleError::unknown("fetch or ACL keyword", name, known));
        }
    };
    let method = match name {
        "req.payload" | "payload" | "res.payload" | "req.payload_lv" | "payload_lv" | "res.payload_lv" => {
            Some(Method::Bin)
        }
        "req.ssl_ver" | "req_ssl_ver" => Some(Method::Version),
        _ => None,
    };
    Ok((row, method))
}

/// Compiles `criterion [flags] [operator] [value]...`.
pub(super) fn test(words: &[&str], scope: &mut Scope<'_>) -> Result<Test, RuleError> {
    let Some(first) = words.first() else { return Err(RuleError::new(0, "an ACL needs a criterion")) };
    let call = argument::call(first)?;
    let (row, implied) = criterion(call.name, scope)?;
    let arguments = fetch_arguments(row, &call.arguments, scope)?;
    let rest = &first[call.length..];
    let (converters, length) = steps(rest, row.output, scope).map_err(|error| error.further(call.length))?;
    if length < rest.len() {
        let error = RuleError::new(0, format!("unexpected '{}' in '{first}'", &rest[length..]));
        return Err(error.further(call.length + length));
    }
    // A converter decides the type, so what the name implied is void.
    let implied = implied.filter(|_| converters.is_empty());
    let expression = Expression::of_row(row, arguments, converters);
    let method = implied.or_else(|| Method::default_of(expression.output()));
    if row.name == "http_auth_group" {
        let groups = words[1..].iter().map(|group| (*group).to_owned()).collect();
        return Ok(Test { expression, method: Method::Str, patterns: Vec::new(), groups: Some(groups) });
    }
    values(expression, method, words, scope)
}

/// Compiles what stands behind the criterion.
fn values(
    expression: Expression,
    implied: Option<Method>,
    words: &[&str],
    scope: &mut Scope<'_>,
) -> Result<Test, RuleError> {
    let (mut method, mut case, mut is_map) = (implied, Case::Sensitive, false);
    let mut patterns = Vec::new();
    let mut at = 1;
    let needed = |method: Option<Method>, at: usize| {
        let kind = expression.output().name();
        let what = format!("'{}' returns a value of type {kind}: say with -m how to match it", words[0]);
        method.ok_or_else(|| RuleError::new(at, what).hint("-m bin, -m str, -m found..."))
    };
    while let Some(flag) = words.get(at).filter(|word| word.len() == 2 && word.starts_with('-')) {
        let value = words.get(at + 1);
        match *flag {
            "-i" => case = Case::Ignored,
            "-n" => {}
            "-M" => is_map = true,
            "--" => {
                at += 1;
                break;
            }
            "-u" => {
                value.ok_or_else(|| RuleError::new(at, "-u needs a number"))?;
                at += 1;
            }
            "-m" => {
                let name = value.ok_or_else(|| RuleError::new(at, "-m needs a method"))?;
                let unknown = || RuleError::unknown("matching method", name, Method::names()).later(at + 1);
                let chosen = Method::by_name(name).ok_or_else(unknown)?;
                check_method(&expression, chosen, at + 1)?;
                if !patterns.is_empty() {
                    return Err(RuleError::new(at, "-m has to come before -f"));
                }
                method = Some(chosen);
                at += 1;
            }
            "-f" => {
                let name = value.ok_or_else(|| RuleError::new(at, "-f needs a file"))?;
                let spec = PatternSpec { method: needed(method, at)?, case, is_map };
                patterns.push(scope.file(name, spec).map_err(|error| error.later(at + 1))?);
                at += 1;
            }
            // A negative number is a value.
            _ if flag.as_bytes()[1].is_ascii_digit() => break,
            _ => return Err(RuleError::new(at, format!("unknown flag '{flag}'")).hint("-i -m -n -f -M -u --")),
        }
        at += 1;
    }
    let method = needed(method, 0)?;
    let is_numeric = matches!(method, Method::Int | Method::Len | Method::Version);
    let mut operator = Operator::Eq;
    let spec = PatternSpec { method, case, is_map: false };
    let keyword = plain_keyword(words[0]);
    let mut group = at;
    for place in at..=words.len() {
        let next = words.get(place).filter(|_| is_numeric).and_then(|word| Operator::by_name(word));
        if place < words.len() && next.is_none() {
            continue;
        }
        if group < place && method.takes_patterns() {
            let words = &words[group..place];
            let set = Patterns::from_words(words, spec, operator).map_err(|error| error.later(group))?;
            patterns.push(scope.registry.add(set, keyword));
        }
        group = place + 1;
        operator = next.unwrap_or(operator);
    }
    if patterns.is_empty() && method.takes_patterns() {
        scope.warn(0, format!("'{}' has no value to compare with and never matches", words[0]));
    }
    Ok(Test { expression, method, patterns, groups: None })
}

/// A fetch without its arguments and converters.
fn plain_keyword(word: &str) -> &str {
    word.split(['(', ',']).next().unwrap_or(word)
}

fn check_method(expression: &Expression, method: Method, at: usize) -> Result<(), RuleError> {
    let from = expression.output();
    // Lengths are of the text of anything; numbers and addresses have no bits to compare.
    let fits = match method {
        Method::Found | Method::Len => true,
        Method::Bin => matches!(from, Kind::Str | Kind::Bin | Kind::Any | Kind::Method),
        Method::Int | Method::Bool => {
            matches!(from, Kind::Bool | Kind::Int | Kind::Str | Kind::Any | Kind::Addr | Kind::Ipv4)
        }
        Method::Ip => from.casts_to(Kind::Addr) && from != Kind::Bool,
        _ => from.casts_to(Kind::Str),
    };
    if fits {
        return Ok(());
    }
    let (name, kind) = (method.name(), from.name());
    Err(RuleError::new(at, format!("a value of type {kind} cannot be matched by '{name}'")))
}
