//! A line that rules add to heads, as far as it is known before there is a head.

use super::grammar::{blank_controls, is_whole_token};
use super::head::FieldKind;
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
