//! `stats socket`, `stats timeout` and `stats maxconn` of the global section.

use std::time::Duration;

use crate::config::AccountKind;
use crate::config::draft::Draft;
use crate::config::haproxy::lex::Word;
use crate::config::haproxy::section::Line;
use crate::config::haproxy::table::{Place, Row, Support};
use crate::diag::Spanned;
use crate::model::Endpoint;
use crate::model::runtime::{Account, Level, SeverityOutput, Socket};

use super::Context;
use super::server::{argument, row};
use super::value::{self, Ports};

/// What the lines say together.
#[derive(Debug, Default)]
pub struct Runtime {
    sockets: Vec<Spanned<Socket>>,
    timeout: Option<Spanned<Duration>>,
    maxconn: Option<Spanned<u64>>,
}

/// What an option does to a socket; the word is its argument.
type Handler = fn(&mut Socket, &Word, &Context<'_>);

/// Options of a stats socket beyond those that any listener has.
const OPTIONS: [(&str, Handler); 8] = [
    ("level", |socket, word, context| {
        let parsed = word_of(&Level::WORDS, &word.text, "level", "user, operator and admin");
        socket.level = context.value(word, parsed).map_or(socket.level, |level| level.value);
    }),
    ("severity-output", |socket, word, context| {
        let parsed = word_of(&SeverityOutput::WORDS, &word.text, "severity-output", "none, number and string");
        socket.severity = context.value(word, parsed).map_or(socket.severity, |severity| severity.value);
    }),
    ("mode", |socket, word, context| {
        let parsed = u32::from_str_radix(&word.text, 8).ok().filter(|mode| *mode <= 0o7777);
        let parsed = parsed.ok_or_else(|| format!("'{}' is no mode in octal digits, such as 660", word.text));
        socket.ownership.mode = context.value(word, parsed).map(|mode| mode.value);
    }),
    ("user", |socket, word, context| socket.ownership.user = Some(context.account(AccountKind::User, word))),
    ("group", |socket, word, context| socket.ownership.group = Some(context.account(AccountKind::Group, word))),
    ("uid", |socket, word, context| socket.ownership.user = id(word, context)),
    ("gid", |socket, word, context| socket.ownership.group = id(word, context)),
    ("expose-fd", |socket, word, context| match word.text.as_str() {
        "listeners" => socket.exposes_listeners = true,
        other => context.error("E-VALUE", word.span, format!("'expose-fd' expects listeners, not '{other}'")),
    }),
];

/// `stats socket ADDRESS OPTION...`.
pub fn socket(runtime: &mut Runtime, _: &'static Row, line: &Line, context: &Context<'_>) {
    let Some(word) = context.argument(line, 2, "an address or a path") else { return };
    let Some(endpoint) = endpoint(word, context) else { return };
    let mut socket = Socket::new(endpoint);
    let words = line.from(3);
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let Some(row) = row(Place::Bind, word, context) else { return };
        let Some((count, argument)) = argument(row, words, at, context) else { return };
        match (OPTIONS.iter().find(|(name, _)| *name == row.name), argument) {
            (Some((_, handler)), Some(argument)) => handler(&mut socket, argument, context),
            _ => other(row, word, context),
        }
        at += count;
    }
    socket.ownership = context.unix_bind.borrow().owned(&socket.endpoint, &socket.ownership);
    if let Some(first) = runtime.sockets.iter().find(|known| known.value.endpoint == socket.endpoint) {
        let message = format!("{} is a stats socket already", socket.endpoint);
        context.push(
            crate::diag::Diagnostic::error("E-DUPLICATE", word.span, message).label(first.span, "first given here"),
        );
        return;
    }
    runtime.sockets.push(Spanned::new(socket, word.span));
}

/// An option that listeners of traffic have, too.
fn other(row: &'static Row, word: &Word, context: &Context<'_>) {
    match row.support {
        Support::Refused(why) => context.refuse(word.span, &format!("'stats socket ... {}'", word.text), why),
        Support::Ignored(_) | Support::Partial(_) => context.notice(row, word.span),
        Support::Full => {
            let what = format!("'stats socket ... {}'", word.text);
            context.refuse(
                word.span,
                &what,
                "a runtime socket takes level, severity-output, mode, user, group, uid, gid and expose-fd",
            );
        }
    }
}

/// Where a runtime socket listens: one place.
fn endpoint(word: &Word, context: &Context<'_>) -> Option<Endpoint> {
    if let Some(special) = context.special(word, &word.text) {
        return special;
    }
    let (host, ports) = context.address(word, &word.text)?;
    match ports {
        Ports::Range(first, last) if first == last => context.resolve(&host, first, word).map(Endpoint::Tcp),
        _ => {
            context.error("E-VALUE", word.span, format!("'{}' needs one port", word.text));
            None
        }
    }
}

fn id(word: &Word, context: &Context<'_>) -> Option<Account> {
    let parsed = value::number(&word.text, 0, u32::MAX.into());
    context.value(word, parsed).and_then(|id| u32::try_from(id.value).ok()).map(Account::Id)
}

fn word_of<T: Copy>(words: &[(&str, T)], text: &str, option: &str, known: &str) -> Result<T, String> {
    let found = words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
    found.ok_or_else(|| format!("'{option}' only supports {known} (got '{text}')"))
}

/// `stats timeout TIME`.
pub fn timeout(runtime: &mut Runtime, _: &'static Row, line: &Line, context: &Context<'_>) {
    let Some(word) = context.argument(line, 2, "a time") else { return };
    context.no_more(line, 3);
    runtime.timeout = context.value(word, value::time(&word.text)).or(runtime.timeout);
}

/// `stats maxconn COUNT`.
pub fn maxconn(runtime: &mut Runtime, _: &'static Row, line: &Line, context: &Context<'_>) {
    let Some(word) = context.argument(line, 2, "a number") else { return };
    context.no_more(line, 3);
    runtime.maxconn = context.value(word, value::number(&word.text, 1, 100_000)).or(runtime.maxconn);
}

impl Runtime {
    /// Puts it into the draft.
    pub fn lower(&self, draft: &mut Draft) {
        draft.runtime.sockets.clone_from(&self.sockets);
        draft.runtime.timeout = self.timeout;
        draft.runtime.maxconn = self.maxconn;
    }
}
