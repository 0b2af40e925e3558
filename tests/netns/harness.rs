//! A LAN in network namespaces, the processes of a test, and waiting for conditions.
//!
//! ```text
//!   client .50   lb1 .11   lb2 .12                 lb1 .11   lb2 .12   web01 .21   web02 .22
//!   =====+==========+=========+== front 192.0.2.0/24     ==+=========+==========+===========+== back 198.51.100.0/24
//! ```
//!
//! Every [`Lan`] has names of its own, so tests run side by side, and removes them when it is dropped.
//! This file is the only one of these tests that looks at a clock or pauses.
#![allow(clippy::disallowed_methods, reason = "waits for processes of the real world")]

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The virtual address of most tests.
pub const VIP: &str = "192.0.2.253";
/// The virtual address of the IPv6 tests.
pub const VIP6: &str = "2001:db8::253";
/// A time in which everything that is waited for must have come.
pub const SOON: Duration = Duration::from_secs(30);

const LEGS: [(&str, &str, &str, &str, &str); 7] = [
    ("client", "eth0", "front", "192.0.2.50/24", "2001:db8::50/64"),
    ("lb1", "eth0", "front", "192.0.2.11/24", "2001:db8::11/64"),
    ("lb2", "eth0", "front", "192.0.2.12/24", "2001:db8::12/64"),
    ("lb1", "eth1", "back", "198.51.100.11/24", "2001:db8:1::11/64"),
    ("lb2", "eth1", "back", "198.51.100.12/24", "2001:db8:1::12/64"),
    ("web01", "eth1", "back", "198.51.100.21/24", "2001:db8:1::21/64"),
    ("web02", "eth1", "back", "198.51.100.22/24", "2001:db8:1::22/64"),
];

/// The network of a test.
pub struct Lan {
    prefix: String,
    directory: tempfile::TempDir,
}

impl Lan {
    /// Builds the network.
    pub fn new() -> Lan {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        assert!(
            nix::unistd::geteuid().is_root(),
            "network-namespace tests need root: run ./dev test, which enters a user namespace where it has to"
        );
        for tool in ["ip", "nsenter", "keepalived", "tcpdump", "curl"] {
            assert!(is_installed(tool), "{tool} is missing: ./dev test installs it");
        }
        let prefix = format!("vg{}x{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let lan = Lan { prefix, directory: tempfile::tempdir().expect("temporary directory") };
        for name in ["switch", "client", "lb1", "lb2", "web01", "web02"] {
            run(Command::new("ip").args(["netns", "add", &lan.name(name)]));
            lan.ip(name, "link set lo up");
            // An address that is still being probed for duplicates cannot be the source of an advert.
            let quick =
                "echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad; echo 0 >/proc/sys/net/ipv6/conf/all/accept_dad";
            lan.run_in(name, "sh", &["-c", quick]);
        }
        for bridge in ["front", "back"] {
            lan.ip("switch", &format!("link add {bridge} type bridge stp_state 0 forward_delay 0 mcast_snooping 0"));
            lan.ip("switch", &format!("link set {bridge} up"));
        }
        for (name, interface, bridge, address, address6) in LEGS {
            let port = port(name, bridge);
            lan.ip("switch", &format!("link add {port} type veth peer name {interface} netns {}", lan.name(name)));
            lan.ip("switch", &format!("link set {port} master {bridge} up"));
            lan.ip(name, &format!("link set {interface} up"));
            lan.ip(name, &format!("address add {address} dev {interface}"));
            lan.ip(name, &format!("address add {address6} dev {interface} nodad"));
        }
        lan
    }

    /// Runs `ip` in a namespace.
    pub fn ip(&self, name: &str, words: &str) -> String {
        run(Command::new("ip").args(["-n", &self.name(name)]).args(words.split_whitespace()))
    }

    /// A command that will run in a namespace; its process keeps the identifier that `spawn` reports.
    pub fn command(&self, name: &str, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/run/netns/{}", self.name(name))).arg("--").arg(program);
        command.stdin(Stdio::null());
        command
    }

    /// Runs a program in a namespace to its end, and expects success.
    pub fn run_in(&self, name: &str, program: &str, words: &[&str]) -> String {
        run(self.command(name, program).args(words))
    }

    /// Cuts a namespace off a bridge; its interface keeps the carrier.
    pub fn cut(&self, name: &str, bridge: &str) {
        self.ip("switch", &format!("link set {} nomaster", port(name, bridge)));
    }

    /// Joins what was cut.
    pub fn join(&self, name: &str, bridge: &str) {
        self.ip("switch", &format!("link set {} master {bridge}", port(name, bridge)));
    }

    /// Whether a node has the address.
    pub fn has(&self, node: &str, address: &str) -> bool {
        let text = self.ip(node, "-o address show");
        text.split_whitespace().any(|word| word.split('/').next() == Some(address))
    }

    /// The nodes that have the address.
    pub fn holders(&self, address: &str) -> Vec<&'static str> {
        ["lb1", "lb2"].into_iter().filter(|node| self.has(node, address)).collect()
    }

