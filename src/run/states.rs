//! States of servers that a file has kept: what the process begins with (HAProxy's `server-state-file`).
//!
//! Main reads the files once, at the start, before any other thread exists: a reload keeps states in memory. A file that is
//! missing or wrong is told and says nothing. As in HAProxy a change of the configuration counts more than the file:
//! a weight or a `disabled` that changed there is taken from there.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use crate::config::server_state::{self, Operation, ServerState, Was};
use crate::generation::Generation;
use crate::model::naming::First;
use crate::model::options::{BackendOptions, StateSource};
use crate::model::proxy::{Backend, Server};
use crate::model::{Model, Weight};
use crate::resolve;
use crate::state::servers::{self, Admin, Health, Prober};
use crate::time::Instant;

/// What the files say of servers of a model: backend number, server number, state.
pub(super) type Kept = Vec<(usize, usize, Was)>;

/// Reads the files that a model names, and puts ports that were changed at run time into it.
pub(super) fn restore(model: &mut Model) -> Kept {
    let mut files: BTreeMap<String, Vec<ServerState>> = BTreeMap::new();
    let mut kept = Kept::new();
    for (number, backend) in model.backends.iter().enumerate() {
        let path = match &backend.options.state_source {
            StateSource::Nothing => continue,
            StateSource::Global => match &model.process.server_state_file {
                Some(path) => path.clone(),
                None => continue,
            },
            StateSource::Local => backend.options.state_file.clone().unwrap_or_else(|| backend.name.clone()),
        };
        let states = files.entry(path).or_insert_with_key(|path| read(Path::new(path)));
        for state in states.iter().filter(|state| state.backend == backend.name) {
            let server = backend.servers.iter().position(|server| server.name == state.server);
            match (server, &state.was) {
                (Some(server), Ok(was)) => kept.push((number, server, was.clone())),
                (None, _) => tracing::warn!(
                    backend = backend.name,
                    server = state.server,
                    "a server of the state file is not configured"
                ),
                (Some(_), Err(why)) => tracing::warn!(
                    backend = backend.name,
                    server = state.server,
                    why,
                    "the state file says nothing of a server"
                ),
            }
        }
    }
    for (backend, server, was) in &kept {
        let Backend { servers, options, .. } = &mut model.backends[*backend];
        name(&mut servers[*server], was, options);
        place(&mut servers[*server], was);
    }
    kept
}

fn read(path: &Path) -> Vec<ServerState> {
    let text = match fs::read(path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        // Before the first stop there is none.
        Err(error) if error.kind() == ErrorKind::NotFound => {
            tracing::info!(path = %path.display(), "there is no state file of servers yet");
            return Vec::new();
        }
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "cannot read a state file of servers");
            return Vec::new();
        }
    };
    match server_state::read(&text) {
        Ok(states) => states,
        Err(why) => {
            tracing::warn!(path = %path.display(), %why, "a state file of servers counts for nothing");
            Vec::new()
        }
    }
}

/// Names that were given at run time, and addresses of servers that may begin with the last one (`init-addr`).
fn name(server: &mut Server, was: &Was, backend: &BackendOptions) {
    let naming = &mut server.options.naming;
    match (&naming.service, &was.host) {
        (None, Some(host)) if naming.host.is_some() && was.was_renamed && naming.resolvers.is_some() => {
            naming.is_renamed = naming.host.as_ref() != Some(host);
            naming.host = Some(host.clone());
        }
        (Some(service), Some(host)) if was.service.as_ref() == Some(service) => {
            (naming.host, naming.is_renamed) = (Some(host.clone()), true);
        }
        _ => {}
    }
    let sources = naming.sources();
    let is_before = |other: First| sources.iter().find(|first| matches!(first, First::Last) || **first == other);
    let may_be_last = match naming.lack {
        Some(_) => is_before(First::Nothing) == Some(&First::Last),
        None => sources.first() == Some(&First::Last),
    };
    if let Some(address) = was.address.filter(|_| naming.is_there() && may_be_last) {
        let port = server.address.port();
        resolve::settle(server, SocketAddr::new(address, port), None, backend);
    }
}

/// Ports, and addresses of checks and agents.
fn place(server: &mut Server, was: &Was) {
    if let Some(port) = was.port {
        server.address.set_port(port);
    }
    let own = server.address;
    if let Some(check) = &mut server.check {
        check.port = was.check_port.or(check.port);
        if let Some(address) = was.check_address {
            check.address = Some((address, check.address.map_or(own.port(), |known| known.port())).into());
        }
    }
    if let Some(agent) = &mut server.care.agent {
        if let Some(address) = was.agent_address {
            agent.address.set_ip(address);
        }
        if let Some(port) = was.agent_port {
            agent.address.set_port(port);
        }
    }
}

/// Gives the servers of the first generation what was kept of them.
pub(super) fn apply(generation: &Generation, kept: &Kept, now: Instant) {
    for (number, server, was) in kept {
        let Some(backend) = generation.backends.get(*number) else { continue };
        let (Some(configured), Some(state)) = (backend.model.servers.get(*server), backend.state.servers.get(*server))
        else {
            continue;
        };
        one(configured, state, was, now);
    }
}

fn one(configured: &Server, server: &servers::Server, was: &Was, now: Instant) {
    let at =
        Instant::from_nanos(now.as_nanos().saturating_sub(Duration::from_secs(was.since).as_nanos() as u64).max(1));
    let admin = admin(configured, was);
    server.set_admin(admin, at);
    // What comes back from maintenance is probed anew.
    if admin != Admin::Maint {
        match was.operation {
            Operation::Stopped => server.set_health(Health::Down, at),
            Operation::Stopping => server.set_health(Health::Stopping, at),
            Operation::Starting | Operation::Running if configured.check.is_some() => server.set_health(Health::Up, at),
            Operation::Starting | Operation::Running => {}
        }
    }
    if was.configured_weight == configured.weight.value()
        && let Some(weight) = Weight::new(was.weight)
    {
        server.set_weight(weight);
    }
    for (prober, is_silent) in [(Prober::Check, was.is_check_silent), (Prober::Agent, was.is_agent_silent)] {
        if is_silent {
            server.set_enabled(prober, false);
        }
    }
    server.availability.note_change(at);
}

/// What the operator had said, unless the configuration says something else now.
fn admin(configured: &Server, was: &Was) -> Admin {
    let is_disabled = configured.is_disabled;
    let is_kept = was.was_disabled == is_disabled && was.was_in_maintenance;
    let is_changed = was.was_disabled != is_disabled && is_disabled;
    match is_kept || is_changed {
        true => Admin::Maint,
        // A weight of 0 that the configuration had drains only as long as it is there.
        false if was.was_drained && (was.configured_weight > 0 || configured.weight.value() == 0) => Admin::Drain,
        false => Admin::Ready,
    }
}
