//! The generator: closed loop, raw level-triggered epoll, every response checked.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use memchr::memmem;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

/// How long a connection may live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reuse {
    /// As many requests as there are.
    KeepAlive,
    /// One request, and the proxy is asked to close.
    Close,
}

/// What to send, over how many connections at a time.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// The proxy.
    pub address: SocketAddr,
    /// Connections, each with one request under way.
    pub connections: usize,
    /// Length of the response body, bytes.
    pub length: usize,
    /// How long a connection lives.
    pub reuse: Reuse,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Complete, correct responses.
    pub completed: u64,
    /// Anything else, by what it was.
    pub errors: BTreeMap<String, u64>,
    /// Measured time.
    pub elapsed: Duration,
}

enum Reading {
    Head,
    Body { left: usize },
    End,
}

struct Connection {
    stream: TcpStream,
    head: Vec<u8>,
    reading: Reading,
}

enum Step {
    More,
    Answered,
    Failed(String),
}

/// Runs a load. `at_start` is called when the measured part begins, after `warm_up`; errors of the warm-up count too.
pub fn run<T>(load: Load, warm_up: Duration, measured: Duration, at_start: impl FnOnce() -> T) -> (Outcome, T) {
    let mut generator = Generator::new(load);
    generator.turn_until(Instant::now() + warm_up);
    generator.outcome.completed = 0;
    let start = Instant::now();
    let token = at_start();
    generator.turn_until(start + measured);
    generator.outcome.elapsed = start.elapsed();
    (generator.outcome, token)
}

/// Opens connections in groups of 64, lets each do one request, and keeps them open.
pub fn hold(load: Load) -> Result<Vec<TcpStream>, String> {
    let mut held = Vec::new();
    while held.len() < load.connections {
        let group = load.connections.min(held.len() + 64) - held.len();
        let mut generator = Generator::new(Load { connections: group, ..load });
        generator.stops = true;
        let deadline = Instant::now() + Duration::from_secs(10);
        while generator.outcome.completed < group as u64 {
            generator.turn(Duration::from_millis(100));
            if Instant::now() > deadline || !generator.outcome.errors.is_empty() {
                let message = format!("after {} connections: {:?}", held.len(), generator.outcome);
                return Err(message);
            }
        }
        held.extend(generator.connections.into_iter().flatten().map(|connection| connection.stream));
    }
    Ok(held)
}

struct Generator {
    load: Load,
    request: Vec<u8>,
    epoll: Epoll,
    connections: Vec<Option<Connection>>,
    scratch: Vec<u8>,
    outcome: Outcome,
    stops: bool,
}

impl Generator {
    fn new(load: Load) -> Generator {
        let close = if load.reuse == Reuse::Close { "Connection: close\r\n" } else { "" };
        let request = format!("GET /{} HTTP/1.1\r\nHost: bench\r\nUser-Agent: bench\r\n{close}\r\n", load.length);
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).expect("the kernel has epoll");
        let mut generator = Generator {
            load,
            request: request.into_bytes(),
            epoll,
            connections: (0..load.connections).map(|_| None).collect(),
            scratch: vec![0; 256 * 1024],
            outcome: Outcome::default(),
            stops: false,
        };
        (0..load.connections).for_each(|slot| generator.open(slot));
        generator
    }

    fn open(&mut self, slot: usize) {
        match self.connect(slot) {
            Ok(connection) => self.connections[slot] = Some(connection),
            Err(error) => self.fail(slot, format!("connect: {error}")),
        }
    }

    fn connect(&self, slot: usize) -> std::io::Result<Connection> {
        // The handshake is over when a connect on loopback returns.
        let mut stream = TcpStream::connect(self.load.address)?;
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        self.epoll.add(&stream, EpollEvent::new(EpollFlags::EPOLLIN, slot as u64))?;
        stream.write_all(&self.request)?;
        Ok(Connection { stream, head: Vec::with_capacity(512), reading: Reading::Head })
    }

    fn turn_until(&mut self, deadline: Instant) {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            self.turn(left);
        }
    }

    fn turn(&mut self, limit: Duration) {
        for slot in 0..self.connections.len() {
            if self.connections[slot].is_none() && !self.stops {
                self.open(slot);
            }
        }
        let mut events = [EpollEvent::empty(); 256];
        let limit = u16::try_from(limit.as_millis()).unwrap_or(u16::MAX).max(1);
        let ready = self.epoll.wait(&mut events, EpollTimeout::from(limit)).unwrap_or(0);
        for event in &events[..ready] {
            self.on_readable(event.data() as usize);
        }
    }

    fn on_readable(&mut self, slot: usize) {
        let Some(connection) = &mut self.connections[slot] else { return };
        match connection.read(&mut self.scratch, self.load) {
            Step::More => {}
            Step::Failed(why) => self.fail(slot, why),
            Step::Answered => {
                self.outcome.completed += 1;
                match self.load.reuse {
                    _ if self.stops => {}
                    Reuse::Close => {
                        self.connections[slot] = None;
                        self.open(slot);
                    }
                    Reuse::KeepAlive => {
                        if let Err(error) = connection.stream.write_all(&self.request) {
                            self.fail(slot, format!("send: {error}"));
                        }
                    }
                }
            }
        }
    }

    fn fail(&mut self, slot: usize, why: String) {
        *self.outcome.errors.entry(why).or_default() += 1;
        self.connections[slot] = None;
    }
}

impl Connection {
    fn read(&mut self, scratch: &mut [u8], load: Load) -> Step {
        let length = match self.stream.read(scratch) {
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Step::More,
            Err(error) => return Step::Failed(format!("receive: {error}")),
        };
        let mut bytes = &scratch[..length];
        if bytes.is_empty() {
            return match self.reading {
                Reading::End => Step::Answered,
                Reading::Head if self.head.is_empty() => Step::Failed("closed without a response".into()),
                _ => Step::Failed("closed within a response".into()),
            };
        }
        if matches!(self.reading, Reading::Head) {
            let known = self.head.len();
            self.head.extend_from_slice(&bytes[..bytes.len().min(4096)]);
            let Some(end) = memmem::find(&self.head, b"\r\n\r\n") else { return Step::More };
            let head = &self.head[..end + 2];
            if !head.starts_with(b"HTTP/1.1 200") {
                return Step::Failed(format!("status {}", String::from_utf8_lossy(&head[..head.len().min(12)])));
            }
            if content_length(head) != Some(load.length) {
                return Step::Failed("wrong content-length".into());
            }
            bytes = &bytes[end + 4 - known..];
            self.head.clear();
            self.reading = Reading::Body { left: load.length };
        }
        match &mut self.reading {
            Reading::Body { left } if bytes.len() > *left => Step::Failed("more than the body".into()),
            Reading::Body { left } => {
                *left -= bytes.len();
                match (*left, load.reuse) {
                    (1.., _) => Step::More,
                    (0, Reuse::KeepAlive) => {
                        self.reading = Reading::Head;
                        Step::Answered
                    }
                    (0, Reuse::Close) => {
                        self.reading = Reading::End;
                        Step::More
                    }
                }
            }
            Reading::End => Step::Failed("bytes after the response".into()),
            Reading::Head => Step::More,
        }
    }
}

fn content_length(head: &[u8]) -> Option<usize> {
    let name = b"content-length:";
    let lines = head.split(|byte| *byte == b'\n');
    let line =
        lines.into_iter().find(|line| line.len() > name.len() && line[..name.len()].eq_ignore_ascii_case(name))?;
    std::str::from_utf8(&line[name.len()..]).ok()?.trim().parse().ok()
}
