//! Syslog servers of tests.

use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

/// Longer than any message may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// One that takes datagrams, and its port.
pub fn receiver() -> (UdpSocket, u16) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    socket.set_read_timeout(Some(PATIENCE)).expect("a limit");
    let port = socket.local_addr().expect("an address").port();
    (socket, port)
}

/// The next message.
pub fn received(socket: &UdpSocket) -> String {
    let mut bytes = [0; 65536];
    let length = socket.recv(&mut bytes).expect("a message comes");
    String::from_utf8_lossy(&bytes[..length]).into_owned()
}

/// One that takes connections, and its address.
pub fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

/// The first connection that brings anything; those that bring nothing were health checks.
fn busy(listener: &TcpListener) -> TcpStream {
    loop {
        let (stream, _) = listener.accept().expect("it connects");
        stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
        if matches!(stream.peek(&mut [0]), Ok(1)) {
            return stream;
        }
    }
}

/// The first line that comes, and what it came by.
pub fn line(listener: &TcpListener) -> (BufReader<TcpStream>, String) {
    let mut reader = BufReader::new(busy(listener));
    let line = next(&mut reader);
    (reader, line)
}

/// The first bytes that come.
pub fn bytes(listener: &TcpListener, count: usize) -> String {
    let mut bytes = vec![0; count];
    busy(listener).read_exact(&mut bytes).expect("they come");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The next line of a connection.
pub fn next(reader: &mut BufReader<TcpStream>) -> String {
    let mut line = String::new();
    // A reset is an end.
    let _ = reader.read_line(&mut line);
    line
}
