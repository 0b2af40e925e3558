//! Everything `vipgate status` knows, as one value.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::generation::Generation;
use crate::model;
use crate::state::servers::{Admin, Health, Server};
use crate::state::vrrp::{InstanceStatus, VrrpStatus};
use crate::time::Instant;

/// A node at a moment. The JSON form of `vipgate status --json`; fields are only ever added.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Version of the running binary.
    pub version: String,
    /// Version of the binary that asked, which a restart would run; `None` from the socket itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installed_version: Option<String>,
    /// Name of the node.
    pub node: String,
    /// Process id.
    pub pid: u32,
    /// Seconds since the process started.
    pub uptime_seconds: f64,
    /// Number of the running configuration, from 1.
    pub generation: u64,
    /// Why the last reload was refused; `None` if it was not.
    pub reload_error: Option<String>,
    /// Whether every check has run.
    pub ready: bool,
    /// Whether the operator asked for maintenance.
    pub maintenance: bool,
    /// Worker threads.
    pub workers: usize,
    /// Client connections open now.
    pub sessions: u64,
    /// Log lines, messages and access, that their target did not take in time.
    #[serde(default)]
    pub log_lines_lost: u64,
    /// Virtual routers.
    pub vrrp: Vec<Router>,
    /// Frontends.
    pub frontends: Vec<Frontend>,
    /// Backends.
    pub backends: Vec<Backend>,
}

/// A virtual router.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Router {
    /// Name.
    pub name: String,
    /// Interface.
    pub interface: String,
    /// Virtual router identifier.
    pub vrid: u8,
    /// INITIALIZE, BACKUP, MASTER, RELEASING or FAULT.
    pub state: String,
    /// Why it is in that state.
    pub reason: String,
    /// Seconds in that state.
    pub since_seconds: f64,
    /// Configured priority.
    pub base_priority: u8,
    /// Priority after tracking; 0 in FAULT.
    pub effective_priority: u8,
    /// Seconds between adverts.
    pub advert_interval_seconds: f64,
    /// Virtual addresses.
    pub addresses: Vec<String>,
    /// Whether they are on this node.
    pub holds_addresses: bool,
    /// Routers heard.
    pub peers: Vec<Peer>,
    /// Times it became Master.
    pub became_master: u64,
    /// Adverts sent.
    pub adverts_sent: u64,
    /// Adverts accepted.
    pub adverts_received: u64,
    /// Adverts refused, by reason.
    pub rejected: std::collections::BTreeMap<String, u64>,
    /// Addresses put back after somebody else removed them.
    pub readded: u64,
    /// Answers of somebody who had an address of this router while no advert arrived.
    #[serde(default)]
    pub in_use: u64,
    /// Ethernet address of whoever it is now, while this node waits for its advert.
    #[serde(default)]
    pub in_use_by: Option<String>,
    /// Tracked objects that are down.
    pub down: Vec<String>,
}

/// A router heard on the LAN.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Peer {
    /// Its address.
    pub address: String,
    /// The priority that it announced last.
    pub priority: u8,
    /// Seconds since then.
    pub heard_seconds_ago: f64,
}

/// A frontend.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frontend {
    /// Name.
    pub name: String,
    /// `http` or `tcp`.
    pub mode: String,
    /// Listening addresses.
    pub binds: Vec<String>,
    /// Name of the default backend.
    pub default_backend: Option<String>,
    /// Connections open now.
    pub sessions: u64,
    /// Connections since start.
    pub sessions_total: u64,
    /// Requests since start.
    pub requests_total: u64,
}

/// A backend.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Backend {
    /// Name.
    pub name: String,
    /// UP while a server is usable.
    pub status: String,
    /// Usable servers.
    pub usable: usize,
    /// Servers.
    pub servers: Vec<ServerStatus>,
}

/// A server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServerStatus {
    /// Name.
    pub name: String,
    /// Address.
    pub address: String,
    /// UP, DOWN, DRAIN, MAINT, INI or `no check`, as HAProxy prints them.
    pub status: String,
    /// Seconds in that status, at most those since the process started.
    pub since_seconds: f64,
    /// Weight.
    pub weight: u16,
    /// Connections now.
    pub connections: usize,
    /// Sessions or requests since start.
    pub sessions_total: u64,
    /// Connections that could not be made since start.
    pub connect_errors: u64,
    /// Last probe: `L7OK 200 in 1 ms`.
    pub last_check: Option<String>,
    /// Seconds since then.
    #[serde(default)]
    pub last_check_seconds_ago: Option<f64>,
}

/// Where a status comes from.
pub struct Sources<'a> {
    /// The running generation.
    pub generation: &'a Arc<Generation>,
    /// What vg-vrrp last published.
    pub vrrp: &'a VrrpStatus,
    /// The monotonic clock.
    pub now: Instant,
    /// When the process started.
    pub started: Instant,
    /// Worker threads.
    pub workers: usize,
    /// Why the last reload was refused.
    pub reload_error: Option<String>,
    /// Client connections open now.
    pub sessions: u64,
    /// Log lines lost since start.
    pub log_lines_lost: u64,
    /// For each frontend: open now, total, requests.
    pub frontends: Vec<FrontendCounts>,
}

/// Counters of a frontend, summed over workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrontendCounts {
    /// Connections open now.
    pub sessions: u64,
    /// Connections since start.
    pub sessions_total: u64,
    /// Requests since start.
    pub requests_total: u64,
}

