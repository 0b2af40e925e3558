//! The floor: a relay that looks at nothing, with one server connection for each client connection.
//!
//! Raw level-triggered epoll in one thread. What it costs is what the kernel charges for moving the bytes with
//! epoll, recv and send; no proxy of this shape can cost less, apart from bodies that are spliced.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use slab::Slab;

/// The first argument of a process that is to be the relay.
pub const WORD: &str = "relay";

const LISTENER: u64 = u64::MAX;
/// Bytes read at once.
const READ: usize = 256 * 1024;

/// One end of a pair.
struct End {
    stream: TcpStream,
    peer: usize,
    /// Bytes of the peer that this end has not taken yet; the peer is not read meanwhile.
    pending: Vec<u8>,
}

struct Relay {
    epoll: Epoll,
    ends: Slab<End>,
    scratch: Vec<u8>,
}

/// Relays for ever. The arguments are the address to listen on and those of the servers.
pub fn run(arguments: &[String]) -> Result<(), String> {
    let addresses: Result<Vec<SocketAddr>, _> = arguments.iter().map(|text| text.parse()).collect();
    let addresses = addresses.map_err(|error| format!("relay: {error}"))?;
    let (listen, servers) = addresses.split_first().ok_or("relay: no addresses")?;
    serve(*listen, servers).map_err(|error| format!("relay: {error}"))
}

fn serve(listen: SocketAddr, servers: &[SocketAddr]) -> std::io::Result<()> {
    let listener = TcpListener::bind(listen)?;
    listener.set_nonblocking(true)?;
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    epoll.add(&listener, EpollEvent::new(EpollFlags::EPOLLIN, LISTENER))?;
    let mut relay = Relay { epoll, ends: Slab::new(), scratch: vec![0; READ] };
    let mut servers = servers.iter().cycle();
    let mut events = [EpollEvent::empty(); 512];
    loop {
        let ready = relay.epoll.wait(&mut events, EpollTimeout::NONE).unwrap_or(0);
        for event in &events[..ready] {
            if event.data() == LISTENER {
                while let (Ok((client, _)), Some(server)) = (listener.accept(), servers.next()) {
                    relay.pair(client, *server)?;
                }
                continue;
            }
            let key = event.data() as usize;
            // The other end's event of this turn may have closed both.
            if relay.ends.contains(key) && relay.on_event(key, event.events()).is_err() {
                let end = relay.ends.remove(key);
                relay.ends.remove(end.peer);
            }
        }
    }
}

impl Relay {
    fn pair(&mut self, client: TcpStream, server: SocketAddr) -> std::io::Result<()> {
        let server = TcpStream::connect(server)?;
        let first = self.ends.vacant_key();
        for (stream, peer) in [(client, None), (server, Some(first))] {
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            let key = self.ends.insert(End { stream, peer: peer.unwrap_or_default(), pending: Vec::new() });
            self.ends[first].peer = key;
            self.epoll.add(&self.ends[key].stream, EpollEvent::new(EpollFlags::EPOLLIN, key as u64))?;
        }
        Ok(())
    }

    fn on_event(&mut self, key: usize, events: EpollFlags) -> std::io::Result<()> {
        let peer = self.ends[key].peer;
        if events.contains(EpollFlags::EPOLLOUT) {
            let end = &mut self.ends[key];
            let written = end.stream.write(&end.pending)?;
            end.pending.drain(..written);
            if end.pending.is_empty() {
                self.watch(key, EpollFlags::EPOLLIN)?;
                self.watch(peer, EpollFlags::EPOLLIN)?;
            }
            return Ok(());
        }
        let count = match self.ends[key].stream.read(&mut self.scratch) {
            // An event of a connection that had this key before.
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            count => count?,
        };
        let written = match self.ends[peer].stream.write(&self.scratch[..count]) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            written => written?,
        };
        if written < count {
            self.ends[peer].pending.extend_from_slice(&self.scratch[written..count]);
            self.watch(peer, EpollFlags::EPOLLOUT)?;
            self.watch(key, EpollFlags::empty())?;
        }
        Ok(())
    }

    fn watch(&self, key: usize, flags: EpollFlags) -> std::io::Result<()> {
        Ok(self.epoll.modify(&self.ends[key].stream, &mut EpollEvent::new(flags, key as u64))?)
    }
}
