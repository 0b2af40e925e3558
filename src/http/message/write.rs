//! The fields of an edited message as they are sent.

use super::Message;
use super::edits::Entry;
use crate::http::head::{FieldKind, Span};

impl Message<'_> {
    /// Appends the fields as lines, those that `keep` allows. Fields that delimit the body are written as received, in
    /// their places; those that rules took away come first, and those that rules wrote are left out.
    pub(in crate::http) fn write_fields(&self, out: &mut Vec<u8>, keep: impl Fn(FieldKind) -> bool) {
        let is_kept = |at: usize| {
            let is_it = |entry: &Entry| matches!(entry, Entry::Received(number) if usize::from(*number) == at);
            !self.edits.has_entries || self.edits.entries.iter().any(is_it)
        };
        for (at, field) in self.head.fields.iter().enumerate() {
            if is_framing(field.kind) && !is_kept(at) {
                write_line(out, field.name.of(self.bytes), field.value.of(self.bytes));
            }
        }
        let mut lines = Lines { bytes: self.bytes, span: Span::default() };
        for at in 0..self.len() {
            let entry = match self.edits.has_entries {
                true => self.edits.entries[at],
                false => Entry::Received(at as u16),
            };
            match entry {
                Entry::Received(number) => {
                    let Some(field) = self.head.fields.get(usize::from(number)).filter(|field| keep(field.kind)) else {
                        continue;
                    };
                    if self.head.is_written_line_by_line {
                        lines.flush(out);
                        write_line(out, field.name.of(self.bytes), field.value.of(self.bytes));
                    } else {
                        lines.push(out, self.bytes, field.line);
                    }
                }
                Entry::Added { name, value, kind } if keep(kind) && !is_framing(kind) => {
                    lines.push(out, &self.edits.text, Span { start: name.start, end: value.end + 2 });
                }
                Entry::Changed { .. } => {
                    let Some(field) = self.written(at).filter(|field| keep(field.kind)) else { continue };
                    if !is_framing(field.kind) {
                        lines.flush(out);
                        write_line(out, field.name, field.value);
                    }
                }
                Entry::Added { .. } => {}
            }
        }
        lines.flush(out);
    }
}

/// Lines that stand one behind the other in the same bytes: they are copied at once.
struct Lines<'m> {
    bytes: &'m [u8],
    span: Span,
}

impl<'m> Lines<'m> {
    fn push(&mut self, out: &mut Vec<u8>, bytes: &'m [u8], line: Span) {
        if std::ptr::eq(bytes, self.bytes) && line.start == self.span.end {
            self.span.end = line.end;
            return;
        }
        self.flush(out);
        *self = Lines { bytes, span: line };
    }

    fn flush(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.span.of(self.bytes));
        self.span = Span::default();
    }
}

fn is_framing(kind: FieldKind) -> bool {
    matches!(kind, FieldKind::ContentLength | FieldKind::TransferEncoding)
}

fn write_line(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}
