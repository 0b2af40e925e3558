//! Conditions of `.if`, `.elif` and `-cc` (manual §2.4): read whole, then evaluated from left to right as far as needed.

use crate::model::identity::Version;

use super::environment::Environment;

/// Parentheses and operators within each other.
const DEEPEST: usize = 200;

/// What conditions may ask about.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// `defined()`.
    pub environment: &'a Environment,
    /// `version_atleast()`, `version_before()`: the HAProxy version whose language this is.
    pub version: &'a Version,
}

/// What `feature()` finds, by the names of HAProxy's build options: only what vipgate does itself.
pub const FEATURES: [&str; 10] = [
    "ACCEPT4",
    "EPOLL",
    "GETADDRINFO",
    "HAVE_TCP_MD5SIG",
    "HAVE_WORKING_TCP_MD5SIG",
    "LINUX_SPLICE",
    "NS",
    "PRCTL",
    "THREAD",
    "THREAD_DUMP",
];

/// What `enabled()` finds.
const ENABLED: [&str; 4] = ["EPOLL", "GETADDRINFO", "REUSEPORT", "SPLICE"];

/// Why a condition cannot be evaluated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ConditionError {
    /// What is wrong, as HAProxy says it.
    pub message: String,
    /// Byte of the text.
    pub at: usize,
}

/// Whether a condition holds; an empty one does not.
///
/// # Errors
/// It is no condition, or asks for something unknown.
pub fn evaluate(text: &str, facts: &Facts<'_>) -> Result<bool, ConditionError> {
    if text.is_empty() {
        return Ok(false);
    }
    let mut parser = Parser { text, at: 0, depth: 0 };
    let condition = parser.any()?;
    if let Some(c) = text.get(parser.at..).and_then(|rest| rest.chars().next()) {
        let message = format!("unexpected character '{c}' at the end of conditional expression '{text}'");
        return Err(ConditionError { message, at: parser.at });
    }
    Ok(condition.holds(facts))
}

