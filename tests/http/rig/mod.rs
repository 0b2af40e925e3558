//! A worker with one frontend and one backend, servers that follow a script, and clients that read whole messages.

mod peer;
mod server;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, mpsc as channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::mpsc;

use vipgate::generation::Generation;
use vipgate::model::Endpoint;
use vipgate::model::balance::Balance;
use vipgate::model::log::{Destination, Form, Logs, ProcessLogs, Selection, Target};
use vipgate::model::proxy::{Backend, Bind, ClientTimeouts, Frontend, Mode, Server, ServerTimeouts};
use vipgate::model::rules::{Line, Material};
use vipgate::model::{Model, Process, Weight};
use vipgate::proxy::pools::Pools;
use vipgate::proxy::worker::{self, ListenerKey, WorkerCommand, WorkerContext, WorkerListener};
use vipgate::state;
use vipgate::state::command::ServerChange;
use vipgate::state::counters::Shard;
use vipgate::state::heart::Heart;
use vipgate::state::log::LogRing;
use vipgate::state::servers::{Admin, Registry};
use vipgate::state::sessions::Sessions;
use vipgate::sys::{clock, listener};

use crate::ports;

pub use peer::{Peer, field};
pub use server::Scripted;

/// Longer than anything here may take.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// A model with frontend `web` (on `bind`) and backend `app` (with `servers` s1, s2...).
pub fn model(mode: Mode, bind: SocketAddr, servers: &[SocketAddr]) -> Model {
    let servers = servers.iter().enumerate().map(|(number, address)| Server {
        name: format!("s{}", number + 1),
        address: *address,
        weight: Weight::DEFAULT,
        maxconn: None,
        is_backup: false,
        source: None,
        check: None,
        is_non_stick: false,
        is_disabled: false,
        care: Default::default(),
        options: Default::default(),
    });
    Model {
        node: "lb1".into(),
        nodes: Vec::new(),
        instances: Vec::new(),
        sync_groups: Vec::new(),
        objects: Vec::new(),
        frontends: vec![Frontend {
            name: "web".into(),
            id: 1,
            guid: None,
            description: None,
            mode,
            binds: vec![Bind { endpoint: Endpoint::Tcp(bind), instance: None, options: Default::default() }],
            default_backend: Some(0),
            maxconn: None,
            session_rate: None,
            counts_sockets: false,
            timeouts: ClientTimeouts {
                handshake: None,
                client: PATIENCE,
                http_request: PATIENCE,
                http_keep_alive: PATIENCE,
                tunnel: None,
                fin: None,
            },
            forwarded: true,
            doubtful_framing: Default::default(),
            log: logs(),
            logged: Selection::default(),
            rules: lines_of_log(),
        }],
        backends: vec![Backend {
            name: "app".into(),
            id: 1,
            mode,
            balance: Balance::RoundRobin,
            servers: servers.collect(),
            timeouts: ServerTimeouts { connect: PATIENCE, server: PATIENCE, queue: PATIENCE, tunnel: None, fin: None },
            retries: 3,
            redispatch: true,
            log: logs(),
            reports: Default::default(),
            options: Default::default(),
            rules: Vec::new(),
        }],
        templates: Vec::new(),
        resolvers: Vec::new(),
        rules: Material::default(),
        process: Process {
            workers: None,
            maxconn: None,
            server_state_file: None,
            stats_file: None,
            rates: Default::default(),
            admin_socket: "/nowhere".into(),
            confinement: Default::default(),
            identity: Default::default(),
            runtime: Default::default(),
            log: ProcessLogs::default(),
            drain: Duration::from_secs(1),
            external_checks: false,
            shares_idle: true,
            preserves_environment: false,
            checks_as_client: false,
            spread_checks: 0,
            families: Default::default(),
        },
    }
}

/// `option httplog`, which is `option tcplog` in tcp mode.
fn lines_of_log() -> Vec<Line> {
    vec![Line { words: vec!["option".into(), "httplog".into()], file: "rig".into(), line: 1 }]
}

/// A log that takes everything.
pub fn logs() -> Logs {
    Logs { targets: vec![Target::new(Destination::Stdout, Form::Raw)], ..Logs::default() }
}

