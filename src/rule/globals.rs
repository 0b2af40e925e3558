//! Lines of the process in the language of rules: `http-err-codes`, `http-fail-codes`, `set-var`, `set-var-fmt`,
//! `setenv` and its relatives, `log-profile`, `h1-accept-payload-with-any-method`, `h1-case-adjust`, `h1-case-adjust-file`,
//! `tune.bufsize`, `tune.maxrewrite`, `tune.http.maxhdr`, `tune.rcvbuf.*`, `tune.sndbuf.*`.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::http::NameCases;
use crate::model::rules::Line;

use super::asks::Asks;
use super::codes::Codes;
use super::environment::Change;
use super::error::RuleError;
use super::logging::Profile;
use super::pattern::Registry;
use super::scope::{Files, Scope};
use super::stage::Stage;
use super::transaction::Transaction;
use super::userlist::Userlist;
use super::value::Given;
use super::variable::{VariableName, VariableScope};

/// Buffers of the kernel for a socket, *bytes*; `None` leaves them to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SocketBuffers {
    /// For what has come.
    pub receive: Option<usize>,
    /// For what is to go.
    pub send: Option<usize>,
}

/// What HAProxy's buffers hold where nothing is said, and what of it is kept free; bytes.
const BUFFER: usize = 16 * 1024;
const RESERVE: usize = 1024;

/// What the lines of the process say.
#[derive(Debug)]
pub struct Globals {
    /// Status codes that count as errors of clients.
    pub errors: Codes,
    /// Status codes that count as failures of servers.
    pub failures: Codes,
    /// What log profiles ask for that somebody has to look up.
    pub asks: Asks,
    /// Log profiles.
    pub profiles: Vec<Profile>,
    /// Bytes of a message that are looked at at once (`tune.bufsize`).
    buffer: Option<usize>,
    /// Those of them that are kept free for what rules add (`tune.maxrewrite`).
    reserve: Option<usize>,
    /// Fields that a head may have (`tune.http.maxhdr`).
    pub max_fields: Option<usize>,
    /// Of connections of clients (`tune.rcvbuf.client`, `tune.sndbuf.client`).
    pub client_buffers: SocketBuffers,
    /// Of connections to servers, likewise.
    pub server_buffers: SocketBuffers,
    /// Whether GET, HEAD and DELETE may have a body in HTTP/1.0 (`h1-accept-payload-with-any-method`).
    pub accepts_old_bodies: bool,
    /// Names of fields for those who insist on their letter case.
    pub name_cases: NameCases,
    /// What becomes of the environment, in order.
    pub environment: Vec<Change>,
    /// Variables that are set before anything runs, in order.
    variables: Vec<(VariableName, Given)>,
}

impl Default for Globals {
    fn default() -> Globals {
        Globals {
            errors: Codes::ERRORS,
            failures: Codes::FAILURES,
            asks: Asks::default(),
            profiles: Vec::new(),
            buffer: None,
            reserve: None,
            max_fields: None,
            client_buffers: SocketBuffers::default(),
            server_buffers: SocketBuffers::default(),
            accepts_old_bodies: false,
            name_cases: NameCases::default(),
            environment: Vec::new(),
            variables: Vec::new(),
        }
    }
}

impl Globals {
    /// Reads the lines; what is wrong is told with the number of its line.
    pub fn compile(
        lines: &[Line],
        files: &dyn Files,
        registry: &mut Registry,
        userlists: &HashMap<String, Arc<Userlist>>,
    ) -> (Globals, Vec<(usize, RuleError)>) {
        let mut globals = Globals::default();
        let mut errors = Vec::new();
        let mut scope = Scope::new(Stage::Load, files, registry, userlists);
        for (number, line) in lines.iter().enumerate() {
            let words: Vec<&str> = line.words.iter().map(String::as_str).collect();
            scope.registry.at(&line.file, line.line);
            if let Err(error) = globals.add(&words, &mut scope) {
                errors.push((number, error));
            }
        }
        globals.asks = scope.asks;
        (globals, errors)
    }

