//! Syslog servers over connections: each has a thread, because a connect takes its time, and a queue.
//!
//! A message leaves the queue when the kernel has taken it, so that one who is away for a while gets everything that the queue
//! had room for. What is in the kernel's hands when a connection breaks is lost, as in HAProxy.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::model::Endpoint;
use crate::model::log::Framing;
use crate::sys::{self, clock};
use crate::time::Instant;

/// Time between two attempts to connect.
const PAUSE: Duration = Duration::from_secs(1);
/// Bytes that are written at once, if there are as many.
const BATCH: usize = 64 * 1024;

/// What a server is told apart by, and how it is spoken to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Server {
    /// The ring that it reads; `None` for one that is a target itself.
    pub(super) ring: Option<String>,
    pub(super) endpoint: Endpoint,
    pub(super) framing: Framing,
    /// Time limit of a connect; `None` is the kernel's.
    pub(super) connect_timeout: Option<Duration>,
    /// How long it may take nothing; `None` is for ever.
    pub(super) send_timeout: Option<Duration>,
    /// Bytes of messages that may wait.
    pub(super) room: usize,
}

/// A server with its thread, which ends with this: what waits is still sent if the server is there.
pub(super) struct Remote(Arc<Shared>);

impl Drop for Remote {
    fn drop(&mut self) {
        self.close();
    }
}

impl Remote {
    /// Starts the thread, which connects when there is something to send.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub(super) fn start(server: Server) -> io::Result<Remote> {
        let shared = Arc::new(Shared { queue: Mutex::default(), changed: Condvar::new(), room: server.room });
        let remote = Remote(Arc::clone(&shared));
        thread::Builder::new().name("vg-log-tcp".into()).spawn(move || {
            crate::run::threads::keep_capabilities(&[]);
            deliver(&shared, &server);
        })?;
        Ok(remote)
    }

    /// Leaves a message for the server; `false` if there is no room.
    pub(super) fn push(&self, message: &[u8]) -> bool {
        let mut queue = self.0.lock();
        let has_room = queue.messages.is_empty() || queue.bytes + message.len() <= self.0.room;
        if has_room {
            queue.bytes += message.len();
            queue.messages.push_back(message.to_vec());
            self.0.changed.notify_all();
        }
        has_room
    }

    /// Messages that were taken and then given up.
    pub(super) fn lost(&self) -> u64 {
        self.0.lock().lost
    }

    /// Nothing more comes: the thread sends what waits and ends.
    pub(super) fn close(&self) {
        self.0.lock().is_closed = true;
        self.0.changed.notify_all();
    }

    /// Waits until everything is sent or given up, or the time has come.
    pub(super) fn wait(&self, deadline: Instant) {
        let mut queue = self.0.lock();
        while !queue.messages.is_empty() {
            let left = deadline.since(clock::now());
            if left.is_zero() {
                return;
            }
            queue = self.0.wait(queue, left);
        }
    }
}

/// What the thread and whoever sends share.
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
    room: usize,
}

#[derive(Default)]
struct Queue {
    /// The oldest first; each ends with a line feed.
    messages: VecDeque<Vec<u8>>,
    bytes: usize,
    is_closed: bool,
    lost: u64,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'q>(&self, queue: MutexGuard<'q, Queue>, time: Duration) -> MutexGuard<'q, Queue> {
        self.changed.wait_timeout(queue, time).unwrap_or_else(PoisonError::into_inner).0
    }

    /// Frames the oldest messages; how many they are. They stay in the queue. 0 is the end.
    fn next(&self, framing: Framing, out: &mut Vec<u8>) -> usize {
        out.clear();
        let mut queue = self.lock();
        while queue.messages.is_empty() {
            if queue.is_closed {
                return 0;
            }
            queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        let mut count = 0;
        for message in &queue.messages {
            frame(out, framing, message);
            count += 1;
            if out.len() >= BATCH {
                break;
            }
        }
        count
    }

    /// The oldest so many are done; `lost` of them never arrived.
    fn done(&self, count: usize, lost: usize) {
        let mut queue = self.lock();
        for _ in 0..count {
            let length = queue.messages.pop_front().map_or(0, |message| message.len());
            queue.bytes -= length;
        }
        queue.lost += lost as u64;
        self.changed.notify_all();
    }

    /// Waits for so long, or until nothing more comes: `false`.
    fn pause(&self, time: Duration) -> bool {
        let deadline = clock::now() + time;
        let mut queue = self.lock();
        loop {
            let left = deadline.since(clock::now());
            if left.is_zero() || queue.is_closed {
                return !queue.is_closed;
            }
            queue = self.wait(queue, left);
        }
    }
}

