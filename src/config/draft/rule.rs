//! Lines in the language of rules.

use crate::diag::{Span, Spanned};

/// A line of rules as it is written: `acl`, `use_backend`, `http-request`...
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its words, unquoted; at least one.
    pub words: Vec<Spanned<String>>,
    /// From the first to the last.
    pub span: Span,
}

impl Rule {
    /// The place of a byte of a word; the end of the line where the word is missing.
    pub fn place(&self, at: usize, offset: usize) -> Span {
        match self.words.get(at) {
            // A text that was cut into words is known as a whole only.
            Some(word) if self.words.iter().filter(|other| other.span == word.span).count() > 1 => word.span,
            Some(word) => Span { start: (word.span.start + offset).min(word.span.end), ..word.span },
            None => Span { start: self.span.end, ..self.span },
        }
    }

    /// Whether it says what `balance` hashes.
    pub fn is_hash(&self) -> bool {
        self.words.first().is_some_and(|word| word.value == "balance")
    }

    /// Whether it is a `use_backend` that names this backend.
    pub fn is_choice_of(&self, backend: &str) -> bool {
        let is = |at: usize, text: &str| self.words.get(at).is_some_and(|word| word.value == text);
        is(0, "use_backend") && is(1, backend)
    }
}
