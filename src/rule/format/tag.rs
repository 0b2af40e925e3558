//! Tags: `%ci`, `%ST`, `%Tt` and their relatives.

use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};

use crate::http::{Message, write_address, write_number, write_padded};
use crate::rule::facts::{Address, Number, Words, Zone};
use crate::rule::fetch::path_of;
use crate::rule::transaction::{Captured, Transaction};

use super::date::{Precision, write_date};
use super::{Options, encode};

/// What a tag stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tag {
    /// `%o`: its options are everybody's.
    Options,
    /// A date: of the accept, or of the request.
    Date {
        /// [`Number::AcceptDate`] or [`Number::RequestDate`].
        of: Number,
        /// How it ends.
        precision: Precision,
        /// Local time instead of UTC.
        is_local: bool,
    },
    /// Accept date in seconds.
    Timestamp,
    /// Milliseconds of the accept date.
    Milliseconds,
    /// A number, -1 where there is none.
    Number(Number),
    /// A number that a log line written early marks with `+`.
    Growing(Number),
    /// A number that `+X` writes in hexadecimal.
    Counter(Number),
    /// A name.
    Name(Words),
    /// The server's name, `<NOSRV>` without one.
    Server,
    /// The frontend's name, `~` behind it if the client connection is TLS.
    FrontendTransport,
    /// Two or four letters of the termination state.
    Termination {
        /// How many.
        letters: usize,
    },
    /// An address.
    Address(Address),
    /// A port.
    Port(Address),
    /// Retries, behind a `+` if the request was redispatched.
    Retries,
    /// The request line.
    RequestLine,
    /// Method of the request line.
    Method,
    /// Target of the request line without its query.
    TargetPath,
    /// Path of the request line's target.
    Path,
    /// Query of the request line, with its question mark.
    Query,
    /// Target of the request line.
    Target,
    /// Version of the request line.
    Version,
    /// Captured fields of the request, in braces.
    RequestFields,
    /// Captured fields of the request, one after the other.
    RequestFieldList,
    /// Captured fields of the response, in braces.
    ResponseFields,
    /// Captured fields of the response, one after the other.
    ResponseFieldList,
    /// The captured cookie of the request.
    RequestCookie,
    /// The captured cookie of the response.
    ResponseCookie,
    /// When the line is written.
    Origin,
}

impl Tag {
    /// Whether it always writes something, with these options.
    pub(super) fn is_never_empty(self, options: Options) -> bool {
        match self {
            Tag::Number(_) | Tag::Growing(_) | Tag::Counter(_) | Tag::Retries | Tag::Timestamp | Tag::Milliseconds => {
                true
            }
            Tag::Address(_) | Tag::Port(_) | Tag::Name(_) | Tag::Server | Tag::Termination { .. } => options.dash,
            _ => false,
        }
    }

    /// Whether it is a number that `+X` writes in hexadecimal.
    pub(super) fn has_digits(self) -> bool {
        matches!(self, Tag::Timestamp | Tag::Milliseconds | Tag::Counter(_) | Tag::Port(_))
    }

    /// Whether it is a part of the request line as it came.
    pub(super) fn is_received(self) -> bool {
        matches!(
            self,
            Tag::RequestLine | Tag::Method | Tag::TargetPath | Tag::Path | Tag::Query | Tag::Target | Tag::Version
        )
    }

