//! One probe on a real socket.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use nix::errno::Errno;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::check::http::{Expect, request};
use crate::check::{Code, Outcome};
use crate::model::check::{Check, HttpProbe, Probe};
use crate::model::proxy::Server;

/// Where a probe goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) address: SocketAddr,
    pub(super) source: Option<IpAddr>,
}

impl Target {
    /// The server's address unless the check has its own.
    pub(super) fn of(check: &Check, server: &Server) -> Target {
        let mut address = check.address.unwrap_or(server.address);
        if let Some(port) = check.port {
            address.set_port(port);
        }
        Target { address, source: server.source }
    }
}

/// Probes once. Says when it is connected; the caller gives up on it by dropping it.
pub(super) async fn run(target: Target, probe: &Probe, connected: impl FnOnce()) -> Outcome {
    let socket = match socket(target) {
        Ok(socket) => socket,
        Err(error) => return Outcome::new(Code::SockErr, describe(&error)),
    };
    let stream = match socket.connect(target.address).await {
        Ok(stream) => stream,
        Err(error) if is_our_fault(&error) => return Outcome::new(Code::SockErr, describe(&error)),
        Err(error) => return Outcome::new(Code::L4Con, describe(&error)),
    };
    // Closed with a reset, as HAProxy does: neither side keeps a TIME_WAIT for each probe. A refusal changes nothing else.
    let _ = socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO));
    match probe {
        Probe::Connect => Outcome::new(Code::L4Ok, ""),
        Probe::Http(probe) => {
            connected();
            ask(stream, probe).await.unwrap_or_else(|error| Outcome::new(Code::L7Rsp, describe(&error)))
        }
    }
}

fn socket(target: Target) -> io::Result<TcpSocket> {
    let socket = if target.address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(source) = target.source {
        socket.bind(SocketAddr::new(source, 0))?;
    }
    Ok(socket)
}

async fn ask(mut stream: TcpStream, probe: &HttpProbe) -> io::Result<Outcome> {
    stream.write_all(&request(probe)).await?;
    let mut expect = Expect::new(probe);
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer).await?;
        if read == 0 {
            return Ok(expect.finish());
        }
        if let Some(outcome) = expect.feed(&buffer[..read]) {
            return Ok(outcome);
        }
    }
}

fn is_our_fault(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::AddrNotAvailable | io::ErrorKind::AddrInUse)
}

/// The kernel's words alone: `Connection refused`.
fn describe(error: &io::Error) -> String {
    error.raw_os_error().map_or_else(|| error.to_string(), |code| Errno::from_raw(code).desc().to_owned())
}
