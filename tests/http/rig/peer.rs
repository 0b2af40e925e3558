//! One end of a connection, which reads whole messages.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

use super::PATIENCE;

/// More bytes than any test exchanges at once: a reader that gets more has gone wrong, and must not eat the machine.
const MOST: usize = 256 << 20;

/// One end of a connection.
pub struct Peer {
    pub stream: TcpStream,
    buffer: Vec<u8>,
}

impl Peer {
    pub fn new(stream: TcpStream) -> Peer {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Peer { stream, buffer: Vec::new() }
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Peer {
        self.stream.write_all(bytes.as_ref()).unwrap();
        self
    }

    fn fill(&mut self) -> usize {
        let mut bytes = [0; 65536];
        let count = self.stream.read(&mut bytes).unwrap();
        self.buffer.extend_from_slice(&bytes[..count]);
        assert!(self.buffer.len() <= MOST, "the other side never stops sending");
        count
    }

    /// A head with its empty line; empty text at the end of the connection.
    pub fn head(&mut self) -> String {
        loop {
            if let Some(at) = self.buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                return String::from_utf8(self.buffer.drain(..at + 4).collect()).unwrap();
            }
            if self.fill() == 0 {
                return String::from_utf8(std::mem::take(&mut self.buffer)).unwrap();
            }
        }
    }

    pub fn exactly(&mut self, count: usize) -> Vec<u8> {
        while self.buffer.len() < count {
            assert!(self.fill() > 0, "the connection ended after {} of {count} bytes", self.buffer.len());
        }
        self.buffer.drain(..count).collect()
    }

    pub fn text(&mut self, expected: &str) {
        let got = self.exactly(expected.len());
        assert_eq!(String::from_utf8_lossy(&got), expected);
    }

    /// Everything until the end.
    pub fn rest(&mut self) -> Vec<u8> {
        while self.fill() > 0 {}
        std::mem::take(&mut self.buffer)
    }

    /// A head with its empty line; `None` at the end of the connection, however it comes.
    pub fn try_head(&mut self) -> Option<String> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.stream.read_exact(&mut byte).ok()?;
            head.extend(byte);
        }
        String::from_utf8(head).ok()
    }

    /// Everything until the end, however it comes.
    pub fn rest_quietly(&mut self) {
        let mut bytes = [0; 4096];
        while matches!(self.stream.read(&mut bytes), Ok(1..)) {}
    }

    pub fn is_ended(&mut self) -> bool {
        self.rest().is_empty()
    }

    /// The body of the message with this head, by its Content-Length.
    pub fn body(&mut self, head: &str) -> String {
        let length = field(head, "content-length").map_or(0, |value| value.parse().unwrap());
        String::from_utf8(self.exactly(length)).unwrap()
    }

    /// A response with a Content-Length.
    pub fn response(&mut self) -> (String, String) {
        let head = self.head();
        let body = self.body(&head);
        (head, body)
    }

    /// Sends a 200 with this body.
    pub fn answer(&mut self, body: &str) -> &mut Peer {
        self.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
    }

    pub fn end(&self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }
}

/// The value of a field of a head.
pub fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}
