//! Small models for unit tests.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::balance::Balance;
use super::check::{Check, InitialState};
use super::log::{Logs, ProcessLogs};
use super::options::ServerOptions;
use super::proxy::{Backend, Mode, Server, ServerTimeouts};
use super::{Model, Process, Weight};

/// A model with nothing but these backends.
pub fn model(backends: Vec<Backend>) -> Model {
    Model {
        node: "lb1".to_owned(),
        nodes: Vec::new(),
        instances: Vec::new(),
        sync_groups: Vec::new(),
        objects: Vec::new(),
        frontends: Vec::new(),
        backends,
        templates: Vec::new(),
        resolvers: Vec::new(),
        rules: super::rules::Material::default(),
        process: Process {
            workers: None,
            maxconn: None,
            server_state_file: None,
            stats_file: None,
            rates: Default::default(),
            admin_socket: PathBuf::from("/run/vipgate/admin.sock"),
            confinement: Default::default(),
            identity: Default::default(),
            runtime: Default::default(),
            log: ProcessLogs::default(),
            families: Default::default(),
            drain: Duration::from_secs(1),
            external_checks: false,
            shares_idle: true,
            preserves_environment: false,
            checks_as_client: false,
            spread_checks: 0,
        },
    }
}

/// Backend `app` with servers `s0`, `s1`... of these weights, unchecked.
pub fn backend(balance: Balance, weights: &[u16]) -> Backend {
    let server = |(id, weight)| {
        let options = ServerOptions { id, ..ServerOptions::default() };
        Server { options, ..server(&format!("s{}", id - 1), weight) }
    };
    let servers = (1..).zip(weights.iter().copied()).map(server);
    Backend {
        name: "app".to_owned(),
        id: 1,
        mode: Mode::Http,
        balance,
        servers: servers.collect(),
        timeouts: ServerTimeouts {
            connect: Duration::from_secs(5),
            server: Duration::from_secs(30),
            queue: Duration::from_secs(5),
            tunnel: None,
            fin: None,
        },
        retries: 3,
        redispatch: true,
        log: Logs::default(),
        reports: super::check::Reports::default(),
        options: Default::default(),
        rules: Vec::new(),
    }
}

/// A server on a documentation address.
pub fn server(name: &str, weight: u16) -> Server {
    Server {
        name: name.to_owned(),
        address: SocketAddr::from(([192, 0, 2, 21], 80)),
        weight: Weight::new(weight).expect("a test writes weights up to 256"),
        maxconn: None,
        is_backup: false,
        source: None,
        check: None,
        is_non_stick: false,
        is_disabled: false,
        care: super::check::Care::default(),
        options: ServerOptions::default(),
    }
}

/// A TCP check: 2 s, fast 0.5 s, down 4 s, timeout 1 s, rise 2, fall 3, observing 3.
pub fn check() -> Check {
    Check {
        rules: Vec::new(),
        address: None,
        port: None,
        interval: Duration::from_secs(2),
        fast_interval: Duration::from_millis(500),
        down_interval: Duration::from_secs(4),
        timeout: Duration::from_secs(1),
        rise: 2,
        fall: 3,
        observe: Some(3),
        answer_timeout: None,
        sends_proxy: false,
        socks: None,
        initial: InitialState::Up,
    }
}
