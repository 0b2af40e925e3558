//! Texts and parts of texts.

use memchr::memmem;

/// Whether case counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Case {
    /// It does.
    Sensitive,
    /// `-i`
    Ignored,
}

impl Case {
    pub(super) fn is_same(self, a: &[u8], b: &[u8]) -> bool {
        match self {
            Case::Sensitive => a == b,
            Case::Ignored => a.eq_ignore_ascii_case(b),
        }
    }

    pub(super) fn starts(self, text: &[u8], pattern: &[u8]) -> bool {
        text.get(..pattern.len()).is_some_and(|start| self.is_same(start, pattern))
    }

    pub(super) fn ends(self, text: &[u8], pattern: &[u8]) -> bool {
        let start = text.len().checked_sub(pattern.len());
        start.is_some_and(|start| self.is_same(&text[start..], pattern))
    }

    /// Where the pattern is at or after `from`.
    pub(super) fn position(self, text: &[u8], pattern: &[u8], from: usize) -> Option<usize> {
        let rest = text.get(from..)?;
        let found = match self {
            Case::Sensitive => memmem::find(rest, pattern),
            Case::Ignored if pattern.is_empty() => Some(0),
            Case::Ignored => rest.windows(pattern.len()).position(|part| part.eq_ignore_ascii_case(pattern)),
        };
        found.map(|at| from + at)
    }
}

/// What stands between the parts of a path.
pub(super) const DIRECTORY: &[u8] = b"/?";
/// What stands between the parts of a URL.
pub(super) const DOMAIN: &[u8] = b"/?.:";

/// Whether `pattern` is one or more whole parts of the text. Delimiters at its ends are ignored.
pub(super) fn has_part(text: &[u8], mut pattern: &[u8], delimiters: &[u8], case: Case) -> bool {
    let is_delimiter = |byte: &u8| delimiters.contains(byte);
    while pattern.first().is_some_and(is_delimiter) {
        pattern = &pattern[1..];
    }
    while pattern.last().is_some_and(is_delimiter) {
        pattern = &pattern[..pattern.len() - 1];
    }
    if pattern.is_empty() {
        return false;
    }
    let mut from = 0;
    while let Some(at) = case.position(text, pattern, from) {
        let starts = at == 0 || is_delimiter(&text[at - 1]);
        let ends = text.get(at + pattern.len()).is_none_or(is_delimiter);
        if starts && ends {
            return true;
        }
        from = at + 1;
    }
    false
}
