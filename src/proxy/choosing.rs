//! What a stream wants of a backend's servers: the hash that its algorithm starts from.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::balance::{hash, key};
use crate::http::{Method, Parsed, parse_request};
use crate::model::balance::Balance;
use crate::model::proxy::Server;
use crate::rule::rdp::{self, RdpCookie};
use crate::state;

use super::connect::is_same;
use super::local::{LocalBackend, LocalFrontend};
use super::persistence::{Persistence, is_stopped};
use super::rules;
use super::session::Session;
use super::stream::Request;

/// What a stream wants of the servers of its backend.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wanted {
    /// Where the algorithm hashes something that was found.
    pub(super) hash: Option<u32>,
    /// The server that has just failed.
    pub(super) exclude: Option<usize>,
    /// The server that a client comes back to, or that a rule chose.
    pub(super) server: Option<usize>,
    /// Whether that server is tried even if it is down.
    pub(super) insists: bool,
    /// Whether the client may be sent to the server itself (`redir`).
    pub(super) may_redirect: bool,
}

/// What the algorithm of the backend needs to know; `request` is there in http mode.
pub(super) fn wanted(
    session: &mut Session,
    frontend: &LocalFrontend,
    backend: &LocalBackend,
    request: Option<&Request>,
    persistence: &Persistence,
) -> Wanted {
    let hash = match &backend.running.model.balance {
        Balance::RoundRobin
        | Balance::StaticRr
        | Balance::LeastConn
        | Balance::Random { .. }
        | Balance::First
        | Balance::Sticky => None,
        Balance::Source => Some(hash::of_address(&backend.running.model.options.hashing, session.source().ip())),
        Balance::Expression(_) => rules::hash(session, frontend, backend, request.map(Request::arrived)),
        Balance::RdpCookie { name } => {
            let cookie = rdp_cookie(session, request, name);
            cookie.map(|cookie| hash::of_bytes(&backend.running.model.options.hashing, cookie))
        }
        other => request.and_then(|request| of_request(other, session, backend, request)),
    };
    let last = preferred(session, backend);
    let insists = persistence.is_forced || backend.running.model.options.persists;
    let server = persistence.server.or(session.preferred_server());
    let server = server.or_else(|| named_by_rdp(session, backend, request)).or(last);
    let is_plain = |request: &Request| matches!(request.method, Method::Get | Method::Head);
    Wanted { hash, exclude: None, server, insists, may_redirect: request.is_some_and(is_plain) }
}

/// The cookie of an RDP connection, where its first bytes are there: in tcp mode, if rules have waited for them.
fn rdp_cookie<'s>(session: &'s Session, request: Option<&Request>, name: &str) -> Option<&'s [u8]> {
    let bytes = session.input.as_deref().filter(|_| request.is_none())?;
    match rdp::rdp_cookie(bytes, name.as_bytes()) {
        RdpCookie::Value(value) if !value.is_empty() => Some(value),
        _ => None,
    }
}

/// The server that the RDP cookie of a client names (`persist rdp-cookie`), if it serves or clients insist on theirs.
fn named_by_rdp(session: &Session, backend: &LocalBackend, request: Option<&Request>) -> Option<usize> {
    let options = &backend.running.model.options;
    let name = options.rdp_cookie.as_deref()?;
    let address = SocketAddr::V4(rdp::rdp_server(rdp_cookie(session, request, name)?)?);
    let servers = backend.running.model.servers.iter().zip(&backend.running.state.servers);
    let is_it = |(model, state): (&Server, &Arc<state::servers::Server>)| {
        model.address == address && (options.persists || !is_stopped(state))
    };
    servers.into_iter().position(is_it)
}

/// The server that the client has a connection to, where it is to stay with it (`option prefer-last-server`).
fn preferred(session: &Session, backend: &LocalBackend) -> Option<usize> {
    let model = &backend.running.model;
    if !model.options.prefers_last || model.balance.is_hash() {
        return None;
    }
    let last = session.last.as_ref().filter(|last| last.own.is_some() && is_same(&last.backend, backend))?;
    let state = backend.running.state.servers.get(last.server)?;
    let waiting = state.queued.load(Ordering::Relaxed);
    let is_short = model
        .options
        .keep_alive_queue
        .is_none_or(|most| backend.running.chooser.has_room(last.server, session.now()) || waiting + 1 < most);
    (is_short && state.is_usable()).then_some(last.server)
}

/// A hash of the request as it goes to the server.
fn of_request(balance: &Balance, session: &Session, backend: &LocalBackend, request: &Request) -> Option<u32> {
    let hashing = &backend.running.model.options.hashing;
    let bytes = request.held.all();
    let target = || {
        let line = bytes.get(..memchr::memchr(b'\r', bytes)?)?;
        line.split(|byte| *byte == b' ').nth(1)
    };
    let hash = |key: &[u8]| hash::of_bytes(hashing, key);
    match balance {
        Balance::Uri(part) => Some(hash(key::of_target(part, target()?))),
        Balance::UrlParam { name } => {
            let value = key::of_query(name, target()?);
            let is_post = bytes.starts_with(b"POST ");
            value.or_else(|| key::of_form(name, request.arrived()).filter(|_| is_post)).map(hash)
        }
        Balance::Header { name, is_domain_only } => {
            let mut head = session.worker.buffers.head.borrow_mut();
            if !matches!(parse_request(bytes, &mut head), Ok(Parsed::Complete)) {
                return None;
            }
            let named = |field: &&crate::http::Field| field.name.of(bytes).eq_ignore_ascii_case(name.as_bytes());
            let field = head.fields.iter().find(named)?;
            key::of_field(field.value.of(bytes), *is_domain_only).map(hash)
        }
        _ => None,
    }
}
