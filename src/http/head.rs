//! The storage of a parsed head.

/// A range of bytes of the buffer that was parsed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    pub(super) fn new(start: usize, end: usize) -> Span {
        // A head is bounded far below 4 GiB by every caller; saturating keeps even a wrong one from panicking.
        Span { start: u32::try_from(start).unwrap_or(u32::MAX), end: u32::try_from(end).unwrap_or(u32::MAX) }
    }

    /// How many bytes there are.
    pub(super) fn len(self) -> usize {
        self.end.saturating_sub(self.start) as usize
    }

    /// The bytes; empty if the buffer is not the one that was parsed.
    pub fn of(self, bytes: &[u8]) -> &[u8] {
        bytes.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// Fields that decide about framing, connection or forwarding; everything else is `Other` and never looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum FieldKind {
    Other,
    Host,
    Connection,
    KeepAlive,
    ProxyConnection,
    ContentLength,
    TransferEncoding,
    Te,
    /// TE whose `trailers` goes on, and nothing else of it: trailers are the only coding that is passed (RFC 9110 §10.1.4).
    TeTrailers,
    Upgrade,
    Expect,
    ForwardedProto,
    /// Cookie or Set-Cookie.
    Cookie,
    /// Named by the Connection field of the same message (RFC 9110 §7.6.1).
    Nominated,
}

/// A header field.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// The whole line with its line end.
    pub line: Span,
    /// The name.
    pub name: Span,
    /// The value without surrounding white space.
    pub value: Span,
    /// What it means to the proxy.
    pub kind: FieldKind,
}

/// The methods that change how a message is handled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Method {
    #[default]
    Get,
    Head,
    Connect,
    /// OPTIONS, TRACE, PUT, DELETE: may be repeated (RFC 9110 §9.2.2).
    Idempotent,
    /// May not be repeated.
    Other,
}

impl Method {
    pub(super) fn from_bytes(name: &[u8]) -> Method {
        match name {
            b"GET" => Method::Get,
            b"HEAD" => Method::Head,
            b"CONNECT" => Method::Connect,
            b"OPTIONS" | b"TRACE" | b"PUT" | b"DELETE" => Method::Idempotent,
            _ => Method::Other,
        }
    }

    /// Whether a request may be sent again when nobody knows whether it was processed.
    pub fn is_idempotent(self) -> bool {
        matches!(self, Method::Get | Method::Head | Method::Idempotent)
    }
}

/// Protocol version of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1
    #[default]
    Http11,
}

/// What the Transfer-Encoding fields of a message say together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Transfer {
    #[default]
    Absent,
    Chunked,
}

/// What a parser lets through that is refused otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leniency {
    /// Request targets may have bytes beyond ASCII, and values of their fields control characters but NUL.
    pub odd_bytes: bool,
    /// Transfer-Encoding wins over Content-Length, whose field is then as if it had not come, and may come in HTTP/1.0.
    pub transfer_wins: bool,
    /// The connection outlives such a message.
    pub keeps_doubtful: bool,
    /// Requests of HTTP/1.0 may have a body whatever their method.
    pub old_bodies: bool,
    /// Fields that a head may have; `None` is [`MAX_FIELDS`](super::parse::MAX_FIELDS).
    pub max_fields: Option<usize>,
}

/// A parsed head. Reuse one for many messages: parsing clears it and keeps its storage.
#[derive(Debug, Default)]
pub struct Head {
    /// Bytes of the buffer that the head takes, empty lines before it and the empty line after it included.
    pub length: usize,
    /// Request line or status line without its line end.
    pub line: Span,
    /// Version in that line.
    pub version: Version,
    /// Method of a request.
    pub method: Method,
    /// Request target.
    pub target: Span,
    /// Status code of a response, 100-999.
    pub status: u16,
    /// Header fields in the order received.
    pub fields: Vec<Field>,
    /// Whether Connection says `close`.
    pub says_close: bool,
    /// Whether Connection says `keep-alive`.
    pub says_keep_alive: bool,
    /// Whether Connection says `upgrade` and there is an Upgrade field.
    pub says_upgrade: bool,
    /// Whether the sender waits for 100 (Continue) before its body.
    pub expects_continue: bool,
    /// Told before parsing: what is let through.
    pub leniency: Leniency,
    /// Whether Transfer-Encoding came with Content-Length or in HTTP/1.0: somebody on the way may have seen another end of
    /// the message, so its connection does not outlive it (RFC 9112 §6.1).
    pub is_framing_doubtful: bool,
    /// Whether there is a field about cookies.
    pub has_cookies: bool,
    pub(super) has_upgrade: bool,
    /// Whether lines cannot be copied as they came: a bare LF ended one, or a value was narrowed.
    pub(super) is_written_line_by_line: bool,
    pub(super) has_host: bool,
    pub(super) nominates: bool,
    pub(super) content_length: Option<u64>,
    pub(super) transfer: Transfer,
}

impl Head {
    pub(super) fn clear(&mut self) {
        let mut fields = std::mem::take(&mut self.fields);
        fields.clear();
        *self = Head { fields, leniency: self.leniency, ..Head::default() };
    }

    /// The value of the first field of that kind.
    pub fn value<'a>(&self, kind: FieldKind, bytes: &'a [u8]) -> Option<&'a [u8]> {
        self.fields.iter().find(|field| field.kind == kind).map(|field| field.value.of(bytes))
    }

    /// Appends the lines of the fields that `keep` selects: runs of them as they came, line by line only where one cannot go
    /// on so.
    pub(super) fn copy_fields(&self, out: &mut Vec<u8>, bytes: &[u8], keep: impl Fn(&Field) -> bool) {
        if self.is_written_line_by_line {
            for field in self.fields.iter().filter(|field| keep(field)) {
                write_line(out, field.name.of(bytes), field.value.of(bytes));
            }
            return;
        }
        let Some(first) = self.fields.first() else { return };
        let mut start = first.line.start as usize;
        let mut end = start;
        for field in &self.fields {
            let (is_kept, is_next) = (keep(field), field.line.start as usize == end);
            if !is_kept || !is_next {
                out.extend_from_slice(bytes.get(start..end).unwrap_or_default());
                start = if is_kept { field.line.start } else { field.line.end } as usize;
            }
            end = field.line.end as usize;
        }
        out.extend_from_slice(bytes.get(start..end).unwrap_or_default());
    }
}

pub(super) fn write_line(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}
