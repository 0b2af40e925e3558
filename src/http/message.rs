//! A received message as rules see and change it: the head's ranges with a list of edits over them.
//!
//! Nothing is copied until a rule changes something; the first change lists the fields by number, later ones work on the
//! list. Text that rules write lives in one arena. Reuse an [`Edits`] for many messages: clearing keeps its storage.

use super::grammar::{are_visible, blank_controls, is_whole_token, trim};
use super::head::{Field, FieldKind, Head, Span, Version};
use super::line::FieldLine;
use super::parse::classify;
use super::target::absolute;

/// A field of an edited message.
#[derive(Clone, Copy, Debug)]
enum Entry {
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
    text: Vec<u8>,
    entries: Vec<Entry>,
    has_entries: bool,
    method: Option<Span>,
    target: Option<Span>,
    status: Option<u16>,
    reason: Option<Span>,
    adds_cookies: bool,
}

impl Edits {
    /// Forgets every change and keeps the storage.
    pub fn clear(&mut self) {
        self.text.clear();
        self.entries.clear();
        (self.has_entries, self.adds_cookies) = (false, false);
        (self.method, self.target, self.status, self.reason) = (None, None, None, None);
    }

    /// Whether the message is as it was received.
    pub fn is_empty(&self) -> bool {
        !self.has_entries && !self.changes_line()
    }

    /// Whether the fields are as they were received.
    pub fn leaves_fields(&self) -> bool {
        !self.has_entries
    }

    /// Whether the request or status line was changed.
    pub fn changes_line(&self) -> bool {
        self.method.is_some() || self.target.is_some() || self.status.is_some() || self.reason.is_some()
    }

    /// Whether a field about cookies was added.
    pub fn adds_cookies(&self) -> bool {
        self.adds_cookies
    }

    fn keep(&mut self, text: &[u8]) -> Span {
        let start = self.text.len();
        self.text.extend_from_slice(text);
        Span::new(start, self.text.len())
    }

    /// Field values keep no control character, whatever a rule made of a client's bytes.
    fn keep_value(&mut self, value: &[u8]) -> Span {
        let kept = self.keep(value);
        blank_controls(&mut self.text[kept.start as usize..]);
        kept
    }