    fn add(&mut self, words: &[&str], scope: &mut Scope<'_>) -> Result<(), RuleError> {
        if let Some(change) = Change::read(words) {
            self.environment.push(change?);
            return Ok(());
        }
        let first = words.first().copied().unwrap_or_default();
        let codes = match first {
            "http-err-codes" => &mut self.errors,
            "http-fail-codes" => &mut self.failures,
            "tune.bufsize" => return set_size(&mut self.buffer, words, LEAST_BUFFER),
            "tune.maxrewrite" => return set_size(&mut self.reserve, words, 0),
            "tune.http.maxhdr" => return set_count(&mut self.max_fields, words, 1..=32_767),
            "tune.rcvbuf.client" => return set_size(&mut self.client_buffers.receive, words, 0),
            "tune.sndbuf.client" => return set_size(&mut self.client_buffers.send, words, 0),
            "tune.rcvbuf.server" => return set_size(&mut self.server_buffers.receive, words, 0),
            "tune.sndbuf.server" => return set_size(&mut self.server_buffers.send, words, 0),
            "set-var" | "set-var-fmt" => return self.variable(words, scope),
            "h1-accept-payload-with-any-method" => {
                self.accepts_old_bodies = true;
                return Ok(());
            }
            "h1-case-adjust" => return self.name_case(words),
            "h1-case-adjust-file" => return self.name_cases_of(words, scope),
            "log-profile" => return Profile::add(&mut self.profiles, words, scope),
            _ => return Err(RuleError::new(0, format!("'{first}' is no rule of the process"))),
        };
        if words.len() < 2 {
            return Err(RuleError::new(1, format!("'{first}' expects [+-]<range>[,...]")));
        }
        for (at, word) in words.iter().enumerate().skip(1) {
            codes.change(word).map_err(|what| RuleError::new(at, what))?;
        }
        Ok(())
    }

    /// Bytes that a head may have as received, and after rules edited it. Without a word they are HAProxy's.
    pub fn head_limits(&self) -> (usize, usize) {
        let buffer = self.buffer.unwrap_or(BUFFER);
        (buffer - self.reserve.unwrap_or(RESERVE).min(buffer / 2), buffer)
    }

    /// `h1-case-adjust FROM TO`.
    fn name_case(&mut self, words: &[&str]) -> Result<(), RuleError> {
        let [_, from, to] = words else {
            let at = words.len().min(3);
            return Err(RuleError::new(at, "'h1-case-adjust' expects <from> and <to> as argument."));
        };
        if !from.eq_ignore_ascii_case(to) {
            return Err(RuleError::new(2, "'h1-case-adjust': <from> and <to> must not differ except the case"));
        }
        if !self.name_cases.add(to) {
            return Err(RuleError::new(1, format!("'h1-case-adjust': duplicate entry '{from}'")));
        }
        Ok(())
    }

    /// `h1-case-adjust-file FILE`: two names on each line.
    fn name_cases_of(&mut self, words: &[&str], scope: &Scope<'_>) -> Result<(), RuleError> {
        let [_, name] = words else {
            return Err(RuleError::new(1, "'h1-case-adjust-file' expects <file> as argument."));
        };
        let content = scope.read(name).map_err(|error| error.later(1))?;
        for (number, line) in String::from_utf8_lossy(&content).lines().enumerate() {
            let names: Vec<&str> = line.split([' ', '\t', '\r']).filter(|word| !word.is_empty()).collect();
            if names.first().is_none_or(|first| first.starts_with('#')) {
                continue;
            }
            let line: Vec<&str> = std::iter::once("h1-case-adjust").chain(names).collect();
            let told = |error: RuleError| RuleError::new(1, format!("'{name}', line {}: {}", number + 1, error.what));
            self.name_case(&line).map_err(told)?;
        }
        Ok(())
    }

