//! What HAProxy warns of when every proxy is known: time limits, listeners and logs that are missing, and what a proxy in
//! tcp mode passes over.

use crate::config::draft::Rule;
use crate::config::haproxy::table::Place;
use crate::diag::{Diagnostic, Severity, Span, Spanned};
use crate::model::balance::Balance;
use crate::model::proxy::Mode;

use super::Context;
use super::option::LineFormat;
use super::proxy::Proxy;
use super::settings::Timeout;

/// Rules that need HTTP; those of the `defaults` section are passed over in silence.
const RULES: [&str; 4] = ["http-request", "http-response", "http-after-response", "redirect"];

/// Statements that need HTTP.
const STATEMENTS: [&str; 3] = ["stats", "capture cookie", "monitor-uri"];

/// Options that need HTTP, and whether frontends and backends have them.
const OPTIONS: [(&str, bool, bool); 3] =
    [("checkcache", false, true), ("http-buffer-request", true, true), ("http-pretend-keepalive", false, true)];

/// HAProxy's warning about proxies that wait for ever.
pub fn timeouts_are_set(proxy: &Proxy, context: &Context<'_>) {
    let timeouts = &proxy.settings.timeouts;
    let has_front = proxy.place != Place::Backend && !proxy.settings.binds.is_empty();
    let has_back = proxy.place != Place::Frontend && !proxy.settings.servers.is_empty();
    let is_missing = |timeout: Timeout| timeout.is_none_or(|timeout| timeout.value.is_none());
    let sides = [
        ("client", has_front, timeouts.client),
        ("connect", has_back, timeouts.connect),
        ("server", has_back, timeouts.server),
    ];
    let missing: Vec<_> =
        sides.iter().filter(|(_, is_needed, set)| *is_needed && is_missing(*set)).map(|(name, ..)| *name).collect();
    if !missing.is_empty() && !proxy.settings.is_disabled {
        let message = format!("missing timeouts for {} '{}'", proxy.place.name(), proxy.name.value);
        let hint = format!("add 'timeout {} ...'; without it the limit is one day", missing.join(" ...', 'timeout "));
        context.warning("W-TIMEOUT", proxy.head, message, hint);
    }
}

/// Frontends that nobody reaches.
pub fn has_listeners(proxy: &Proxy, context: &Context<'_>) {
    // One that could not be read was reported.
    if proxy.settings.binds.is_empty() && !context.has_errors() {
        let message = format!("{} has no 'bind' directive", named(proxy));
        context.warning("W-BIND", proxy.head, message, "declare it as a backend if this was intended");
    }
}

/// Messages are for backends: what comes in from others is a `log-forward` section's.
pub fn is_in_its_mode(proxy: &Proxy, context: &Context<'_>) {
    let Some(written) = proxy.settings.mode.filter(|mode| mode.value == Mode::Log) else { return };
    match proxy.place {
        Place::Backend => {}
        Place::Listen => {
            let why = "what it listens for would be passed on as in mode tcp; write a backend in mode log, and a log-forward \
                       section where messages come in";
            context.refuse(written.span, &format!("'mode log' of {}", named(proxy)), why);
        }
        _ => {
            let message = "mode syslog is only applicable on proxies with backend capability";
            context.error("E-MODE", written.span, message);
        }
    }
}

/// `option httplog` is for HTTP, and a format for who has a log.
pub fn line_format(proxy: &Proxy, has_global_log: bool, context: &Context<'_>) {
    let settings = &proxy.settings;
    let is_tcp = mode(proxy) == Mode::Tcp;
    if let Some(format) = settings.line_format.filter(|format| format.value == LineFormat::Http && is_tcp) {
        let message = format!("'option httplog' not usable with proxy '{}' (needs 'mode http')", proxy.name.value);
        context.warning("W-MODE", format.span, message, "it falls back to 'option tcplog'");
    }
    let is_format = |rule: &&Rule| matches!(word(rule, 0), "log-format" | "log-format-sd");
    let format = settings.line_format.map(|format| format.span);
    let format = settings.rules.iter().find(is_format).map(|rule| rule.span).or(format);
    let has_log = !settings.logs.targets.is_empty() || settings.logs.is_global && has_global_log;
    if let Some(span) = format.filter(|_| !has_log && !context.has_errors()) {
        let message = format!("log format ignored for {} since it has no log address", named(proxy));
        context.warning("W-LOG", span, message, "add 'log global', or 'log ADDRESS FACILITY'");
    }
}