    /// Waits until exactly this node has the address.
    pub fn wait_for_holder(&self, node: &str, address: &str) {
        until(&format!("{node} alone has {address}"), || self.holders(address) == [node]);
    }

    /// Starts following an address on both nodes.
    pub fn watch(&self, address: &'static str) -> Watch {
        Watch::start(self, address)
    }

    /// Starts capturing on the switch, as lines of `tcpdump -v`.
    pub fn capture(&self, bridge: &str, filter: &str) -> Capture {
        Capture::start(self, bridge, filter)
    }

    /// A file of this test.
    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file of this test.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.file(name);
        fs::write(&path, text).expect("file of the test");
        path
    }

    /// What the client gets for one request on a new connection: the body, or why not.
    pub fn request(&self, url: &str) -> Result<String, String> {
        let output = self.command("client", "curl").args(["-sS", "-g", "-f", "-m", "2", url]).output().expect("curl");
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned()),
            false => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        }
    }

    /// What a namespace is called outside of the test.
    pub fn name(&self, name: &str) -> String {
        format!("{}-{name}", self.prefix)
    }
}

impl Drop for Lan {
    fn drop(&mut self) {
        for name in ["client", "lb1", "lb2", "web01", "web02", "switch"] {
            // A namespace that was never made is no failure of the test.
            let _ = Command::new("ip").args(["netns", "del", &self.name(name)]).stderr(Stdio::null()).status();
        }
    }
}

fn port(name: &str, bridge: &str) -> String {
    format!("{}-{name}", &bridge[..1])
}

