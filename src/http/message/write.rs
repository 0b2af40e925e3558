//! The fields of an edited message as they are sent.

use super::Message;
use super::edits::Entry;
use crate::http::head::{FieldKind, Span, write_line};

impl Message<'_> {
    /// Appends the fields as lines, those that `keep` allows. Fields that delimit the body are written as received, in
    /// their places; those that rules took away come first, and those that rules wrote are left out.
    pub(in crate::http) fn write_fields(&self, out: &mut Vec<u8>, keep: impl Fn(FieldKind) -> bool) {
        if self.edits.is_listed {
            self.write_lost_framing(out);
        } else {
            self.head.copy_fields(out, self.bytes, |field| keep(field.kind));
            if !self.edits.has_other_text && keep(FieldKind::Other) && keep(FieldKind::ForwardedProto) {
                return out.extend_from_slice(&self.edits.text);
            }
        }
        let mut lines = Lines { bytes: self.bytes, span: Span::default() };
        for (at, entry) in self.edits.entries.iter().enumerate() {
            match *entry {
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
                    let field = self.written(self.unlisted() + at).filter(|field| keep(field.kind));
                    let Some(field) = field else { continue };
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

    /// Those fields that delimit the body and are not listed any more.
    fn write_lost_framing(&self, out: &mut Vec<u8>) {
        for (at, field) in self.head.fields.iter().enumerate().filter(|(_, field)| is_framing(field.kind)) {
            let is_it = |entry: &Entry| matches!(entry, Entry::Received(number) if usize::from(*number) == at);
            if !self.edits.entries.iter().any(is_it) {
                write_line(out, field.name.of(self.bytes), field.value.of(self.bytes));
            }
        }
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
