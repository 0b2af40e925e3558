//! Which HAProxy a file was written for, and every choice that hangs on it.
//!
//! A file declares its version in a comment above its first word, which HAProxy itself passes over:
//!
//! ```text
//! # vipgate: haproxy 2.6
//! ```
//!
//! The variable `VIPGATE_DIALECT=2.6` declares it for files that do not. Then a word that this version does not know yet, or
//! no more, is an error as it is there; and a line means what it meant there. Where nothing is declared every word of 1.5
//! to 3.5 is read, tools are told 3.5, and a line that some version gave a new meaning has the older one.

use std::collections::BTreeMap;

use crate::diag::{Diagnostic, Problems, Source, Span, Spanned};
use crate::model::balance::Balance;
use crate::model::identity::{SPOKEN, Version};

use super::table::{Row, Support};

/// The environment variable that declares a version for files that do not.
const VARIABLE: &str = "VIPGATE_DIALECT";

/// What the comment begins with.
const MARK: &str = "vipgate:";

/// The oldest version that can be declared.
const OLDEST: &str = "1.5";

/// What a version says to a word of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stranger {
    /// It comes with this version.
    New(&'static str),
    /// This version removed it.
    Gone(&'static str),
}

/// What becomes of a line that has an empty word, or a variable that is not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmptyWord {
    /// The line ends before it, which is warned of.
    EndsLine,
    /// It is an error.
    IsRefused,
}

/// The version that files are read as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dialect {
    /// What a file or the environment declares, and where.
    declared: Option<Spanned<Version>>,
}

impl Dialect {
    /// What the files declare, or else the environment.
    pub fn of(sources: &[(usize, &Source)], environment: &BTreeMap<String, String>, problems: &Problems) -> Dialect {
        let mut declared: Option<Spanned<Version>> = None;
        for (number, source) in sources {
            let Some(found) = declaration(source, *number, problems) else { continue };
            match declared {
                Some(first) if first.value != found.value => {
                    let message = format!("another file declares HAProxy {}", first.value);
                    let problem = Diagnostic::error("E-DIALECT", found.span, message);
                    problems.push(problem.label(first.span, "first declared here"));
                }
                _ => declared = Some(found),
            }
        }
        if let (None, Some(text)) = (declared, environment.get(VARIABLE)) {
            let place = Span { source: sources.first().map_or(0, |(number, _)| *number), ..Span::default() };
            declared = version(text, place, problems);
        }
        Dialect { declared }
    }

    /// The version that predicates, tools and variables are told.
    pub fn version(self) -> Version {
        self.declared.map_or(SPOKEN, |declared| declared.value)
    }

    /// That version, if it was declared.
    pub fn declared(self) -> Option<Spanned<Version>> {
        self.declared
    }

    /// What the declared version says to a word of another; `None` if it knows it, or none is declared.
    pub fn stranger(self, row: &Row) -> Option<Stranger> {
        let spoken = self.declared?.value;
        let is_later = |version: &&str| !Version::read(version).is_not_after(&spoken);
        let new = row.since.filter(is_later).map(Stranger::New);
        // Words that no version has any more are refused with their own reason.
        let gone = row.removed.filter(|version| !is_later(version) && !matches!(row.support, Support::Refused(_)));
        new.or(gone.map(Stranger::Gone))
    }

    /// The algorithm of a backend without `balance`: `random` since 3.3.
    pub fn balance(self) -> Balance {
        if self.is_declared_from("3.3") { Balance::Random { draws: 2 } } else { Balance::RoundRobin }
    }

    /// Whether backends in HTTP mode have `option abortonclose` unless they say no: since 3.3.
    pub fn aborts_on_close(self) -> bool {
        self.is_declared_from("3.3")
    }

    /// Whether a frontend and a backend may have one name: until 3.2.
    pub fn shares_names(self) -> bool {
        !self.is_declared_from("3.3")
    }

    /// Whether `defaults` sections may have rules and ACLs: since 2.5.
    pub fn has_rules_in_defaults(self) -> bool {
        self.declared.is_none() || self.is_declared_from("2.5")
    }

    /// What becomes of empty words: an error since 3.3, and where nothing is declared.
    pub fn empty_word(self) -> EmptyWord {
        match self.declared {
            Some(_) if !self.is_declared_from("3.3") => EmptyWord::EndsLine,
            _ => EmptyWord::IsRefused,
        }
    }

    /// Whether `option httpchk` takes a host behind the version: since 3.1.
    pub fn has_host_of_checks(self) -> bool {
        self.declared.is_none() || self.is_declared_from("3.1")
    }

    /// Whether header fields may hide behind the version of `option httpchk`: until 3.0.
    pub fn hides_fields_of_checks(self) -> bool {
        !self.is_declared_from("3.1")
    }

    /// Whether `-c` ends with 2 where nothing listens: until 3.0.
    pub fn judges_listeners(self) -> bool {
        self.declared.is_some() && !self.is_declared_from("3.1")
    }

    /// Whether that version or a newer one is declared.
    fn is_declared_from(self, version: &str) -> bool {
        self.declared.is_some_and(|declared| Version::read(version).is_not_after(&declared.value))
    }
}

