//! `timeout` lines and the old words for them.

use std::time::Duration;

use crate::config::haproxy::lex::Word;
use crate::config::haproxy::section::Line;
use crate::config::haproxy::table::Row;
use crate::diag::{Diagnostic, Severity, Spanned};

use super::Context;
use super::settings::{Settings, Timeout};
use super::value;

/// The timeouts of a proxy; zero is no limit.
#[derive(Clone, Debug, Default)]
pub struct Timeouts {
    pub check: Timeout,
    pub client: Timeout,
    pub client_fin: Timeout,
    pub handshake: Timeout,
    pub connect: Timeout,
    pub http_keep_alive: Timeout,
    pub http_request: Timeout,
    pub queue: Timeout,
    pub server: Timeout,
    pub server_fin: Timeout,
    pub tunnel: Timeout,
}

/// `timeout client 30s`.
pub fn timeout(settings: &mut Settings, _: &'static Row, line: &Line, context: &Context<'_>) {
    let Some(word) = context.argument(line, 2, "a time") else { return };
    context.no_more(line, 3);
    set(settings, line.text(1), word, context);
}

fn set(settings: &mut Settings, name: &str, word: &Word, context: &Context<'_>) {
    let (timeouts, opened) = (&mut settings.timeouts, settings.opened);
    let Some(time) = context.value(word, value::time(&word.text)) else { return };
    let place = match name {
        "check" => &mut timeouts.check,
        "client" => &mut timeouts.client,
        "client-fin" => &mut timeouts.client_fin,
        "client-hs" => &mut timeouts.handshake,
        "connect" => &mut timeouts.connect,
        "http-keep-alive" => &mut timeouts.http_keep_alive,
        "http-request" => &mut timeouts.http_request,
        "queue" => &mut timeouts.queue,
        "server" => &mut timeouts.server,
        "server-fin" => &mut timeouts.server_fin,
        _ => &mut timeouts.tunnel,
    };
    let is_own = |first: &Spanned<Option<Duration>>| {
        opened.is_some_and(|head| first.span.source == head.source && first.span.start > head.start)
    };
    if let Some(first) = place.filter(is_own) {
        let message = format!("overwriting 'timeout {name}' which was already specified");
        let problem = Diagnostic::new(Severity::Warning, "W-TWICE", message).label(word.span, "");
        context.push(problem.label(first.span, "first given here"));
    }
    *place = Some(time.map(|time| (!time.is_zero()).then_some(time)));
}

/// `contimeout 5000`, `clitimeout`, `srvtimeout`: HAProxy's words until 2.0.
pub fn old(settings: &mut Settings, _: &'static Row, line: &Line, context: &Context<'_>) {
    let name = match line.text(0) {
        "contimeout" => "connect",
        "clitimeout" => "client",
        _ => "server",
    };
    let message = format!(
        "the '{}' directive is not supported anymore since HAProxy 2.1: read as 'timeout {name}'",
        line.text(0)
    );
    context.warning("W-OLD", line.span_of(1), message, format!("write 'timeout {name} {}'", line.text(1)));
    let Some(word) = context.argument(line, 1, "a time") else { return };
    set(settings, name, word, context);
}