    /// Whether it shows more of a request than its first line, or what rules keep.
    pub(super) fn looks_at_requests(self) -> bool {
        matches!(
            self,
            Tag::Method
                | Tag::TargetPath
                | Tag::Path
                | Tag::Query
                | Tag::Target
                | Tag::Version
                | Tag::Name(Words::UniqueId)
        )
    }
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct TagRow {
    /// Behind the percent sign.
    pub name: &'static str,
    /// What it is.
    pub tag: Tag,
    /// What it is, for people.
    pub doc: &'static str,
}

const fn row(name: &'static str, tag: Tag, doc: &'static str) -> TagRow {
    TagRow { name, tag, doc }
}

const fn date(of: Number, precision: Precision, is_local: bool) -> Tag {
    Tag::Date { of, precision, is_local }
}

/// Every tag of the manual.
pub const TAGS: &[TagRow] = &[
    row("o", Tag::Options, "nothing; its flags hold for all that follow"),
    row("T", date(Number::AcceptDate, Precision::Zone, false), "accept date in UTC, with zone"),
    row("Tl", date(Number::AcceptDate, Precision::Zone, true), "accept date in local time, with zone"),
    row("Ts", Tag::Timestamp, "accept date in seconds since 1970"),
    row("t", date(Number::AcceptDate, Precision::Milliseconds, true), "accept date in local time, with milliseconds"),
    row("ms", Tag::Milliseconds, "milliseconds of the accept date"),
    row(
        "tr",
        date(Number::RequestDate, Precision::Milliseconds, true),
        "date of the request in local time, with milliseconds",
    ),
    row("trg", date(Number::RequestDate, Precision::Zone, false), "date of the request in UTC, with zone"),
    row("trl", date(Number::RequestDate, Precision::Zone, true), "date of the request in local time, with zone"),
    row("Ta", Tag::Growing(Number::ActiveTime), "active time of the request, ms"),
    row("Tc", Tag::Number(Number::ConnectTime), "time to connect to the server, ms"),
    row("Td", Tag::Number(Number::DataTime), "time to transfer the response, ms"),
    row("Th", Tag::Number(Number::HandshakeTime), "time of handshakes, ms"),
    row("Ti", Tag::Number(Number::IdleTime), "idle time before the request, ms"),
    row("Tq", Tag::Number(Number::QueryTime), "Th + Ti + TR, ms"),
    row("TR", Tag::Number(Number::RequestTime), "time to receive the request head, ms"),
    row("Tr", Tag::Number(Number::ResponseTime), "time until the response head, ms"),
    row("Tt", Tag::Growing(Number::TotalTime), "total time, ms"),
    row("Tu", Tag::Growing(Number::UserTime), "time that the user sees, ms"),
    row("Tw", Tag::Number(Number::WaitTime), "time in queues, ms"),
    row("B", Tag::Growing(Number::BytesToClient), "bytes sent to the client"),
    row("CC", Tag::RequestCookie, "captured cookie of the request"),
    row("CS", Tag::ResponseCookie, "captured cookie of the response"),
    row("H", Tag::Name(Words::Hostname), "name of this machine"),
    row("HM", Tag::Method, "method"),
    row("HP", Tag::TargetPath, "request target without query"),
    row("HPO", Tag::Path, "path, without host and query"),
    row("HQ", Tag::Query, "query with its question mark"),
    row("HU", Tag::Target, "request target"),
    row("HV", Tag::Version, "version"),
    row("ID", Tag::Name(Words::UniqueId), "unique id"),
    row("ST", Tag::Number(Number::Status), "status code"),
    row("U", Tag::Growing(Number::BytesFromClient), "bytes received from the client"),
    row("ac", Tag::Number(Number::ProcessSessions), "connections of the process"),
    row("b", Tag::Name(Words::Backend), "name of the backend"),
    row("bc", Tag::Number(Number::BackendSessions), "connections of the backend"),
    row("bi", Tag::Address(Address::ServerLocal), "our address towards the server"),
    row("bp", Tag::Port(Address::ServerLocal), "our port towards the server"),
    row("bq", Tag::Number(Number::QueuedBeforeInBackend), "streams before this one in the backend's queue"),
    row("ci", Tag::Address(Address::Source), "the client's address"),
    row("cp", Tag::Port(Address::Source), "the client's port"),
    row("f", Tag::Name(Words::Frontend), "name of the frontend"),
    row("fc", Tag::Number(Number::FrontendSessions), "connections of the frontend"),
    row("fi", Tag::Address(Address::Destination), "address that the client connected to"),
    row("fp", Tag::Port(Address::Destination), "port that the client connected to"),
    row("ft", Tag::FrontendTransport, "name of the frontend, with ~ for TLS"),
    row("hr", Tag::RequestFields, "captured fields of the request"),
    row("hrl", Tag::RequestFieldList, "captured fields of the request, as a list"),
    row("hs", Tag::ResponseFields, "captured fields of the response"),
    row("hsl", Tag::ResponseFieldList, "captured fields of the response, as a list"),
    row("lc", Tag::Counter(Number::LogNumber), "lines that the frontend has logged"),
    row("OG", Tag::Origin, "when the line is written: txn_close"),
    row("pid", Tag::Counter(Number::ProcessId), "process number"),
    row("r", Tag::RequestLine, "request line"),
    row("rc", Tag::Retries, "retries, with + for a redispatch"),
    row("rt", Tag::Counter(Number::RequestNumber), "number of the request or session in the process"),
    row("s", Tag::Server, "name of the server"),
    row("sc", Tag::Number(Number::ServerConnections), "connections of the server"),
    row("si", Tag::Address(Address::ServerPeer), "the server's address"),
    row("sp", Tag::Port(Address::ServerPeer), "the server's port"),
    row("sq", Tag::Number(Number::QueuedBeforeInServer), "streams before this one in the server's queue"),
    row("sslc", Tag::Name(Words::Cipher), "TLS cipher suite"),
    row("sslv", Tag::Name(Words::TlsVersion), "TLS version"),
    row("ts", Tag::Termination { letters: 2 }, "termination state"),
    row("tsc", Tag::Termination { letters: 4 }, "termination state with cookie status"),
];

/// The tag of that name.
pub(super) fn by_name(name: &str) -> Option<&'static TagRow> {
    TAGS.iter().find(|row| row.name == name)
}

