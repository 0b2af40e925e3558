//! Destinations, opened: each takes whole messages and says which it lost.
//!
//! A datagram waits a little for a reader that is behind; one that is stuck costs that once a round. Servers over connections
//! are in `remote.rs`.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::Duration;

use crate::model::Endpoint;
use crate::model::log::{Destination, Framing};
use crate::sys;
use crate::time::Instant;

use super::datagrams::Datagrams;
use super::remote::{Remote, Server};

/// Bytes that are written to a descriptor at once.
const BATCH: usize = 64 * 1024;
/// How long a datagram waits for its reader.
const DATAGRAM: Duration = Duration::from_millis(50);
/// Bytes of messages that may wait for a target over a connection.
const WAITING: usize = 1 << 20;

/// Every destination that something was sent to.
#[derive(Default)]
pub(super) struct Sinks {
    /// A few: comparing them one by one costs less than hashing.
    open: Vec<(Destination, Sink)>,
    servers: HashMap<Server, Remote>,
    /// Lost so far, and by servers that are gone.
    lost: u64,
}

enum Sink {
    Lines(LineSink),
    Unix { socket: Option<UnixDatagram>, is_stuck: bool },
    Udp(Datagrams),
}

impl Sink {
    fn new(destination: &Destination) -> Sink {
        match destination {
            Destination::Stdout => Sink::Lines(LineSink::new(Output::Stdout)),
            Destination::Stderr => Sink::Lines(LineSink::new(Output::Stderr)),
            Destination::Descriptor(number) => {
                let file = sys::descriptors::duplicate(*number).map(File::from);
                Sink::Lines(LineSink::new(file.map_or(Output::Nowhere, Output::File)))
            }
            Destination::Unix(_) => Sink::Unix { socket: unix(destination), is_stuck: false },
            Destination::Udp(address) => Sink::Udp(Datagrams::new(*address)),
            Destination::Stream(_) | Destination::Ring(_) | Destination::Backend(_) => {
                Sink::Lines(LineSink::new(Output::Nowhere))
            }
        }
    }
}

impl Sinks {
    /// Opens a destination before it is needed: what is reachable now may not be so later.
    pub(super) fn open(&mut self, destination: &Destination) {
        match destination {
            Destination::Stream(endpoint) => drop(self.server(&target(endpoint))),
            Destination::Ring(_) | Destination::Backend(_) => {}
            other => drop(self.sink(other)),
        }
    }

    /// A message has nobody who would take it.
    pub(super) fn lose(&mut self) {
        self.lost += 1;
    }

