//! Regular expressions, in PCRE's syntax as HAProxy's are.
//!
//! Nearly all are searched in linear time, whatever a client sends. Those that need backtracking (look-around,
//! back-references, possessive quantifiers, atomic groups) are searched by an engine that gives up after [`STEPS`]: one
//! request cannot stall a worker, and a search that is given up is no match, as in HAProxy.

use std::ops::Range;

use regex::bytes;

use super::pcre;
use super::text::Case;

/// Steps back that a search may take; PCRE's own limit, 10,000,000, is seconds of a worker.
const STEPS: usize = 100_000;

/// A compiled expression.
#[derive(Clone, Debug)]
pub struct Regex(Engine);

#[derive(Clone, Debug)]
enum Engine {
    Linear(bytes::Regex),
    Backtracking(Box<fancy_regex::Regex>),
}

/// A match and its groups.
#[derive(Debug)]
pub enum Groups<'t> {
    /// Found in linear time.
    Linear(bytes::Captures<'t>),
    /// Found by backtracking.
    Backtracking(fancy_regex::Captures<'t, [u8]>),
}

impl<'t> Groups<'t> {
    /// Where the match is.
    fn whole(&self) -> Range<usize> {
        match self {
            Groups::Linear(groups) => groups.get_match().range(),
            Groups::Backtracking(groups) => groups.get(0).map(|whole| whole.range()).unwrap_or_default(),
        }
    }

    /// What group `number` matched, 0 for the whole.
    fn text(&self, number: usize) -> Option<&'t [u8]> {
        match self {
            Groups::Linear(groups) => groups.get(number).map(|group| group.as_bytes()),
            Groups::Backtracking(groups) => groups.get(number).map(|group| group.as_bytes()),
        }
    }
}

impl Regex {
    /// Compiles; `Err` says why not.
    pub fn new(pattern: &str, case: Case) -> Result<Regex, String> {
        let translated = pcre::translated(pattern);
        let error = match linear(&translated, case) {
            Ok(regex) if !pcre::has_possessive(pattern) => return Ok(Regex(Engine::Linear(regex))),
            Ok(_) => None,
            Err(error) => Some(error),
        };
        let text = match (backtracking(&translated, case), error) {
            (Ok(regex), _) => return Ok(Regex(Engine::Backtracking(Box::new(regex)))),
            (Err(_), Some(error)) => error.to_string(),
            (Err(error), None) => error.to_string(),
        };
        let reason = text.lines().rev().find_map(|line| line.strip_prefix("error: ")).unwrap_or(&text).to_owned();
        Err(format!("regex '{pattern}': {reason}"))
    }

    /// Whether it matches anywhere in the text.
    pub fn is_match(&self, text: &[u8]) -> bool {
        match &self.0 {
            Engine::Linear(regex) => regex.is_match(text),
            Engine::Backtracking(regex) => regex.is_match(text).unwrap_or(false),
        }
    }

    /// The first match with its groups.
    pub fn captures<'t>(&self, text: &'t [u8]) -> Option<Groups<'t>> {
        match &self.0 {
            Engine::Linear(regex) => regex.captures(text).map(Groups::Linear),
            Engine::Backtracking(regex) => regex.captures(text).ok()?.map(Groups::Backtracking),
        }
    }

    /// Appends the substitution if the text matches, and says whether it does. Nothing is allocated where the
    /// substitution refers to no group.
    pub fn substitute(&self, text: &[u8], substitution: &[u8], out: &mut Vec<u8>) -> bool {
        if !substitution.contains(&b'\\') {
            let is_match = self.is_match(text);
            if is_match {
                out.extend_from_slice(substitution);
            }
            return is_match;
        }
        let groups = self.captures(text);
        groups.inspect(|groups| expand(out, substitution, groups)).is_some()
    }

    /// Replaces the first match or all of them. `None` if nothing matches.
    pub fn replace(&self, text: &[u8], substitution: &[u8], is_global: bool) -> Option<Vec<u8>> {
        let count = if is_global { usize::MAX } else { 1 };
        match &self.0 {
            Engine::Linear(regex) => {
                let matches = regex.captures_iter(text).map(Groups::Linear);
                replaced(text, substitution, matches.take(count))
            }
            Engine::Backtracking(regex) => {
                let matches = regex.captures_iter(text).map_while(Result::ok).map(Groups::Backtracking);
                replaced(text, substitution, matches.take(count))
            }
        }
    }
}

fn linear(pattern: &str, case: Case) -> Result<bytes::Regex, regex::Error> {
    let is_folded = case == Case::Ignored;
    bytes::RegexBuilder::new(pattern).unicode(false).case_insensitive(is_folded).octal(false).build()
}

fn backtracking(pattern: &str, case: Case) -> fancy_regex::Result<fancy_regex::Regex> {
    let mut builder = fancy_regex::RegexBuilder::new(pattern);
    let builder = builder.bytes_mode(fancy_regex::BytesMode::Ascii).unicode_mode(false);
    builder.case_insensitive(case == Case::Ignored).backtrack_limit(STEPS).build()
}

/// The text with its matches replaced; `None` if there are none.
fn replaced<'t>(text: &[u8], substitution: &[u8], matches: impl Iterator<Item = Groups<'t>>) -> Option<Vec<u8>> {
    let mut matches = matches.peekable();
    matches.peek()?;
    let (mut out, mut end) = (Vec::with_capacity(text.len() + substitution.len()), 0);
    for groups in matches {
        let whole = groups.whole();
        out.extend_from_slice(&text[end..whole.start]);
        expand(&mut out, substitution, &groups);
        end = whole.end;
    }
    out.extend_from_slice(&text[end..]);
    Some(out)
}

/// Appends a substitution: `\0` to `\9` are groups, `\xHH` a byte, `\` before anything else is dropped.
pub fn expand(out: &mut Vec<u8>, substitution: &[u8], groups: &Groups<'_>) {
    let mut at = 0;
    while let Some(&byte) = substitution.get(at) {
        at += 1;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
        match substitution.get(at) {
            Some(group @ b'0'..=b'9') => {
                out.extend_from_slice(groups.text(usize::from(group - b'0')).unwrap_or_default());
                at += 1;
            }
            Some(b'x') => match (digit(substitution.get(at + 1)), digit(substitution.get(at + 2))) {
                (Some(high), Some(low)) => {
                    out.push((high << 4 | low) as u8);
                    at += 3;
                }
                _ => {
                    out.push(b'x');
                    at += 1;
                }
            },
            Some(&other) => {
                out.push(other);
                at += 1;
            }
            None => out.push(b'\\'),
        }
    }
}