impl Status {
    /// Whether the configuration asks for nothing, as the package's does before it is edited.
    pub fn is_idle(&self) -> bool {
        self.vrrp.is_empty() && self.frontends.is_empty()
    }

    /// The node as its threads describe it.
    pub fn collect(from: &Sources<'_>) -> Status {
        let model = &from.generation.model;
        Status {
            version: crate::VERSION.to_owned(),
            installed_version: None,
            node: model.node.clone(),
            pid: std::process::id(),
            uptime_seconds: seconds(from.now, from.started),
            generation: from.generation.number,
            reload_error: from.reload_error.clone(),
            ready: from.vrrp.ready,
            maintenance: from.vrrp.maintenance,
            workers: from.workers,
            sessions: from.sessions,
            log_lines_lost: from.log_lines_lost,
            vrrp: from.vrrp.instances.iter().map(|instance| router(instance, from.now)).collect(),
            frontends: model
                .frontends
                .iter()
                .enumerate()
                .map(|(number, frontend)| {
                    self::frontend(model, frontend, from.frontends.get(number).copied().unwrap_or_default())
                })
                .collect(),
            backends: model
                .backends
                .iter()
                .zip(&from.generation.backends)
                .map(|(backend, running)| self::backend(backend, &running.state.servers, from.started, from.now))
                .collect(),
        }
    }
}

fn seconds(now: Instant, then: Instant) -> f64 {
    now.since(then).as_secs_f64()
}

fn router(instance: &InstanceStatus, now: Instant) -> Router {
    Router {
        name: instance.name.clone(),
        interface: instance.interface.clone(),
        vrid: instance.vrid,
        state: instance.state.name().to_owned(),
        reason: instance.reason.clone(),
        since_seconds: seconds(now, instance.since),
        base_priority: instance.base_priority,
        effective_priority: instance.effective_priority,
        advert_interval_seconds: instance.advert_interval.as_secs_f64(),
        addresses: instance.addresses.iter().map(ToString::to_string).collect(),
        holds_addresses: instance.holds_addresses,
        peers: instance
            .peers
            .iter()
            .map(|peer| Peer {
                address: peer.address.to_string(),
                priority: peer.priority,
                heard_seconds_ago: seconds(now, peer.last_heard),
            })
            .collect(),
        became_master: instance.became_master,
        adverts_sent: instance.adverts_sent,
        adverts_received: instance.adverts_received,
        rejected: instance.rejected.iter().map(|(reason, count)| ((*reason).to_owned(), *count)).collect(),
        readded: instance.readded,
        in_use: instance.in_use,
        in_use_by: instance.in_use_by.clone(),
        down: instance.down.clone(),
    }
}

fn frontend(model: &model::Model, frontend: &model::proxy::Frontend, counts: FrontendCounts) -> Frontend {
    Frontend {
        name: frontend.name.clone(),
        mode: mode_name(frontend.mode).to_owned(),
        binds: frontend.binds.iter().map(|bind| bind.endpoint.to_string()).collect(),
        default_backend: frontend
            .default_backend
            .and_then(|number| model.backends.get(number))
            .map(|backend| backend.name.clone()),
        sessions: counts.sessions,
        sessions_total: counts.sessions_total,
        requests_total: counts.requests_total,
    }
}

const fn mode_name(mode: model::proxy::Mode) -> &'static str {
    match mode {
        model::proxy::Mode::Tcp => "tcp",
        model::proxy::Mode::Http => "http",
        model::proxy::Mode::Log => "log",
    }
}

fn backend(backend: &model::proxy::Backend, servers: &[Arc<Server>], started: Instant, now: Instant) -> Backend {
    let usable = servers.iter().filter(|server| server.is_usable()).count();
    Backend {
        name: backend.name.clone(),
        status: if usable > 0 { "UP" } else { "DOWN" }.to_owned(),
        usable,
        servers: backend.servers.iter().zip(servers).map(|(model, state)| server(model, state, started, now)).collect(),
    }
}

fn server(model: &model::proxy::Server, state: &Server, started: Instant, now: Instant) -> ServerStatus {
    let status = match (state.order(), state.health()) {
        (Admin::Maint, _) => "MAINT",
        (Admin::Drain, _) => "DRAIN",
        (Admin::Ready, Health::Unchecked) => "no check",
        (Admin::Ready, Health::Starting) => "INI",
        (Admin::Ready, Health::Up) => "UP",
        (Admin::Ready, Health::Down) => "DOWN",
        (Admin::Ready, Health::Stopping) => "NOLB",
    };
    let last_check = state.last_check();
    let traffic = state.counters.totals(now);
    ServerStatus {
        name: model.name.clone(),
        address: model.address.to_string(),
        status: status.to_owned(),
        since_seconds: seconds(now, state.changed().max(started)),
        weight: state.weight(),
        connections: state.connections.load(std::sync::atomic::Ordering::Relaxed),
        sessions_total: traffic.sessions,
        connect_errors: traffic.connect_errors + traffic.retries,
        last_check_seconds_ago: last_check.as_ref().map(|check| seconds(now, check.at)),
        last_check: last_check.map(|check| {
            let status =
                check.status.filter(|status| *status != 0).map(|status| format!(" {status}")).unwrap_or_default();
            let detail = if check.detail.is_empty() { status } else { format!("{status} {}", check.detail) };
            format!("{}{detail} in {} ms", check.code, check.duration.as_millis())
        }),
    }
}