fn is_installed(tool: &str) -> bool {
    let path = std::env::var("PATH").unwrap_or_default();
    let places = path.split(':').map(PathBuf::from).chain([PathBuf::from("/usr/sbin"), PathBuf::from("/sbin")]);
    places.into_iter().any(|place| place.join(tool).exists())
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Waits until the condition holds; the test fails after [`SOON`].
pub fn until(what: &str, condition: impl FnMut() -> bool) {
    assert!(comes(SOON, condition), "waited {} s: {what}", SOON.as_secs());
}

/// Whether the condition comes to hold within the time.
pub fn comes(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + limit;
    loop {
        if condition() {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// Whether the condition holds for all of the time.
pub fn stays(time: Duration, mut condition: impl FnMut() -> bool) -> bool {
    !comes(time, || !condition())
}

/// How long something took.
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}

/// A process of a test: killed when it is dropped, its output in a file.
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts it with both outputs in the file.
    pub fn start(command: Command, log: PathBuf) -> Process {
        let file = File::options().create(true).append(true).open(&log).expect("log file");
        let errors = file.try_clone().expect("log file");
        Process::start_with(command, log, errors.into())
    }

    /// Starts it with standard output in the file and standard error somewhere else.
    pub fn start_with(mut command: Command, log: PathBuf, errors: Stdio) -> Process {
        let file = File::options().create(true).append(true).open(&log).expect("log file");
        let child = command.stdout(file).stderr(errors).spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Process { child, log }
    }

    /// Its identifier.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).expect("a running process");
    }

    /// Sends a signal to it and to its children, children first.
    pub fn signal_all(&self, signal: Signal) {
        let id = self.child.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
        for child in children.split_whitespace().filter_map(|word| word.parse().ok()) {
            // It may have ended by itself.
            let _ = kill(Pid::from_raw(child), signal);
        }
        self.signal(signal);
    }

    /// Kills it, children and all, without a chance to say farewell.
    pub fn crash(&mut self) {
        // Stopped first, so that no child hears of the other's death.
        self.signal_all(Signal::SIGSTOP);
        self.signal_all(Signal::SIGKILL);
        self.wait();
    }

    /// Asks it to stop, and waits until it has.
    pub fn stop(&mut self) {
        self.signal(Signal::SIGTERM);
        self.wait();
    }

    /// Waits until it has ended; `true` if it ended well.
    pub fn wait(&mut self) -> bool {
        let mut status = None;
        until("the process ends", || {
            status = self.child.try_wait().expect("own child");
            status.is_some()
        });
        status.is_some_and(|status| status.success())
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// What it has written.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.is_running() {
            self.signal_all(Signal::SIGKILL);
            let _ = self.child.wait();
        }
        if thread::panicking() {
            let log = self.log();
            let from = log.len().saturating_sub(6000);
            eprintln!("--- {}\n{}", self.log.display(), log.get(from..).unwrap_or(&log));
        }
    }
}

/// `vipgate run` on a node.
pub struct Vipgate {
    /// Its process.
    pub process: Process,
    namespace: String,
    socket: PathBuf,
}

impl Vipgate {
    /// Starts it with this configuration file.
    pub fn start(lan: &Lan, node: &str, config: &Path) -> Vipgate {
        let (command, socket) = Vipgate::command(lan, node, config);
        let process = Process::start(command, lan.file(&format!("{node}.log")));
        Vipgate { process, namespace: lan.name(node), socket }
    }

    /// Starts it with the most talkative log, on a standard error of the test's.
    pub fn start_talking(lan: &Lan, node: &str, config: &Path, errors: Stdio) -> Vipgate {
        let (mut command, socket) = Vipgate::command(lan, node, config);
        command.env("VIPGATE_LOG", "trace");
        let process = Process::start_with(command, lan.file(&format!("{node}.log")), errors);
        Vipgate { process, namespace: lan.name(node), socket }
    }

    fn command(lan: &Lan, node: &str, config: &Path) -> (Command, PathBuf) {
        let socket = lan.file(&format!("{node}.sock"));
        let mut command = lan.command(node, env!("CARGO_BIN_EXE_vipgate"));
        command.arg("run").arg("-f").arg(config).args(["--node", node, "--admin-socket"]).arg(&socket);
        command.env("NO_COLOR", "1");
        (command, socket)
    }

    /// Runs another command of vipgate against it.
    pub fn order(&self, words: &[&str]) -> Output {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/run/netns/{}", self.namespace)).arg("--").arg(env!("CARGO_BIN_EXE_vipgate"));
        command.args(words).arg("--admin-socket").arg(&self.socket).stdin(Stdio::null());
        command.output().expect("vipgate")
    }