/// A listening socket on a free port.
fn listen() -> (TcpListener, SocketAddr) {
    let socket = listener::bind(SocketAddr::from(([127, 0, 0, 1], 0)), listener::Claim::First).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

/// A running worker.
pub struct Proxy {
    pub address: SocketAddr,
    pub commands: mpsc::UnboundedSender<WorkerCommand>,
    pub log: Arc<LogRing>,
    pub counters: Arc<Shard>,
    pub generation: Arc<Generation>,
    pub registry: Registry,
    pub suspects: mpsc::Receiver<state::command::Suspect>,
    pub heart: Arc<Heart>,
    pub pools: Arc<Pools>,
    socket: TcpListener,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    pub fn http(servers: &[SocketAddr]) -> Proxy {
        Proxy::start(Mode::Http, servers, |_| {})
    }

    pub fn start(mode: Mode, servers: &[SocketAddr], change: impl FnOnce(&mut Model)) -> Proxy {
        let (socket, address) = listen();
        let mut model = model(mode, address, servers);
        change(&mut model);
        let registry = Registry::default();
        let generation = Generation::prepare(1, model, &registry, None).unwrap();
        Proxy::run(0, socket, generation, registry, Arc::new(Pools::new(2)))
    }

    /// A second worker of the same process, at an address of its own.
    pub fn beside(&self) -> Proxy {
        let (socket, _) = listen();
        Proxy::run(1, socket, Arc::clone(&self.generation), Registry::default(), Arc::clone(&self.pools))
    }

    fn run(
        index: usize,
        socket: TcpListener,
        generation: Arc<Generation>,
        registry: Registry,
        pools: Arc<Pools>,
    ) -> Proxy {
        let address = socket.local_addr().unwrap();
        let (commands, receiver) = mpsc::unbounded_channel();
        let (suspects_sender, suspects) = mpsc::channel(16);
        let (orders_sender, mut orders) = mpsc::channel::<state::command::ServerOrder>(16);
        let log = Arc::new(LogRing::new(1 << 20));
        let counters = Arc::new(Shard::default());
        let heart = Arc::new(Heart::default());
        let context = WorkerContext {
            index,
            commands: receiver,
            heart: Arc::clone(&heart),
            suspects: suspects_sender,
            log: Arc::clone(&log),
            counters: Arc::clone(&counters),
            sessions: Arc::new(Sessions::new(generation.model.process.maxconn)),
            facts: Arc::new(state::process::ProcessFacts { started: clock::now(), threads: 1, ..Default::default() }),
            orders: orders_sender,
            questions: mpsc::channel(1).0,
            pools: Arc::clone(&pools),
        };
        // In place of vg-check.
        std::thread::spawn(move || {
            while let Some(order) = orders.blocking_recv() {
                let put = |admin| order.server.set_admin(admin, clock::now());
                match order.change {
                    ServerChange::Ready => put(Admin::Ready),
                    ServerChange::Drain => put(Admin::Drain),
                    ServerChange::Maintenance => put(Admin::Maint),
                    ServerChange::CloseSessions => order.server.close_sessions(),
                    // Nobody waits any more for what is dropped.
                    ServerChange::Probing(..) => continue,
                }
                (order.done)();
            }
        });
        let thread = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build_local(Default::default()).unwrap();
            runtime.block_on(worker::run(context));
        });
        let proxy = Proxy {
            address,
            commands,
            log,
            counters,
            generation,
            registry,
            suspects,
            heart,
            pools,
            socket,
            thread: Some(thread),
        };
        proxy.serve(&proxy.generation);
        proxy
    }

    pub fn serve(&self, generation: &Arc<Generation>) {
        let listeners = vec![WorkerListener {
            key: ListenerKey { frontend: "web".into(), place: Endpoint::Tcp(self.address).into(), edition: 0 },
            frontend: 0,
            socket: self.socket.try_clone().unwrap(),
            is_paused: false,
        }];
        self.commands.send(WorkerCommand::Serve { generation: Arc::clone(generation), listeners }).unwrap();
    }

    pub fn client(&self) -> Peer {
        Peer::new(TcpStream::connect(self.address).unwrap())
    }

    pub fn drain(&self, time: Duration) {
        self.commands.send(WorkerCommand::Drain { deadline: clock::now() + time }).unwrap();
    }

    /// Waits until the worker has ended.
    pub fn join(&mut self) {
        self.thread.take().unwrap().join().unwrap();
    }

    /// The next access log line, without client address and date.
    pub fn line(&self) -> String {
        let mut line = Vec::new();
        until("a log line", || self.log.pop(&mut line).is_some());
        let line = String::from_utf8(line).unwrap();
        line.split_once("] ").unwrap().1.to_owned()
    }

    /// The next line of a format of its own.
    pub fn said(&self) -> String {
        let mut line = Vec::new();
        until("a log line", || self.log.pop(&mut line).is_some());
        String::from_utf8(line).unwrap()
    }

    pub fn no_line(&self) -> bool {
        self.log.pop(&mut Vec::new()).is_none()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = self.commands.send(WorkerCommand::Drain { deadline: clock::now() });
            let _ = thread.join();
        }
    }
}

/// Waits for a condition.
#[allow(clippy::disallowed_methods, reason = "to look in a loop takes the core from what is waited for")]
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let end = clock::now() + PATIENCE;
    while !condition() {
        assert!(clock::now() < end, "{what} did not come");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// An address where nobody listens.
pub fn nobody() -> SocketAddr {
    ports::free()
}

/// The end of a signal that gives permits.
pub type Permits = channel::SyncSender<()>;

/// A pair of ends to pass a word between a script and a test.
pub fn signal() -> (Permits, channel::Receiver<()>) {
    channel::sync_channel(16)
}
