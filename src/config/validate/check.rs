//! Health checks.

use std::time::Duration;

use crate::check::rules::{Plan, compile};
use crate::config::draft;
use crate::diag::{Diagnostic, Spanned};
use crate::model::check::{Check, InitialState};

use super::rules::Shared;
use super::{Context, count, or};

/// HAProxy's `inter`.
const INTERVAL: Duration = Duration::from_secs(2);
/// Pause between probes while the state changes, unless the interval is shorter.
const FAST: Duration = Duration::from_millis(250);
/// Connect failures in a row that bring the next probe forward. A probe too many costs little, a late one an outage.
const OBSERVE: u32 = 3;

/// `None` if no probe is asked for: then the servers count as up.
pub fn resolve(context: &Context<'_>, shared: &Shared<'_>, written: &Spanned<draft::Check>) -> Option<Check> {
    let check = &written.value;
    let is_tcp = check.tcp.is_some_and(|tcp| tcp.value);
    if let (Some(tcp), Some(http), true) = (check.tcp, &check.http, is_tcp) {
        context.problems.push(
            Diagnostic::error("E-CHECK", http.span, "a check is either tcp or http")
                .label(tcp.span, "tcp is asked for here")
                .hint("an HTTP probe connects too: remove `tcp`"),
        );
    }
    if let (Some(rule), Some(span)) = (check.rules.first(), check.http.as_ref().map(|http| http.span)) {
        context.problems.push(
            Diagnostic::error("E-CHECK", span, "a check has either `http` or `rules`")
                .label(rule.span, "rules are here")
                .hint("write `http-check send` among the rules"),
        );
    }
    if check.http.is_none() && !is_tcp && check.rules.is_empty() {
        if !check.is_probe_written {
            let hint = "add `tcp: true`, `http: GET /health` or `rules`, or remove `check`";
            context.error("E-CHECK", written.span, "this check does not say what to probe", hint);
        }
        return None;
    }
    if check.http.is_none()
        && let Some(span) = check.status.first().map(|status| status.span).or(check.body.as_ref().map(|body| body.span))
    {
        context.error("E-CHECK", span, "`expect` needs an HTTP request", "add `http: GET /health`");
    }
    if let (Some(port), Some(address)) = (check.port, check.address) {
        context.problems.push(
            Diagnostic::error("E-CHECK", port.span, "the port of the check is given twice")
                .label(address.span, "this has a port too")
                .hint("remove `port`"),
        );
    }
    let interval = or(&check.interval, INTERVAL);
    Some(Check {
        rules: match &check.http {
            Some(request) => http(check, request),
            None => lines(context, shared, &check.rules),
        },
        address: check.address.map(|address| address.value),
        port: check.port.and_then(|port| u16::try_from(port.value).ok()),
        interval,
        fast_interval: or(&check.fast_interval, interval.min(FAST)),
        down_interval: or(&check.down_interval, interval),
        timeout: or(&check.timeout, interval),
        answer_timeout: check.answer_timeout.map(|limit| limit.value),
        rise: count(&check.rise, 2),
        fall: count(&check.fall, 3),
        observe: match check.observe {
            None => Some(OBSERVE),
            Some(observe) => observe.value.map(|failures| u32::try_from(failures).unwrap_or(u32::MAX)),
        },
        sends_proxy: or(&check.sends_proxy, false),
        socks: check.socks.map(|socks| socks.value),
        initial: or(&check.initial, InitialState::Up),
    })
}

/// Compiles lines and tells what is wrong with them.
fn lines(context: &Context<'_>, shared: &Shared<'_>, rules: &[draft::Rule]) -> Vec<Vec<String>> {
    let words = |rule: &draft::Rule| rule.words.iter().map(|word| word.value.clone()).collect::<Vec<_>>();
    let lines: Vec<_> = rules.iter().map(words).collect();
    if lines.is_empty() {
        return lines;
    }
    let compiled = shared.with(|files, registry, userlists| compile(&lines, files, registry, userlists));
    for found in &compiled.errors {
        let place = rules[found.line].place(found.what.at, found.what.offset);
        context
            .problems
            .push(Diagnostic::error("E-CHECK", place, found.what.what.clone()).hint_if(found.what.hint.clone()));
    }
    for (line, option) in &compiled.unused {
        let message = format!("'{}' ignored without '{option}'", lines[*line].first().map_or("", String::as_str));
        context.warning("W-CHECK", rules[*line].span, message, format!("add '{option}'"));
    }
    if let Plan::Program(program) = &compiled.plan
        && !context.draft.external_checks.is_some_and(|allowed| allowed.value)
        && let Some(rule) = rules.first()
    {
        let message = format!("checks by the program '{}' are not allowed", program.command);
        context.error("E-CHECK", rule.span, message, "write 'external-check' in the global section");
    }
    lines
}

/// `http` and `expect` as rules.
fn http(check: &draft::Check, request: &draft::Request) -> Vec<Vec<String>> {
    let line = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<String>>();
    let has_host = request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host"));
    let version = if has_host { "HTTP/1.1" } else { "HTTP/1.0" };
    let mut send = line(&["http-check", "send", "meth", &request.method, "uri", &request.path, "ver", version]);
    for (name, value) in &request.headers {
        // A percent sign begins an expression there.
        send.extend(line(&["hdr", name, &value.replace('%', "%%")]));
    }
    let ranges = check.status.iter().map(|status| match status.value {
        (first, last) if first == last => first.to_string(),
        (first, last) => format!("{first}-{last}"),
    });
    let ranges = ranges.collect::<Vec<_>>().join(",");
    let status = if ranges.is_empty() { "200-399" } else { &ranges };
    let mut lines = vec![line(&["option", "httpchk"]), send, line(&["http-check", "expect", "status", status])];
    if let Some(body) = check.body.as_ref().filter(|body| !body.value.is_empty()) {
        lines.push(line(&["http-check", "expect", "string", &body.value]));
    }
    lines
}
