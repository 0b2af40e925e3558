//! Backends and servers.

use std::time::Duration;

use crate::config::draft;
use crate::config::options::cookie;
use crate::diag::{Diagnostic, Problems};
use crate::model::Weight;
use crate::model::balance::Balance;
use crate::model::check::Check;
use crate::model::options::BackendOptions;
use crate::model::proxy::{Backend, Mode, Server, ServerTimeouts, Template};

use super::rules::{self, Place, Shared};
use super::{Context, care, check, count, log_mode, logs, naming, or, size};

/// Backends, index for index with the draft's.
pub fn resolve(context: &Context<'_>, shared: &Shared<'_>) -> Vec<Backend> {
    context.draft.backends.iter().map(|backend| one(context, shared, backend)).collect()
}

/// What backends that come at run time begin with. One that no backend could begin with is left out: whoever asks for it
/// hears that it is not there, and a section that nobody uses harms nobody.
pub fn templates(context: &Context<'_>, shared: &Shared<'_>) -> Vec<Template> {
    let found = context.draft.templates.iter().map(|written| {
        let problems = Problems::default();
        let context = Context { problems: &problems, ..*context };
        let backend = one(&context, shared, written);
        let is_bad = problems.has_errors();
        (!is_bad).then_some(Template { backend, has_mode: written.mode.is_some() })
    });
    found.flatten().collect()
}

fn one(context: &Context<'_>, shared: &Shared<'_>, backend: &draft::Backend) -> Backend {
    let mode = mode(context, backend);
    let common = backend.check.as_ref().and_then(|written| check::resolve(context, shared, written));
    let server = |server| self::server(context, shared, backend, server, common.as_ref());
    let mut servers: Vec<Server> = backend.servers.iter().filter_map(server).collect();
    log_mode::balance(context, backend, mode);
    log_mode::servers(context, backend, mode, &servers);
    numbers(context, backend, &mut servers);
    cookies(&backend.options, &mut servers);
    addresses(context, backend);
    if let Some(what) = backend.options.cookie.as_ref().and_then(cookie::conflict) {
        context.error("E-VALUE", backend.name.span, what, "choose one of them");
    }
    if !servers.is_empty() && servers.iter().all(|server| server.weight.value() == 0) {
        let message = format!("every server of backend `{}` has weight 0", backend.name.value);
        context.warning("W-SERVER-WEIGHT", backend.name.span, message, "nothing will be sent to it");
    }
    Backend {
        name: backend.name.value.clone(),
        id: 0,
        mode,
        balance: or(&backend.balance, Balance::RoundRobin),
        timeouts: ServerTimeouts {
            connect: or(&backend.connect, Duration::from_secs(5)),
            server: or(&backend.server, Duration::from_secs(30)),
            queue: or(&backend.queue, Duration::from_secs(5)),
            tunnel: backend.tunnel.map(|limit| limit.value),
            fin: backend.fin.map(|limit| limit.value),
        },
        retries: count(&backend.retries, 3),
        redispatch: or(&backend.redispatch, true),
        log: logs::proxy(context, &backend.log),
        reports: care::reports(context, &backend.reports),
        rules: rules::resolve(context, shared, &backend.rules, Place { home: &backend.name.value, mode }),
        options: options(context, backend, &servers),
        servers,
    }
}

/// Compiles the checks for the sake of the files that they name.
pub fn checks(context: &Context<'_>, shared: &Shared<'_>, backend: &draft::Backend) {
    let own = backend.servers.iter().filter_map(|server| server.check.as_ref());
    for written in backend.check.iter().chain(own) {
        check::resolve(context, shared, written);
    }
}

/// Servers without a number of their own get the next free one, as in HAProxy.
fn numbers(context: &Context<'_>, backend: &draft::Backend, servers: &mut [Server]) {
    let written: Vec<u32> = servers.iter().map(|server| server.options.id).filter(|id| *id > 0).collect();
    for (number, id) in written.iter().enumerate() {
        if written[..number].contains(id) {
            let message = format!("two servers of backend `{}` have the number {id}", backend.name.value);
            context.error("E-DUPLICATE", backend.name.span, message, "write different `id`s");
        }
    }
    let mut next = 1;
    for server in servers {
        if server.options.id == 0 {
            while written.contains(&next) {
                next += 1;
            }
            server.options.id = next;
        }
        next += 1;
    }
}

/// Servers without a value of their own have one made, where the cookie is dynamic.
fn cookies(options: &BackendOptions, servers: &mut [Server]) {
    for server in servers.iter_mut().filter(|server| server.options.cookie.is_none()) {
        server.options.cookie = cookie::made(options, server.address);
    }
}

