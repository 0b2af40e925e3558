//! Lines that rules add to heads, as far as they are known before there is a head.

use super::grammar::{blank_controls, is_whole_token};
use super::head::{FieldKind, Span};
use super::parse::classify;

/// A field that rules add, looked at once: when they are loaded.
#[derive(Clone, Debug)]
pub struct FieldLine {
    /// `name: `, and where the value is known the whole line.
    pub(super) text: Box<[u8]>,
    /// Bytes of the name.
    pub(super) name: usize,
    pub(super) kind: FieldKind,
    pub(super) is_token: bool,
    /// Whether the value and the line's end are there.
    pub(super) is_whole: bool,
}

impl FieldLine {
    /// Looks at a name, with the value if it is always the same. A name that is not a token is no error: nothing is added
    /// by it.
    pub fn new(name: &[u8], value: Option<&[u8]>) -> FieldLine {
        let mut text = [name, b": "].concat();
        if let Some(value) = value {
            text.extend_from_slice(value);
            blank_controls(&mut text[name.len() + 2..]);
            text.extend_from_slice(b"\r\n");
        }
        FieldLine {
            text: text.into(),
            name: name.len(),
            kind: classify(name),
            is_token: is_whole_token(name),
            is_whole: value.is_some(),
        }
    }

    /// The name as it was written.
    pub fn name(&self) -> &[u8] {
        &self.text[..self.name]
    }
}

/// Fields that are written together, because their values are known and nothing comes between them.
#[derive(Clone, Debug, Default)]
pub struct FieldLines {
    /// One whole line behind the other.
    pub(super) text: Vec<u8>,
    pub(super) places: Vec<Place>,
    /// Of all names, and of those whose fields are replaced: as [`length_bit`] has them.
    pub(super) lengths: u64,
    pub(super) replaced_lengths: u64,
}

/// Where a line of several stands in their text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) name: Span,
    pub(super) value: Span,
    /// Whether it is written in place of all fields of its name.
    pub(super) replaces: bool,
}

impl FieldLines {
    /// Adds a line, which `replaces` the fields of its name or not. `false` if it has to be written by itself: its value is
    /// not known, it means something to the proxy, or it replaces one of these.
    pub fn add(&mut self, line: &FieldLine, replaces: bool) -> bool {
        let is_there = self.places.iter().any(|place| place.name.of(&self.text).eq_ignore_ascii_case(line.name()));
        if !line.is_whole || !line.is_token || line.kind != FieldKind::Other || replaces && is_there {
            return false;
        }
        let start = self.text.len();
        self.text.extend_from_slice(&line.text);
        self.places.push(Place {
            name: Span::new(start, start + line.name),
            value: Span::new(start + line.name + 2, self.text.len() - 2),
            replaces,
        });
        self.lengths |= length_bit(line.name);
        if replaces {
            self.replaced_lengths |= length_bit(line.name);
        }
        true
    }

    /// The names whose fields are replaced.
    pub(super) fn replaced(&self) -> impl Iterator<Item = &[u8]> {
        self.places.iter().filter(|place| place.replaces).map(|place| place.name.of(&self.text))
    }
}

/// A bit for the length of a name; those beyond 63 begin from 0 again.
pub(super) fn length_bit(length: usize) -> u64 {
    1 << (length % 64)
}
