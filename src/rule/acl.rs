//! ACLs: tests of samples against patterns, by name or anonymous (HAProxy manual §7.1).

use std::sync::{Arc, OnceLock};

use super::argument;
use super::error::RuleError;
use super::expression::{Expression, fetch_arguments, find_fetch, steps};
use super::fetch::{self, Cursor};
use super::pattern::set::Case;
use super::pattern::{Method, Operator, PatternSpec, Patterns, compared};
use super::sample::{Kind, Sample};
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
    /// Of files, then the words of the line.
    patterns: Vec<Arc<Patterns>>,
    /// Whether the patterns are groups of users.
    is_of_groups: bool,
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
                Some(_) if self.is_of_groups => self.is_member(transaction),
                Some(sample) if self.method == Method::Bool => sample.to_int().is_some_and(|value| value != 0),
                Some(sample) => sample.cast(self.method.takes()).is_some_and(|sample| self.matches(&sample)),
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

    fn matches(&self, sample: &Sample<'_>) -> bool {
        self.patterns.iter().any(|patterns| patterns.matches(sample))
    }

    fn is_member(&self, transaction: &Transaction<'_>) -> bool {
        let user = self.expression.arguments().first().and_then(|list| fetch::known_user(transaction, list));
        user.is_some_and(|user| user.groups.iter().any(|group| self.matches(&Sample::str(group.as_bytes()))))
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

/// Names of ACLs that have such forms, and the fetches that they are: as ACLs `hdr` and `cook` are of the request always.
const DERIVED: [(&str, &str); 8] = [
    ("base", "base"),
    ("path", "path"),
    ("url", "url"),
    ("urlp", "urlp"),
    ("hdr", "req.hdr"),
    ("shdr", "res.hdr"),
    ("cook", "req.cook"),
    ("scook", "res.cook"),
];

/// The names with suffixes, for the documentation and suggestions.
pub fn derived_names() -> impl Iterator<Item = String> {
    let all = DERIVED.iter().flat_map(|(base, _)| SUFFIXES.iter().map(move |(suffix, _)| format!("{base}{suffix}")));
    all.chain(["ssl_fc_sni_end".to_owned(), "ssl_fc_sni_reg".to_owned()])
}

/// The fetch of a criterion and the method that its name implies.
fn criterion(name: &str, scope: &Scope<'_>) -> Result<(&'static fetch::Row, Option<Method>), RuleError> {
    for (suffix, method) in SUFFIXES {
        let Some(base) = name.strip_suffix(suffix) else { continue };
        let fetch = match (base, method) {
            ("ssl_fc_sni", Method::End | Method::Reg) => Some(base),
            _ => DERIVED.iter().find(|(known, _)| *known == base).map(|(_, fetch)| *fetch),
        };
        if let Some(fetch) = fetch {
            return Ok((find_fetch(fetch, scope)?, Some(method)));
        }
    }
    let (fetch, method) = match name {
        "payload" => ("req.payload", Some(Method::Bin)),
        "payload_lv" => ("req.payload_lv", Some(Method::Bin)),
        "req.ssl_ver" | "req_ssl_ver" => (name, Some(Method::Version)),
        "method" | "http_auth_group" => (name, Some(Method::Str)),
        _ => (DERIVED.iter().find(|(known, _)| *known == name).map_or(name, |(_, fetch)| *fetch), None),
    };
    if fetch::by_name(fetch).is_none() {
        let derived: Vec<String> = derived_names().collect();
        let known = fetch::all().map(|row| row.name).chain(derived.iter().map(String::as_str));
        return Err(RuleError::unknown("fetch or ACL keyword", name, known));
    }
    Ok((find_fetch(fetch, scope)?, method))
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
    let expression = Expression::of_row(row, arguments, converters);
    // A converter decides the type, so what the name implied is void.
    let implied_here = implied.filter(|_| length == 0);
    let method = implied_here.or_else(|| Method::default_of(expression.output()));
    let line = Line { expression, implied: implied_here, method, case: Case::Sensitive };
    let test = line.values(words, scope)?;
    let is_void = implied.is_some_and(|implied| implied.is_of_suffix() || row.name == "method");
    if is_void && Some(test.method) != implied || row.name == "http_auth_group" && !test.is_of_groups {
        let what = format!("original matching method '{}' was overwritten and will not be applied", call.name);
        scope.warn(0, what);
    }
    Ok(test)
}

/// What is known while the words behind a criterion are read.
struct Line {
    expression: Expression,
    /// What the name of the criterion says.
    implied: Option<Method>,
    /// `None` if it has to be said yet.
    method: Option<Method>,
    case: Case,
}

/// What the flags of a line bring.
#[derive(Default)]
struct Flagged {
    files: Vec<Arc<Patterns>>,
    number: Option<u32>,
    is_forced: bool,
    /// How many words they are.
    length: usize,
}

impl Line {
    fn values(mut self, words: &[&str], scope: &mut Scope<'_>) -> Result<Test, RuleError> {
        if words.len() == 1 && self.expression.output() != Kind::Bool && self.method.is_some() {
            scope.warn_too(0, format!("'{}' has no value to compare with and never matches", words[0]));
        }
        let Flagged { mut files, number, is_forced, length } = self.flags(words, scope)?;
        let method = self.needed(words[0], 0)?;
        let is_numeric = matches!(method, Method::Int | Method::Len | Method::Version);
        let (mut operator, mut values, mut places) = (Operator::Eq, Vec::new(), Vec::new());
        for (at, word) in words.iter().enumerate().skip(1 + length) {
            if !is_numeric {
                values.push((*word).to_owned());
            } else if let Some(next) = Operator::by_name(word) {
                operator = next;
                continue;
            } else {
                values.push(compared(word, operator, method).map_err(|why| RuleError::new(at, why))?);
            }
            places.push(at);
        }
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let spec = PatternSpec { method, case: self.case, is_map: false };
        let place = |error: RuleError| RuleError { at: places.get(error.at).copied().unwrap_or_default(), ..error };
        let own = Patterns::from_words(&values, spec).map_err(place)?;
        files.push(scope.registry.add(own, plain_keyword(words[0]), number));
        let is_of_groups = self.expression.fetch().name == "http_auth_group" && !is_forced && self.implied.is_some();
        Ok(Test { expression: self.expression, method, patterns: files, is_of_groups })
    }

    fn needed(&self, criterion: &str, at: usize) -> Result<Method, RuleError> {
        let kind = self.expression.output().name();
        let what = format!("'{criterion}' returns a value of type {kind}: say with -m how to match it");
        self.method.ok_or_else(|| RuleError::new(at, what).hint("-m bin, -m str, -m found..."))
    }

    /// Reads the words in front that start with `-`.
    fn flags(&mut self, words: &[&str], scope: &mut Scope<'_>) -> Result<Flagged, RuleError> {
        let mut found = Flagged::default();
        let mut is_map = false;
        let mut at = 1;
        while let Some(flag) = words.get(at).filter(|word| word.starts_with('-')) {
            let value = words.get(at + 1);
            match *flag {
                "-i" => self.case = Case::Ignored,
                // Names of hosts are not looked up in any case.
                "-n" => {}
                "-M" => is_map = true,
                "--" => {
                    at += 1;
                    break;
                }
                "-u" => {
                    let number = value.and_then(|number| number.parse().ok());
                    let number = number.ok_or_else(|| RuleError::new(at, "-u needs a number"))?;
                    if scope.registry.has_number(number) {
                        return Err(RuleError::new(at + 1, format!("another ACL has the number {number}")));
                    }
                    found.number = Some(number);
                    at += 1;
                }
                "-m" => {
                    let name = value.ok_or_else(|| RuleError::new(at, "-m needs a method"))?;
                    let unknown = || RuleError::unknown("matching method", name, Method::names()).later(at + 1);
                    let chosen = Method::by_name(name).ok_or_else(unknown)?;
                    check_method(&self.expression, chosen, at + 1)?;
                    if !found.files.is_empty() {
                        return Err(RuleError::new(at, "-m has to come before -f"));
                    }
                    (self.method, found.is_forced) = (Some(chosen), true);
                    at += 1;
                }
                "-f" => {
                    let name = value.ok_or_else(|| RuleError::new(at, "-f needs a file"))?;
                    let spec = PatternSpec { method: self.needed(words[0], at)?, case: self.case, is_map };
                    found.files.push(scope.file(name, spec).map_err(|error| error.later(at + 1))?);
                    at += 1;
                }
                _ => {
                    let what = format!("unknown flag '{flag}'");
                    return Err(
                        RuleError::new(at, what).hint("-i -m -n -f -M -u; -- before a value that begins with -")
                    );
                }
            }
            at += 1;
        }
        found.length = at - 1;
        Ok(found)
    }
}

/// A fetch without its arguments and converters.
fn plain_keyword(word: &str) -> &str {
    word.split(['(', ',']).next().unwrap_or(word)
}

fn check_method(expression: &Expression, method: Method, at: usize) -> Result<(), RuleError> {
    let from = expression.output();
    if method == Method::Found || from.casts_to(method.takes()) {
        return Ok(());
    }
    let (name, kind) = (method.name(), from.name());
    Err(RuleError::new(at, format!("a value of type {kind} cannot be matched by '{name}'")))
}
