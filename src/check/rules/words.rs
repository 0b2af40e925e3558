//! Words of a rule, read from the left.

use crate::rule::{Expression, Format, FormatUse, RuleError, Scope};

/// Reads words; complaints have the number of the word in its line.
pub(super) struct Reader<'w, 's, 'a> {
    words: &'w [&'w str],
    at: usize,
    pub(super) scope: &'s mut Scope<'a>,
}

impl<'w, 's, 'a> Reader<'w, 's, 'a> {
    /// Begins at word number `at`.
    pub(super) fn new(words: &'w [&'w str], at: usize, scope: &'s mut Scope<'a>) -> Reader<'w, 's, 'a> {
        Reader { words, at, scope }
    }

    /// The next word, if there is one.
    pub(super) fn next(&mut self) -> Option<&'w str> {
        let word = self.words.get(self.at).copied();
        self.at += usize::from(word.is_some());
        word
    }

    /// The next word, left where it is.
    pub(super) fn peek(&self) -> Option<&'w str> {
        self.words.get(self.at).copied()
    }

    /// The argument of the word just read, which has to be there.
    pub(super) fn argument(&mut self, what: &str) -> Result<&'w str, RuleError> {
        let word = self.words.get(self.at - 1).copied().unwrap_or_default();
        self.next().ok_or_else(|| RuleError::new(self.at - 1, format!("'{word}' expects {what} as argument")))
    }

    /// A complaint about the word just read.
    pub(super) fn wrong(&self, what: impl Into<String>) -> RuleError {
        RuleError::new(self.at.saturating_sub(1), what)
    }

    /// A format in the word just read.
    pub(super) fn format(&mut self, word: &str) -> Result<Format, RuleError> {
        let at = self.at - 1;
        Format::compile(word, FormatUse::Plain, self.scope).map_err(|error| error.later(at))
    }

    /// An expression in the word just read.
    pub(super) fn expression(&mut self, word: &str) -> Result<Expression, RuleError> {
        let at = self.at - 1;
        let expression = Expression::compile(word, self.scope).map_err(|error| error.later(at))?;
        expression.check_stage(self.scope).map_err(|error| error.later(at))?;
        Ok(expression)
    }

    /// Complains about words beyond the last.
    pub(super) fn end(&mut self) -> Result<(), RuleError> {
        match self.next() {
            Some(word) => Err(self.wrong(format!("cannot handle unexpected argument '{word}'"))),
            None => Ok(()),
        }
    }
}

/// Bytes of pairs of hexadecimal digits; white space stands anywhere.
pub(in crate::check) fn binary(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).map(|digit| digit as u8);
    let digits: Vec<u8> = text.iter().filter(|byte| !byte.is_ascii_whitespace()).map(digit).collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binary_is_pairs_of_digits() {
        assert_eq!(binary(b"00fF 1a"), Some(vec![0, 255, 26]));
        assert_eq!(binary(b"0"), None);
        assert_eq!(binary(b"zz"), None);
    }
}
