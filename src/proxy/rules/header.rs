//! The PROXY header that a connection to a server begins with.

use std::net::{IpAddr, SocketAddr};

use crate::model::proxy::Server;
use crate::wire::proxy_protocol::{AUTHORITY, Binary, HeaderError, NO_TLS, TLS, UNIQUE_ID, write_line};

use super::super::local::{LocalBackend, LocalFrontend};
use super::super::session::Session;
use super::{World, request, stage};

/// The header for connections of the present stream to a server; `None` if the server wants none.
///
/// # Errors
/// It would be too long.
pub(in crate::proxy) fn header(
    session: &mut Session,
    frontend: &LocalFrontend,
    backend: &LocalBackend,
    server: usize,
) -> Result<Option<Vec<u8>>, HeaderError> {
    let Some(server) = backend.running.model.servers.get(server) else { return Ok(None) };
    let wanted = &server.options.proxy_header;
    if !wanted.is_sent() {
        return Ok(None);
    }
    let (source, destination) = (session.source(), session.destination());
    // Ends of Unix sockets have no address.
    let ends = (has_address(source) && has_address(destination)).then_some((source, destination));
    let mut out = Vec::new();
    if !wanted.is_binary {
        write_line(&mut out, ends);
        return Ok(Some(out));
    }
    if wanted.has_unique_id {
        request::make_unique_id(session, frontend);
    }
    let mut header = Binary::begin(&mut out, ends);
    own_values(session, frontend, backend, server, &mut header);
    if wanted.has_checksum {
        header.add_checksum();
    }
    let authority = session.arrival.as_ref().and_then(|arrival| arrival.authority());
    if let Some(authority) = authority.filter(|_| wanted.has_authority) {
        header.value(AUTHORITY, |out| out.extend_from_slice(authority));
    }
    if wanted.has_unique_id {
        header.value(UNIQUE_ID, |out| out.extend_from_slice(&session.unique_id));
    }
    if wanted.tells_tls {
        header.value(TLS, |out| out.extend_from_slice(&NO_TLS));
    }
    header.finish()?;
    Ok(Some(out))
}

/// The address that a field of the request has for connections to a server (`usesrc hdr_ip`).
pub(in crate::proxy) fn pose(
    session: &mut Session,
    frontend: &LocalFrontend,
    backend: &LocalBackend,
    server: &str,
) -> Option<IpAddr> {
    let section = backend.rules.as_deref()?;
    let (_, expression) = section.poses.iter().find(|(name, _)| **name == *server)?;
    let mut state = session.take_rules(frontend);
    let mut world = World::new(session, frontend, Some(backend));
    world.facts.look(&state);
    let is_http = !state.received.is_empty();
    let address = {
        let transaction = world.transaction(stage(is_http), &mut state, &[], is_http);
        expression.value(&transaction).and_then(|sample| sample.to_address())
    };
    session.rules = Some(state);
    address
}

fn has_address(end: SocketAddr) -> bool {
    !end.ip().is_unspecified() || end.port() != 0
}

/// What `set-proxy-v2-tlv-fmt` adds, in order.
fn own_values(
    session: &mut Session,
    frontend: &LocalFrontend,
    backend: &LocalBackend,
    server: &Server,
    header: &mut Binary<'_>,
) {
    let section = backend.rules.as_deref();
    let mut formats =
        section.iter().flat_map(|section| &section.header_values).filter(|value| *value.server == *server.name);
    for (kind, text) in &server.options.proxy_header.values {
        let Some(value) = text.as_ref().and_then(|_| formats.next()) else {
            header.value(*kind, |_| {});
            continue;
        };
        let mut state = session.take_rules(frontend);
        let mut world = World::new(session, frontend, Some(backend));
        world.facts.look(&state);
        let is_http = !state.received.is_empty();
        let transaction = world.transaction(stage(is_http), &mut state, &[], is_http);
        header.value(*kind, |out| value.format.render(&transaction, out));
        session.rules = Some(state);
    }
}