fn frame(out: &mut Vec<u8>, framing: Framing, message: &[u8]) {
    match framing {
        Framing::Lines => out.extend_from_slice(message),
        Framing::OctetCount => {
            let text = message.strip_suffix(b"\n").unwrap_or(message);
            // Writing to a Vec cannot fail.
            let _ = write!(out, "{} ", text.len());
            out.extend_from_slice(text);
        }
    }
}

/// Sends what comes until nothing more does.
fn deliver(shared: &Shared, server: &Server) {
    let mut connection: Option<TcpStream> = None;
    let mut batch = Vec::new();
    loop {
        let count = shared.next(server.framing, &mut batch);
        if count == 0 {
            return;
        }
        // A connection that the server has closed would swallow what is written first.
        connection = connection.filter(|stream| !has_ended(stream));
        let mut is_sent = false;
        while !is_sent {
            if connection.is_none() {
                connection = connect(server).ok();
            }
            is_sent = connection.as_mut().is_some_and(|stream| stream.write_all(&batch).is_ok());
            if !is_sent {
                connection = None;
                if !shared.pause(PAUSE) {
                    break;
                }
            }
        }
        shared.done(count, if is_sent { 0 } else { count });
    }
}

fn connect(server: &Server) -> io::Result<TcpStream> {
    let stream = match &server.endpoint {
        Endpoint::Tcp(address) => connect_tcp(*address, server.connect_timeout)?,
        other => sys::dial::local(other)?,
    };
    stream.set_nonblocking(false)?;
    stream.set_write_timeout(server.send_timeout)?;
    Ok(stream)
}

fn connect_tcp(address: SocketAddr, limit: Option<Duration>) -> io::Result<TcpStream> {
    let stream = match limit {
        Some(limit) => TcpStream::connect_timeout(&address, limit)?,
        None => TcpStream::connect(address)?,
    };
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Whether the other side has closed; what it said is of no interest.
fn has_ended(mut stream: &TcpStream) -> bool {
    if stream.set_nonblocking(true).is_err() {
        return true;
    }
    let mut bytes = [0; 512];
    let ended = loop {
        match stream.read(&mut bytes) {
            Ok(0) => break true,
            Ok(_) => {}
            Err(error) => break error.kind() != io::ErrorKind::WouldBlock,
        }
    };
    ended || stream.set_nonblocking(false).is_err()
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::net::TcpListener;

    use super::*;

    fn server(address: SocketAddr, framing: Framing, room: usize) -> Server {
        Server {
            ring: None,
            endpoint: Endpoint::Tcp(address),
            framing,
            connect_timeout: Some(Duration::from_secs(5)),
            send_timeout: None,
            room,
        }
    }

    fn line(reader: &mut impl BufRead) -> String {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        line
    }

    #[test]
    fn messages_arrive_in_order_and_after_the_server_has_closed() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let remote = Remote::start(server(listener.local_addr().unwrap(), Framing::Lines, 1000)).unwrap();
        assert!(remote.push(b"one\n") && remote.push(b"two\n"));
        let mut first = BufReader::new(listener.accept().unwrap().0);
        assert_eq!([line(&mut first), line(&mut first)], ["one\n", "two\n"]);
        drop(first);
        assert!(remote.push(b"three\n"));
        assert_eq!(line(&mut BufReader::new(listener.accept().unwrap().0)), "three\n");
        remote.close();
        remote.wait(clock::now() + Duration::from_secs(60));
        assert_eq!(remote.lost(), 0);
    }

    #[test]
    fn messages_are_counted_by_octets_where_that_is_wanted() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let remote = Remote::start(server(listener.local_addr().unwrap(), Framing::OctetCount, 1000)).unwrap();
        assert!(remote.push(b"hello\n") && remote.push(b"x\n"));
        drop(remote);
        let mut text = String::new();
        listener.accept().unwrap().0.read_to_string(&mut text).unwrap();
        assert_eq!(text, "5 hello1 x");
    }

    #[test]
    fn a_server_that_is_away_keeps_what_there_is_room_for() {
        // Bound and not listening: a connect is refused, and nobody else gets the port.
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
        let address = socket.local_addr().unwrap().as_socket().unwrap();
        let remote = Remote::start(server(address, Framing::Lines, 8)).unwrap();
        assert!(remote.push(b"one\n") && remote.push(b"two\n") && !remote.push(b"three\n"));
        socket.listen(1).unwrap();
        let listener = TcpListener::from(socket);
        let mut reader = BufReader::new(listener.accept().unwrap().0);
        assert_eq!([line(&mut reader), line(&mut reader)], ["one\n", "two\n"]);
    }
}