    /// Keeps a line: fields that are added one after the other are written at once.
    fn keep_line(&mut self, name: &[u8], value: &[u8]) -> (Span, Span) {
        let name = self.keep(name);
        self.text.extend_from_slice(b": ");
        let value = self.keep_value(value);
        self.text.extend_from_slice(b"\r\n");
        (name, value)
    }
}

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
        if self.edits.has_entries { self.edits.entries.len() } else { self.head.fields.len() }
    }

    /// Whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The field at a place, 0-, without the white space that a rule may have put around its value (RFC 9110 §5.5).
    pub fn field(&self, at: usize) -> Option<FieldView<'_>> {
        self.written(at).map(|field| FieldView { value: trim(field.value), ..field })
    }

    /// The same as it is sent: HAProxy sends the white space too.
    fn written(&self, at: usize) -> Option<FieldView<'_>> {
        let entry = if self.edits.has_entries {
            *self.edits.entries.get(at)?
        } else {
            Entry::Received(u16::try_from(at).ok()?)
        };
        let received = |index: u16| self.head.fields.get(usize::from(index));
        let text = &self.edits.text;
        match entry {
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
        let received = |index: usize| self.head.fields.get(index).map(|field| (field.name.of(self.bytes), field.kind));
        if !self.edits.has_entries {
            return received(at);
        }
        match *self.edits.entries.get(at)? {
            Entry::Received(index) | Entry::Changed { received: index, .. } => received(index.into()),
            Entry::Added { name, kind, .. } => Some((name.of(&self.edits.text), kind)),
        }
    }

    /// Whether rules see the field at a place: not what Connection says of the connection alone, as in HAProxy.
    fn is_shown(&self, at: usize) -> bool {
        let is_rules = self.edits.has_entries && !matches!(self.edits.entries.get(at), Some(Entry::Received(_)));
        let is_connection = self.name(at).is_some_and(|(_, kind)| kind == FieldKind::Connection);
        is_rules || !is_connection || self.head.nominates || self.head.says_upgrade
    }

    /// The fields in order.
    pub fn fields(&self) -> impl DoubleEndedIterator<Item = FieldView<'_>> {
        (0..self.len()).filter(|at| self.is_shown(*at)).filter_map(|at| self.field(at))
    }

    /// The values of the fields of that name, in order.
    pub fn values<'m>(&'m self, name: &[u8]) -> impl DoubleEndedIterator<Item = &'m [u8]> {
        let is_it = |at: &usize| self.name(*at).is_some_and(|(other, _)| other.eq_ignore_ascii_case(name));
        let shown = (0..self.len()).filter(is_it).filter(|at| self.is_shown(*at));
        shown.filter_map(|at| self.field(at)).map(|field| field.value)
    }

    /// The value of the first field of that name.
    pub fn value<'m>(&'m self, name: &[u8]) -> Option<&'m [u8]> {
        self.values(name).next()
    }

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

    /// Appends the fields as lines, those that `keep` allows. Fields that delimit the body are written as received, in
    /// their places; those that rules took away come first, and those that rules wrote are left out.
    pub(super) fn write_fields(&self, out: &mut Vec<u8>, keep: impl Fn(FieldKind) -> bool) {
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

/// The host of an authority: what stands before the `@` is the user's.
fn host_of(authority: &[u8]) -> &[u8] {
    authority.rsplit(|&byte| byte == b'@').next().unwrap_or(authority)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{ConnectionField, RequestEdit, parse_request, parse_response};
    use crate::http::{write_edited_request, write_edited_response};

    const REQUEST: &[u8] =
        b"POST /a HTTP/1.1\r\nHost: h\r\nA: 1\r\nContent-Length: 3\r\nConnection: close\r\na: 2\r\n\r\n";

    fn forwarded(edit: impl FnOnce(&mut Message<'_>)) -> String {
        let (mut head, mut edits, mut out) = (Head::default(), Edits::default(), Vec::new());
        parse_request(REQUEST, &mut head).unwrap();
        let mut message = Message { bytes: REQUEST, head: &head, edits: &mut edits };
        edit(&mut message);
        let request = RequestEdit { addresses: [None; 2], tells_protocol: false, connection: ConnectionField::Omit };
        write_edited_request(&mut out, &message, request);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn an_untouched_request_is_forwarded_as_it_came() {
        assert_eq!(forwarded(|_| {}), "POST /a HTTP/1.1\r\nHost: h\r\nA: 1\r\nContent-Length: 3\r\na: 2\r\n\r\n");
    }

    #[test]
    fn edits_keep_order_and_framing() {
        let text = forwarded(|message| {
            assert!(message.add(b"B", b"x\r\ny"));
            assert!(!message.add(b"bad name", b"x"));
            assert_eq!(message.remove(|name, _| name.eq_ignore_ascii_case(b"A")), 2);
            assert_eq!(message.remove(|name, _| name.eq_ignore_ascii_case(b"Content-Length")), 1);
            assert!(message.set_target(b"/b?c") && !message.set_target(b"/ b"));
            assert!(message.set_method(b"PUT") && !message.set_method(b"P T"));
            let host = message.fields().position(|field| field.is(b"host")).unwrap();
            message.replace(host, b"other");
        });
        assert_eq!(text, "PUT /b?c HTTP/1.1\r\nContent-Length: 3\r\nHost: other\r\nB: x  y\r\n\r\n");
    }

    #[test]
    fn neighbours_are_written_in_order_whatever_became_of_one_of_them() {
        let text = forwarded(|message| {
            let line = FieldLine::new(b"B", None);
            assert!(message.add_line(&line, b"1") && message.add_line(&line, b"2") && message.add(b"C", b"3"));
            let second = message.len() - 2;
            message.replace(second, b"x\ny");
            message.remove(|name, _| name == b"a");
            assert!(!message.add_line(&FieldLine::new(b"no token", None), b""));
            assert!(!message.edits.adds_cookies());
            assert!(message.add(b"COOKIE", b"a=b") && message.edits.adds_cookies());
        });
        let expected =
            "POST /a HTTP/1.1\r\nHost: h\r\nA: 1\r\nContent-Length: 3\r\nB: 1\r\nB: x y\r\nC: 3\r\nCOOKIE: a=b\r\n\r\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_line_with_its_value_is_added_as_any_other() {
        let text = forwarded(|message| {
            let line = FieldLine::new(b"Host", Some(b"x\ny"));
            message.remove_named(b"HOST");
            assert!(message.add_line(&line, b"") && message.add_line(&FieldLine::new(b"B", Some(b"")), b""));
            assert_eq!((message.value(b"host"), message.value(b"b")), (Some(&b"x y"[..]), Some(&b""[..])));
            message.remove_named(b"a");
            assert!(!message.add_line(&FieldLine::new(b"no token", Some(b"1")), b""));
        });
        assert_eq!(text, "POST /a HTTP/1.1\r\nContent-Length: 3\r\nHost: x y\r\nB: \r\n\r\n");
    }

    #[test]
    fn target_and_host_field_follow_each_other() {
        let rewritten = |target: &str, edit: &dyn Fn(&mut Message<'_>)| {
            let bytes = format!("GET {target} HTTP/1.1\r\nHost: a:81\r\n\r\n");
            let (mut head, mut edits) = (Head::default(), Edits::default());
            parse_request(bytes.as_bytes(), &mut head).unwrap();
            let mut message = Message { bytes: bytes.as_bytes(), head: &head, edits: &mut edits };
            edit(&mut message);
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            (text(message.target()), message.values(b"host").map(text).collect::<Vec<_>>().join("|"))
        };
        let is = |target: &str, host: &str| (target.to_owned(), host.to_owned());
        let set_host = |host: &'static [u8]| {
            move |message: &mut Message<'_>| {
                message.remove(|name, _| name.eq_ignore_ascii_case(b"host"));
                assert!(message.add(b"Host", host));
            }
        };
        assert_eq!(
            rewritten("/x", &|message| assert!(message.set_target(b"http://u@b/y?z"))),
            is("http://u@b/y?z", "b")
        );
        assert_eq!(rewritten("http://a:81/x", &|message| assert!(message.set_target(b"/y"))), is("/y", "a:81"));
        assert_eq!(rewritten("http://a:81/x?y", &set_host(b"b:90")), is("http://b:90/x?y", "b:90"));
        assert_eq!(rewritten("http://a:81/x", &|message| message.replace(0, b"c")), is("http://c/x", "c"));
        assert_eq!(rewritten("/x", &set_host(b"b")), is("/x", "b"));
        for odd in [&b"b /c HTTP/1.1"[..], b"b/c", b"u@b", b""] {
            let host = std::str::from_utf8(odd).unwrap();
            assert_eq!(rewritten("http://a:81/x?y", &set_host(odd)), is("/x?y", host));
            assert_eq!(rewritten("http://a:81?y", &set_host(odd)), is("/?y", host));
        }
    }

    #[test]
    fn a_response_can_change_its_status() {
        let bytes = b"HTTP/1.0 200 OK\r\nServer: x\r\n\r\n";
        let (mut head, mut edits, mut out) = (Head::default(), Edits::default(), Vec::new());
        parse_response(bytes, &mut head).unwrap();
        let mut message = Message { bytes, head: &head, edits: &mut edits };
        assert_eq!((message.status(), message.reason()), (200, &b"OK"[..]));
        message.set_status(404, b"Gone\nAway");
        write_edited_response(&mut out, &message, ConnectionField::Omit);
        assert_eq!(String::from_utf8(out).unwrap(), "HTTP/1.1 404 Gone Away\r\nServer: x\r\n\r\n");
    }
}
