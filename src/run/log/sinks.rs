//! Destinations, opened: each takes whole messages and says which it lost.
//!
//! A datagram waits a little for a reader that is behind; one that is stuck costs that once a round. Syslog servers over TCP
//! have a thread each, because a connect takes its time.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::File;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use crate::model::log::{Destination, Framing};
use crate::sys;

/// Bytes that are written to a descriptor at once.
const BATCH: usize = 64 * 1024;
/// How long a datagram waits for its reader.
const DATAGRAM: Duration = Duration::from_millis(50);
/// Time limit of a connect and of a write over TCP.
const TCP: Duration = Duration::from_secs(1);
/// Messages that wait for a TCP server.
const TCP_QUEUE: usize = 16 * 1024;

/// Every destination that something was sent to.
#[derive(Default)]
pub(super) struct Sinks {
    open: HashMap<Destination, Sink>,
    servers: HashMap<(SocketAddr, Framing), TcpSink>,
    lost: u64,
}

enum Sink {
    Lines(LineSink),
    Unix { socket: Option<UnixDatagram>, is_stuck: bool },
    Udp(Option<UdpSocket>),
}

impl Sinks {
    /// Opens a destination before it is needed: what is reachable now may not be so later.
    pub(super) fn open(&mut self, destination: &Destination) {
        match destination {
            Destination::Tcp(address) => drop(self.server(*address, Framing::OctetCount)),
            Destination::Ring(_) => {}
            other => drop(self.sink(other)),
        }
    }

    /// Sends a message, which ends with a line feed. Rings are not for here.
    pub(super) fn send(&mut self, destination: &Destination, message: &[u8]) {
        if let Destination::Tcp(address) = destination {
            return self.forward(*address, Framing::OctetCount, message);
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
            Sink::Udp(socket) => {
                let Destination::Udp(address) = destination else { return };
                let sent = socket.as_ref().map(|socket| socket.send(message));
                match &sent {
                    // That an earlier one was refused is told now, and this one may arrive.
                    Some(Ok(_)) => {}
                    Some(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {}
                    // Its address may be gone.
                    _ => *socket = udp(*address),
                }
                matches!(sent, Some(Ok(_))) || socket.as_ref().is_some_and(|socket| socket.send(message).is_ok())
            }
        };
        self.lost += u64::from(!is_sent);
    }

    /// Sends a message to a syslog server over TCP.
    pub(super) fn forward(&mut self, address: SocketAddr, framing: Framing, message: &[u8]) {
        let is_taken = self.server(address, framing).is_some_and(|server| server.push(message));
        self.lost += u64::from(!is_taken);
    }

    /// Writes what was gathered; who was stuck is tried again. Messages lost since start.
    pub(super) fn end_round(&mut self) -> u64 {
        for sink in self.open.values_mut() {
            match sink {
                Sink::Lines(lines) => self.lost += lines.flush(),
                Sink::Unix { is_stuck, .. } => *is_stuck = false,
                Sink::Udp(_) => {}
            }
        }
        self.lost + self.servers.values().map(|server| server.lost.load(Ordering::Relaxed)).sum::<u64>()
    }

    fn sink(&mut self, destination: &Destination) -> &mut Sink {
        self.open.entry(destination.clone()).or_insert_with(|| match destination {
            Destination::Stdout => Sink::Lines(LineSink::new(Output::Stdout)),
            Destination::Stderr => Sink::Lines(LineSink::new(Output::Stderr)),
            Destination::Descriptor(number) => {
                let file = sys::descriptors::duplicate(*number).map(File::from);
                Sink::Lines(LineSink::new(file.map_or(Output::Nowhere, Output::File)))
            }
            Destination::Unix(_) => Sink::Unix { socket: unix(destination), is_stuck: false },
            Destination::Udp(address) => Sink::Udp(udp(*address)),
            Destination::Tcp(_) | Destination::Ring(_) => Sink::Lines(LineSink::new(Output::Nowhere)),
        })
    }

    fn server(&mut self, address: SocketAddr, framing: Framing) -> Option<&mut TcpSink> {
        match self.servers.entry((address, framing)) {
            Entry::Occupied(known) => Some(known.into_mut()),
            Entry::Vacant(place) => match TcpSink::start(address, framing) {
                Ok(sink) => Some(place.insert(sink)),
                Err(error) => {
                    tracing::error!(%address, %error, "cannot start a thread for a log server");
                    None
                }
            },
        }
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

/// A socket for one server: connected, it needs no route for each datagram.
fn udp(address: SocketAddr) -> Option<UdpSocket> {
    let socket = UdpSocket::bind(if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" }).ok()?;
    socket.connect(address).ok()?;
    Some(socket)
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

/// A syslog server over TCP.
struct TcpSink {
    messages: SyncSender<Vec<u8>>,
    /// Taken and then lost.
    lost: Arc<AtomicU64>,
}

impl TcpSink {
    fn start(address: SocketAddr, framing: Framing) -> io::Result<TcpSink> {
        let (messages, receiver) = sync_channel(TCP_QUEUE);
        let lost = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&lost);
        thread::Builder::new().name("vg-log-tcp".into()).spawn(move || {
            crate::run::threads::keep_capabilities(&[]);
            deliver(&receiver, address, framing, &counter);
        })?;
        Ok(TcpSink { messages, lost })
    }

    fn push(&self, message: &[u8]) -> bool {
        self.messages.try_send(message.to_vec()).is_ok()
    }
}

/// Sends message after message, connecting when there is something to send. A message that a dead connection swallowed
/// is sent once more.
fn deliver(messages: &Receiver<Vec<u8>>, address: SocketAddr, framing: Framing, lost: &AtomicU64) {
    let mut connection: Option<TcpStream> = None;
    loop {
        let message = match messages.recv_timeout(TCP) {
            Ok(message) => message,
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let framed = match framing {
            Framing::Lines => message,
            Framing::OctetCount => {
                let text = message.strip_suffix(b"\n").unwrap_or(&message);
                [format!("{} ", text.len()).as_bytes(), text].concat()
            }
        };
        let mut is_sent = false;
        for _ in 0..2 {
            if connection.is_none() {
                connection = connect(address).ok();
            }
            is_sent = connection.as_mut().is_some_and(|stream| stream.write_all(&framed).is_ok());
            if is_sent {
                break;
            }
            connection = None;
        }
        if !is_sent {
            lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, TCP)?;
    stream.set_nodelay(true)?;
    stream.set_write_timeout(Some(TCP))?;
    Ok(stream)
}
