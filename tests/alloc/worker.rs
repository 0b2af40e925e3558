//! A worker with one frontend and one server, as the daemon starts it.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use vipgate::config::HostFacts;
use vipgate::diag::Source;
use vipgate::generation::Generation;
use vipgate::model::Endpoint;
use vipgate::model::balance::Balance;
use vipgate::model::log::{Destination, Form, Logs, ProcessLogs, Selection, Target};
use vipgate::model::proxy::{Backend, Bind, ClientTimeouts, Frontend, Mode, Server, ServerTimeouts};
use vipgate::model::rules::Line;
use vipgate::model::{Model, Process, Weight};
use vipgate::proxy::pools::Pools;
use vipgate::proxy::worker::{self, ListenerKey, WorkerCommand, WorkerContext, WorkerListener};
use vipgate::state::counters::Shard;
use vipgate::state::heart::Heart;
use vipgate::state::log::LogRing;
use vipgate::state::servers::Registry;
use vipgate::state::sessions::Sessions;

/// Starts a worker in a thread of its own, which calls `first` before anything else; returns where it listens.
pub fn start(mode: Mode, rules: &[&str], server: SocketAddr, first: fn()) -> SocketAddr {
    let (socket, address) = listen();
    let mut model = model(mode, address, server);
    model.frontends[0].rules = rules.iter().chain(&["option httplog"]).map(|rule| line(rule)).collect();
    run(model, socket, first)
}

/// The same with a haproxy.cfg, in which `LISTEN` and `ADDRESS` stand for addresses.
pub fn start_file(text: &str, server: SocketAddr, first: fn()) -> SocketAddr {
    let (socket, address) = listen();
    let text = text.replace("LISTEN", &address.to_string()).replace("ADDRESS", &server.to_string());
    let host = HostFacts { node: "localhost".to_owned(), ..HostFacts::default() };
    let loaded = vipgate::config::load(&[Source::new("haproxy.cfg", &text)], &host);
    let model = loaded.model.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics));
    run(model, socket, first)
}

fn listen() -> (TcpListener, SocketAddr) {
    let socket = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    socket.set_nonblocking(true).expect("a listener can be made non-blocking");
    let address = socket.local_addr().expect("a bound socket has an address");
    (socket, address)
}

fn run(model: Model, socket: TcpListener, first: fn()) -> SocketAddr {
    let address = socket.local_addr().expect("a bound socket has an address");
    let name = model.frontends[0].name.clone();
    let generation = Generation::prepare(1, model, &Registry::default(), None);
    let generation = generation.expect("the model is sound");
    let (sender, commands) = mpsc::unbounded_channel();
    let (suspects, told) = mpsc::channel(8);
    let key = ListenerKey { frontend: name, place: Endpoint::Tcp(address).into(), edition: 0 };
    let listeners = vec![WorkerListener { key, frontend: 0, socket, is_paused: false }];
    sender.send(WorkerCommand::Serve { generation, listeners }).expect("the worker will read it");
    let context = WorkerContext {
        index: 0,
        commands,
        heart: Arc::new(Heart::default()),
        suspects,
        log: Arc::new(LogRing::new(1024 * 1024)),
        counters: Arc::new(Shard::default()),
        sessions: Arc::new(Sessions::new(None)),
        facts: Arc::default(),
        orders: tokio::sync::mpsc::channel(1).0,
        questions: tokio::sync::mpsc::channel(1).0,
        pools: Arc::new(Pools::new(1)),
    };
    std::thread::spawn(move || {
        first();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build_local(Default::default());
        runtime.expect("a runtime can be built").block_on(worker::run(context));
        drop((sender, told));
    });
    address
}

/// A rule without quotes.
fn line(rule: &str) -> Line {
    Line { words: rule.split(' ').map(str::to_owned).collect(), file: "test".into(), line: 1 }
}

fn model(mode: Mode, listen: SocketAddr, server: SocketAddr) -> Model {
    let second = Duration::from_secs(1);
    let logs = Logs { targets: vec![Target::new(Destination::Stdout, Form::Raw)], ..Logs::default() };
    Model {
        node: "here".to_owned(),
        nodes: Vec::new(),
        instances: Vec::new(),
        sync_groups: Vec::new(),
        objects: Vec::new(),
        frontends: vec![Frontend {
            name: "web".to_owned(),
            id: 1,
            guid: None,
            description: None,
            mode,
            binds: vec![Bind { endpoint: Endpoint::Tcp(listen), instance: None, options: Default::default() }],
            default_backend: Some(0),
            maxconn: None,
            session_rate: None,
            counts_sockets: false,
            timeouts: ClientTimeouts {
                handshake: None,
                client: 30 * second,
                http_request: 10 * second,
                http_keep_alive: 10 * second,
                tunnel: None,
                fin: None,
            },
            forwarded: true,
            doubtful_framing: Default::default(),
            log: logs.clone(),
            logged: Selection::default(),
            rules: Vec::new(),
        }],
        backends: vec![Backend {
            name: "app".to_owned(),
            id: 1,
            mode,
            balance: Balance::RoundRobin,
            servers: vec![Server {
                name: "one".to_owned(),
                address: server,
                weight: Weight::new(1).expect("1 is a weight"),
                maxconn: None,
                is_backup: false,
                source: None,
                check: None,
                is_non_stick: false,
                is_disabled: false,
                care: Default::default(),
                options: Default::default(),
            }],
            timeouts: ServerTimeouts {
                connect: 5 * second,
                server: 30 * second,
                queue: 5 * second,
                tunnel: None,
                fin: None,
            },
            retries: 3,
            redispatch: true,
            log: logs,
            reports: Default::default(),
            options: Default::default(),
            rules: Vec::new(),
        }],
        templates: Vec::new(),
        resolvers: Vec::new(),
        rules: vipgate::model::rules::Material::default(),
        process: Process {
            workers: Some(1),
            maxconn: None,
            server_state_file: None,
            stats_file: None,
            rates: Default::default(),
            admin_socket: PathBuf::from("unused"),
            confinement: Default::default(),
            identity: Default::default(),
            runtime: Default::default(),
            log: ProcessLogs::default(),
            drain: second,
            external_checks: false,
            shares_idle: true,
            preserves_environment: false,
            checks_as_client: false,
            spread_checks: 0,
            families: Default::default(),
        },
    }
}