/// The number that a tag stands for; `None` if it is none.
pub(super) fn integer(tag: Tag, transaction: &Transaction<'_>) -> Option<i64> {
    Some(match tag {
        Tag::Timestamp => known(Number::AcceptDate, transaction) / 1_000_000,
        Tag::Milliseconds => known(Number::AcceptDate, transaction) / 1000 % 1000,
        Tag::Number(question) | Tag::Growing(question) | Tag::Counter(question) => known(question, transaction),
        Tag::Retries => known(Number::ConnectRetries, transaction),
        Tag::Port(end) => find(transaction, end)?.port().into(),
        _ => return None,
    })
}

/// Appends what a tag stands for.
pub(super) fn write(tag: Tag, options: Options, transaction: &Transaction<'_>, out: &mut Vec<u8>) {
    let facts = transaction.facts;
    let holds = |question| facts.number(question, None).is_some_and(|value| value != 0);
    match tag {
        Tag::Options => {}
        Tag::Date { of, precision, is_local } => {
            let Some(moment) = facts.number(of, None) else { return };
            let utc = Zone { offset: 0, name: "GMT" };
            let zone = if is_local { facts.zone(moment.div_euclid(1_000_000)) } else { utc };
            write_date(out, moment, zone, precision);
        }
        Tag::Milliseconds => {
            let millis = integer(tag, transaction).unwrap_or_default();
            match options.hexadecimal {
                // Writing to a Vec cannot fail.
                true => _ = write!(out, "{millis:02X}"),
                false => write_padded(out, millis.unsigned_abs(), 3),
            }
        }
        Tag::Number(question) => write_number(out, known(question, transaction)),
        Tag::Growing(question) => {
            if holds(Number::IsLoggedEarly) {
                out.push(b'+');
            }
            write_number(out, known(question, transaction));
        }
        Tag::Retries => {
            if holds(Number::WasRedispatched) {
                out.push(b'+');
            }
            write_number(out, known(Number::ConnectRetries, transaction));
        }
        Tag::Address(end) => address(out, find(transaction, end).map(|end| end.ip().to_canonical()), options),
        Tag::Timestamp | Tag::Counter(_) | Tag::Port(_) => match integer(tag, transaction) {
            Some(value) => number(out, value, options),
            None => text(out, b"", Options { dash: options.dash, ..Options::default() }),
        },
        other => words(other, options, transaction, out),
    }
}

/// Appends a number that `+X` writes in hexadecimal.
fn number(out: &mut Vec<u8>, value: i64, options: Options) {
    match options.hexadecimal {
        // Writing to a Vec cannot fail.
        true => _ = write!(out, "{value:04X}"),
        false => write_number(out, value),
    }
}

fn known(question: Number, transaction: &Transaction<'_>) -> i64 {
    transaction.facts.number(question, None).unwrap_or(missing(question))
}

/// What a number is where nobody knows it: timers and the status are -1.
fn missing(question: Number) -> i64 {
    match question {
        Number::BytesFromClient
        | Number::BytesToClient
        | Number::ProcessSessions
        | Number::BackendSessions
        | Number::FrontendSessions
        | Number::ServerConnections
        | Number::QueuedBeforeInBackend
        | Number::QueuedBeforeInServer
        | Number::LogNumber
        | Number::AcceptDate
        | Number::ProcessId
        | Number::RequestNumber
        | Number::ConnectRetries => 0,
        _ => -1,
    }
}

fn find(transaction: &Transaction<'_>, end: Address) -> Option<SocketAddr> {
    match end {
        Address::Source => transaction.source(),
        Address::Destination => transaction.destination(),
        other => transaction.facts.address(other),
    }
}

fn address(out: &mut Vec<u8>, address: Option<IpAddr>, options: Options) {
    let quote: &[u8] = if options.quotes { b"\"" } else { b"" };
    match address {
        // Writing to a Vec cannot fail.
        Some(IpAddr::V4(address)) if options.hexadecimal => _ = write!(out, "{:08X}", address.to_bits()),
        Some(IpAddr::V6(address)) if options.hexadecimal => _ = write!(out, "{:032X}", address.to_bits()),
        Some(address) => {
            out.extend_from_slice(quote);
            write_address(out, address);
            out.extend_from_slice(quote);
        }
        None => text(out, b"", options),
    }
}

