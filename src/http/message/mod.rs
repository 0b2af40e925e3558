//! A received message as rules see and change it: the head's ranges with a list of edits over them.
//!
//! Fields that rules add stand behind those received. The first change of one that was received lists all fields, and later
//! changes work on the list. Text that rules write lives in one arena. Reuse an [`Edits`] for many messages: clearing keeps
//! its storage.

mod change;
mod edits;
mod write;

#[cfg(test)]
mod tests;

pub use edits::Edits;

use self::edits::Entry;
use super::grammar::trim;
use super::head::{FieldKind, Head, Span, Version};

/// A field: name and value as they would be sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldView<'m> {
    /// Name, in the case it was received or written in.
    pub name: &'m [u8],
    /// Value without surrounding white space.
    pub value: &'m [u8],
    /// What it means to the proxy.
    pub kind: FieldKind,
}

impl FieldView<'_> {
    /// Whether this is the field `name`, whatever its case.
    pub fn is(&self, name: &[u8]) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

/// A request or response head with its edits.
#[derive(Debug)]
pub struct Message<'a> {
    /// The buffer that was parsed.
    pub bytes: &'a [u8],
    /// What was found in it.
    pub head: &'a Head,
    /// What rules changed.
    pub edits: &'a mut Edits,
}

impl Message<'_> {
    /// Method of a request.
    pub fn method(&self) -> &[u8] {
        match self.edits.method {
            Some(span) => span.of(&self.edits.text),
            None => self.received_method(),
        }
    }

    /// Whether a rule changed the method.
    pub fn has_new_method(&self) -> bool {
        self.edits.method.is_some() && self.method() != self.received_method()
    }

    /// Method of a request as it came.
    pub fn received_method(&self) -> &[u8] {
        let line = self.head.line.of(self.bytes);
        let end = line.iter().position(|&byte| byte == b' ').unwrap_or(line.len());
        &line[..end]
    }

    /// Request target.
    pub fn target(&self) -> &[u8] {
        self.edits.target.map_or_else(|| self.received_target(), |span| span.of(&self.edits.text))
    }

    /// Request target as it came.
    pub fn received_target(&self) -> &[u8] {
        self.head.target.of(self.bytes)
    }

    /// `1.0` or `1.1`.
    pub fn version(&self) -> &'static [u8] {
        match self.head.version {
            Version::Http10 => b"1.0",
            Version::Http11 => b"1.1",
        }
    }

    /// Status code of a response.
    pub fn status(&self) -> u16 {
        self.edits.status.unwrap_or(self.head.status)
    }

    /// Reason phrase of a response.
    pub fn reason(&self) -> &[u8] {
        match self.edits.reason {
            Some(span) => span.of(&self.edits.text),
            None => self.head.line.of(self.bytes).get(13..).unwrap_or_default(),
        }
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        self.unlisted() + self.edits.entries.len()
    }

    /// Whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many received fields stand in front of the entries.
    fn unlisted(&self) -> usize {
        if self.edits.is_listed { 0 } else { self.head.fields.len() }
    }

    /// What stands at a place.
    fn entry(&self, at: usize) -> Option<Entry> {
        match at.checked_sub(self.unlisted()) {
            Some(at) => self.edits.entries.get(at).copied(),
            None => u16::try_from(at).ok().map(Entry::Received),
        }
    }

    /// The field at a place, 0-, without the white space that a rule may have put around its value (RFC 9110 §5.5).
    pub fn field(&self, at: usize) -> Option<FieldView<'_>> {
        self.written(at).map(|field| FieldView { value: trim(field.value), ..field })
    }

    /// The same as it is sent: HAProxy sends the white space too.
    fn written(&self, at: usize) -> Option<FieldView<'_>> {
        let received = |index: u16| self.head.fields.get(usize::from(index));
        let text = &self.edits.text;
        match self.entry(at)? {
            Entry::Received(index) => {
                let field = received(index)?;
                let (name, value) = (field.name.of(self.bytes), field.value.of(self.bytes));
                Some(FieldView { name, value, kind: field.kind })
            }
            Entry::Changed { received: index, value } => {
                let field = received(index)?;
                Some(FieldView { name: field.name.of(self.bytes), value: value.of(text), kind: field.kind })
            }
            Entry::Added { name, value, kind } => Some(FieldView { name: name.of(text), value: value.of(text), kind }),
        }
    }

    /// Name and meaning of the field at a place, which is what fields are looked for by.
    fn name(&self, at: usize) -> Option<(&[u8], FieldKind)> {
        match self.entry(at)? {
            Entry::Received(index) | Entry::Changed { received: index, .. } => {
                self.head.fields.get(usize::from(index)).map(|field| (field.name.of(self.bytes), field.kind))
            }
            Entry::Added { name, kind, .. } => Some((name.of(&self.edits.text), kind)),
        }
    }

    /// Whether the field at a place has that name, whatever its case. Most names have another length, and are not looked at.
    #[inline]
    fn is_named(&self, at: usize, name: &[u8]) -> bool {
        let is_it = |span: Span, text| span.len() == name.len() && span.of(text).eq_ignore_ascii_case(name);
        match self.entry(at) {
            Some(Entry::Received(index) | Entry::Changed { received: index, .. }) => {
                self.head.fields.get(usize::from(index)).is_some_and(|field| is_it(field.name, self.bytes))
            }
            Some(Entry::Added { name, .. }) => is_it(name, &self.edits.text),
            None => false,
        }
    }

    /// Whether rules see the field at a place: not what Connection says of the connection alone, as in HAProxy.
    fn is_shown(&self, at: usize) -> bool {
        let is_connection = self.name(at).is_some_and(|(_, kind)| kind == FieldKind::Connection);
        let is_rules = || !matches!(self.entry(at), Some(Entry::Received(_)));
        !is_connection || self.head.nominates || self.head.says_upgrade || is_rules()
    }

    /// The fields in order.
    pub fn fields(&self) -> impl DoubleEndedIterator<Item = FieldView<'_>> {
        (0..self.len()).filter(|at| self.is_shown(*at)).filter_map(|at| self.field(at))
    }

    /// The values of the fields of that name, in order.
    pub fn values<'m>(&'m self, name: &[u8]) -> impl DoubleEndedIterator<Item = &'m [u8]> {
        let is_it = |at: &usize| self.is_named(*at, name);
        let shown = (0..self.len()).filter(is_it).filter(|at| self.is_shown(*at));
        shown.filter_map(|at| self.field(at)).map(|field| field.value)
    }

    /// The value of the last field of that name.
    pub fn last_value<'m>(&'m self, name: &[u8]) -> Option<&'m [u8]> {
        let at = (0..self.len()).rev().find(|at| self.is_named(*at, name) && self.is_shown(*at))?;
        self.field(at).map(|field| field.value)
    }

    /// The value of the first field of that name.
    pub fn value<'m>(&'m self, name: &[u8]) -> Option<&'m [u8]> {
        self.values(name).next()
    }
}
