//! The backend: a static HTTP/1.1 server. `GET /1000 HTTP/1.1` is answered with 1000 bytes.
//!
//! Raw level-triggered epoll in one thread, responses built once, so that it costs as little as it can.

use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::rc::Rc;

use memchr::memmem;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use slab::Slab;

use crate::process;

/// Listeners have numbers from here on, connections below.
const FIRST_LISTENER: u64 = 1 << 32;

/// Starts the server on two ports, for ever, in a thread of its own.
pub fn start() -> Result<[SocketAddr; 2], String> {
    let text = |error: std::io::Error| format!("backend: {error}");
    let listeners = [TcpListener::bind("127.0.0.1:0").map_err(text)?, TcpListener::bind("127.0.0.1:0").map_err(text)?];
    let addresses = [listeners[0].local_addr().map_err(text)?, listeners[1].local_addr().map_err(text)?];
    std::thread::Builder::new().name("backend".into()).spawn(move || serve(&listeners)).map_err(text)?;
    Ok(addresses)
}

struct Connection {
    stream: TcpStream,
    head: Vec<u8>,
    response: Option<(Rc<[u8]>, usize)>,
    closes: bool,
}

enum Fate {
    Keep,
    Drop,
}

fn serve(listeners: &[TcpListener]) {
    process::pin(process::LOAD_CORE);
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).expect("the kernel has epoll");
    for (number, listener) in (FIRST_LISTENER..).zip(listeners) {
        listener.set_nonblocking(true).expect("a listener can be made non-blocking");
        epoll.add(listener, EpollEvent::new(EpollFlags::EPOLLIN, number)).expect("a listener can be watched");
    }
    let mut connections: Slab<Connection> = Slab::new();
    let mut responses = HashMap::new();
    let mut scratch = vec![0; 64 * 1024];
    let mut events = [EpollEvent::empty(); 512];
    loop {
        let ready = epoll.wait(&mut events, EpollTimeout::NONE).unwrap_or(0);
        for event in &events[..ready] {
            if event.data() >= FIRST_LISTENER {
                accept(&listeners[(event.data() - FIRST_LISTENER) as usize], &epoll, &mut connections);
                continue;
            }
            let key = event.data() as usize;
            let Some(connection) = connections.get_mut(key) else { continue };
            let fate = if connection.response.is_some() {
                connection.write(&epoll, key)
            } else {
                connection.read(&mut scratch, &mut responses, &epoll, key)
            };
            if matches!(fate, Fate::Drop) {
                connections.remove(key);
            }
        }
    }
}

fn accept(listener: &TcpListener, epoll: &Epoll, connections: &mut Slab<Connection>) {
    while let Ok((stream, _)) = listener.accept() {
        if stream.set_nonblocking(true).is_err() || stream.set_nodelay(true).is_err() {
            continue;
        }
        let entry = connections.vacant_entry();
        if epoll.add(&stream, EpollEvent::new(EpollFlags::EPOLLIN, entry.key() as u64)).is_ok() {
            entry.insert(Connection { stream, head: Vec::new(), response: None, closes: false });
        }
    }
}

impl Connection {
    fn read(
        &mut self,
        scratch: &mut [u8],
        responses: &mut HashMap<usize, Rc<[u8]>>,
        epoll: &Epoll,
        key: usize,
    ) -> Fate {
        match self.stream.read(scratch) {
            Ok(0) => return Fate::Drop,
            Ok(length) => self.head.extend_from_slice(&scratch[..length]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Fate::Keep,
            Err(_) => return Fate::Drop,
        }
        if !self.head.ends_with(b"\r\n\r\n") {
            return Fate::Keep;
        }
        let length = self.head.get(5..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_digit());
        let length = length.fold(0, |number, digit| number * 10 + usize::from(digit - b'0'));
        self.closes = memmem::find(&self.head, b"onnection: close").is_some();
        self.head.clear();
        let response = responses.entry(length).or_insert_with(|| response(length));
        self.response = Some((Rc::clone(response), 0));
        self.write(epoll, key)
    }

    fn write(&mut self, epoll: &Epoll, key: usize) -> Fate {
        let Some((bytes, mut sent)) = self.response.take() else { return Fate::Keep };
        let was_blocked = sent > 0;
        while sent < bytes.len() {
            match self.stream.write(&bytes[sent..]) {
                Ok(length) => sent += length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.response = Some((bytes, sent));
                    return self.watch(epoll, key, EpollFlags::EPOLLOUT);
                }
                Err(_) => return Fate::Drop,
            }
        }
        match (self.closes, was_blocked) {
            (true, _) => Fate::Drop,
            (false, true) => self.watch(epoll, key, EpollFlags::EPOLLIN),
            (false, false) => Fate::Keep,
        }
    }

    fn watch(&self, epoll: &Epoll, key: usize, flags: EpollFlags) -> Fate {
        match epoll.modify(&self.stream, &mut EpollEvent::new(flags, key as u64)) {
            Ok(()) => Fate::Keep,
            Err(_) => Fate::Drop,
        }
    }
}

fn response(length: usize) -> Rc<[u8]> {
    let mut bytes =
        format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\r\n").into_bytes();
    bytes.resize(bytes.len() + length, b'x');
    bytes.into()
}