/// Appends a name of ours; an empty one is `""` where texts are quoted and `-` in a log line.
fn text(out: &mut Vec<u8>, name: &[u8], options: Options) {
    match (name, options.quotes) {
        (b"", true) => out.extend_from_slice(b"\"\""),
        (b"", false) if options.dash => out.push(b'-'),
        (name, quotes) => {
            let mark: &[u8] = if quotes { b"\"" } else { b"" };
            out.extend_from_slice(mark);
            if options.escapes {
                encode::escaped(out, name)
            } else {
                out.extend_from_slice(name)
            }
            out.extend_from_slice(mark);
        }
    }
}

/// Appends parts of the request line, encoded; quotes go around the whole.
fn received(out: &mut Vec<u8>, parts: &[&[u8]], options: Options) {
    if options.quotes {
        out.push(b'"');
    }
    parts.iter().for_each(|part| encode::for_log(out, part, b"", options.escapes));
    if options.quotes {
        out.push(b'"');
    }
}

/// Characters that surround and separate captured fields.
pub(super) const BRACES: &[u8] = b"|{}";

/// A captured field made safe.
pub(super) fn field(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    encode::for_log(&mut out, value, BRACES, false);
    out
}

fn fields(out: &mut Vec<u8>, slots: &[Captured], options: Options) {
    if slots.is_empty() {
        return;
    }
    out.extend_from_slice(if options.quotes { b"\"{" } else { b"{" });
    for (at, value) in slots.iter().enumerate() {
        if at > 0 {
            out.push(b'|');
        }
        encode::for_log(out, value.value().unwrap_or_default(), BRACES, options.escapes);
    }
    out.extend_from_slice(if options.quotes { b"}\"" } else { b"}" });
}

fn field_list(out: &mut Vec<u8>, slots: &[Captured], options: Options) {
    for (at, value) in slots.iter().enumerate() {
        if at > 0 {
            out.push(b' ');
        }
        match value.value() {
            Some(value) if !value.is_empty() => {
                let mark: &[u8] = if options.quotes { b"\"" } else { b"" };
                out.extend_from_slice(mark);
                encode::for_log(out, value, BRACES, options.escapes);
                out.extend_from_slice(mark);
            }
            _ => text(out, b"", options),
        }
    }
}

fn words(tag: Tag, options: Options, transaction: &Transaction<'_>, out: &mut Vec<u8>) {
    let facts = transaction.facts;
    let mut name = |name: &[u8]| text(out, name, options);
    match tag {
        Tag::Name(question) => name(facts.words(question).unwrap_or_default()),
        Tag::RequestCookie => name(transaction.captures.request_cookie.borrow().value().unwrap_or_default()),
        Tag::ResponseCookie => name(transaction.captures.response_cookie.borrow().value().unwrap_or_default()),
        Tag::Server => name(facts.words(Words::Server).unwrap_or(b"<NOSRV>")),
        Tag::Termination { letters } => {
            let state = facts.words(Words::TerminationState).unwrap_or(b"----");
            out.extend_from_slice(state.get(..letters).unwrap_or(state));
        }
        Tag::Origin => name(facts.words(Words::Origin).unwrap_or(b"txn_close")),
        Tag::FrontendTransport => {
            let frontend = facts.words(Words::Frontend).unwrap_or_default();
            let is_tls = facts.number(Number::ClientIsTls, None).unwrap_or(0) != 0;
            let mark: &[u8] = if options.quotes { b"\"" } else { b"" };
            for part in [mark, frontend, if is_tls { b"~" } else { b"" }, mark] {
                out.extend_from_slice(part);
            }
        }
        Tag::RequestFields => fields(out, &transaction.captures.request.borrow(), options),
        Tag::ResponseFields => fields(out, &transaction.captures.response.borrow(), options),
        Tag::RequestFieldList => field_list(out, &transaction.captures.request.borrow(), options),
        Tag::ResponseFieldList => field_list(out, &transaction.captures.response.borrow(), options),
        other => match &transaction.request {
            Some(request) => of_request(other, options, request, out),
            None => received(out, &[b"<BADREQ>"], options),
        },
    }
}

fn of_request(tag: Tag, options: Options, request: &Message<'_>, out: &mut Vec<u8>) {
    let target = request.received_target();
    let query = target.iter().position(|byte| *byte == b'?').unwrap_or(target.len());
    match tag {
        Tag::RequestLine => received(out, &[request.head.line.of(request.bytes)], options),
        Tag::Method => received(out, &[request.received_method()], options),
        Tag::TargetPath => received(out, &[&target[..query]], options),
        Tag::Path => received(out, &[path_of(target).unwrap_or(&target[..query])], options),
        Tag::Query => received(out, &[&target[query..]], options),
        Tag::Target => received(out, &[target], options),
        Tag::Version => received(out, &[b"HTTP/", request.version()], options),
        _ => {}
    }
}
