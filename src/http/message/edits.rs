//! What rules changed in a head: text in one arena, and the list of fields over it.

use crate::http::grammar::blank_controls;
use crate::http::head::{FieldKind, Span};

/// A field of an edited message.
#[derive(Clone, Copy, Debug)]
pub(super) enum Entry {
    /// By number in [`Head::fields`].
    Received(u16),
    /// In the arena, as a whole line: `name: value` and its end.
    Added { name: Span, value: Span, kind: FieldKind },
    /// Received name, value in the arena.
    Changed { received: u16, value: Span },
}

/// What rules changed in a head.
#[derive(Debug, Default)]
pub struct Edits {
    pub(super) text: Vec<u8>,
    /// All fields if they are listed, otherwise what was added behind those received.
    pub(super) entries: Vec<Entry>,
    pub(super) is_listed: bool,
    /// The [`length_bit`](crate::http::line::length_bit) of each name that there is or was; 0 before anybody asked.
    pub(super) lengths: u64,
    /// Whether `text` has anything but the lines of added fields that are sent as they stand there.
    pub(super) has_other_text: bool,
    pub(super) method: Option<Span>,
    pub(super) target: Option<Span>,
    pub(super) status: Option<u16>,
    pub(super) reason: Option<Span>,
    pub(super) adds_cookies: bool,
}

impl Edits {
    /// Forgets every change and keeps the storage.
    pub fn clear(&mut self) {
        self.text.clear();
        self.entries.clear();
        (self.is_listed, self.has_other_text, self.adds_cookies, self.lengths) = (false, false, false, 0);
        (self.method, self.target, self.status, self.reason) = (None, None, None, None);
    }

    /// Whether the message is as it was received.
    pub fn is_empty(&self) -> bool {
        self.leaves_fields() && !self.changes_line()
    }

    /// Whether the fields are as they were received.
    pub fn leaves_fields(&self) -> bool {
        !self.is_listed && self.entries.is_empty()
    }

    /// Whether the request or status line was changed.
    pub fn changes_line(&self) -> bool {
        self.method.is_some() || self.target.is_some() || self.status.is_some() || self.reason.is_some()
    }

    /// Whether a field about cookies was added.
    pub fn adds_cookies(&self) -> bool {
        self.adds_cookies
    }

    /// Keeps a part of the first line.
    pub(super) fn keep(&mut self, text: &[u8]) -> Span {
        self.has_other_text = true;
        self.append(text)
    }

    /// Keeps a value apart from its line.
    pub(super) fn keep_value(&mut self, value: &[u8]) -> Span {
        self.has_other_text = true;
        self.append_value(value)
    }

    fn append(&mut self, text: &[u8]) -> Span {
        let start = self.text.len();
        self.text.extend_from_slice(text);
        Span::new(start, self.text.len())
    }

    /// Field values keep no control character, whatever a rule made of a client's bytes.
    pub(super) fn append_value(&mut self, value: &[u8]) -> Span {
        let kept = self.append(value);
        blank_controls(&mut self.text[kept.start as usize..]);
        kept
    }

    /// Keeps a line: fields that are added one after the other are written at once.
    pub(super) fn keep_line(&mut self, name: &[u8], value: &[u8]) -> (Span, Span) {
        let name = self.append(name);
        self.text.extend_from_slice(b": ");
        let value = self.append_value(value);
        self.text.extend_from_slice(b"\r\n");
        (name, value)
    }
}
