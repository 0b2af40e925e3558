//! `timeout` lines and the old words for them.

use crate::config::haproxy::section::Line;
use crate::diag::Spanned;

use super::Context;
use super::settings::{Settings, Timeout};
use super::value;

/// The timeouts of a proxy; zero is no limit.
#[derive(Clone, Debug, Default)]
pub struct Timeouts {
    pub check: Timeout,
    pub client: Timeout,
    pub handshake: Timeout,
    pub connect: Timeout,
    pub http_keep_alive: Timeout,
    pub http_request: Timeout,
    pub queue: Timeout,
    pub server: Timeout,
    pub tunnel: Timeout,
}

/// `timeout client 30s`.
pub fn timeout(settings: &mut Settings, line: &Line, context: &Context<'_>) {
    let Some(word) = context.argument(line, 2, "a time") else { return };
    context.no_more(line, 3);
    let parsed = value::time(&word.text);
    let Some(time) = context.value(word, parsed) else { return };
    let place = match line.text(1) {
        "check" => &mut settings.timeouts.check,
        "client" => &mut settings.timeouts.client,
        "client-hs" => &mut settings.timeouts.handshake,
        "connect" => &mut settings.timeouts.connect,
        "http-keep-alive" => &mut settings.timeouts.http_keep_alive,
        "http-request" => &mut settings.timeouts.http_request,
        "queue" => &mut settings.timeouts.queue,
        "server" => &mut settings.timeouts.server,
        _ => &mut settings.timeouts.tunnel,
    };
    *place = Some(time.map(|time| (!time.is_zero()).then_some(time)));
}

/// `contimeout 5000`, `clitimeout`, `srvtimeout`: HAProxy's words until 2.0.
pub fn old(settings: &mut Settings, line: &Line, context: &Context<'_>) {
    let (old, new) = match line.text(0) {
        "contimeout" => ("contimeout", "timeout connect"),
        "clitimeout" => ("clitimeout", "timeout client"),
        _ => ("srvtimeout", "timeout server"),
    };
    let message = format!("the '{old}' directive is not supported anymore since HAProxy 2.1: read as '{new}'");
    context.warning("W-OLD", line.span_of(1), message, format!("write '{new} {}'", line.text(1)));
    let Some(word) = context.argument(line, 1, "a time") else { return };
    let parsed = value::time(&word.text);
    let Some(time) = context.value(word, parsed) else { return };
    let time = Spanned::new((!time.is_zero()).then_some(time.value), time.span);
    let timeouts = &mut settings.timeouts;
    match new {
        "timeout connect" => timeouts.connect = Some(time),
        "timeout client" => timeouts.client = Some(time),
        _ => timeouts.server = Some(time),
    }
}
