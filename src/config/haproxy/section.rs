//! What a file is made of: sections with their lines.

use crate::diag::Span;

use super::lex::Word;
use super::table::Place;

/// A section and its lines, as they are left after conditional blocks.
#[derive(Clone, Debug)]
pub struct Section {
    /// Its kind.
    pub place: Place,
    /// The line that opens it.
    pub head: Line,
    /// What stands in it.
    pub lines: Vec<Line>,
}

/// A line with words on it.
#[derive(Clone, Debug)]
pub struct Line {
    /// At least one, `no` and `default` left out.
    pub words: Vec<Word>,
    /// What stood before them.
    pub modifier: Modifier,
}

/// `no` or `default` before a keyword.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Modifier {
    /// Neither.
    None,
    /// `no`.
    No,
    /// `default`.
    Default,
}

impl Section {
    /// Its name, if it has one.
    pub fn name(&self) -> Option<&Word> {
        self.head.words.get(1)
    }
}

impl Line {
    /// The word of this number; `None` beyond the last.
    pub fn word(&self, number: usize) -> Option<&Word> {
        self.words.get(number)
    }

    /// What the word of this number says; empty beyond the last, as in HAProxy.
    pub fn text(&self, number: usize) -> &str {
        self.words.get(number).map_or("", |word| word.text.as_str())
    }

    /// Words from this number on.
    pub fn from(&self, number: usize) -> &[Word] {
        self.words.get(number..).unwrap_or_default()
    }

    /// From the first word to the last.
    pub fn span(&self) -> Span {
        self.span_of(self.words.len())
    }

    /// The first so many words.
    pub fn span_of(&self, count: usize) -> Span {
        let first = self.words.first().map(|word| word.span).unwrap_or_default();
        let last = self.words.iter().take(count.max(1)).next_back().map_or(first, |word| word.span);
        Span { end: last.end.max(first.end), ..first }
    }

    /// The place just behind the last word, where one is missing.
    pub fn end(&self) -> Span {
        let last = self.words.last().map(|word| word.span).unwrap_or_default();
        Span { start: last.end, ..last }
    }
}
