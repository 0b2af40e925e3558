//! A new connection to a server: where it comes from, where it goes, and what it begins with.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::model::options::{Namespace, Pose, Reuse};
use crate::model::proxy::Server;
use crate::state::source_ports::TakenPort;
use crate::sys::{dial, namespace, options, signature};
use crate::wire::socks4;

use super::backend::Slot;
use super::failure::{By, Cause, Failure, Phase};
use super::local::{LocalBackend, LocalFrontend};
use super::pool::{Care, Kind, Position};
use super::rules;
use super::session::Session;
use super::socket::Socket;

/// What of a connection to a server depends on its client.
#[derive(Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Guise {
    /// The address that it bears instead of our own.
    address: Option<SocketAddr>,
    /// The network namespace that it is made in, where that is the client's.
    namespace: Option<String>,
}

/// What connections of the present stream to a server pass for.
///
/// # Errors
/// The request does not have the field that says it: nobody's fault but the configuration's.
pub(super) fn guise(
    session: &mut Session,
    frontend: &LocalFrontend,
    backend: &Rc<LocalBackend>,
    server: usize,
) -> Result<Guise, Failure> {
    let Some(server) = backend.running.model.servers.get(server) else { return Ok(Guise::default()) };
    let of_client = server.options.namespace.as_ref().filter(|namespace| **namespace == Namespace::OfClient);
    let named = of_client.and_then(|_| session.arrival.as_ref()?.namespace());
    let namespace = named.filter(|name| namespace::is_inhabited(name)).map(str::to_owned);
    let client = session.source();
    let address = match &server.options.origin.pose {
        None => None,
        Some(Pose::Client) => Some(SocketAddr::new(client.ip().to_canonical(), client.port())),
        Some(Pose::ClientAddress) => Some(SocketAddr::new(client.ip().to_canonical(), 0)),
        Some(Pose::Address(address)) => Some(*address),
        Some(Pose::Field { .. }) => {
            let address = rules::pose(session, frontend, backend, &server.name);
            let lacks = || Failure::new(By::Internal, Cause::Abort, Phase::Connect);
            Some(SocketAddr::new(address.ok_or_else(lacks)?, 0))
        }
    };
    Ok(Guise { address, namespace })
}

/// Whether a connection could not be tried, for lack of an address or a port of our own: another attempt need not wait.
pub(super) fn is_ours(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::AddrNotAvailable)
}

/// Connects to the server of the slot, which hears the PROXY header first.
///
/// # Errors
/// The kernel's, or the server refused.
pub(super) async fn open(session: &Session, slot: &Slot, guise: &Guise, header: Option<&[u8]>) -> io::Result<Socket> {
    let mut socket = match &slot.model().options.socket {
        Some(endpoint) => Socket::unwatched(dial::local(endpoint)?),
        None => open_tcp(session, slot, guise).await?,
    };
    let mut left = header.unwrap_or_default();
    while !left.is_empty() {
        match poll_fn(|context| socket.poll_write(context, left)).await? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            count => left = &left[count..],
        }
    }
    Ok(socket)
}

async fn open_tcp(session: &Session, slot: &Slot, guise: &Guise) -> io::Result<Socket> {
    let server = slot.model();
    let address = address(session, server)?;
    let near = server.options.socks.unwrap_or(address);
    let namespace = match &server.options.namespace {
        Some(Namespace::Named(name)) => Some(name),
        _ => guise.namespace.as_ref(),
    };
    let socket = dial::socket(near, namespace.map(String::as_str)).await?;
    socket.set_nodelay(true)?;
    let kernel = socket2::SockRef::from(&socket);
    let backend = &slot.backend.running.model.options;
    if backend.keeps_alive {
        let times = &backend.keep_alive;
        dial::keep_alive(&kernel, (times.idle, times.interval), times.count)?;
    }
    let buffers = &session.frontend().others.rules.globals.server_buffers;
    dial::size_buffers(&kernel, buffers.receive, buffers.send);
    let (tos, mark) = session.server_options();
    options::set(&kernel, tos, mark);
    dial::tune(&kernel, &server.options)?;
    if let Some(password) = &server.options.signature {
        signature::sign_to(&kernel, near, password)?;
    }
    let port = match guise.address.filter(|address| address.is_ipv4() == near.is_ipv4()) {
        Some(address) => {
            dial::pose(&kernel)?;
            socket.bind(address)?;
            None
        }
        None => leave_from(session, slot, &kernel)?,
    };
    if slot.backend.manners.resets {
        kernel.set_linger(Some(Duration::ZERO))?;
    }
    let mut stream = socket.connect(near).await?;
    if server.options.socks.is_some() {
        pass_socks(&mut stream, address).await?;
    }
    Ok(Socket::watched(stream).holding(port))
}

/// Binds a socket to where connections to the server come from. Where idle connections have all ports, one gives up its.
fn leave_from(session: &Session, slot: &Slot, socket: &socket2::SockRef<'_>) -> io::Result<Option<TakenPort>> {
    let server = slot.model();
    dial::leave_from(socket, server.source, server.options.origin.ports, |range| {
        let ports = &slot.state().source_ports;
        let taken = ports.take(range).or_else(|| {
            let wanted = (Reuse::Always, Position::Later);
            let idle = slot.backend.pools.get(slot.index)?;
            drop(idle.take(session.worker.index, Care::Replayable, wanted, Kind::default())?);
            ports.take(range)
        })?;
        Some((taken.port, taken))
    })
}

/// Has a SOCKS proxy connect to the server.
async fn pass_socks(stream: &mut TcpStream, server: SocketAddr) -> io::Result<()> {
    let request = socks4::request(server).ok_or(io::ErrorKind::Unsupported)?;
    stream.write_all(&request).await?;
    let mut answer = [0; socks4::ANSWER];
    stream.read_exact(&mut answer).await?;
    if socks4::is_granted(&answer) { Ok(()) } else { Err(io::ErrorKind::ConnectionRefused.into()) }
}

/// Where a server is: one without an address is where the client wanted to go, one without a port where it came in.
fn address(session: &Session, server: &Server) -> io::Result<SocketAddr> {
    // One whose name has no address is nowhere.
    if server.options.naming.lack.is_some() {
        return Err(io::ErrorKind::HostUnreachable.into());
    }
    let mut address = server.address;
    if address.ip().is_unspecified() || address.port() == 0 {
        let wanted = session.destination();
        if address.ip().is_unspecified() {
            address.set_ip(wanted.ip().to_canonical());
        }
        if address.port() == 0 {
            let port = i32::from(wanted.port()) + server.options.port_offset;
            address.set_port(u16::try_from(port).map_err(|_| io::ErrorKind::HostUnreachable)?);
        }
    }
    Ok(address)
}
