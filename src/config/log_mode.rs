//! Backends in log mode: what their servers get are messages, so most of what is said about traffic means nothing there
//! (HAProxy manual §4.2 "mode"). It is taken out of the draft, with HAProxy's warnings.

use crate::diag::{Diagnostic, Problems, Severity, Span};
use crate::model::balance::Balance;
use crate::model::log::Syslog;
use crate::model::options::ProxyHeader;
use crate::model::proxy::Mode;

use super::draft::{Backend, Draft, Rule};

/// Rules that do nothing there, by their first word, and what they are called.
const RULES: [(&str, &str); 5] = [
    ("tcp-request", "use tcp-request rules"),
    ("tcp-response", "use tcp-response rules"),
    ("stick", "use sticking rules"),
    ("use-server", "use \"use-server\" rules"),
    ("http-send-name-header", "set \"http-send-name-header\""),
];

/// Takes out what means nothing in the mode of its backend.
pub fn pass_over(draft: &mut Draft, problems: &Problems) {
    for backend in &mut draft.backends {
        if backend.mode.is_none_or(|mode| mode.value != Mode::Log) {
            of_traffic(backend, problems);
            continue;
        }
        let name = backend.name.value.clone();
        let tell = |deed: &str, span: Span| {
            warn(problems, span, format!("Cannot {deed} with 'mode log' in backend '{name}'; it will be ignored"));
        };
        for (word, deed) in RULES {
            if let Some(rule) = backend.rules.iter().find(|rule| is(rule, 0, word)) {
                tell(deed, rule.span);
            }
            backend.rules.retain(|rule| !is(rule, 0, word));
        }
        if let Some(table) = draft.tables.iter().find(|table| table.name.value == name) {
            tell("use stick table", table.name.span);
        }
        draft.tables.retain(|table| table.name.value != name);
        if backend.options.dynamic_cookie_key.take().is_some() {
            tell("set \"dynamic-cookie-key\"", backend.name.span);
        }
        for server in backend.servers.iter_mut().filter(|server| server.options.proxy_header.is_sent()) {
            let what = "'send-proxy*' server option is unsupported there, ignoring it";
            warn(problems, server.name.span, what.to_owned());
            server.options.proxy_header = ProxyHeader::default();
        }
    }
}

/// A backend whose servers get no messages.
fn of_traffic(backend: &mut Backend, problems: &Problems) {
    let is_hash = |rule: &Rule| is(rule, 0, "balance") && is(rule, 1, "log-hash");
    if let Some(balance) = backend.balance.as_mut().filter(|balance| matches!(balance.value, Balance::LogHash(_))) {
        let (name, what) = (&backend.name.value, "(needs 'mode log'). Falling back to round robin");
        warn(problems, balance.span, format!("Unusable balance algorithm for backend '{name}' {what}"));
        balance.value = Balance::RoundRobin;
        backend.rules.retain(|rule| !is_hash(rule));
    }
    for server in &mut backend.servers {
        let Syslog { is_datagram, .. } = server.options.syslog;
        let only_transport = Syslog { is_datagram, ..Syslog::default() };
        if server.options.syslog != only_transport {
            let what = "'log-proto' and 'log-bufsize' are for servers of backends in log mode, and do nothing here";
            let problem = Diagnostic::new(Severity::Notice, "N-IGNORED", what);
            problems.push(problem.label(server.name.span, "").hint("remove them, or write `mode log`"));
            server.options.syslog = only_transport;
        }
    }
}

fn warn(problems: &Problems, span: Span, message: String) {
    problems.push(Diagnostic::new(Severity::Warning, "W-MODE", message).label(span, ""));
}

fn is(rule: &Rule, at: usize, text: &str) -> bool {
    rule.words.get(at).is_some_and(|word| word.value == text)
}
