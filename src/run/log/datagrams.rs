//! A syslog server over UDP: a datagram for each message, several of them in one call where they are alike.
//!
//! On its own, a datagram takes 2.9 µs to pass the kernel, which is most of what vg-log does for a line, and no less in a
//! batch of `sendmmsg`. Cut from one buffer by the kernel (`UDP_SEGMENT`), 64 of them take 0.55 µs each. All but the last
//! have the same length then, so a row of messages ends with the first that is shorter and before the first that is longer:
//! lines of traffic that is alike leave dozens at a time, others one or two.

use std::io;
use std::net::{SocketAddr, UdpSocket};

use crate::sys::datagrams::{MOST, send_cut};

/// Bytes of a message that any way takes whole.
const LONGEST: u16 = 1200;

/// The server, and messages on their way to it.
pub(super) struct Datagrams {
    address: SocketAddr,
    socket: Option<UdpSocket>,
    /// Messages one after the other.
    waiting: Vec<u8>,
    count: usize,
    /// Bytes of each but the last, which may be shorter.
    length: u16,
    /// Whether the kernel cuts for this server.
    is_cut: bool,
}

impl Datagrams {
    pub(super) fn new(address: SocketAddr) -> Datagrams {
        let socket = open(address);
        Datagrams { address, socket, waiting: Vec::new(), count: 0, length: 0, is_cut: true }
    }

    /// Takes a message; how many were lost by now.
    pub(super) fn push(&mut self, message: &[u8]) -> u64 {
        let length = u16::try_from(message.len()).ok().filter(|length| self.is_cut && (1..=LONGEST).contains(length));
        let Some(length) = length else { return self.flush() + u64::from(!self.send(message)) };
        let mut lost = 0;
        if self.count == MOST || self.count > 0 && length > self.length {
            lost = self.flush();
        }
        self.waiting.extend_from_slice(message);
        self.count += 1;
        if self.count == 1 {
            self.length = length;
        }
        if length < self.length {
            lost += self.flush();
        }
        lost
    }

    /// Sends what waits; how many were lost.
    pub(super) fn flush(&mut self) -> u64 {
        let (waiting, length) = (std::mem::take(&mut self.waiting), self.length);
        let count = std::mem::take(&mut self.count);
        let mut lost = 0;
        if count > 0 && (count == 1 || !self.send_cut(&waiting, length)) {
            for message in waiting.chunks(usize::from(length)) {
                lost += u64::from(!self.send(message));
            }
        }
        self.waiting = waiting;
        self.waiting.clear();
        lost
    }

    /// Sends several at once; `false` if they have to be sent one by one.
    fn send_cut(&mut self, messages: &[u8], length: u16) -> bool {
        let Some(socket) = &self.socket else { return false };
        match send_cut(socket, messages, length) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                // That an earlier one was refused is told now, and these may arrive.
                send_cut(socket, messages, length).is_ok()
            }
            Err(_) => {
                self.is_cut = false;
                false
            }
        }
    }

    /// Sends one; `false` if it is lost.
    fn send(&mut self, message: &[u8]) -> bool {
        let sent = self.socket.as_ref().map(|socket| socket.send(message));
        match &sent {
            Some(Ok(_)) => return true,
            // That an earlier one was refused is told now, and this one may arrive.
            Some(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {}
            // Its address may be gone.
            _ => (self.socket, self.is_cut) = (open(self.address), true),
        }
        self.socket.as_ref().is_some_and(|socket| socket.send(message).is_ok())
    }
}

/// A socket for one server: connected, it needs no route for each datagram.
fn open(address: SocketAddr) -> Option<UdpSocket> {
    let socket = UdpSocket::bind(if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" }).ok()?;
    socket.connect(address).ok()?;
    Some(socket)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// What arrives of messages of these lengths, each of a letter of its own.
    fn arriving(lengths: &[usize], is_cut: bool) -> Vec<Vec<u8>> {
        let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
        receiver.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut datagrams = Datagrams { is_cut, ..Datagrams::new(receiver.local_addr().unwrap()) };
        let messages = lengths.iter().zip(b'a'..).map(|(length, letter)| vec![letter; *length]);
        let lost: u64 = messages.map(|message| datagrams.push(&message)).sum();
        assert_eq!(lost + datagrams.flush(), 0);
        let mut buffer = [0; 4096];
        lengths.iter().map(|_| receiver.recv(&mut buffer).map(|count| buffer[..count].to_vec()).unwrap()).collect()
    }

    #[test]
    fn every_message_is_a_datagram_of_its_own_in_order() {
        let lengths = [5, 5, 5, 3, 3, 4, 9, 9, 2, 1300, 9, 1, 7, 7];
        let expected: Vec<Vec<u8>> = lengths.iter().zip(b'a'..).map(|(length, letter)| vec![letter; *length]).collect();
        for is_cut in [true, false] {
            assert_eq!(arriving(&lengths, is_cut), expected);
        }
    }

    #[test]
    fn more_than_the_kernel_cuts_at_once_are_sent_too() {
        let lengths = [10; MOST * 2 + 1];
        assert_eq!(arriving(&lengths, true).len(), lengths.len());
    }

    #[test]
    fn messages_to_nobody_are_taken_until_the_refusal_comes() {
        let address = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut datagrams = Datagrams::new(address);
        // Each refusal is told once, at a call after it.
        let lost: u64 = (0..10).map(|_| datagrams.push(b"abc") + datagrams.push(b"def") + datagrams.flush()).sum();
        assert!(lost < 20, "{lost}");
        assert!(datagrams.is_cut);
    }
}