    /// The same, and expects success.
    pub fn obey(&self, words: &[&str]) -> String {
        let output = self.order(words);
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// `status --json`, once it answers.
    pub fn status(&self) -> serde_json::Value {
        let mut status = serde_json::Value::Null;
        until("status --json answers", || {
            let output = self.order(&["status", "--json"]);
            status = serde_json::from_slice(&output.stdout).unwrap_or_default();
            !status.is_null()
        });
        status
    }

    /// State of its only instance.
    pub fn state(&self) -> String {
        let status = self.status();
        let state = find(&status, "vrrp").and_then(|list| list.get(0)).and_then(|first| first.get("state"));
        state.and_then(|state| state.as_str()).unwrap_or_default().to_owned()
    }

    /// Waits until its only instance is in this state.
    pub fn wait_for(&self, state: &str) {
        until(&format!("{} is {state}", self.namespace), || self.state() == state);
    }
}

/// The first value of this name, at any depth.
pub fn find<'v>(value: &'v serde_json::Value, name: &str) -> Option<&'v serde_json::Value> {
    if let Some(found) = value.get(name) {
        return Some(found);
    }
    match value {
        serde_json::Value::Object(map) => map.values().find_map(|inner| find(inner, name)),
        serde_json::Value::Array(list) => list.iter().find_map(|inner| find(inner, name)),
        _ => None,
    }
}

/// The packaged keepalived on a node.
pub fn keepalived(lan: &Lan, node: &str, config: &str) -> Process {
    let file = lan.write(&format!("{node}.keepalived.conf"), config);
    let mut command = lan.command(node, "keepalived");
    command.args(["--dont-fork", "--log-console", "--log-detail", "--vrrp", "--use-file"]).arg(file);
    // Names of its own for each start: keepalived takes the zombie of a killed one for a running daemon.
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    command.arg("--pid").arg(lan.file(&format!("{node}.{number}.pid")));
    command.arg("--vrrp_pid").arg(lan.file(&format!("{node}.{number}.vrrp.pid")));
    Process::start(command, lan.file(&format!("{node}.log")))
}

/// When an address came to and left the nodes.
pub struct Watch {
    moves: Arc<Mutex<Vec<Move>>>,
    monitors: Vec<Child>,
}

struct Move {
    at: Instant,
    node: &'static str,
    is_here: bool,
}

impl Watch {
    fn start(lan: &Lan, address: &'static str) -> Watch {
        let moves: Arc<Mutex<Vec<Move>>> = Arc::default();
        let mut monitors = Vec::new();
        for node in ["lb1", "lb2"] {
            let mut command = Command::new("ip");
            command.args(["-n", &lan.name(node), "-o", "monitor", "address"]).stdin(Stdio::null());
            let mut monitor = command.stdout(Stdio::piped()).spawn().expect("ip monitor");
            let lines = BufReader::new(monitor.stdout.take().expect("piped")).lines();
            let moves = moves.clone();
            if lan.has(node, address) {
                moves.lock().expect("no panic").push(Move { at: Instant::now(), node, is_here: true });
            }
            thread::spawn(move || {
                for line in lines.map_while(Result::ok) {
                    if line.split_whitespace().any(|word| word.split('/').next() == Some(address)) {
                        let is_here = !line.starts_with("Deleted");
                        moves.lock().expect("no panic").push(Move { at: Instant::now(), node, is_here });
                    }
                }
            });
            monitors.push(monitor);
        }
        Watch { moves, monitors }
    }

    /// How long both nodes had the address at once, and how long neither after it first came.
    pub fn overlap_and_gap(&self) -> (Duration, Duration) {
        let moves = self.moves.lock().expect("no panic");
        let (mut holders, mut since) = (Vec::new(), None::<Instant>);
        let (mut overlap, mut gap) = (Duration::ZERO, Duration::ZERO);
        for step in moves.iter() {
            let time = since.map_or(Duration::ZERO, |since| step.at - since);
            match holders.len() {
                0 => gap += time,
                1 => {}
                _ => overlap += time,
            }
            holders.retain(|node| *node != step.node);
            if step.is_here {
                holders.push(step.node);
            }
            since = Some(step.at);
        }
        if holders.len() > 1 {
            overlap += since.map_or(Duration::ZERO, |since| since.elapsed());
        }
        (overlap, gap)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        for monitor in &mut self.monitors {
            let _ = monitor.kill();
            let _ = monitor.wait();
        }
    }
}

/// Frames seen on a bridge, as text.
pub struct Capture {
    process: Process,
}

