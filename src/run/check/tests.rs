//! vg-check's parts on real sockets, programs and files, driven without its thread.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::model::check::Check;
use crate::model::fixture;
use crate::model::proxy::Balance;
use crate::model::track::{Object, Script, Tracked};
use crate::state::levels::Level;
use crate::state::servers::{Health, Registry, Server};

/// How long a test waits for what must come much sooner.
const DEADLINE: Duration = Duration::from_secs(60);

fn on_a_local_runtime<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build_local(Default::default());
    runtime.expect("a runtime").block_on(future)
}

/// A running vg-check without its orders.
struct Bench {
    checks: Checks,
    events: mpsc::UnboundedReceiver<Event>,
    registry: Registry,
    board: Arc<Board>,
    bell: Arc<Notify>,
    book: Arc<crate::state::log::Book>,
}

impl Bench {
    fn new() -> Bench {
        let bell = Arc::new(Notify::new());
        let (checks, events) = Checks::new(Arc::clone(&bell));
        Bench {
            checks,
            events,
            registry: Registry::default(),
            board: Arc::new(Board::new(0)),
            bell,
            book: Arc::default(),
        }
    }

    fn configure(&mut self, model: &Model) -> Vec<Arc<Backend>> {
        let backends = self.registry.resolve(model);
        self.board = Arc::new(Board::new(model.objects.len()));
        let journals: Vec<_> = model.backends.iter().map(|backend| self.book.journal(&backend.log)).collect();
        self.checks.configure(sys::clock::now(), model, &backends, &journals, Arc::clone(&self.board));
        backends
    }

    /// Serves until something holds; panics with `what` if that takes too long.
    async fn until(&mut self, what: &str, holds: impl Fn(&Bench) -> bool) {
        let limit = sys::clock::now() + DEADLINE;
        while !holds(self) {
            assert!(sys::clock::now() < limit, "{what} within {DEADLINE:?}");
            let wake = sys::clock::tokio_deadline(self.checks.wake(sys::clock::now()));
            tokio::select! {
                Some(event) = self.events.recv() => self.checks.handle_event(sys::clock::now(), event),
                () = tokio::time::sleep_until(wake) => {}
            }
            self.checks.handle_timeout(sys::clock::now());
        }
    }
}

fn quick(rules: &[&str]) -> Check {
    Check {
        rules: rules.iter().map(|rule| crate::rule::split(rule).expect("words")).collect(),
        interval: Duration::from_millis(40),
        fast_interval: Duration::from_millis(10),
        down_interval: Duration::from_millis(20),
        timeout: Duration::from_millis(500),
        ..fixture::check()
    }
}

const CONNECT: &[&str] = &[];

const HTTP: &[&str] =
    &["option httpchk GET /health HTTP/1.1 app", "http-check expect status 200", "http-check expect string well"];

fn model_of(address: SocketAddr, check: Check) -> Model {
    let mut backend = fixture::backend(Balance::RoundRobin, &[1]);
    backend.servers[0].address = address;
    backend.servers[0].check = Some(check);
    fixture::model(vec![backend])
}

fn model_tracking(objects: Vec<(&str, Object)>) -> Model {
    let tracked = |(name, object): (&str, Object)| Tracked { name: name.to_owned(), object };
    Model { objects: objects.into_iter().map(tracked).collect(), ..fixture::model(Vec::new()) }
}

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a local port");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

/// Answers every request with these bytes, for ever.
fn answer(listener: TcpListener, response: &'static [u8]) {
    tokio::task::spawn_local(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(response).await;
        }
    });
}

fn code(server: &Server) -> &'static str {
    server.last_check().map_or("", |check| check.code)
}

#[test]
fn accepting_server_is_up_and_a_refusing_one_is_down_and_returns() {
    on_a_local_runtime(async {
        let (socket, address) = listener().await;
        let mut bench = Bench::new();
        let server = Arc::clone(&bench.configure(&model_of(address, quick(CONNECT)))[0].servers[0]);
        assert_eq!(server.health(), Health::Starting);
        bench.until("up", |_| server.health() == Health::Up).await;
        assert_eq!(code(&server), "L4OK");
        bench.bell.notified().await;
        drop(socket);
        bench.until("down", |_| server.health() == Health::Down).await;
        let check = server.last_check().expect("a result");
        assert_eq!((check.code, check.detail.as_str()), ("L4CON", "ECONNREFUSED returned by OS (Connection refused)"));
        bench.bell.notified().await;
        let _socket = TcpListener::bind(address).await.expect("the same port");
        bench.until("up again", |_| server.health() == Health::Up).await;
    });
}