#[derive(Debug)]
enum Condition {
    Is(bool),
    Not(Box<Condition>),
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Ask(Predicate, Vec<String>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Predicate {
    Defined,
    Feature,
    Equal,
    Different,
    Contains,
    VersionAtLeast,
    VersionBefore,
    Enabled,
    /// What no build of vipgate can affirm: another TLS library than its own, or its versions.
    Foreign,
}

/// Name, what it asks, number of arguments.
const PREDICATES: [(&str, Predicate, usize); 14] = [
    ("defined", Predicate::Defined, 1),
    ("feature", Predicate::Feature, 1),
    ("streq", Predicate::Equal, 2),
    ("strneq", Predicate::Different, 2),
    ("strstr", Predicate::Contains, 2),
    ("version_atleast", Predicate::VersionAtLeast, 1),
    ("version_before", Predicate::VersionBefore, 1),
    ("enabled", Predicate::Enabled, 1),
    ("openssl_version_atleast", Predicate::Foreign, 1),
    ("openssl_version_before", Predicate::Foreign, 1),
    ("ssllib_name_startswith", Predicate::Foreign, 1),
    ("awslc_api_atleast", Predicate::Foreign, 1),
    ("awslc_api_before", Predicate::Foreign, 1),
    ("fips_mode", Predicate::Foreign, 0),
];

impl Condition {
    fn holds(&self, facts: &Facts<'_>) -> bool {
        match self {
            Condition::Is(is) => *is,
            Condition::Not(inner) => !inner.holds(facts),
            Condition::All(parts) => parts.iter().all(|part| part.holds(facts)),
            Condition::Any(parts) => parts.iter().any(|part| part.holds(facts)),
            Condition::Ask(predicate, arguments) => {
                let argument = |number: usize| arguments.get(number).map_or("", String::as_str);
                match predicate {
                    Predicate::Defined => facts.environment.value(argument(0)).is_some(),
                    Predicate::Feature => FEATURES.contains(&argument(0)),
                    Predicate::Equal => argument(0) == argument(1),
                    Predicate::Different => argument(0) != argument(1),
                    Predicate::Contains => argument(0).contains(argument(1)),
                    Predicate::VersionAtLeast => *facts.version >= Version::read(argument(0)),
                    Predicate::VersionBefore => *facts.version < Version::read(argument(0)),
                    Predicate::Enabled => ENABLED.contains(&argument(0)),
                    Predicate::Foreign => false,
                }
            }
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t']).len();
    }

    fn take(&mut self, token: &str) -> bool {
        let is_there = self.rest().starts_with(token);
        if is_there {
            self.at += token.len();
        }
        is_there
    }

    fn error(&self, message: String) -> ConditionError {
        ConditionError { message, at: self.at }
    }

    /// Terms with `||` between them; `&&` binds closer.
    fn any(&mut self) -> Result<Condition, ConditionError> {
        let mut parts = vec![self.all()?];
        while self.take("||") {
            parts.push(self.all()?);
        }
        Ok(Condition::Any(parts))
    }

    fn all(&mut self) -> Result<Condition, ConditionError> {
        let mut parts = Vec::new();
        loop {
            parts.push(self.term()?);
            self.skip_space();
            if !self.take("&&") {
                return Ok(Condition::All(parts));
            }
        }
    }

    fn term(&mut self) -> Result<Condition, ConditionError> {
        self.skip_space();
        let start = self.at;
        let mut is_negated = false;
        while self.take("!") {
            is_negated = !is_negated;
            self.skip_space();
        }
        self.depth += 1;
        let condition = match self.depth > DEEPEST {
            true => None,
            false => self.plain_term()?,
        };
        self.depth -= 1;
        match condition {
            Some(condition) if is_negated => Ok(Condition::Not(Box::new(condition))),
            Some(condition) => Ok(condition),
            None => {
                self.at = start;
                let what = if self.rest().is_empty() { "sub-expression" } else { "expression" };
                Err(self.error(format!("unparsable conditional {what} '{}'", self.rest())))
            }
        }
    }

    /// A number, a predicate, or an expression in parentheses; `None` if it is none of them.
    fn plain_term(&mut self) -> Result<Option<Condition>, ConditionError> {
        if let Some((number, length)) = number(self.rest()) {
            self.at += length;
            return Ok(Some(Condition::Is(number != 0)));
        }
        if self.take("(") {
            let inner = self.any()?;
            self.skip_space();
            if !self.take(")") {
                let message = format!("expected ')' after conditional expression '{}'", self.text);
                return Err(self.error(message));
            }
            self.skip_space();
            return Ok(Some(inner));
        }
        let rest = self.rest();
        let length = rest.find([' ', '(']).unwrap_or(rest.len());
        let word = rest.get(..length).unwrap_or_default();
        let Some(&(name, predicate, wanted)) = PREDICATES.iter().find(|(name, ..)| *name == word) else {
            return Ok(None);
        };
        self.at += length;
        let arguments = self.arguments(name)?;
        if arguments.len() != wanted {
            let (given, number) = (arguments.len(), arguments.len().min(wanted) + 1);
            let what = if given < wanted { "missing" } else { "too many" };
            return Err(self.error(format!(
                "{what} arguments (got {given}/{wanted}) in argument {number} of predicate '{name}' used in \
                 conditional expression"
            )));
        }
        Ok(Some(Condition::Ask(predicate, arguments)))
    }

    /// `(a, "b c", 'd')`; nothing without parentheses. Quotes keep commas and parentheses, a backslash keeps a character.
    fn arguments(&mut self, predicate: &str) -> Result<Vec<String>, ConditionError> {
        if !self.take("(") {
            return Ok(Vec::new());
        }
        let (mut arguments, mut argument, mut quote) = (Vec::new(), String::new(), None);
        let mut is_first_empty = true;
        loop {
            let Some(c) = self.rest().chars().next() else {
                let number = arguments.len() + 1;
                return Err(self.error(format!(
                    "expected ')' before end of text in argument {number} of predicate '{predicate}' used in \
                     conditional expression"
                )));
            };
            self.at += c.len_utf8();
            match (c, quote) {
                (_, Some(open)) if c == open => quote = None,
                ('\'' | '"', None) => {
                    quote = Some(c);
                    is_first_empty = false;
                }
                ('\\', None | Some('"')) => {
                    let escaped = self.rest().chars().next();
                    self.at += escaped.map_or(0, char::len_utf8);
                    argument.push(escaped.unwrap_or('\\'));
                }
                (',', None) => arguments.push(std::mem::take(&mut argument)),
                (')', None) => break,
                (c, _) => argument.push(c),
            }
        }
        if !(arguments.is_empty() && argument.is_empty() && is_first_empty) {
            arguments.push(argument);
        }
        Ok(arguments)
    }
}

/// A whole number at the beginning of a text, as C reads it, and its length.
fn number(text: &str) -> Option<(u64, usize)> {
    let unsigned = text.trim_start_matches(['+', '-']);
    let sign = text.len() - unsigned.len();
    let (digits, radix, prefix) = match unsigned.strip_prefix("0x").or_else(|| unsigned.strip_prefix("0X")) {
        Some(hex) if hex.starts_with(|c: char| c.is_ascii_hexdigit()) => (hex, 16, 2),
        _ => (unsigned, 10, 0),
    };
    let length = digits.find(|c: char| !c.is_digit(radix)).unwrap_or(digits.len());
    let number = digits.get(..length).filter(|digits| !digits.is_empty() && sign <= 1)?;
    // What does not fit is certainly not zero.
    Some((u64::from_str_radix(number, radix).unwrap_or(u64::MAX), sign + prefix + length))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ask(text: &str) -> Result<bool, ConditionError> {
        let mut environment = Environment::default();
        environment.set("HERE", "");
        evaluate(text, &Facts { environment: &environment, version: &Version::read("3.5.0") })
    }

    #[test]
    fn numbers_and_operators() {
        for text in ["1", "!0", "0 || 1", "1 && !0", "(0||1)&&1", "! ! 1", "0x10", "1 || 0 && 0", "((1))"] {
            assert_eq!(ask(text), Ok(true), "{text}");
        }
        for text in ["", "0", "!1", "0 && 1 || 0", "(1 || 0) && 0", "00"] {
            assert_eq!(ask(text), Ok(false), "{text}");
        }
    }

    #[test]
    fn predicates() {
        for text in [
            "defined(HERE)",
            "!defined(GONE)",
            "streq(a,a)",
            "streq('a b',\"a b\")",
            "streq(,)",
            "strneq(a,b)",
            "strstr(abc,bc)",
            "feature(THREAD)",
            "!feature(LUA)",
            "version_atleast(2.4)",
            "version_atleast(v3.5-dev4)",
            "version_before(3.6)",
            "enabled(SPLICE)",
            "!enabled(KQUEUE)",
            "!fips_mode()",
            "!openssl_version_atleast(1.1.1)",
        ] {
            assert_eq!(ask(text), Ok(true), "{text}");
        }
    }

    #[test]
    fn what_is_no_condition_is_an_error() {
        for text in ["foo", "foo(1)", "(1", "1 &&", "1 1", "streq(a)", "defined(a,b)", "defined(a", "|| 1", "!", "1)"] {
            assert!(ask(text).is_err(), "{text}");
        }
    }

    #[test]
    fn deep_nesting_is_an_error_and_no_stack_overflow() {
        assert!(ask(&"(".repeat(100_000)).is_err());
        assert_eq!(ask(&("!".repeat(100_000) + "1")), Ok(true));
    }

    proptest! {
        #[test]
        fn any_text_gives_an_answer(text in "[!&|() ,01a-f'\"\\\\ä]{0,40}") {
            let _ = ask(&text);
        }

        #[test]
        fn operators_agree_with_rust(a: bool, b: bool, c: bool) {
            let digit = |is: bool| u8::from(is);
            let text = format!("{} && {} || !{}", digit(a), digit(b), digit(c));
            prop_assert_eq!(ask(&text), Ok(a && b || !c));
        }
    }
}
