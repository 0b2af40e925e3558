//! One probe on real sockets, or by a program.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use nix::errno::Errno;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::check::dialogue::{Destination, Dialogue, Failure, Request, World};
use crate::check::machine::Stage;
use crate::check::rules::{Plan, Ruleset};
use crate::check::{Code, Outcome};
use crate::model::Endpoint;
use crate::model::check::Check;
use crate::model::options::{Namespace, Origin, ProxyHeader};
use crate::model::proxy::Server;
use crate::rule::Registry;
use crate::state::source_ports::{SourcePorts, TakenPort};
use crate::sys::{dial, signature};
use crate::wire::proxy_protocol::{Binary, NO_TLS, TLS, write_line};
use crate::wire::socks4;

use super::facts::Knowledge;
use super::program;

/// Where a probe goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) address: SocketAddr,
    /// The Unix socket of the server, where the check has no address of its own.
    pub(super) local: Option<Endpoint>,
    pub(super) origin: Origin,
    pub(super) namespace: Option<Namespace>,
    /// Password that its segments are signed with.
    pub(super) signature: Option<String>,
    pub(super) source: Option<IpAddr>,
    pub(super) sends_proxy: bool,
    /// What a PROXY header looks like.
    pub(super) header: HeaderForm,
    pub(super) socks: Option<SocketAddr>,
}

/// What the PROXY header of a probe looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeaderForm {
    /// Version 1: our own end is the client.
    Line,
    /// Version 2: it says that we speak for ourselves, unless our own end is to be the client.
    Binary { has_checksum: bool, tells_tls: bool, is_client: bool },
}

impl HeaderForm {
    fn of(header: &ProxyHeader, is_client: bool) -> HeaderForm {
        let (has_checksum, tells_tls) = (header.has_checksum, header.tells_tls);
        if header.is_binary { HeaderForm::Binary { has_checksum, tells_tls, is_client } } else { HeaderForm::Line }
    }

    fn write(self, stream: &TcpStream) -> Vec<u8> {
        let mut out = Vec::new();
        let ends = || stream.local_addr().ok().zip(stream.peer_addr().ok());
        match self {
            HeaderForm::Line => write_line(&mut out, ends()),
            HeaderForm::Binary { has_checksum, tells_tls, is_client } => {
                let mut header = Binary::begin(&mut out, is_client.then(ends).flatten());
                if has_checksum {
                    header.add_checksum();
                }
                if tells_tls {
                    header.value(TLS, |out| out.extend_from_slice(&NO_TLS));
                }
                // So few values are never too long.
                let _ = header.finish();
            }
        }
        out
    }
}

impl Target {
    /// The server's address unless the check has its own; `is_client` if its header tells it as a client's.
    pub(super) fn of(check: &Check, server: &Server, is_client: bool) -> Target {
        let mut address = check.address.unwrap_or(server.address);
        if let Some(port) = check.port {
            address.set_port(port);
        }
        Target {
            address,
            local: server.options.socket.clone().filter(|_| check.address.is_none() && check.port.is_none()),
            origin: server.options.origin.clone(),
            namespace: server.options.namespace.clone(),
            signature: server.options.signature.clone(),
            source: server.source,
            sends_proxy: check.sends_proxy,
            header: HeaderForm::of(&server.options.proxy_header, is_client),
            socks: check.socks,
        }
    }
}

/// Everything that a probe needs.
pub(super) struct Probe {
    pub(super) plan: Rc<Plan>,
    pub(super) target: Target,
    pub(super) patterns: Rc<Registry>,
    pub(super) knowledge: Knowledge,
    /// For a program.
    pub(super) environment: program::Environment,
}

impl Probe {
    /// Probes once. Says where it is; the caller gives up on it by dropping it.
    pub(super) async fn run(self, report: impl Fn(Stage)) -> Outcome {
        match &*self.plan {
            Plan::Program(program) => {
                report(Stage { is_connected: false, on_timeout: Outcome::new(Code::ProcTout, "") });
                program::run(program, &self.environment).await
            }
            Plan::Rules(rules) => self.converse(&Rc::new(rules.clone()), report).await,
        }
    }