#[test]
fn http_response_decides() {
    let cases: [(&[u8], Health, &str); 4] = [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nall well", Health::Up, "L7OK"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nsick", Health::Down, "L7RSP"),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", Health::Down, "L7STS"),
        (b"220 mail ESMTP\r\n", Health::Down, "L7RSP"),
    ];
    for (response, health, expected) in cases {
        on_a_local_runtime(async {
            let (socket, address) = listener().await;
            answer(socket, response);
            let mut bench = Bench::new();
            let server = Arc::clone(&bench.configure(&model_of(address, quick(HTTP)))[0].servers[0]);
            bench.until("a result", |_| server.health() != Health::Starting).await;
            assert_eq!((server.health(), code(&server)), (health, expected));
        });
    }
}

#[test]
fn silent_server_is_a_layer_7_timeout() {
    on_a_local_runtime(async {
        let (_socket, address) = listener().await;
        let mut bench = Bench::new();
        let check = Check { timeout: Duration::from_millis(50), ..quick(HTTP) };
        let server = Arc::clone(&bench.configure(&model_of(address, check))[0].servers[0]);
        bench.until("down", |_| server.health() == Health::Down).await;
        assert_eq!(code(&server), "L7TOUT");
    });
}

#[test]
fn probe_comes_from_the_servers_source_address() {
    on_a_local_runtime(async {
        let (socket, address) = listener().await;
        let mut model = model_of(address, quick(CONNECT));
        let source = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 77));
        model.backends[0].servers[0].source = Some(source);
        let mut bench = Bench::new();
        let server = Arc::clone(&bench.configure(&model)[0].servers[0]);
        bench.until("up", |_| server.health() == Health::Up).await;
        let (_, peer) = socket.accept().await.expect("a probe");
        assert_eq!(peer.ip(), source);
    });
}

#[test]
fn source_address_that_this_host_lacks_is_a_socket_error() {
    on_a_local_runtime(async {
        let (_socket, address) = listener().await;
        let mut model = model_of(address, quick(CONNECT));
        model.backends[0].servers[0].source = Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 77)));
        let mut bench = Bench::new();
        let server = Arc::clone(&bench.configure(&model)[0].servers[0]);
        bench.until("down", |_| server.health() == Health::Down).await;
        assert_eq!(code(&server), "SOCKERR");
    });
}

#[test]
fn failing_traffic_takes_a_dead_server_down_long_before_its_next_probe() {
    on_a_local_runtime(async {
        let (socket, address) = listener().await;
        let check = Check { interval: Duration::from_secs(3600), ..quick(CONNECT) };
        let mut bench = Bench::new();
        let server = Arc::clone(&bench.configure(&model_of(address, check))[0].servers[0]);
        bench.until("up", |_| server.health() == Health::Up).await;
        drop(socket);
        server.connect_failures.store(3, std::sync::atomic::Ordering::Relaxed);
        server.is_suspect.store(true, std::sync::atomic::Ordering::Relaxed);
        bench.checks.servers.suspect(sys::clock::now(), &server);
        assert!(!server.is_suspect.load(std::sync::atomic::Ordering::Relaxed));
        bench.until("down", |_| server.health() == Health::Down).await;
    });
}

#[test]
fn failing_traffic_takes_a_silent_server_down_without_waiting_for_the_timeout() {
    on_a_local_runtime(async {
        // Nobody accepts, and the queue holds one connection: the kernel leaves the next SYN without an answer.
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).expect("a local port");
        socket.listen(0).expect("listening");
        let address = socket.local_addr().ok().and_then(|address| address.as_socket()).expect("an address");
        let hour = Duration::from_secs(3600);
        let check = Check { interval: hour, timeout: hour, ..quick(CONNECT) };
        let mut bench = Bench::new();
        let server = Arc::clone(&bench.configure(&model_of(address, check))[0].servers[0]);
        bench.until("up", |_| server.health() == Health::Up).await;
        server.connect_failures.store(3, std::sync::atomic::Ordering::Relaxed);
        bench.checks.servers.suspect(sys::clock::now(), &server);
        bench.until("down", |_| server.health() == Health::Down).await;
        assert_eq!(code(&server), "L4TOUT");
    });
}

#[test]
fn reload_keeps_what_is_known_and_forgets_what_is_gone() {
    on_a_local_runtime(async {
        let (_socket, address) = listener().await;
        let mut bench = Bench::new();
        let model = model_of(address, quick(CONNECT));
        let server = Arc::clone(&bench.configure(&model)[0].servers[0]);
        bench.until("up", |_| server.health() == Health::Up).await;
        let again = Arc::clone(&bench.configure(&model)[0].servers[0]);
        assert!(Arc::ptr_eq(&server, &again));
        assert_eq!(again.health(), Health::Up);
        let mut changed = model.clone();
        changed.backends[0].servers[0].check = Some(quick(HTTP));
        bench.configure(&changed);
        assert_eq!(server.health(), Health::Up);
        bench.configure(&fixture::model(Vec::new()));
        assert_eq!(bench.checks.servers.wake(), Instant::FAR_FUTURE);
    });
}