/// Where no `fullconn` is written it is a tenth of what the frontends of the backend may have, as in HAProxy.
fn options(context: &Context<'_>, backend: &draft::Backend, servers: &[Server]) -> BackendOptions {
    let mut options = backend.options.clone();
    if options.fullconn.is_none() && servers.iter().any(|server| server.options.minconn.is_some()) {
        let process = context.draft.maxconn.map_or(SESSIONS, |maxconn| maxconn.value);
        let users = context.draft.frontends.iter().filter(|frontend| frontend.may_use(&backend.name.value));
        let sessions: u64 = users.map(|frontend| frontend.maxconn.map_or(process, |maxconn| maxconn.value)).sum();
        options.fullconn = Some(size(sessions.div_ceil(10).max(1)));
    }
    options
}

/// Sessions that a frontend may have where nothing is written.
const SESSIONS: u64 = 10_000;

/// What is written, or the mode of the first frontend that uses it.
pub fn mode(context: &Context<'_>, backend: &draft::Backend) -> Mode {
    let uses = |frontend: &&draft::Frontend| frontend.may_use(&backend.name.value);
    let used_as = || context.draft.frontends.iter().find(uses).map(|frontend| or(&frontend.mode, Mode::Http));
    backend.mode.map(|mode| mode.value).or_else(used_as).unwrap_or(Mode::Http)
}

/// Whether the rules of a check begin with a `connect`, and each `connect` says its port.
fn names_its_ports(check: &Check) -> bool {
    let action = |rule: &[String]| rule.get(1).cloned().unwrap_or_default();
    let mut acts = check.rules.iter().map(|rule| (action(rule), rule)).filter(|(action, _)| {
        ["connect", "send", "expect"].iter().any(|start| action.starts_with(start)) && action != "send-state"
    });
    let has_port = |rule: &[String]| rule.iter().any(|word| word == "port");
    acts.next().is_some_and(|(action, rule)| action == "connect" && has_port(rule))
        && acts.all(|(action, rule)| action != "connect" || has_port(rule))
}

fn server(
    context: &Context<'_>,
    shared: &Shared<'_>,
    backend: &draft::Backend,
    server: &draft::Server,
    common: Option<&Check>,
) -> Option<Server> {
    let server = &naming::first_address(context, &backend.name.value, server)?;
    let naming = &server.options.naming;
    let address = server.address?;
    if let Some(source) = server.source
        && source.is_ipv4() != address.is_ipv4()
        && naming.lack.is_none()
    {
        let message = format!("{} cannot be reached from {}: one is IPv4, the other IPv6", address.value, source.value);
        context.error("E-FAMILY", source.span, message, "write a source of the same family");
    }
    let check = match &server.check {
        Some(own) => check::resolve(context, shared, own),
        None => common.cloned(),
    };
    let check = check.map(|check| as_traffic(check, backend, server));
    let has_no_port = |check: &Check| check.port.is_none() && check.address.is_none() && !names_its_ports(check);
    // One without an address is that of the client's destination, which nobody can probe, as in HAProxy.
    let is_somewhere = !address.value.ip().is_unspecified() || naming.host.is_some();
    if address.value.port() == 0 && is_somewhere && check.as_ref().is_some_and(has_no_port) {
        let message = format!("server `{}` has neither a port nor a check port", server.name.value);
        context.error("E-CHECK", address.span, message, "write a port, here or for the check");
    }
    let weight = server.weight.and_then(|weight| Weight::new(u16::try_from(weight.value).ok()?));
    Some(Server {
        name: server.name.value.clone(),
        address: address.value,
        weight: weight.unwrap_or(Weight::DEFAULT),
        maxconn: server.maxconn.map(|maxconn| size(maxconn.value)),
        is_backup: or(&server.backup, false),
        source: server.source.map(|source| source.value),
        check,
        is_non_stick: or(&server.non_stick, false),
        is_disabled: or(&server.is_disabled, false),
        care: care::resolve(context, backend, server),
        options: server.options.clone(),
    })
}

/// Probes begin with a PROXY header where traffic does, unless they go elsewhere or the file says something else.
fn as_traffic(check: Check, backend: &draft::Backend, server: &draft::Server) -> Check {
    let written = server.check.as_ref().or(backend.check.as_ref());
    let is_free = written.is_none_or(|written| written.value.sends_proxy.is_none());
    let follows = is_free && check.port.is_none() && check.address.is_none() && server.options.proxy_header.is_sent();
    Check { sends_proxy: check.sends_proxy || follows, ..check }
}

fn addresses(context: &Context<'_>, backend: &draft::Backend) {
    for (number, server) in backend.servers.iter().enumerate() {
        // Two names are no slip, whatever their addresses are.
        let Some(address) = server.address.filter(|_| !server.options.naming.is_there()) else { continue };
        let same = |other: &draft::Server| {
            other.address.filter(|place| {
                place.value == address.value
                    && !other.options.naming.is_there()
                    && other.options.socket == server.options.socket
            })
        };
        if let Some(first) = backend.servers.iter().take(number).find_map(same) {
            let message = format!("{} is in backend `{}` twice", address.value, backend.name.value);
            context.problems.push(
                Diagnostic::warning("W-SERVER-TWICE", address.span, message)
                    .label(first.span, "first given here")
                    .hint("it gets twice the traffic; use `weight` if that is meant"),
            );
        }
    }
}
