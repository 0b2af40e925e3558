//! A vipgate with one HTTP frontend on loopback, and a backend that says 200 to everything.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// A running vipgate; dropping it ends it.
pub struct Gate {
    address: SocketAddr,
    child: Child,
    directory: tempfile::TempDir,
}

impl Gate {
    /// Starts vipgate with `extra` as a line of the frontend, and waits until it listens.
    pub fn start(extra: &str) -> Gate {
        let server = start_backend();
        let address = free_address();
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let socket = directory.path().join("admin.sock");
        let text = format!(
            "\
nodes:
  here: {{address: 127.0.0.1}}
frontends:
  web:
    bind: [\"{address}\"]
    mode: http
    default_backend: web
    {extra}
    log: false
backends:
  web:
    mode: http
    servers: {{one: \"{server}\"}}
admin: {{socket: {}}}
",
            socket.display()
        );
        let path = directory.path().join("vipgate.yaml");
        fs::write(&path, text).expect("a configuration can be written");
        let log = fs::File::create(directory.path().join("log")).expect("a log can be written");
        let child = Command::new(env!("CARGO_BIN_EXE_vipgate"))
            .args(["run", "--node", "here", "-f"])
            .arg(&path)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a descriptor can be copied"))
            .stderr(log)
            .spawn()
            .expect("vipgate can be started");
        let mut gate = Gate { address, child, directory };
        let deadline = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(address).is_err() {
            let ended = gate.child.try_wait().expect("a child can be asked").is_some();
            assert!(!ended && Instant::now() < deadline, "vipgate does not listen:\n{}", gate.log());
            std::thread::yield_now();
        }
        gate
    }

    /// A new connection to the frontend.
    pub fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).unwrap_or_else(|error| panic!("{error}\n{}", self.log()))
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("vipgate said:\n{}", self.log());
        }
    }
}

/// Lets this process, and vipgate as its child, have so many descriptors.
pub fn raise_descriptor_limit(needed: u64) {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).expect("the limit can be read");
    assert!(most >= needed, "this test needs {needed} descriptors, `ulimit -Hn` is {most}");
    setrlimit(Resource::RLIMIT_NOFILE, most, most).expect("the soft limit can be raised to the hard one");
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    listener.local_addr().expect("a bound socket has an address")
}

fn start_backend() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    let address = listener.local_addr().expect("a bound socket has an address");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer(stream));
        }
    });
    address
}

fn answer(mut stream: TcpStream) {
    let mut head = Vec::new();
    let mut scratch = [0; 4096];
    while let Ok(length @ 1..) = stream.read(&mut scratch) {
        head.extend_from_slice(&scratch[..length]);
        if head.ends_with(b"\r\n\r\n") {
            head.clear();
            if stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").is_err() {
                return;
            }
        }
    }
}
