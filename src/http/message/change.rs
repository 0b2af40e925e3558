//! What rules do to a message.

use super::Message;
use super::edits::Entry;
use crate::http::grammar::{are_visible, is_whole_token};
use crate::http::head::{FieldKind, Span};
use crate::http::line::{FieldLine, FieldLines, length_bit};
use crate::http::parse::classify;
use crate::http::target::absolute;

impl Message<'_> {
    /// All fields, to be changed.
    fn list(&mut self) -> &mut Vec<Entry> {
        let edits = &mut *self.edits;
        if !edits.is_listed {
            edits.is_listed = true;
            let count = u16::try_from(self.head.fields.len()).unwrap_or(u16::MAX);
            edits.entries.extend((0..count).map(Entry::Received));
            edits.entries.rotate_right(count.into());
        }
        &mut edits.entries
    }

    /// Lengths of names as [`Edits`](super::Edits) keeps them, so that most names that are not there need no search.
    fn lengths(&mut self) -> &mut u64 {
        if self.edits.lengths == 0 {
            let received = self.head.fields.iter().map(|field| length_bit(field.name.len()));
            self.edits.lengths = received.fold(0, |lengths, bit| lengths | bit);
        }
        &mut self.edits.lengths
    }

    /// Appends a field. `false` if the name is not a token: nothing is added.
    pub fn add(&mut self, name: &[u8], value: &[u8]) -> bool {
        let is_token = is_whole_token(name);
        if is_token {
            self.push(name, classify(name), value);
        }
        is_token
    }

    /// As [`Message::add_line`], in place of all fields of the name.
    pub fn set_line(&mut self, line: &FieldLine, value: &[u8]) -> bool {
        self.remove_named(line.name());
        self.add_line(line, value)
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
            self.edits.append_value(value);
            self.edits.text.extend_from_slice(b"\r\n");
        }
        let name = Span::new(start, start + line.name);
        let value = Span::new(start + line.name + 2, self.edits.text.len() - 2);
        self.list_added(name, line.kind, value);
        true
    }

    /// Appends several lines at once, in place of the fields that they replace.
    pub fn add_lines(&mut self, lines: &FieldLines) {
        if *self.lengths() & lines.replaced_lengths != 0 {
            lines.replaced().for_each(|name| self.remove_named(name));
        }
        let start = self.edits.text.len();
        self.edits.text.extend_from_slice(&lines.text);
        self.edits.lengths |= lines.lengths;
        let place = |span: Span| Span::new(start + span.start as usize, start + span.end as usize);
        let entries = lines.places.iter().map(|line| Entry::Added {
            name: place(line.name),
            value: place(line.value),
            kind: FieldKind::Other,
        });
        self.edits.entries.extend(entries);
    }

    fn push(&mut self, name: &[u8], kind: FieldKind, value: &[u8]) {
        let (name, value) = self.edits.keep_line(name, value);
        self.list_added(name, kind, value);
    }

    #[inline]
    fn list_added(&mut self, name: Span, kind: FieldKind, value: Span) {
        *self.lengths() |= length_bit(name.len());
        self.edits.adds_cookies |= kind == FieldKind::Cookie;
        self.edits.has_other_text |= !matches!(kind, FieldKind::Other | FieldKind::ForwardedProto);
        self.edits.entries.push(Entry::Added { name, value, kind });
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
    #[inline]
    pub fn remove_named(&mut self, name: &[u8]) {
        if *self.lengths() & length_bit(name.len()) != 0 {
            self.remove_found(name);
        }
    }

    fn remove_found(&mut self, name: &[u8]) {
        while let Some(at) = (0..self.len()).find(|at| self.is_named(*at, name)) {
            self.list().remove(at);
        }
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