    fn variable(&mut self, words: &[&str], scope: &mut Scope<'_>) -> Result<(), RuleError> {
        let missing = |at, what: &str| RuleError::new(at, format!("'{}' expects {what}", words[0]));
        let name = words.get(1).ok_or_else(|| missing(1, "the name of a variable"))?;
        let name = VariableName::parse(name).map_err(|error| error.later(1))?;
        if name.scope != VariableScope::Process {
            return Err(RuleError::new(1, "only variables of the process ('proc.') may be set here"));
        }
        let (given, taken) = if words[0] == "set-var" {
            let (given, taken) = Given::expression(&words[2..], scope).map_err(|error| error.later(2))?;
            (given, 2 + taken)
        } else {
            let text = words.get(2).ok_or_else(|| missing(2, "a format"))?;
            (Given::format(text, scope).map_err(|error| error.later(2))?, 3)
        };
        if let Some(word) = words.get(taken) {
            return Err(RuleError::new(taken, format!("unexpected '{word}'")));
        }
        self.variables.push((name, given));
        Ok(())
    }

    /// Whether there are variables to be set.
    pub fn sets_variables(&self) -> bool {
        !self.variables.is_empty()
    }

    /// Sets the variables, one after the other; one whose expression has no value is not set.
    pub fn set_variables(&self, transaction: &Transaction<'_>) {
        for (name, given) in &self.variables {
            let value = given.value(transaction);
            if value.is_some() {
                transaction.variables.store(name, value);
            }
        }
    }

    /// Whose fault a response of this status is: the client's, the server's.
    pub fn blame(&self, status: u16) -> (bool, bool) {
        (self.errors.has(status), self.failures.has(status))
    }
}

/// The least `tune.bufsize`, *bytes*: HAProxy's own pages do not fit into less.
const LEAST_BUFFER: usize = 384;

/// Reads a number of bytes with a unit: `65536`, `64k`.
fn set_size(size: &mut Option<usize>, words: &[&str], least: usize) -> Result<(), RuleError> {
    let text = words.get(1).copied().unwrap_or_default();
    let wrong = || {
        let least = if least > 0 { format!(" of {least} or more") } else { String::new() };
        RuleError::new(1, format!("'{}' expects a number of bytes{least}, not '{text}'", words[0]))
    };
    let (digits, unit) = match text.strip_suffix(['k', 'K']) {
        Some(digits) => (digits, 1 << 10),
        None => text.strip_suffix(['m', 'M']).map_or((text, 1), |digits| (digits, 1 << 20)),
    };
    let bytes = digits.parse::<usize>().ok().and_then(|number| number.checked_mul(unit));
    *size = Some(bytes.filter(|bytes| *bytes >= least && i32::try_from(*bytes).is_ok()).ok_or_else(wrong)?);
    no_more(words)
}

/// Reads a plain number.
fn set_count(count: &mut Option<usize>, words: &[&str], range: RangeInclusive<usize>) -> Result<(), RuleError> {
    let text = words.get(1).copied().unwrap_or_default();
    let number = text.parse::<usize>().ok().filter(|number| range.contains(number));
    let wrong = || format!("'{}' expects a number from {} to {}, not '{text}'", words[0], range.start(), range.end());
    *count = Some(number.ok_or_else(|| RuleError::new(1, wrong()))?);
    no_more(words)
}

/// Such a line has two words.
fn no_more(words: &[&str]) -> Result<(), RuleError> {
    match words.get(2) {
        Some(word) => Err(RuleError::new(2, format!("unexpected '{word}'"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units_and_numbers_have_ranges() {
        let size = |text: &str, least| {
            let mut size = None;
            set_size(&mut size, &["tune.bufsize", text], least).ok().and(size)
        };
        assert_eq!([size("0", 0), size("64k", 384), size("1M", 0)], [Some(0), Some(65_536), Some(1 << 20)]);
        assert_eq!([size("383", 384), size("", 0), size("-1", 0), size("4096m", 0)], [None; 4]);
        let count = |text: &str| {
            let mut count = None;
            set_count(&mut count, &["tune.http.maxhdr", text], 1..=32_767).ok().and(count)
        };
        assert_eq!([count("1"), count("32767")], [Some(1), Some(32_767)]);
        assert_eq!([count("0"), count("32768"), count("1k")], [None; 3]);
    }
}
