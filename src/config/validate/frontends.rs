//! Frontends.

use std::time::Duration;

use crate::config::draft;
use crate::diag::{Diagnostic, Span};
use crate::model::proxy::{ClientTimeouts, Frontend, Mode};
use crate::rule::Logging;

use super::instances::Resolved as Instance;
use super::rules::{self, Place, Shared};
use super::{Context, backends, binds, logs, or, rate, size};

/// A frontend and where its binds are written, index for index.
pub struct Resolved {
    /// What runs.
    pub model: Frontend,
    /// Places of the binds.
    pub spans: Vec<Span>,
}

/// Frontends, in the order of the file.
pub fn resolve(context: &Context<'_>, shared: &Shared<'_>, instances: &[Instance<'_>]) -> Vec<Resolved> {
    let one = |frontend| one(context, shared, frontend, instances);
    let frontends: Vec<_> = context.draft.frontends.iter().map(one).collect();
    binds::conflicts(context, &frontends);
    binds::unused(context, &frontends, instances);
    frontends
}

fn one(context: &Context<'_>, shared: &Shared<'_>, draft: &draft::Frontend, instances: &[Instance<'_>]) -> Resolved {
    let mode = or(&draft.mode, Mode::Http);
    let backend = draft.default_backend.as_ref().and_then(|name| context.find_backend(name, name.span));
    let target = backend.and_then(|number| context.draft.backends.get(number));
    if let Some(target) = target {
        same_mode(context, draft, mode, target);
    } else if draft.default_backend.is_none() && draft.rules.iter().all(is_about_lines) {
        let message = format!("frontend `{}` has no backend: it answers 503 only", draft.name.value);
        context.warning("W-NO-BACKEND", draft.name.span, message, "name its `default_backend`");
    }
    if mode == Mode::Tcp {
        http_only(context, draft);
    }
    let (binds, spans) = binds::resolve(context, draft, instances).into_iter().unzip();
    // In tcp mode both inactivity timeouts would never come to bear beside the tunnel's.
    let is_written = draft.client.is_some() || target.is_some_and(|target| target.server.is_some());
    let tunnel = match draft.tunnel {
        Some(tunnel) => tunnel.value,
        None if mode == Mode::Tcp && is_written => None,
        None => Some(Duration::from_secs(3600)),
    };
    let model = Frontend {
        name: draft.name.value.clone(),
        id: 0,
        guid: draft.guid.as_ref().map(|guid| guid.value.clone()),
        description: draft.description.clone(),
        mode,
        binds,
        default_backend: backend,
        maxconn: draft.maxconn.map(|maxconn| size(maxconn.value)),
        session_rate: rate(draft.session_rate),
        counts_sockets: draft.counts_sockets,
        timeouts: ClientTimeouts {
            handshake: draft.handshake.map(|handshake| handshake.value),
            client: or(&draft.client, Duration::from_secs(30)),
            http_request: or(&draft.http_request, Duration::from_secs(10)),
            http_keep_alive: or(&draft.http_keep_alive, Duration::from_secs(10)),
            tunnel,
            fin: draft.fin.map(|fin| fin.value),
        },
        forwarded: or(&draft.forwarded, mode == Mode::Http),
        doubtful_framing: draft.doubtful_framing.map(|framing| framing.value).unwrap_or_default(),
        log: logs::proxy(context, &draft.log),
        logged: draft.logged,
        rules: rules::resolve(context, shared, &draft.rules, Place { home: &draft.name.value, mode }),
    };
    Resolved { model, spans }
}

/// Whether it says how lines of log look, and nothing about traffic.
fn is_about_lines(rule: &draft::Rule) -> bool {
    let word = |at: usize| rule.words.get(at).map_or("", |word| word.value.as_str());
    Logging::has_line(word(0), word(1))
}

fn same_mode(context: &Context<'_>, draft: &draft::Frontend, mode: Mode, backend: &draft::Backend) {
    let other = backends::mode(context, backend);
    // A connection in tcp mode becomes HTTP for a backend that is.
    if mode == other || other == Mode::Http {
        return;
    }
    let name = mode_name;
    let span = draft.mode.map_or(draft.name.span, |mode| mode.span);
    let (one, two) = (&draft.name.value, &backend.name.value);
    let message = format!("frontend `{one}` is {}, its backend `{two}` is {}", name(mode), name(other));
    let place = backend.mode.map_or(backend.name.span, |mode| mode.span);
    context.problems.push(
        Diagnostic::error("E-MODE", span, message)
            .label(place, format!("{} here", name(other)))
            .hint("give both the same mode, or use another backend"),
    );
}

/// As it is written.
pub fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Tcp => "tcp",
        Mode::Http => "http",
        Mode::Log => "log",
    }
}

fn http_only(context: &Context<'_>, draft: &draft::Frontend) {
    if let Some(forwarded) = draft.forwarded.filter(|forwarded| forwarded.value) {
        context.error("E-MODE", forwarded.span, "tcp mode has no headers to add to", "remove `forwarded`");
    }
    for timeout in [draft.http_request, draft.http_keep_alive].into_iter().flatten() {
        context.warning("W-MODE", timeout.span, "this timeout has no effect in tcp mode", "remove it");
    }
}
