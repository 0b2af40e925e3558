//! Syslog messages of others on their way in (HAProxy's `log-forward`): from sockets into the worker's ring of lines.
//!
//! What becomes of them is vg-log's part; here they are only told apart. A ring that is full makes them wait in the kernel:
//! senders over TCP notice, those of datagrams have as much patience as the socket has room.

use std::future::poll_fn;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Poll, ready};
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::task::JoinHandle;

use crate::generation::Relay;
use crate::model::log::Level;
use crate::sys::clock;
use crate::sys::listener::Watched;
use crate::wire::syslog::{self, Frame};

use super::local::Worker;

/// Pause after an error that would come back at once, and while the ring is full.
const PAUSE: Duration = Duration::from_millis(10);
/// Bytes that are read at once from a connection.
const CHUNK: usize = 16 * 1024;
/// Messages after which other tasks get their turn.
const BUDGET: usize = 64;

/// A relay with the sockets of one worker.
#[derive(Debug)]
pub struct RelaySockets {
    /// It.
    pub relay: Arc<Relay>,
    /// Non-blocking, a duplicate that the worker may close.
    pub streams: Vec<TcpListener>,
    /// The same; one worker alone has them, which keeps datagrams in order.
    pub datagrams: Vec<UdpSocket>,
}

/// The tasks that take messages and connections; those of connections go on without it.
#[derive(Debug, Default)]
pub(super) struct Relays(Vec<JoinHandle<()>>);

impl Drop for Relays {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

impl Relays {
    /// Takes messages from these sockets.
    pub(super) fn start(worker: &Rc<Worker>, relays: Vec<RelaySockets>) -> Relays {
        let mut tasks = Vec::new();
        for RelaySockets { relay, streams, datagrams } in relays {
            for socket in streams {
                match Watched::new(socket) {
                    Ok(socket) => {
                        tasks.push(tokio::task::spawn_local(accept(Rc::clone(worker), Arc::clone(&relay), socket)))
                    }
                    Err(error) => tracing::error!(relay = relay.model.name, %error, "a socket cannot be watched"),
                }
            }
            for socket in datagrams {
                match tokio::net::UdpSocket::from_std(socket) {
                    Ok(socket) => {
                        tasks.push(tokio::task::spawn_local(receive(Rc::clone(worker), Arc::clone(&relay), socket)))
                    }
                    Err(error) => tracing::error!(relay = relay.model.name, %error, "a socket cannot be watched"),
                }
            }
        }
        Relays(tasks)
    }
}

/// Datagrams, each a message.
async fn receive(worker: Rc<Worker>, relay: Arc<Relay>, socket: tokio::net::UdpSocket) {
    let mut buffer = vec![0; syslog::LONGEST + 1];
    loop {
        match socket.recv_from(&mut buffer).await {
            Ok((length, peer)) => keep(&worker, &relay, &buffer[..length], &address(peer)).await,
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// Connections, as many as the relay may have.
async fn accept(worker: Rc<Worker>, relay: Arc<Relay>, socket: Watched) {
    loop {
        let accepted = poll_fn(|context| {
            ready!(relay.connections.poll_enter(context));
            let accepted = socket.poll_accept(context);
            if !matches!(accepted, Poll::Ready(Ok(_))) {
                // Who waits holds no place: it would be missing at another socket.
                relay.connections.leave();
            }
            accepted
        });
        match accepted.await {
            Ok((stream, peer)) => {
                let place = Place(Arc::clone(&relay));
                drop(tokio::task::spawn_local(converse(Rc::clone(&worker), place, stream, address(peer))));
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// A place among the relay's connections.
struct Place(Arc<Relay>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.connections.leave();
    }
}

/// A connection that brings messages, until it ends, is silent for too long or brings something else. What has not come
/// whole is no message.
async fn converse(worker: Rc<Worker>, place: Place, stream: TcpStream, source: String) {
    let relay = &place.0;
    let Ok(mut stream) = tokio::net::TcpStream::from_std(stream) else { return };
    let mut bytes = Vec::new();
    loop {
        bytes.reserve(CHUNK);
        let read = stream.read_buf(&mut bytes);
        let count = match relay.model.timeout {
            Some(limit) => tokio::time::timeout(limit, read).await.unwrap_or(Ok(0)),
            None => read.await,
        };
        if !matches!(count, Ok(1..)) {
            return;
        }
        let (mut done, mut left) = (0, BUDGET);
        loop {
            match syslog::frame(&bytes[done..], relay.model.are_lines) {
                Frame::Whole { message, length } => {
                    keep(&worker, relay, &bytes[done..][message], &source).await;
                    done += length;
                    left -= 1;
                    if left == 0 {
                        left = BUDGET;
                        tokio::task::yield_now().await;
                    }
                }
                Frame::Partial => break,
                Frame::Broken => return,
            }
        }
        bytes.drain(..done);
    }
}

/// Leaves a message for vg-log, as soon as there is room.
async fn keep(worker: &Worker, relay: &Relay, message: &[u8], source: &str) {
    let message = &message[..message.len().min(syslog::LONGEST)];
    worker.facts.logs_received.fetch_add(1, Ordering::Relaxed);
    while !worker.log.has_room(message.len() + source.len()) {
        tokio::time::sleep(PAUSE).await;
    }
    // Its own level is in the message; vg-log looks for it there.
    worker.log.push(relay.journal.number(), Level::Emerg, worker.wall(clock::now()), message, source.as_bytes());
}

/// A sender as headers name it; one at a Unix socket has no address.
fn address(peer: SocketAddr) -> String {
    match peer.ip().to_canonical() {
        IpAddr::V4(address) if address.is_unspecified() => String::new(),
        address => address.to_string(),
    }
}
