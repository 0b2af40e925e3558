//! Files to sections: lines are split into words, conditional blocks and messages are carried out, and what is left is
//! put under the section that it stands in (manual §2.1 to §2.4).
//!
//! It never judges a keyword, apart from those that open a section. Start with [`file`].

use crate::diag::{Diagnostic, Problems, Severity, Source, Span, nearest};

use super::block::Blocks;
use super::condition::{self, Facts};
use super::dialect::{Dialect, EmptyWord};
use super::environment::Environment;
use super::lex::{self, LexError, MOST_WORDS, Word};
use super::section::{Line, Modifier, Section};
use super::table::{self, Place};

/// Errors in one file after which HAProxy stops reading it.
const MOST_ERRORS: usize = 50;

/// Keywords that `no` and `default` may precede.
const NEGATABLE: [&str; 7] =
    ["option", "log", "busy-polling", "set-dumpable", "strict-limits", "insecure-fork-wanted", "numa-cpu-mapping"];

/// The sections of a file. `environment` goes on into the next file, changed by `setenv` and its relatives.
pub fn file(
    source: &Source,
    number: usize,
    dialect: Dialect,
    environment: &mut Environment,
    problems: &Problems,
) -> Vec<Section> {
    let reader = Reader {
        source,
        number,
        dialect,
        environment,
        problems,
        blocks: Blocks::default(),
        sections: Vec::new(),
        errors: 0,
        has_no_section: false,
    };
    reader.run()
}

struct Reader<'a> {
    source: &'a Source,
    number: usize,
    dialect: Dialect,
    environment: &'a mut Environment,
    problems: &'a Problems,
    blocks: Blocks,
    sections: Vec<Section>,
    errors: usize,
    /// Whether something already stood before the first section.
    has_no_section: bool,
}

/// Whether reading goes on.
#[derive(PartialEq, Eq)]
enum Flow {
    On,
    Stop,
}

