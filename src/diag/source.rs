//! Text and places in it.

use std::ops::{Deref, Range};

/// A configuration file as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Path as the operator gave it; what diagnostics print.
    pub name: String,
    /// The whole text.
    pub text: String,
    /// Where each line starts.
    lines: Vec<usize>,
}

impl Source {
    /// Names a text.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Source {
        let text = text.into();
        let ends = text.match_indices('\n').map(|(at, _)| at + 1);
        let lines = std::iter::once(0).chain(ends).collect();
        Source { name: name.into(), text, lines }
    }

    /// Line and column of a byte offset; an offset beyond the end counts as the end.
    pub fn position(&self, offset: usize) -> Position {
        let offset = self.floor(offset);
        let line = self.lines.partition_point(|start| *start <= offset);
        let start = self.lines[line - 1];
        let end = self.lines.get(line).map_or(self.text.len(), |next| next - 1);
        let column = self.text.get(start..offset).unwrap_or_default().chars().count() + 1;
        Position { line, column, range: start..end }
    }

    /// The nearest offset at or before this one that starts a character.
    fn floor(&self, offset: usize) -> usize {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    }
}

/// A place for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// Byte range of that line, without its end.
    pub range: Range<usize>,
}

/// A range of a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// Index into the list of sources.
    pub source: usize,
    /// First byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

/// A value and where it is written. It reads as the value itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// What is written.
    pub value: T,
    /// Where.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// A value written at a place.
    pub const fn new(value: T, span: Span) -> Spanned<T> {
        Spanned { value, span }
    }

    /// Another value at the same place.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Spanned<U> {
        Spanned { value: change(self.value), span: self.span }
    }
}

impl<T> Deref for Spanned<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn column_counts_characters() {
        let source = Source::new("a", "x\näöü: 1\n");
        let position = source.position("x\näö".len());
        assert_eq!((position.line, position.column), (2, 3));
        assert_eq!(&source.text[position.range], "äöü: 1");
    }

    #[test]
    fn offset_beyond_the_end_is_the_end() {
        let position = Source::new("a", "x\ny").position(99);
        assert_eq!((position.line, position.column), (2, 2));
    }
}