#[test]
fn more_servers_than_probes_at_once_all_get_their_turn() {
    on_a_local_runtime(async {
        let (socket, address) = listener().await;
        answer(socket, b"");
        // One probe each, however long it takes: on a slow machine a short limit has some server down at any time.
        let hour = Duration::from_secs(3600);
        let mut model = model_of(address, Check { interval: hour, timeout: hour, ..quick(CONNECT) });
        let mut servers = Vec::new();
        for number in 0..600 {
            let mut server = fixture::server(&format!("s{number}"), 1);
            server.address = address;
            server.check.clone_from(&model.backends[0].servers[0].check);
            servers.push(server);
        }
        model.backends[0].servers = servers;
        let mut bench = Bench::new();
        let backend = Arc::clone(&bench.configure(&model)[0]);
        bench.until("all up", |_| backend.servers.iter().all(|server| server.health() == Health::Up)).await;
    });
}

fn script(directory: &Path, text: &str) -> Script {
    let path = directory.join("script");
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("executable");
    Script {
        // Through sh, since a program that was just written may be busy in another thread's fork.
        command: vec!["/bin/sh".to_owned(), path.display().to_string()],
        interval: Duration::from_millis(20),
        timeout: Duration::from_secs(5),
        rise: 1,
        fall: 1,
    }
}

#[test]
fn exit_status_of_a_script_is_its_level() {
    on_a_local_runtime(async {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let flag = directory.path().join("flag");
        let script = script(directory.path(), &format!("test ! -e '{}'", flag.display()));
        let mut bench = Bench::new();
        bench.configure(&model_tracking(vec![("check", Object::Script(script))]));
        assert_eq!(bench.board.level(0), Level::Unknown);
        bench.until("up", |bench| bench.board.level(0) == Level::Up).await;
        std::fs::write(&flag, "").expect("written");
        bench.until("down", |bench| bench.board.level(0) == Level::Down).await;
        std::fs::remove_file(&flag).expect("removed");
        bench.until("up again", |bench| bench.board.level(0) == Level::Up).await;
    });
}

#[test]
fn script_that_cannot_start_is_down() {
    on_a_local_runtime(async {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let script = Script { command: vec!["/no/such/program".to_owned()], ..script(directory.path(), "") };
        let mut bench = Bench::new();
        bench.configure(&model_tracking(vec![("check", Object::Script(script))]));
        bench.until("down", |bench| bench.board.level(0) == Level::Down).await;
    });
}

#[test]
fn script_that_hangs_is_killed_with_its_children_and_holds_no_probe_up() {
    on_a_local_runtime(async {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let children = directory.path().join("children");
        let text = format!("trap '' TERM\nsleep 3600 &\necho $! >> '{}'\nwait\nwait", children.display());
        let script = Script { timeout: Duration::from_millis(200), ..script(directory.path(), &text) };
        let (_socket, address) = listener().await;
        let model = Model {
            objects: model_tracking(vec![("check", Object::Script(script))]).objects,
            ..model_of(address, quick(CONNECT))
        };
        let mut bench = Bench::new();
        let server = Arc::clone(&bench.configure(&model)[0].servers[0]);
        bench.until("server up", |_| server.health() == Health::Up).await;
        assert_eq!(bench.board.level(0), Level::Unknown);
        bench.until("script down", |bench| bench.board.level(0) == Level::Down).await;
        let first = || std::fs::read_to_string(&children).ok()?.lines().next()?.parse::<i32>().ok();
        let is_alive = |id: i32| {
            let status = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
            !status.is_empty() && !status.contains(") Z")
        };
        bench.until("no child left", |_| first().is_some_and(|id| !is_alive(id))).await;
    });
}

#[test]
fn files_and_processes_are_looked_at() {
    on_a_local_runtime(async {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("state");
        std::fs::write(&path, "1").expect("written");
        let own = std::fs::read_to_string(format!("/proc/{}/comm", std::process::id())).expect("own name");
        let mut bench = Bench::new();
        bench.configure(&model_tracking(vec![
            ("file", Object::File(path.clone())),
            ("process", Object::Process(own.trim_end().to_owned())),
            ("nobody", Object::Process("no-such-thing".to_owned())),
        ]));
        bench.until("known", |bench| (0..3).all(|object| bench.board.level(object) != Level::Unknown)).await;
        assert_eq!([0, 1, 2].map(|object| bench.board.level(object)), [Level::Down, Level::Up, Level::Down]);
        std::fs::remove_file(&path).expect("removed");
        bench.until("up", |bench| bench.board.level(0) == Level::Up).await;
    });
}
