//! What rules do to a message.

use super::Message;
use super::edits::Entry;
use crate::http::grammar::{are_visible, is_whole_token};
use crate::http::head::{Field, FieldKind, Span};
use crate::http::line::FieldLine;
use crate::http::parse::classify;
use crate::http::target::absolute;

impl Message<'_> {
    fn list(&mut self) -> &mut Vec<Entry> {
        let edits = &mut *self.edits;
        if !edits.has_entries {
            edits.has_entries = true;
            edits.entries.clear();
            let count = u16::try_from(self.head.fields.len()).unwrap_or(u16::MAX);
            edits.entries.extend((0..count).map(Entry::Received));
        }
        &mut edits.entries
    }

    /// Appends a field. `false` if the name is not a token: nothing is added.
    pub fn add(&mut self, name: &[u8], value: &[u8]) -> bool {
        let is_token = is_whole_token(name);
        if is_token {
            self.push(name, classify(name), value);
        }
        is_token
    }

    /// As [`Message::add`], with a field that was looked at before. A value that it has already is the one that is added.
    pub fn add_line(&mut self, line: &FieldLine, value: &[u8]) -> bool {
        if !line.is_token {
            return false;
        }
        let text = &mut self.edits.text;
        let start = text.len();
        text.extend_from_slice(&line.text);
        if !line.is_whole {
            self.edits.keep_value(value);
            self.edits.text.extend_from_slice(b"\r\n");
        }
        let name = Span::new(start, start + line.name);
        let value = Span::new(start + line.name + 2, self.edits.text.len() - 2);
        self.list_added(name, line.kind, value);
        true
    }

    fn push(&mut self, name: &[u8], kind: FieldKind, value: &[u8]) {
        let (name, value) = self.edits.keep_line(name, value);
        self.list_added(name, kind, value);
    }

    fn list_added(&mut self, name: Span, kind: FieldKind, value: Span) {
        self.edits.adds_cookies |= kind == FieldKind::Cookie;
        self.list().push(Entry::Added { name, value, kind });
        self.follow_host(kind, value);
    }

    /// Removes the fields that `which` selects by name and meaning; how many there were.
    pub fn remove(&mut self, mut which: impl FnMut(&[u8], FieldKind) -> bool) -> usize {
        let before = self.len();
        let mut at = 0;
        while let Some((name, kind)) = self.name(at) {
            if which(name, kind) {
                self.list().remove(at);
            } else {
                at += 1;
            }
        }
        before - self.len()
    }

    /// Removes the fields of that name, whatever its case.
    pub fn remove_named(&mut self, name: &[u8]) {
        while let Some(at) = self.position(name) {
            self.list().remove(at);
        }
    }

    /// The place of the first field of that name. Most names have another length, and are not looked at.
    fn position(&self, name: &[u8]) -> Option<usize> {
        let is_it = |span: Span, text| span.len() == name.len() && span.of(text).eq_ignore_ascii_case(name);
        let received = |field: &Field| is_it(field.name, self.bytes);
        if !self.edits.has_entries {
            return self.head.fields.iter().position(received);
        }
        self.edits.entries.iter().position(|entry| match entry {
            Entry::Received(index) | Entry::Changed { received: index, .. } => {
                self.head.fields.get(usize::from(*index)).is_some_and(received)
            }
            Entry::Added { name, .. } => is_it(*name, &self.edits.text),
        })
    }

    /// Replaces the value of the field at a place.
    pub fn replace(&mut self, at: usize, value: &[u8]) {
        let Some(entry) = self.list().get(at).copied() else { return };
        let kind = self.name(at).map_or(FieldKind::Other, |(_, kind)| kind);
        let (changed, value) = match entry {
            Entry::Received(received) | Entry::Changed { received, .. } => {
                let value = self.edits.keep_value(value);
                (Entry::Changed { received, value }, value)
            }
            Entry::Added { name, kind, .. } => {
                let name = name.of(&self.edits.text).to_vec();
                let (name, value) = self.edits.keep_line(&name, value);
                (Entry::Added { name, value, kind }, value)
            }
        };
        self.list()[at] = changed;
        self.follow_host(kind, value);
    }

    /// A target in absolute form names the host that the Host field names, and servers believe the target (RFC 9112
    /// §3.2.2): where a rule writes the one, the other follows. Here the target.
    fn follow_host(&mut self, kind: FieldKind, host: Span) {
        if kind != FieldKind::Host {
            return;
        }
        let target = self.target();
        let Some((scheme, authority)) = absolute(target) else { return };
        let (before, after) = (&target[..scheme.len() + 3], &target[scheme.len() + 3 + authority.len()..]);
        let host = host.of(&self.edits.text);
        if host == host_of(authority) {
            return;
        }
        let is_host = are_visible(host) && !host.is_empty() && !host.iter().any(|byte| b"/?#@".contains(byte));
        let target = match after.first() {
            // What is no host cannot stand in a target; one that is a path alone names none.
            _ if is_host => [before, host, after].concat(),
            Some(b'/') => after.to_vec(),
            _ => [b"/", after].concat(),
        };
        self.edits.target = Some(self.edits.keep(&target));
    }

    /// The other way: the Host field follows the target.
    fn follow_target(&mut self) {
        let Some((_, authority)) = absolute(self.target()).filter(|(_, authority)| !authority.is_empty()) else {
            return;
        };
        let host = host_of(authority).to_vec();
        if self.value(b"Host") != Some(&host) {
            self.remove(|_, kind| kind == FieldKind::Host);
            self.add(b"Host", &host);
        }
    }

    /// Changes the method. `false` if it is not a token.
    pub fn set_method(&mut self, method: &[u8]) -> bool {
        let is_good = is_whole_token(method);
        if is_good {
            self.edits.method = Some(self.edits.keep(method));
        }
        is_good
    }

    /// Changes the request target. `false` if it is empty or has a byte that is not visible ASCII.
    pub fn set_target(&mut self, target: &[u8]) -> bool {
        let is_good = !target.is_empty() && are_visible(target);
        if is_good {
            self.edits.target = Some(self.edits.keep(target));
            self.follow_target();
        }
        is_good
    }

    /// Changes the status (100-999) and reason of a response.
    pub fn set_status(&mut self, status: u16, reason: &[u8]) {
        self.edits.status = Some(status);
        self.edits.reason = Some(self.edits.keep_value(reason));
    }
}

/// The host of an authority: what stands before the `@` is the user's.
fn host_of(authority: &[u8]) -> &[u8] {
    authority.rsplit(|&byte| byte == b'@').next().unwrap_or(authority)
}