impl Reader<'_> {
    fn run(mut self) -> Vec<Section> {
        let text = self.source.text.as_str();
        let mut start = 0;
        for (number, line) in text.split_inclusive('\n').enumerate() {
            let content = line.strip_suffix('\n').unwrap_or(line);
            let flow = self.line(content, start, number + 1);
            if flow == Flow::Stop {
                return self.sections;
            }
            if self.errors >= MOST_ERRORS {
                let message = format!("too many fatal errors ({}), stopping now", self.errors);
                self.error("E-SYNTAX", self.span(start, start + content.len()), message);
                return self.sections;
            }
            if content.len() == line.len() {
                let end = self.span(start, start + content.len());
                let at = content.len() + 1;
                let message = format!("Missing LF on last line, file might have been truncated at position {at}");
                self.error("E-SYNTAX", end, message);
            }
            start += line.len();
        }
        if let Some(open) = self.blocks.open() {
            self.error("E-CONDITION", open, "non-terminated '.if' block");
        }
        self.sections
    }

    fn span(&self, start: usize, end: usize) -> Span {
        Span { source: self.number, start, end }
    }

    fn error(&mut self, code: &'static str, span: Span, message: impl Into<String>) {
        self.errors += 1;
        self.problems.push(Diagnostic::error(code, span, message));
    }

    fn line(&mut self, content: &str, start: usize, line: usize) -> Flow {
        if let Some(at) = content.find('\0') {
            let message = format!("Stray NUL character at position {}", at + 1);
            self.error("E-SYNTAX", self.span(start + at, start + at + 1), message);
            return Flow::Stop;
        }
        let section = match self.sections.last() {
            Some(section) => section.name().unwrap_or(&section.head.words[0]).text.clone(),
            None => String::new(),
        };
        let place = lex::Place { file: &self.source.name, line, section: &section };
        let words = match lex::words(content, self.number, start, self.environment, place) {
            Ok(words) if words.first().is_none_or(|word| word.text.is_empty()) => return Flow::On,
            Ok(words) => words,
            Err((error, span)) => {
                self.lex_error(error, span, start);
                return Flow::On;
            }
        };
        if words[0].text.starts_with('.') {
            return self.directive(&words);
        }
        if self.blocks.is_masked() {
            return Flow::On;
        }
        match words.iter().find(|word| word.text.is_empty()) {
            Some(word) if self.dialect.empty_word() == EmptyWord::IsRefused => self.empty(word.span, start),
            Some(word) => {
                let message = "the line ends before this empty word";
                let hint = "HAProxy 3.3 refuses it: give the variable a value, or a default (\"${NAME-default}\")";
                self.problems.push(Diagnostic::warning("W-EMPTY", word.span, message).hint(hint));
                self.keyword(words.into_iter().take_while(|word| !word.text.is_empty()).collect());
            }
            None => self.keyword(words),
        }
        Flow::On
    }

    /// HAProxy takes an empty argument for the end of the line: better no configuration than half a line of it.
    fn empty(&mut self, span: Span, start: usize) {
        let position = span.start - start + 1;
        let message = format!("argument at position {position} is empty and marks the end of the argument list");
        let hint =
            "give the variable a value, a default (\"${NAME-default}\"), or expand it as a list (\"${NAME[*]}\")";
        self.errors += 1;
        self.problems.push(Diagnostic::error("E-EMPTY", span, message).hint(hint));
    }

    fn lex_error(&mut self, error: LexError, span: Span, start: usize) {
        let position = span.start - start + 1;
        let message = match error {
            LexError::TooManyWords => {
                format!("too many words, truncating after word {MOST_WORDS}, position {position}")
            }
            _ => format!("{error} at position {position}"),
        };
        self.error("E-SYNTAX", span, message);
    }

    fn directive(&mut self, words: &[Word]) -> Flow {
        let (directive, span) = (words[0].text.as_str(), words[0].span);
        let argument = words.get(1);
        match directive {
            ".if" => {
                let is_masked = self.blocks.is_masked();
                let holds = is_masked || self.condition(words);
                if let Err(problem) = self.blocks.begin(span, holds) {
                    self.error("E-CONDITION", span, problem);
                    return Flow::Stop;
                }
                Flow::On
            }
            ".elif" => {
                let holds = self.blocks.wants_condition() && self.condition(words);
                self.block(span, |blocks| blocks.otherwise_if(holds))
            }
            ".else" | ".endif" if argument.is_some() => {
                let message =
                    format!("Unexpected argument '{}' for '{directive}'", argument.map_or("", |word| &word.text));
                self.error("E-CONDITION", argument.map_or(span, |word| word.span), message);
                Flow::Stop
            }
            ".else" => self.block(span, Blocks::otherwise),
            ".endif" => self.block(span, Blocks::end),
            _ if self.blocks.is_masked() => Flow::On,
            ".alert" | ".warning" | ".notice" | ".diag" => self.message(directive, span, words),
            _ => {
                let known = [".if", ".elif", ".else", ".endif", ".notice", ".warning", ".alert", ".diag"];
                let hint = nearest(directive, known).map(|word| format!("did you mean '{word}'?"));
                let message = format!("unknown directive '{directive}'");
                self.errors += 1;
                self.problems.push(Diagnostic::error("E-UNKNOWN-KEY", span, message).hint_if(hint));
                Flow::On
            }
        }
    }

    fn block(&mut self, span: Span, change: impl FnOnce(&mut Blocks) -> Result<(), &'static str>) -> Flow {
        match change(&mut self.blocks) {
            Ok(()) => Flow::On,
            Err(message) => {
                self.error("E-CONDITION", span, message);
                Flow::Stop
            }
        }
    }

    /// Whether the condition of a directive holds; one that cannot be read is reported and does not.
    fn condition(&mut self, words: &[Word]) -> bool {
        let rest = words.get(1..).unwrap_or_default();
        let text = rest.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
        let facts = Facts { environment: self.environment, version: &self.dialect.version() };
        condition::evaluate(&text, &facts).unwrap_or_else(|error| {
            // Words are joined by one space each, so an offset leads back to its word.
            let mut left = error.at;
            let word = rest.iter().find(|word| {
                let is_here = left <= word.text.len();
                left = left.saturating_sub(word.text.len() + 1);
                is_here
            });
            let span = word.or(rest.last()).or(words.first()).map(|word| word.span).unwrap_or_default();
            let message = format!("{error} in '{}' at position {}", words[0].text, error.at + 1);
            self.error("E-CONDITION", span, message);
            false
        })
    }

    fn message(&mut self, directive: &str, span: Span, words: &[Word]) -> Flow {
        if let Some(extra) = words.get(2) {
            let message = format!(
                "Unexpected argument '{}' for '{directive}'. Use quotes if the message should contain spaces",
                extra.text
            );
            self.error("E-SYNTAX", extra.span, message);
            return Flow::On;
        }
        let message = format!("'{}'", words.get(1).map_or("", |word| &word.text));
        let severity = match directive {
            ".alert" => Severity::Error,
            ".warning" => Severity::Warning,
            ".diag" => return Flow::On,
            _ => Severity::Notice,
        };
        self.problems.push(Diagnostic::new(severity, "C-MESSAGE", message).label(span, ""));
        if severity == Severity::Error { Flow::Stop } else { Flow::On }
    }

    /// A line that is no directive: it opens a section or belongs to one.
    fn keyword(&mut self, mut words: Vec<Word>) {
        let modifier = match words[0].text.as_str() {
            "no" => Modifier::No,
            "default" => Modifier::Default,
            _ => Modifier::None,
        };
        if modifier != Modifier::None {
            let first = words.remove(0);
            match words.first() {
                Some(word) if NEGATABLE.contains(&word.text.as_str()) => {}
                _ => {
                    let list = NEGATABLE.join(", ");
                    let message = format!("'{}' may only precede {list}", first.text);
                    self.error("E-SYNTAX", first.span, message);
                    return;
                }
            }
        }
        let line = Line { words, modifier };
        if let Some(place) = Place::section(line.text(0)) {
            self.sections.push(Section { place, head: line, lines: Vec::new() });
            return;
        }
        let Some(section) = self.sections.last_mut() else {
            self.out_of_section(&line);
            return;
        };
        if section.place == Place::Global {
            change(self.environment, &line);
        }
        section.lines.push(line);
    }

    fn out_of_section(&mut self, line: &Line) {
        let word = &line.words[0];
        // The first one is enough where the name of a section is misspelt.
        if std::mem::replace(&mut self.has_no_section, true) {
            return;
        }
        let message = format!("unknown keyword '{}' out of section", word.text);
        let hint = match nearest(&word.text, table::sections()) {
            Some(known) => format!("did you mean '{known}'?"),
            None => "a file begins with a section such as 'global', 'defaults', 'frontend' or 'backend'".to_owned(),
        };
        self.errors += 1;
        self.problems.push(Diagnostic::error("E-UNKNOWN-KEY", word.span, message).hint(hint));
    }
}

/// `setenv` and its relatives work at once: the next line sees what they did.
fn change(environment: &mut Environment, line: &Line) {
    match (line.text(0), line.words.len()) {
        ("setenv", 3) => environment.set(line.text(1), line.text(2)),
        ("presetenv", 3) => environment.preset(line.text(1), line.text(2)),
        ("unsetenv", _) => line.from(1).iter().for_each(|word| environment.unset(&word.text)),
        ("resetenv", _) => {
            let kept: Vec<&str> = line.from(1).iter().map(|word| word.text.as_str()).collect();
            environment.reset(&kept);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