    /// Sends a message, which ends with a line feed. Rings and backends are not for here.
    pub(super) fn send(&mut self, destination: &Destination, message: &[u8]) {
        if let Destination::Stream(endpoint) = destination {
            self.forward(&target(endpoint), message);
            return;
        }
        let is_sent = match self.sink(destination) {
            Sink::Lines(lines) => lines.push(message),
            Sink::Unix { is_stuck: true, .. } => false,
            Sink::Unix { socket, is_stuck } => {
                let sent = socket.as_ref().map(|socket| socket.send(message));
                match sent {
                    Some(Ok(_)) => true,
                    Some(Err(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                        *is_stuck = true;
                        false
                    }
                    // The daemon may have been started anew.
                    _ => {
                        *socket = unix(destination);
                        socket.as_ref().is_some_and(|socket| socket.send(message).is_ok())
                    }
                }
            }
            Sink::Udp(datagrams) => {
                let lost = datagrams.push(message);
                self.lost += lost;
                return;
            }
        };
        self.lost += u64::from(!is_sent);
    }

    /// Sends a message to a server over a connection; `false` if it is lost.
    pub(super) fn forward(&mut self, server: &Server, message: &[u8]) -> bool {
        let is_taken = self.server(server).is_some_and(|server| server.push(message));
        self.lost += u64::from(!is_taken);
        is_taken
    }

    /// Servers over connections that are not among these get what waits for them and no more.
    pub(super) fn keep_only(&mut self, rings: &HashSet<Server>, targets: &HashSet<&Endpoint>) {
        let gone = self.servers.extract_if(|server, _| match &server.ring {
            Some(_) => !rings.contains(server),
            None => !targets.contains(&server.endpoint),
        });
        self.lost += gone.map(|(_, remote)| remote.lost()).sum::<u64>();
    }

    /// Nothing more comes: waits until servers over connections have what they are to get, or the time has come.
    pub(super) fn close(&self, deadline: Instant) {
        self.servers.values().for_each(Remote::close);
        self.servers.values().for_each(|server| server.wait(deadline));
    }

    /// Writes what was gathered; who was stuck is tried again. Messages lost since start.
    pub(super) fn end_round(&mut self) -> u64 {
        for (_, sink) in &mut self.open {
            match sink {
                Sink::Lines(lines) => self.lost += lines.flush(),
                Sink::Unix { is_stuck, .. } => *is_stuck = false,
                Sink::Udp(datagrams) => self.lost += datagrams.flush(),
            }
        }
        self.lost + self.servers.values().map(Remote::lost).sum::<u64>()
    }

    fn sink(&mut self, destination: &Destination) -> &mut Sink {
        let at = self.open.iter().position(|(known, _)| known == destination).unwrap_or_else(|| {
            self.open.push((destination.clone(), Sink::new(destination)));
            self.open.len() - 1
        });
        &mut self.open[at].1
    }

    fn server(&mut self, server: &Server) -> Option<&Remote> {
        if !self.servers.contains_key(server) {
            match Remote::start(server.clone()) {
                Ok(remote) => drop(self.servers.insert(server.clone(), remote)),
                Err(error) => {
                    tracing::error!(endpoint = %server.endpoint, %error, "cannot start a thread for a log server");
                    return None;
                }
            }
        }
        self.servers.get(server)
    }
}

/// A target over a connection, as HAProxy makes one of `tcp@`.
fn target(endpoint: &Endpoint) -> Server {
    Server {
        ring: None,
        endpoint: endpoint.clone(),
        framing: Framing::Lines,
        connect_timeout: None,
        send_timeout: None,
        room: WAITING,
    }
}

fn unix(destination: &Destination) -> Option<UnixDatagram> {
    let connect = |path: &Path| {
        let socket = UnixDatagram::unbound()?;
        socket.set_write_timeout(Some(DATAGRAM))?;
        socket.connect(path)?;
        Ok::<_, io::Error>(socket)
    };
    match destination {
        Destination::Unix(path) => connect(path).ok(),
        _ => None,
    }
}

enum Output {
    Stdout,
    Stderr,
    File(File),
    /// It could not be opened.
    Nowhere,
}

/// A descriptor, to which lines are written many at once.
struct LineSink {
    output: Output,
    waiting: Vec<u8>,
    count: u64,
    /// Lost by a write that was not the last of its round.
    lost: u64,
}

impl LineSink {
    fn new(output: Output) -> LineSink {
        LineSink { output, waiting: Vec::new(), count: 0, lost: 0 }
    }

    fn push(&mut self, line: &[u8]) -> bool {
        self.waiting.extend_from_slice(line);
        self.count += 1;
        if self.waiting.len() >= BATCH {
            self.lost += self.write();
        }
        true
    }

    /// Lines lost since the last call.
    fn flush(&mut self) -> u64 {
        self.write() + std::mem::take(&mut self.lost)
    }

    fn write(&mut self) -> u64 {
        let count = std::mem::take(&mut self.count);
        if count == 0 {
            return 0;
        }
        let put = |output: &mut dyn Write, bytes: &[u8]| output.write_all(bytes).and_then(|()| output.flush());
        let written = match &mut self.output {
            Output::Stdout => put(&mut io::stdout().lock(), &self.waiting),
            Output::Stderr => put(&mut io::stderr().lock(), &self.waiting),
            Output::File(file) => put(file, &self.waiting),
            Output::Nowhere => Err(io::ErrorKind::NotFound.into()),
        };
        self.waiting.clear();
        if written.is_err() { count } else { 0 }
    }
}
