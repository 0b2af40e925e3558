//! The kinds of rows in the keyword table: what a key is called, what it holds, what it is for.

use std::time::Duration;

use super::destination;
use super::place;
use super::value::{self, Wrong};

/// A map with known keys.
#[derive(Debug)]
pub struct Section {
    /// What diagnostics call it: `a frontend`.
    pub name: &'static str,
    /// What it is for, one sentence.
    pub doc: &'static str,
    /// Its keys, in the order of the manual.
    pub keys: &'static [Key],
}

/// A row of the table.
#[derive(Debug)]
pub struct Key {
    /// The word before the colon.
    pub name: &'static str,
    /// What follows it.
    pub value: Value,
    /// Whether it must be there.
    pub need: Need,
    /// What it does, its default, one or two sentences.
    pub doc: &'static str,
}

/// Whether a key must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// It must.
    Required,
    /// It may.
    Optional,
    /// It must not: known, but this is why it does not work.
    Refused(&'static str),
}

/// What a key holds.
#[derive(Debug)]
pub enum Value {
    /// One word or text.
    One(Scalar),
    /// A map with known keys.
    Section(&'static Section),
    /// A map from names of the operator's to values.
    Named(Scalar, &'static Value),
    /// A list; a single value counts as a list of itself.
    List(&'static Value),
    /// One of these, told apart by being a list, a map or a word.
    Any(&'static [Value]),
}

/// A kind of single value.
#[derive(Clone, Copy, Debug)]
pub enum Scalar {
    /// Any text.
    Text,
    /// A name of the operator's.
    Name,
    /// A name that may come from haproxy.cfg: of a proxy, a server, a section.
    ProxyName,
    /// A password as crypt(3) keeps it.
    Password,
    /// An interface.
    Interface,
    /// `true` or `false`.
    Flag,
    /// A whole number of this range.
    Number(u64, u64),
    /// A duration of this range, in milliseconds.
    Duration(u64, u64),
    /// One of these words.
    Word(&'static [&'static str]),
    /// An IP address.
    Address,
    /// An IP address with a prefix length or without.
    Network,
    /// An address and a port.
    Endpoint,
    /// An address and a port of a server, or a name and a port.
    Server,
    /// An address and a port of a name server.
    NameServer,
    /// `vip@NAME:PORT`, `ADDRESS:PORT`, `*:PORT`.
    Bind,
    /// The same without virtual addresses.
    Place,
    /// Permission bits in octal digits.
    Mode,
    /// A user or a group.
    Account,
    /// A version of HAProxy.
    Release,
    /// Status codes.
    Status,
    /// A status code that has a page, as a key.
    PageStatus,
    /// `fault`, `degrade`, `+n`, `-n`.
    TrackWeight,
    /// `GET /health`.
    Request,
    /// A request method.
    Method,
    /// A request target.
    Target,
    /// A header value.
    Header,
    /// A destination of logs.
    LogTarget,
    /// Where a syslog server takes connections.
    Stream,
    /// Where datagrams come in.
    Datagrams,
    /// Which lines of every so many.
    LogSample,
    /// Steps at which lines of log are written.
    LogSteps,
    /// Program and arguments.
    Command,
    /// An absolute path.
    Path,
    /// A server of a backend, `backend/server`.
    ServerName,
    /// A rule in HAProxy's language.
    Rule,
    /// A condition in HAProxy's language.
    Condition,
    /// Name of a stick table: a name, or two with a slash between them.
    TableName,
    /// A stick table in HAProxy's language.
    StickTable,
    /// What follows `balance` in HAProxy's language.
    Balance,
    /// A line of a backend in HAProxy's language.
    BackendOption,
    /// An option of a cookie in HAProxy's language.
    CookieOption,
    /// Options of a server in HAProxy's language.
    ServerOptions,
}

impl Scalar {
    /// Whether the text is such a value.
    pub fn check(self, text: &str) -> Result<(), Wrong> {
        match self {
            Scalar::Text => Ok(()),
            Scalar::Name => value::name(text).map(drop),
            Scalar::ProxyName => value::proxy_name(text).map(drop),
            Scalar::Password => value::password(text).map(drop),
            Scalar::Interface => value::interface(text).map(drop),
            Scalar::Flag => value::flag(text).map(drop),
            Scalar::Number(least, most) => {
                let number = value::number(text)?;
                let wrong = || range(format!("{number} is out of range; {least}-{most}"));
                (least..=most).contains(&number).then_some(()).ok_or_else(wrong)
            }
            Scalar::Duration(least, most) => {
                let duration = value::duration(text)?;
                let (least, most) = (Duration::from_millis(least), Duration::from_millis(most));
                if (least..=most).contains(&duration) {
                    return Ok(());
                }
                let (least, most) = (value::duration_text(least), value::duration_text(most));
                Err(range(format!("`{text}` is out of range; {least}-{most}")))
            }
            Scalar::Word(words) if words.contains(&text) => Ok(()),
            Scalar::Word(words) => {
                let hint = match crate::diag::nearest(text, words.iter().copied()) {
                    Some(word) => format!("did you mean `{word}`?"),
                    None => format!("write one of {}", words.join(", ")),
                };
                Err(Wrong { code: "E-VALUE", what: format!("`{text}` is not known here"), hint: Some(hint) })
            }
            Scalar::Address => value::address(text).map(drop),
            Scalar::Network => value::network(text).map(drop),
            Scalar::Endpoint => value::endpoint(text).map(drop),
            Scalar::Server => value::server(text).map(drop),
            Scalar::NameServer => value::name_server(text).map(drop),
            Scalar::Bind => value::listener(text).map(drop),
            Scalar::Place => place::endpoint(text).map(drop),
            Scalar::Mode => place::mode(text).map(drop),
            Scalar::Account => place::account(text).map(drop),
            Scalar::Release => value::release(text).map(drop),
            Scalar::Status => value::status(text).map(drop),
            Scalar::PageStatus => Scalar::Number(200, 599).check(text),
            Scalar::TrackWeight => value::track_weight(text).map(drop),
            Scalar::Request => value::request(text).map(drop),
            Scalar::Method => value::method(text).map(drop),
            Scalar::Target => value::path(text).map(drop),
            Scalar::Header => value::header(text).map(drop),
            Scalar::LogTarget => value::log_destination(text).map(drop),
            Scalar::Stream => destination::stream(text).map(drop),
            Scalar::Datagrams => destination::datagrams(text).map(drop),
            Scalar::LogSample => value::log_sample(text).map(drop),
            Scalar::LogSteps => value::log_steps(text).map(drop),
            Scalar::Command => value::command(text).map(drop),
            Scalar::Path => value::absolute(text).map(drop),
            Scalar::Rule | Scalar::Condition => value::words(text).map(drop),
            Scalar::TableName => {
                let (first, second) = text.split_once('/').unwrap_or((text, text));
                value::proxy_name(first).and(value::proxy_name(second)).map(drop)
            }
            Scalar::StickTable => value::stick_table(text).map(drop),
            Scalar::Balance => value::balance(text).map(drop),
            Scalar::BackendOption => value::backend_option(text, &mut Default::default()),
            Scalar::CookieOption => value::cookie_option(text, &mut Default::default()),
            Scalar::ServerOptions => value::server_options(text, &mut Default::default()),
            Scalar::ServerName => match text.split_once('/') {
                Some((backend, server)) => value::proxy_name(backend).and(value::proxy_name(server)).map(drop),
                None => Err(Wrong {
                    code: "E-VALUE",
                    what: format!("`{text}` names no server"),
                    hint: Some("write BACKEND/SERVER".to_owned()),
                }),
            },
        }
    }

    /// Whether YAML itself must see a number or a flag: quotes make a text of it.
    pub const fn is_bare(self) -> bool {
        matches!(self, Scalar::Number(..) | Scalar::Flag)
    }

    /// What diagnostics say was expected.
    pub const fn expected(self) -> &'static str {
        match self {
            Scalar::Text => "a text",
            Scalar::Name | Scalar::ProxyName => "a name",
            Scalar::Password => "a password as mkpasswd prints it",
            Scalar::Interface => "an interface",
            Scalar::Flag => "true or false",
            Scalar::Number(..) => "a whole number",
            Scalar::Duration(..) => "a duration such as 30s",
            Scalar::Word(_) => "a word",
            Scalar::Address => "an IP address",
            Scalar::Network => "an IP address",
            Scalar::Endpoint => "address:port",
            Scalar::Server => "address:port, name:port, unix@PATH, abns@NAME or abnsz@NAME",
            Scalar::NameServer => "address:port or tcp@address:port",
            Scalar::Bind => "vip@NAME:PORT, ADDRESS:PORT, *:PORT, fd@NUMBER, unix@PATH or abns@NAME",
            Scalar::Place => "ADDRESS:PORT, fd@NUMBER, unix@PATH or abns@NAME",
            Scalar::Mode => "permission bits such as 660",
            Scalar::Account => "a user or a group",
            Scalar::Release => "a version such as 2.6",
            Scalar::Status => "status codes such as 200-399",
            Scalar::PageStatus => "a status code",
            Scalar::TrackWeight => "fault, degrade, -n or +n",
            Scalar::Request => "a request such as GET /health",
            Scalar::Method => "a method",
            Scalar::Target => "a path",
            Scalar::Header => "a header value",
            Scalar::LogTarget => {
                "stdout, stderr, off, syslog:PATH, udp:ADDRESS:PORT, tcp:ADDRESS:PORT, uxst:PATH, fd:N or ring:NAME"
            }
            Scalar::Stream => "ADDRESS:PORT, unix@PATH or abns@NAME",
            Scalar::Datagrams => "ADDRESS:PORT or *:PORT",
            Scalar::LogSample => "RANGES:SIZE",
            Scalar::LogSteps => "STEP,...",
            Scalar::Command => "a program and its arguments",
            Scalar::Path => "an absolute path",
            Scalar::ServerName => "BACKEND/SERVER",
            Scalar::Rule => "a rule such as http-request deny if { path_beg /private }",
            Scalar::TableName => "a name",
            Scalar::StickTable => "a table such as type ip size 100k expire 30s",
            Scalar::Condition => "a condition such as path_beg /api",
            Scalar::Balance => "an algorithm such as leastconn or uri depth 2",
            Scalar::BackendOption => "a line such as hash-type consistent",
            Scalar::CookieOption => "an option such as indirect or maxidle 30m",
            Scalar::ServerOptions => "options such as slowstart 30s",
        }
    }
}

fn range(what: String) -> Wrong {
    Wrong { code: "E-RANGE", what, hint: None }
}
