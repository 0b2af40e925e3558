//! vipgate or the packaged haproxy with a file of a test, and the clients and servers around it.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{PROGRAM, ports, until};

pub const OURS: &[&str] = &[PROGRAM, "haproxy"];
pub const THEIRS: &[&str] = &["/usr/sbin/haproxy"];
/// The same is asked of both.
pub const BOTH: [&[&str]; 2] = [THEIRS, OURS];

/// Longer than any answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program that runs until this is dropped.
pub struct Proxy {
    pub process: Child,
    /// Where `fe` listens.
    pub port: u16,
    pub directory: tempfile::TempDir,
}

impl Proxy {
    /// With what `text` makes of a port and a directory; its runtime socket is there and called `socket`.
    pub fn serving(program: &[&str], text: impl Fn(u16, &Path) -> String) -> Proxy {
        let directory = tempfile::tempdir().expect("a directory");
        let at = |name: &str| directory.path().join(name).display().to_string();
        let port = ports::free().port();
        let text = text(port, directory.path());
        std::fs::write(at("cfg"), text).expect("a file");
        let (name, rest) = program.split_first().expect("a program");
        let process = Command::new(name)
            .args(rest)
            .current_dir(directory.path())
            .args(["-db", "-f", &at("cfg")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let proxy = Proxy { process, port, directory };
        until("it answers", || UnixStream::connect(proxy.socket()).is_ok());
        proxy
    }

    /// A file beside its configuration.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn socket(&self) -> PathBuf {
        self.directory.path().join("socket")
    }

    /// A client of `fe`.
    pub fn client(&self) -> TcpStream {
        let mut client = None;
        // The runtime socket may be there before the others.
        until("it listens", || {
            client = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).ok();
            client.is_some()
        });
        let client = client.expect("it listens");
        client.set_read_timeout(Some(PATIENCE)).expect("a limit");
        client
    }

    /// The answer to a request, up to the end of the connection.
    pub fn exchange(&self, request: &str) -> String {
        let mut client = self.client();
        client.write_all(request.as_bytes()).expect("it reads");
        let mut said = Vec::new();
        client.read_to_end(&mut said).expect("it ends");
        String::from_utf8_lossy(&said).into_owned()
    }

    /// What the runtime socket says to a command; `DIR` stands for the directory in both.
    pub fn ask(&self, command: &str) -> String {
        let here = self.directory.path().display().to_string();
        let stream = UnixStream::connect(self.socket()).expect("it listens");
        answer(stream, &command.replace("DIR", &here)).replace(&here, "DIR")
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = kill(Pid::from_raw(self.process.id().cast_signed()), Signal::SIGTERM);
        let _ = self.process.wait();
    }
}

/// Says a line, closes that direction, and reads to the end, as VTest and socat do.
pub fn answer<S: Read + Write + Half>(mut stream: S, command: &str) -> String {
    stream.write_all(format!("{command}\n").as_bytes()).expect("it reads");
    stream.half();
    let mut said = String::new();
    stream.read_to_string(&mut said).expect("it ends");
    said
}

pub trait Half {
    fn half(&self);
}

impl Half for UnixStream {
    fn half(&self) {
        self.set_read_timeout(Some(PATIENCE)).expect("a limit");
        self.shutdown(Shutdown::Write).expect("half closed");
    }
}

impl Half for TcpStream {
    fn half(&self) {
        self.set_read_timeout(Some(PATIENCE)).expect("a limit");
        self.shutdown(Shutdown::Write).expect("half closed");
    }
}

/// A server that does this with each of its clients.
pub fn server(script: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    let script = Arc::new(script);
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let script = Arc::clone(&script);
            std::thread::spawn(move || script(client));
        }
    });
    address
}

/// The next head on a connection; `None` if it ends before.
pub fn head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.extend(byte);
    }
    Some(String::from_utf8_lossy(&head).into_owned())
}
