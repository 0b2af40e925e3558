//! What is watched about servers besides their checks, and who is told.

use std::net::SocketAddr;
use std::time::Duration;

use crate::config::draft::{self, Backend, Server};
use crate::diag::Spanned;
use crate::model::check::{Agent, Care, Layer, Mail, Observe, OnError, Reports};
use crate::model::log::Level;
use crate::model::proxy::Mode;

use super::{Context, or};

/// HAProxy's `inter`.
const INTERVAL: Duration = Duration::from_secs(2);
/// HAProxy's `error-limit`.
const ERROR_LIMIT: u32 = 10;
/// HAProxy's `timeout mail`.
const MAIL_TIMEOUT: Duration = Duration::from_secs(10);
/// `alert`
const MAIL_LEVEL: Level = Level::Alert;

/// What is watched about a server.
pub fn resolve(context: &Context<'_>, backend: &Backend, server: &Server) -> Care {
    let care = &server.care;
    Care {
        agent: care.agent.as_ref().and_then(|agent| self::agent(context, server, agent)),
        track: care.track.as_ref().and_then(|track| self::track(context, backend, server, track)),
        observe: observe(context, backend, server),
        closes_when_down: or(&care.closes_when_down, false),
        closes_backups_when_up: or(&care.closes_backups_when_up, false),
    }
}

/// What of the traffic is looked at; HAProxy looks only at that of servers with a check.
fn observe(context: &Context<'_>, backend: &Backend, server: &Server) -> Option<Observe> {
    let layer = server.care.observe?;
    if layer.value == Layer::Layer7 && super::backends::mode(context, backend) == Mode::Tcp {
        let message = format!("server `{}`: `layer7` can only be used in http proxies", server.name.value);
        context.error("E-MODE", layer.span, message, "observe layer4, or add 'mode http'");
    }
    if server.check.is_none() && backend.check.is_none() {
        let message = format!("server `{}` has no check that could follow what its traffic says", server.name.value);
        context.warning("W-CHECK", layer.span, message, "add a check");
    }
    Some(Observe {
        layer: layer.value,
        limit: server.care.error_limit.map_or(ERROR_LIMIT, |limit| u32::try_from(limit.value).unwrap_or(u32::MAX)),
        on_error: or(&server.care.on_error, OnError::FailCheck),
    })
}

fn agent(context: &Context<'_>, server: &Server, written: &Spanned<draft::Agent>) -> Option<Agent> {
    let agent = &written.value;
    let Some(port) = agent.port.and_then(|port| u16::try_from(port.value).ok()) else {
        let message = format!("server `{}` has an agent without a port", server.name.value);
        context.error("E-CHECK", written.span, message, "give the port of the agent");
        return None;
    };
    let host = agent.address.map(|address| address.value).or(server.address.map(|address| address.value.ip()))?;
    let interval = or(&agent.interval, INTERVAL);
    Some(Agent {
        address: SocketAddr::new(host, port),
        interval,
        timeout: or(&agent.timeout, interval),
        answer_timeout: agent.answer_timeout.map(|limit| limit.value),
        send: or(&agent.send, String::new()),
    })
}

/// The server that another one tracks, which must have a check or track one that has.
fn track(
    context: &Context<'_>,
    backend: &Backend,
    server: &Server,
    written: &Spanned<String>,
) -> Option<(String, String)> {
    let own = backend.name.value.as_str();
    let (of, name) = written.value.split_once('/').unwrap_or((own, &written.value));
    let target = context.draft.backends.get(context.find_backend(of, written.span)?)?;
    let servers = target.servers.iter().map(|one| one.name.value.as_str());
    let found = target.servers.get(context.find("server", name, written.span, servers)?)?;
    if server.check.is_some() || server.care.agent.is_some() {
        let hint = "remove `check` and the agent, or `track`";
        context.error("E-CHECK", written.span, "a server cannot have its own check and track another", hint);
        return None;
    }
    let has_check = found.check.is_some() || target.check.is_some() || found.care.agent.is_some();
    if !has_check && found.care.track.is_none() {
        let message = format!("unable to use {of}/{name} for tracking as it has no health check");
        context.error("E-CHECK", written.span, message, format!("add `check` to {of}/{name}"));
        return None;
    }
    if is_circle(&context.draft.backends, (of, name)) {
        let message = format!("unable to track {of}/{name} as it belongs to a tracking chain looping back to itself");
        context.error("E-CHECK", written.span, message, "track the server that has the check");
        return None;
    }
    Some((of.to_owned(), name.to_owned()))
}

/// Whether who follows the tracks from there never arrives.
fn is_circle(backends: &[Backend], from: (&str, &str)) -> bool {
    let mut at = (from.0.to_owned(), from.1.to_owned());
    let total: usize = backends.iter().map(|backend| backend.servers.len()).sum();
    for _ in 0..=total {
        let backend = backends.iter().find(|backend| backend.name.value == at.0);
        let server = backend.and_then(|backend| backend.servers.iter().find(|server| server.name.value == at.1));
        let Some(track) = server.and_then(|server| server.care.track.as_ref()) else { return false };
        at = match track.value.split_once('/') {
            Some((backend, server)) => (backend.to_owned(), server.to_owned()),
            None => (at.0, track.value.clone()),
        };
    }
    true
}

/// Who is told about the servers of a backend.
pub fn reports(context: &Context<'_>, written: &draft::Reports) -> Reports {
    let mail = written.mail.as_ref().map(|mail| {
        let mail = &mail.value;
        Mail {
            mailers: mail.mailers.iter().map(|mailer| mailer.value).collect(),
            timeout: or(&mail.timeout, MAIL_TIMEOUT),
            from: or(&mail.from, String::new()),
            to: or(&mail.to, String::new()),
            level: or(&mail.level, MAIL_LEVEL),
            hostname: or(&mail.hostname, context.host.node.clone()),
        }
    });
    Reports { logs_checks: or(&written.logs_checks, false), mail }
}
