//! A question to an agent beside a server (`agent-check`), and what its answer changes.

use std::io;

use nix::errno::Errno;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::check::agent::{self, MAX_REPLY, Reply};
use crate::check::machine::Stage;
use crate::check::{Code, Outcome};
use crate::model::Weight;
use crate::model::check::Agent;
use crate::state::servers::{Admin, Server};

/// An answer, with the connection that it came over: the agent sees it end when the answer has been obeyed.
pub(super) struct Said {
    pub(super) reply: Reply,
    _stream: TcpStream,
}

/// Asks once. Says when it is connected; the caller gives up on it by dropping it.
pub(super) async fn ask(agent: &Agent, report: impl Fn(Stage)) -> Result<Said, Outcome> {
    let mut stream = TcpStream::connect(agent.address).await.map_err(|error| refused(&error))?;
    report(Stage { is_connected: true, on_timeout: Outcome::new(Code::L7Tout, "") });
    let broken = |error: io::Error| Outcome::new(Code::SockErr, words(&error));
    if !agent.send.is_empty() {
        stream.write_all(agent.send.as_bytes()).await.map_err(broken)?;
    }
    let (mut reply, mut buffer) = (Vec::new(), [0; 512]);
    loop {
        let read = stream.read(&mut buffer).await.map_err(broken)?;
        reply.extend_from_slice(&buffer[..read]);
        if let Some(reply) = agent::parse(&reply) {
            return Ok(Said { reply, _stream: stream });
        }
        if read == 0 || reply.len() > MAX_REPLY {
            return Err(Outcome::new(Code::Checked, "Ignoring incomplete line from agent"));
        }
    }
}

fn refused(error: &io::Error) -> Outcome {
    let words = words(error);
    let words = match error.kind() {
        io::ErrorKind::ConnectionRefused => format!("ECONNREFUSED returned by OS ({words})"),
        _ => format!("General socket error ({words})"),
    };
    Outcome::new(Code::L4Con, words)
}

fn words(error: &io::Error) -> String {
    error.raw_os_error().map_or_else(|| error.to_string(), |code| Errno::from_raw(code).desc().to_owned())
}

/// What a reply asks for in the operator's place.
pub(super) fn admin(reply: &Reply) -> Option<Admin> {
    reply.admin.map(|admin| match admin {
        agent::Admin::Ready => Admin::Ready,
        agent::Admin::Drain => Admin::Drain,
        agent::Admin::Maint => Admin::Maint,
    })
}

/// Does what a reply says about weight and limit of a server; the result is what it says about its health.
pub(super) fn obey(server: &Server, configured: u16, reply: &Reply) -> Outcome {
    let mut warning = None;
    if let Some(text) = &reply.weight {
        match agent::weight(text, configured).and_then(Weight::new) {
            Some(weight) => server.set_weight(weight),
            None => warning = Some("Absolute weight can only be between 0 and 256 inclusive."),
        }
    }
    if let Some(text) = &reply.maxconn {
        match text.parse::<usize>() {
            Ok(limit) => server.set_limit(limit),
            Err(_) => warning = Some("maxconn string trailing characters"),
        }
    }
    let outcome = reply.outcome.clone();
    match warning {
        Some(words) if outcome.code == Code::Checked && outcome.detail.is_empty() => {
            Outcome::new(Code::Checked, format!("agent warns : {words}"))
        }
        _ => outcome,
    }
}