/// The declaration of a file, which stands in a comment before everything else.
fn declaration(source: &Source, number: usize, problems: &Problems) -> Option<Spanned<Version>> {
    let mut start = 0;
    for line in source.text.split_inclusive('\n') {
        let text = line.trim_start();
        if !text.trim_end().is_empty() && !text.starts_with('#') {
            return None;
        }
        if let Some(rest) = text.trim_start_matches('#').trim_start().strip_prefix(MARK) {
            let from = start + (line.len() - rest.len()) - MARK.len();
            let place = Span { source: number, start: from, end: start + line.trim_end().len() };
            let words: Vec<&str> = rest.split_whitespace().collect();
            return match words.as_slice() {
                ["haproxy", text] => version(text, place, problems),
                _ => {
                    let problem = Diagnostic::error("E-DIALECT", place, "this declares no version of HAProxy");
                    problems.push(problem.hint("write '# vipgate: haproxy 2.6'"));
                    None
                }
            };
        }
        start += line.len();
    }
    None
}

fn version(text: &str, place: Span, problems: &Problems) -> Option<Spanned<Version>> {
    let Some(version) = Version::declared(text) else {
        let problem = Diagnostic::error("E-DIALECT", place, format!("'{text}' is no version of HAProxy"));
        problems.push(problem.hint("write a branch such as 2.6, or a release such as 2.6.12"));
        return None;
    };
    let nearest = version.clamp(Version::read(OLDEST), SPOKEN);
    // A release of the newest branch is not above it.
    let is_known = version.is_not_after(&SPOKEN) && nearest.branch() == version.branch();
    if !is_known {
        let message = format!("HAProxy {version} is not known here: {OLDEST} to {} are", SPOKEN.branch());
        let hint = format!("the file is read as one for {}", nearest.branch());
        problems.push(Diagnostic::warning("W-DIALECT", place, message).hint(hint));
    }
    Some(Spanned::new(if is_known { version } else { nearest }, place))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, variable: Option<&str>) -> (Dialect, Vec<String>) {
        let (source, problems) = (Source::new("a.cfg", text), Problems::default());
        let environment = variable.map(|value| (VARIABLE.to_owned(), value.to_owned())).into_iter().collect();
        let dialect = Dialect::of(&[(0, &source)], &environment, &problems);
        (dialect, problems.into_sorted().into_iter().map(|problem| problem.message).collect())
    }

    #[test]
    fn a_comment_at_the_top_declares_the_version_and_the_environment_that_of_other_files() {
        let rows = [
            ("# vipgate: haproxy 2.6\nglobal\n", None, "2.6.0"),
            ("\n## my file\n  #vipgate: haproxy 2.4.22\n", Some("3.0"), "2.4.22"),
            ("global\n# vipgate: haproxy 2.6\n", None, "3.5.0"),
            ("# HAProxy 1.5 example\nglobal\n", Some("1.8"), "1.8.0"),
        ];
        for (text, variable, version) in rows {
            let (dialect, said) = read(text, variable);
            assert_eq!((dialect.version().to_string(), said), (version.to_owned(), Vec::new()), "{text}");
        }
    }

    #[test]
    fn what_declares_no_version_is_said() {
        let rows = [
            ("# vipgate: haproxy\n", "this declares no version of HAProxy", None),
            ("# vipgate: haproxy new\n", "'new' is no version of HAProxy", None),
            ("# vipgate: haproxy 9.1\n", "HAProxy 9.1.0 is not known here: 1.5 to 3.5 are", Some("3.5.0")),
            ("# vipgate: haproxy 1.3\n", "HAProxy 1.3.0 is not known here: 1.5 to 3.5 are", Some("1.5.0")),
        ];
        for (text, message, version) in rows {
            let (dialect, said) = read(text, None);
            assert_eq!(said, [message]);
            let declared = dialect.declared().map(|declared| declared.value.to_string());
            assert_eq!(declared.as_deref(), version, "{text}");
        }
    }

    #[test]
    fn choices_follow_the_version_and_old_meanings_hold_where_none_is_declared() {
        let of = |version: &str| read(&format!("# vipgate: haproxy {version}\n"), None).0;
        let none = read("global\n", None).0;
        assert_eq!((none.balance(), of("3.2").balance()), (Balance::RoundRobin, Balance::RoundRobin));
        assert_eq!(of("3.3").balance(), Balance::Random { draws: 2 });
        assert!(none.shares_names() && of("3.2").shares_names() && !of("3.3").shares_names());
        assert!(
            none.has_rules_in_defaults() && of("2.5").has_rules_in_defaults() && !of("2.4").has_rules_in_defaults()
        );
        assert_eq!(none.empty_word(), EmptyWord::IsRefused);
        assert_eq!((of("2.6").empty_word(), of("3.5").empty_word()), (EmptyWord::EndsLine, EmptyWord::IsRefused));
        assert!(!none.judges_listeners() && of("2.6").judges_listeners() && !of("3.2").judges_listeners());
        assert!(none.has_host_of_checks() && none.hides_fields_of_checks());
        assert!(!of("2.6").has_host_of_checks() && !of("3.1").hides_fields_of_checks());
    }
}