impl Capture {
    fn start(lan: &Lan, bridge: &str, filter: &str) -> Capture {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let log = lan.file(&format!("capture{}.txt", NUMBER.fetch_add(1, Ordering::Relaxed)));
        let mut command = lan.command("switch", "tcpdump");
        command.args(["-l", "-n", "-e", "-v", "-Z", "root", "-i", bridge, filter]);
        let capture = Capture { process: Process::start(command, log) };
        until("tcpdump listens", || capture.text().contains("listening on"));
        capture
    }

    /// Everything seen so far.
    pub fn text(&self) -> String {
        self.process.log()
    }

    /// Waits for a broadcast gratuitous ARP for this address.
    pub fn wait_for_announcement(&self, address: &str) {
        // tcpdump has its own word for a request whose sender asks for itself, and older ones have not.
        let forms = [format!("Announcement {address}"), format!("tell {address}")];
        until("the address is announced", || {
            let text = self.text();
            let mut broadcasts = text.lines().filter(|line| line.contains("> ff:ff:ff:ff:ff:ff"));
            broadcasts.any(|line| forms.iter().any(|form| line.contains(form.as_str())))
        });
    }
}

/// An HTTP server in a namespace that answers every request with its name, until it is dropped.
pub struct Web {
    process: Process,
}

impl Web {
    /// Starts it on ports 80, 8080 and 5432.
    pub fn start(lan: &Lan, name: &str) -> Web {
        let config = format!(
            "daemon off; pid {pid}; error_log stderr; worker_processes 1;\nevents {{ worker_connections 1024; }}\n\
             http {{ access_log off; client_body_temp_path {tmp}; proxy_temp_path {tmp}; fastcgi_temp_path {tmp};\n\
             uwsgi_temp_path {tmp}; scgi_temp_path {tmp};\n\
             server {{ listen 80; listen [::]:80; listen 8080; listen 5432; location = /health {{ return 200 \"ok\n\"; }}\n\
             location / {{ return 200 \"{name} $remote_addr\\n\"; }} }} }}\n",
            pid = lan.file(&format!("{name}.pid")).display(),
            tmp = lan.file(&format!("{name}.tmp")).display(),
        );
        let file = lan.write(&format!("{name}.nginx.conf"), &config);
        let mut command = lan.command(name, "nginx");
        command.arg("-e").arg("stderr").arg("-c").arg(file).arg("-g").arg("user root;");
        let web = Web { process: Process::start(command, lan.file(&format!("{name}.log"))) };
        until("the server listens", || lan.run_in(name, "ss", &["-Hltn", "sport = :80"]).contains(":80"));
        web
    }

    /// Ends it: connections to it are refused from now on.
    pub fn stop(&mut self) {
        self.process.stop();
    }
}

/// Requests from the client at a steady rate on new connections, counted.
pub struct Load {
    process: Process,
}

impl Load {
    /// Starts asking.
    pub fn start(lan: &Lan, url: &str) -> Load {
        let script =
            "n=0; while :; do n=$((n+1)); curl -g -sS -f -m 1 -o /dev/null \"$1\" 2>&1 || echo FAILED; echo done; done";
        let mut command = lan.command("client", "sh");
        command.args(["-c", script, "load", url]);
        let load = Load { process: Process::start(command, lan.file("load.log")) };
        until("the load is served", || load.process.log().lines().filter(|line| *line == "done").count() > 5);
        load
    }

    /// Requests that were answered and requests that failed so far.
    pub fn counts(&self) -> (usize, usize) {
        let log = self.process.log();
        let all = log.lines().filter(|line| *line == "done").count();
        let failed = log.lines().filter(|line| *line == "FAILED").count();
        (all - failed, failed)
    }

    /// What the client said about the requests that failed.
    pub fn complaints(&self) -> String {
        self.process.log().lines().filter(|line| line.starts_with("curl")).map(|line| format!("{line}\n")).collect()
    }
}
