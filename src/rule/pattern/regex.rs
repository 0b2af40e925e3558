//! Regular expressions: linear time, whatever a client sends.
//!
//! The syntax is that of the `regex` crate, which is PCRE's without look-around, back-references and possessive
//! quantifiers: those need backtracking, which lets one request stall a worker. Such a pattern is refused with its reason.

use regex::bytes::{Captures, RegexBuilder};

use super::text::Case;

/// A compiled expression.
#[derive(Clone, Debug)]
pub struct Regex(regex::bytes::Regex);

impl Regex {
    /// Compiles; `Err` says why not.
    pub fn new(pattern: &str, case: Case) -> Result<Regex, String> {
        let build = |pattern: &str| {
            RegexBuilder::new(pattern).unicode(false).case_insensitive(case == Case::Ignored).octal(false).build()
        };
        // PCRE takes `\/`, `\<` and other escapes of what needs none; try what was written first.
        let error = match build(pattern).or_else(|error| build(&without_idle_escapes(pattern)).map_err(|_| error)) {
            Ok(regex) => return Ok(Regex(regex)),
            Err(error) => error,
        };
        let perl_only = ["(?=", "(?!", "(?<=", "(?<!", "(?>", "(?R)", "(?|", "*+", "++", "?+"];
        let is_backreference =
            pattern.as_bytes().windows(2).any(|pair| pair[0] == b'\\' && matches!(pair[1], b'1'..=b'9'));
        if is_backreference || perl_only.iter().any(|sign| pattern.contains(sign)) {
            return Err(format!(
                "regex '{pattern}' needs backtracking (look-around, back-reference or possessive match), \
                 which vipgate does not do: matching takes linear time"
            ));
        }
        let text = error.to_string();
        let reason = text.lines().rev().find_map(|line| line.strip_prefix("error: ")).unwrap_or(&text).to_owned();
        Err(format!("regex '{pattern}': {reason}"))
    }

    /// Whether it matches anywhere in the text.
    pub fn is_match(&self, text: &[u8]) -> bool {
        self.0.is_match(text)
    }

    /// The first match with its groups.
    pub fn captures<'t>(&self, text: &'t [u8]) -> Option<Captures<'t>> {
        self.0.captures(text)
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
        let captures = self.captures(text);
        captures.inspect(|captures| expand(out, substitution, captures)).is_some()
    }

    /// Replaces the first match or all of them. `None` if nothing matches.
    pub fn replace(&self, text: &[u8], substitution: &[u8], is_global: bool) -> Option<Vec<u8>> {
        let mut out = Vec::with_capacity(text.len() + substitution.len());
        let mut end = 0;
        for captures in self.0.captures_iter(text) {
            let whole = captures.get(0)?;
            out.extend_from_slice(&text[end..whole.start()]);
            expand(&mut out, substitution, &captures);
            end = whole.end();
            if !is_global {
                break;
            }
        }
        if end == 0 && out.is_empty() && !self.0.is_match(text) {
            return None;
        }
        out.extend_from_slice(&text[end..]);
        Some(out)
    }
}

/// Appends a substitution: `\0` to `\9` are groups, `\xHH` a byte, `\` before anything else is dropped.
pub fn expand(out: &mut Vec<u8>, substitution: &[u8], captures: &Captures<'_>) {
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
                if let Some(found) = captures.get(usize::from(group - b'0')) {
                    out.extend_from_slice(found.as_bytes());
                }
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

/// Drops the backslash of escapes that mean the character itself in PCRE and are unknown to the `regex` crate.
fn without_idle_escapes(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut characters = pattern.chars().peekable();
    while let Some(character) = characters.next() {
        if character != '\\' {
            out.push(character);
            continue;
        }
        match characters.next() {
            Some(next @ ('/' | '<' | '>' | '"' | '\'' | ',' | ';' | '=' | ':' | '!' | '@' | '%' | '_' | ' ' | '`')) => {
                out.push(next);
            }
            Some(next) => out.extend(['\\', next]),
            None => out.push('\\'),
        }
    }
    out
}
