//! Health checks.

use std::time::Duration;

use crate::config::draft;
use crate::diag::{Diagnostic, Spanned};
use crate::model::check::{Check, HttpProbe, Probe};

use super::{Context, count, or};

/// HAProxy's `inter`.
const INTERVAL: Duration = Duration::from_secs(2);
/// Pause between probes while the state changes, unless the interval is shorter.
const FAST: Duration = Duration::from_millis(250);
/// Connect failures in a row that bring the next probe forward. A probe too many costs little, a late one an outage.
const OBSERVE: u32 = 3;

/// `None` if no probe is asked for: then the servers count as up.
pub fn resolve(context: &Context<'_>, written: &Spanned<draft::Check>) -> Option<Check> {
    let check = &written.value;
    let is_tcp = check.tcp.is_some_and(|tcp| tcp.value);
    if let (Some(tcp), Some(http), true) = (check.tcp, &check.http, is_tcp) {
        context.problems.push(
            Diagnostic::error("E-CHECK", http.span, "a check is either tcp or http")
                .label(tcp.span, "tcp is asked for here")
                .hint("an HTTP probe connects too: remove `tcp`"),
        );
    }
    if check.http.is_none() && !is_tcp {
        if !check.is_probe_written {
            let hint = "add `tcp: true` or `http: GET /health`, or remove `check`";
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
        probe: match &check.http {
            Some(request) => Probe::Http(http(check, request)),
            None => Probe::Connect,
        },
        address: check.address.map(|address| address.value),
        port: check.port.and_then(|port| u16::try_from(port.value).ok()),
        interval,
        fast_interval: or(&check.fast_interval, interval.min(FAST)),
        down_interval: or(&check.down_interval, interval),
        timeout: or(&check.timeout, interval),
        rise: count(&check.rise, 2),
        fall: count(&check.fall, 3),
        observe: match check.observe {
            None => Some(OBSERVE),
            Some(observe) => observe.value.map(|failures| u32::try_from(failures).unwrap_or(u32::MAX)),
        },
    })
}

fn http(check: &draft::Check, request: &draft::Request) -> HttpProbe {
    let status: Vec<_> = check.status.iter().map(|status| status.value).collect();
    HttpProbe {
        method: request.method.clone(),
        path: request.path.clone(),
        headers: request.headers.clone(),
        status: if status.is_empty() { vec![(200, 399)] } else { status },
        body_contains: check.body.as_ref().map(|body| body.value.clone()).filter(|body| !body.is_empty()),
    }
}