/// Takes out of a proxy in another mode what only HTTP has, where no connection of it turns into HTTP.
pub fn pass_over(proxy: &mut Proxy, context: &Context<'_>) {
    if mode(proxy) == Mode::Http {
        return;
    }
    let who = named(proxy);
    let (has_front, has_back) = (proxy.place != Place::Backend, proxy.place != Place::Frontend);
    let warn = |span: Span, message: String| {
        context.push(Diagnostic::new(Severity::Warning, "W-MODE", message).label(span, ""));
    };
    for set in RULES {
        let own = proxy.settings.rules.iter().find(|rule| word(rule, 0) == set && is_own(rule, proxy.head));
        if let Some(rule) = own {
            warn(rule.span, format!("'{set}' rules ignored for {who} as they require HTTP mode"));
        }
        proxy.settings.rules.retain(|rule| word(rule, 0) != set);
    }
    for statement in STATEMENTS {
        let (first, second) = statement.split_once(' ').unwrap_or((statement, ""));
        let is_it = |rule: &Rule| word(rule, 0) == first && (second.is_empty() || word(rule, 1) == second);
        if let Some(rule) = proxy.settings.rules.iter().find(|rule| is_it(rule)) {
            warn(rule.span, format!("'{first}' statement ignored for {who} as it requires HTTP mode"));
        }
        proxy.settings.rules.retain(|rule| !is_it(rule));
    }
    for (option, of_front, of_back) in OPTIONS {
        let is_here = of_front && has_front || of_back && has_back;
        let is_it = |rule: &Rule| word(rule, 0) == "option" && word(rule, 1) == option;
        if let Some(rule) = proxy.settings.rules.iter().rev().find(|rule| is_it(rule)).filter(|_| is_here) {
            warn(rule.span, format!("'option {option}' ignored for {who} as it requires HTTP mode"));
        }
        proxy.settings.rules.retain(|rule| !is_it(rule));
    }
    let needs_http =
        |balance: &Balance| matches!(balance, Balance::Uri(_) | Balance::UrlParam { .. } | Balance::Header { .. });
    let is_tcp = mode(proxy) == Mode::Tcp;
    let balance = proxy.settings.balance.as_mut().filter(|_| has_back && is_tcp);
    if let Some(balance) = balance.filter(|balance| needs_http(&balance.value)) {
        let what = format!("Layer 7 hash not possible for {who} (needs 'mode http'). Falling back to round robin");
        warn(balance.span, what);
        *balance = Spanned::new(Balance::RoundRobin, balance.span);
    }
    if has_back && proxy.settings.options.cookie.take().is_some() {
        warn(proxy.head, format!("cookie will be ignored for {who} (needs 'mode http')"));
    }
}

/// Whether connections of a proxy in tcp mode may turn into HTTP: by a rule, or by the mode of a backend.
pub fn turns_into_http(proxy: &Proxy, all: &[Proxy]) -> bool {
    let is_http = |name: &str| {
        let is_it = |other: &&Proxy| other.place != Place::Frontend && other.name.value == name;
        all.iter().find(is_it).is_some_and(|other| mode(other) == Mode::Http)
    };
    let settings = &proxy.settings;
    settings.default_backend.as_ref().is_some_and(|name| is_http(&name.value))
        || settings.rules.iter().any(|rule| match word(rule, 0) {
            "use_backend" => is_http(word(rule, 1)),
            "tcp-request" => rule.words.iter().any(|word| word.value == "switch-mode"),
            _ => false,
        })
}

fn mode(proxy: &Proxy) -> Mode {
    proxy.settings.mode.map_or(Mode::Tcp, |mode| mode.value)
}

/// `frontend 'web'`, as HAProxy calls it.
fn named(proxy: &Proxy) -> String {
    let kind = if proxy.place == Place::Listen { "proxy" } else { proxy.place.name() };
    format!("{kind} '{}'", proxy.name.value)
}

fn word(rule: &Rule, number: usize) -> &str {
    rule.words.get(number).map_or("", |word| word.value.as_str())
}

/// Whether a line stands in the section itself, not in the `defaults` that it begins with.
fn is_own(rule: &Rule, head: Span) -> bool {
    rule.span.source == head.source && rule.span.start > head.start
}