    async fn converse(&self, rules: &Rc<Ruleset>, report: impl Fn(Stage)) -> Outcome {
        let world = World {
            facts: &self.knowledge,
            patterns: &self.patterns,
            state: &self.knowledge.state,
            is_up: self.knowledge.is_up,
        };
        let mut dialogue = Dialogue::new(Rc::clone(rules));
        let mut connection: Option<(TcpStream, Option<TakenPort>)> = None;
        let mut buffer = vec![0; 4096];
        loop {
            let request = dialogue.next(&world);
            report(Stage { is_connected: dialogue.is_connected(), on_timeout: dialogue.on_timeout() });
            match request {
                Request::Finished(outcome) => return outcome,
                Request::Connect(destination) => {
                    connection = None;
                    match self.connect(&destination).await {
                        Ok(made) => {
                            self.knowledge.ends.set(made.0.local_addr().ok().zip(made.0.peer_addr().ok()));
                            connection = Some(made);
                            dialogue.connected();
                        }
                        Err(failure) => dialogue.failed(&failure),
                    }
                }
                Request::Send(bytes) => {
                    let Some((stream, _)) = &mut connection else { return lost() };
                    if let Err(error) = stream.write_all(&bytes).await {
                        dialogue.failed(&Failure::Socket(describe(&error)));
                    }
                }
                Request::Receive => {
                    let Some((stream, _)) = &mut connection else { return lost() };
                    match stream.read(&mut buffer).await {
                        Ok(0) => dialogue.closed(),
                        Ok(read) => dialogue.received(&buffer[..read]),
                        Err(error) => dialogue.failed(&Failure::Socket(describe(&error))),
                    }
                }
            }
        }
    }

    async fn connect(&self, destination: &Destination) -> Result<(TcpStream, Option<TakenPort>), Failure> {
        let mut address = self.target.address;
        if let Some(ip) = destination.address {
            address.set_ip(ip);
        }
        if let Some(port) = destination.port {
            address.set_port(port);
        }
        let uses_socks = destination.via_socks || destination.is_default;
        let socks = self.target.socks.filter(|_| uses_socks);
        let near = socks.unwrap_or(address);
        let is_own = destination.address.is_none() && destination.port.is_none() && socks.is_none();
        let (mut stream, port) = match self.target.local.as_ref().filter(|_| is_own) {
            Some(endpoint) => {
                let stream = dial::local(endpoint).and_then(TcpStream::from_std);
                (stream.map_err(|error| failure(&error))?, None)
            }
            None => {
                let ports = &self.knowledge.backend.servers[self.knowledge.server].source_ports;
                let made = socket(near, &self.target, ports).await;
                let (socket, port) = made.map_err(|error| Failure::Ours(describe(&error)))?;
                (socket.connect(near).await.map_err(|error| failure(&error))?, port)
            }
        };
        if !destination.lingers {
            // Closed with a reset, as HAProxy does: neither side keeps a TIME_WAIT for each probe. A refusal changes
            // nothing else.
            let _ = socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO));
        }
        if socks.is_some() {
            pass_socks(&mut stream, address).await?;
        }
        if destination.sends_proxy || (destination.is_default && self.target.sends_proxy) {
            let header = self.target.header.write(&stream);
            stream.write_all(&header).await.map_err(|error| Failure::Socket(describe(&error)))?;
        }
        Ok((stream, port))
    }
}

/// No rule sends or receives before a connect: every list begins with one.
fn lost() -> Outcome {
    Outcome::new(Code::SockErr, "the connection is gone")
}

/// A socket to an address, and the port that it leaves by if that is one of a range.
async fn socket(
    address: SocketAddr,
    target: &Target,
    ports: &SourcePorts,
) -> io::Result<(TcpSocket, Option<TakenPort>)> {
    let namespace = match &target.namespace {
        Some(Namespace::Named(name)) => Some(name.as_str()),
        _ => None,
    };
    let socket = dial::socket(address, namespace).await?;
    let kernel = socket2::SockRef::from(&socket);
    dial::leave_by(&kernel, &target.origin)?;
    if let Some(password) = &target.signature {
        signature::sign_to(&kernel, address, password)?;
    }
    let source = target.source.filter(|source| source.is_ipv4() == address.is_ipv4());
    let port = dial::leave_from(&kernel, source, target.origin.ports, |range| {
        let taken = ports.take(range)?;
        Some((taken.port, taken))
    })?;
    Ok((socket, port))
}

/// Has a SOCKS proxy connect to the address.
async fn pass_socks(stream: &mut TcpStream, address: SocketAddr) -> Result<(), Failure> {
    let Some(request) = socks4::request(address) else {
        return Err(Failure::Socks("SOCKS4 Proxy write error during handshake"));
    };
    let sent = stream.write_all(&request).await;
    sent.map_err(|_| Failure::Socks("SOCKS4 Proxy write error during handshake"))?;
    let mut answer = [0; socks4::ANSWER];
    match stream.read_exact(&mut answer).await {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Err(Failure::Socks("SOCKS4 Proxy handshake aborted by server"))
        }
        Err(_) => Err(Failure::Socks("SOCKS4 Proxy read error during handshake")),
        Ok(_) if !socks4::is_granted(&answer) => Err(Failure::Socks("SOCKS4 Proxy deny the request")),
        Ok(_) => Ok(()),
    }
}

fn failure(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Failure::Refused,
        io::ErrorKind::AddrNotAvailable | io::ErrorKind::AddrInUse => Failure::Ours(describe(error)),
        _ => Failure::Socket(describe(error)),
    }
}

/// The kernel's words alone: `Connection refused`.
fn describe(error: &io::Error) -> String {
    error.raw_os_error().map_or_else(|| error.to_string(), |code| Errno::from_raw(code).desc().to_owned())
}
