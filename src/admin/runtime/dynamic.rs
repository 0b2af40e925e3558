//! What makes another configuration of the one that runs: main carries it out, and its answer is awaited.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::Ordering;

use tokio::sync::oneshot;

use crate::admin::{Order, OrderKind, ServerEdit};
use crate::generation::{Backend, Generation};
use crate::model::log::Destination;
use crate::model::proxy::Mode;
use crate::model::runtime::Level;
use crate::state::command::{Probing, ServerChange};
use crate::state::servers::{Admin, Prober};
use crate::wire::dns;

use super::servers::{Chosen, find_backend, refused, warned};
use super::table::{Command, Later};
use super::wait::Removal;
use super::{Answer, Call, Severity};

pub const COMMANDS: &[Command] = &[
    Command::later("add server", Level::Admin, "add server <bk>/<srv>", "create a new server", |call| {
        Box::pin(async move { settled(add(call).await) })
    }),
    Command::later("del server", Level::Admin, "del server <bk>/<srv>", "remove a dynamically added server", |call| {
        Box::pin(async move { bare(settled(delete(call).await)) })
    }),
    Command::later(
        "set maxconn server",
        Level::Admin,
        "set maxconn server <bk>/<srv>",
        "change a server's maxconn setting",
        |call| Box::pin(async move { settled(maxconn(call).await) }),
    ),
];

/// Options of `set server` that need another configuration.
pub const OPTIONS: &[(&str, Later)] = &[
    ("addr", |call| Box::pin(async move { settled(address(call).await) })),
    ("agent-addr", |call| Box::pin(async move { settled(agent_address(call).await) })),
    ("agent-port", |call| Box::pin(async move { settled(agent_port(call).await) })),
    ("agent-send", |call| Box::pin(async move { settled(agent_send(call).await) })),
    ("check-addr", |call| Box::pin(async move { settled(check_address(call).await) })),
    ("fqdn", |call| Box::pin(async move { settled(name(call).await) })),
    ("check-port", |call| Box::pin(async move { settled(check_port(call).await) })),
];

fn settled(result: Result<Answer, Answer>) -> Answer {
    result.unwrap_or_else(|refusal| refusal)
}

/// Has main change a server.
async fn order(call: &Call<'_>, backend: &str, server: &str, edit: ServerEdit) -> Result<(), Answer> {
    let (answer, answered) = oneshot::channel();
    let kind = OrderKind::Server { backend: backend.to_owned(), server: server.to_owned(), edit };
    let gone = || Answer::error("The process is stopping.");
    call.process.orders.send(Order { kind, answer }).await.map_err(|_| gone())?;
    answered.await.map_err(|_| gone())?.map(drop).map_err(Answer::error)
}

/// The backend and the server that a word names.
fn names<'a>(call: &'a Call<'_>, number: usize) -> Result<(&'a str, &'a str), Answer> {
    let parts = call.word(number).split_once('/').filter(|(_, server)| !server.is_empty());
    parts.ok_or_else(|| Answer::error("Require 'backend/server'."))
}

/// A sentence that HAProxy ends without a line of its own.
fn bare(answer: Answer) -> Answer {
    match answer {
        Answer::Message(severity, text) => Answer::Message(severity, text.trim_end_matches('\n').to_owned()),
        other => other,
    }
}

async fn add(call: &Call<'_>) -> Result<Answer, Answer> {
    let (backend, server) = names(call, 2).map_err(bare)?;
    let known = find_backend(&call.process.generation.load(), backend).ok_or_else(|| refused("No such backend."))?;
    if call.word(3).is_empty() {
        return Err(Answer::error("'server' expects <name> and <addr>[:<port>] as arguments."));
    }
    if known.model.balance.is_static(&known.model.options.hashing) {
        return Err(Answer::error(format!("backend '{backend}' uses a non dynamic load balancing method")));
    }
    if known.model.mode == Mode::Log {
        return Err(Answer::error(format!("backend '{backend}' uses mode log")));
    }
    let words = call.words.get(3..).unwrap_or_default().to_vec();
    order(call, backend, server, ServerEdit::Add(words)).await?;
    Ok(Answer::info("New server registered."))
}

async fn delete(call: &Call<'_>) -> Result<Answer, Answer> {
    Chosen::find(call, 2)?;
    let (backend, server) = names(call, 2)?;
    match removal(&call.process.generation.load_full(), backend, server) {
        Removal::Later(refusal) | Removal::Never(refusal) => Err(Answer::error(refusal)),
        Removal::Now => {
            order(call, backend, server, ServerEdit::Delete).await?;
            Ok(Answer::info("Server deleted."))
        }
    }
}

/// Whether a server may be deleted, with HAProxy's reasons why not, in its order.
pub fn removal(generation: &Generation, backend: &str, server: &str) -> Removal {
    let Some(chosen) = find_backend(generation, backend) else { return Removal::Never("No such backend.") };
    let place = chosen.model.servers.iter().position(|known| known.name == server);
    let Some(state) = place.and_then(|place| chosen.state.servers.get(place)) else {
        return Removal::Never("No such server.");
    };
    if is_server_used(generation, &chosen, server) {
        Removal::Never("This server cannot be removed at runtime due to other configuration elements pointing to it.")
    } else if state.admin() != Admin::Maint {
        Removal::Never("Only servers in maintenance mode can be deleted.")
    } else if state.connections.load(Ordering::Relaxed) > 0 || state.queued.load(Ordering::Relaxed) > 0 {
        Removal::Later("Server still has connections attached to it, cannot remove it.")
    } else {
        Removal::Now
    }
}

/// Whether a rule names a server, or another one tracks it.
fn is_server_used(generation: &Generation, chosen: &Backend, server: &str) -> bool {
    let backend = chosen.model.name.as_str();
    let frontends = generation.model.frontends.iter().flat_map(|frontend| &frontend.rules);
    let backends = generation.model.backends.iter().flat_map(|backend| &backend.rules);
    let is_named =
        frontends.chain(backends).any(|line| line.words.iter().any(|word| names_server(word, backend, server)))
            || chosen.model.rules.iter().any(|line| {
                line.words.first().is_some_and(|word| word == "use-server")
                    && line.words.get(1).is_some_and(|word| word == server)
            });
    let servers = generation.model.backends.iter().flat_map(|backend| &backend.servers);
    let is_tracked =
        servers.filter_map(|known| known.care.track.as_ref()).any(|(b, s)| (&**b, &**s) == (backend, server));
    is_named || is_tracked
}

/// Whether a rule, a default, or a server that tracks has this backend.
pub fn is_backend_used(generation: &Generation, name: &str) -> bool {
    let model = &generation.model;
    let frontends = model.frontends.iter().flat_map(|frontend| &frontend.rules);
    let backends = model.backends.iter().flat_map(|backend| &backend.rules);
    let is_default = |number: usize| model.backends.get(number).is_some_and(|backend| backend.name == name);
    let servers = model.backends.iter().flat_map(|backend| &backend.servers);
    frontends.chain(backends).any(|line| line.words.iter().skip(1).any(|word| has_name(word, name)))
        || model.frontends.iter().filter_map(|frontend| frontend.default_backend).any(is_default)
        || servers.filter_map(|server| server.care.track.as_ref()).any(|(backend, _)| backend == name)
        || model.targets().any(|target| matches!(&target.destination, Destination::Backend(backend) if backend == name))
}

/// Whether a word of a rule has `backend/server` in it.
fn names_server(word: &str, backend: &str, server: &str) -> bool {
    has_name(word, &format!("{backend}/{server}"))
}

/// Whether a word of a rule has a name in it, and not as a part of a longer one.
fn has_name(word: &str, whole: &str) -> bool {
    let is_part = |character: Option<char>| character.is_some_and(|c| c.is_ascii_alphanumeric() || "-_.:/".contains(c));
    word.match_indices(whole).any(|(at, _)| {
        let (before, after) = (word.get(..at), word.get(at + whole.len()..));
        !is_part(before.and_then(|text| text.chars().next_back()))
            && !is_part(after.and_then(|text| text.chars().next()))
    })
}

async fn maxconn(call: &Call<'_>) -> Result<Answer, Answer> {
    Chosen::find(call, 3)?;
    let (backend, server) = names(call, 3)?;
    let text = call.word(4);
    if text.is_empty() {
        return Err(Answer::error("Require <maxconn>."));
    }
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let count: usize = match (text[..digits].parse(), digits == text.len()) {
        (Ok(count), true) => count,
        (Ok(_), false) => return Err(refused("Trailing garbage in maxconn string")),
        (Err(_), _) => return Err(refused("maxconn string empty or preceded by garbage")),
    };
    order(call, backend, server, ServerEdit::Maxconn((count > 0).then_some(count))).await?;
    Ok(Answer::Done)
}

/// `set server b/s addr ADDRESS [port PORT]`: says what it did, with and without a change.
async fn address(call: &Call<'_>) -> Result<Answer, Answer> {
    let chosen = Chosen::find(call, 2)?;
    let (backend, server) = names(call, 2)?;
    let (text, has_port) = (call.word(4), call.word(5) == "port");
    if text.is_empty() {
        return Err(Answer::error("set server <b>/<s> addr requires an address and optionally a port."));
    }
    let said = |text: String| Answer::Message(Severity::Warning, format!("{text} by 'stats socket command'\n"));
    let Ok(wanted) = text.parse::<IpAddr>() else { return Err(said(format!("Invalid addr '{text}'"))) };
    let before = chosen.address();
    let lacks_address = chosen.naming().lack.is_some();
    let moved = match (lacks_address, wanted == before.ip()) {
        (true, _) => format!("IP changed from '(none)' to '{wanted}'"),
        (false, true) => "no need to change the addr".to_owned(),
        (false, false) => format!("IP changed from '{}' to '{wanted}'", before.ip()),
    };
    let (port, told) = match (has_port, call.word(6).parse::<u16>()) {
        (false, _) => (before.port(), String::new()),
        (true, Ok(port)) if port == before.port() => (port, ", no need to change the port".to_owned()),
        (true, Ok(port)) => (port, format!(", port changed from '{}' to '{port}'", before.port())),
        (true, Err(_)) => (before.port(), format!(", problem converting port '{}' to an int", call.word(6))),
    };
    let after = SocketAddr::new(wanted, port);
    if after != before || lacks_address {
        order(call, backend, server, ServerEdit::Address(after)).await?;
    }
    Ok(said(format!("{moved}{told}")))
}

/// `set server b/s fqdn NAME`
async fn name(call: &Call<'_>) -> Result<Answer, Answer> {
    let chosen = Chosen::find(call, 2)?;
    let (backend, server) = names(call, 2)?;
    let text = call.word(4);
    let naming = chosen.naming();
    if text.is_empty() {
        return Err(Answer::error("set server <b>/<s> fqdn requires a FQDN."));
    }
    if naming.resolvers.is_none() || !naming.is_there() {
        return Err(Answer::error("set server <b>/<s> fqdn failed because no resolution is configured."));
    }
    if naming.service.is_some() {
        return Err(Answer::error("set server <b>/<s> fqdn failed because SRV resolution is configured."));
    }
    let said = |text: String| Answer::Message(Severity::Warning, format!("{text} by 'stats socket command'\n"));
    let before = naming.host.as_deref().unwrap_or_default();
    if before == text {
        return Ok(said("no need to change the FDQN".to_owned()));
    }
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    if !dns::is_name(text) || !text.chars().all(is_allowed) {
        return Err(said(format!("invalid fqdn '{text}'")));
    }
    order(call, backend, server, ServerEdit::Name(text.to_owned())).await?;
    Ok(said(format!("{backend}/{server} changed its FQDN from {before} to {text}")))
}

async fn check_address(call: &Call<'_>) -> Result<Answer, Answer> {
    let (backend, server) = names(call, 2)?;
    let text = call.word(4);
    if text.is_empty() {
        return Err(Answer::error("set server <b>/<s> check-addr requires an address and optionally a port."));
    }
    checked(call)?;
    let address = text.parse().map_err(|_| warned(&format!("invalid addr '{text}'")))?;
    order(call, backend, server, ServerEdit::CheckAddress(address)).await?;
    match call.word(5) {
        "port" => set_check_port(call, call.word(6)).await,
        _ => Ok(Answer::Done),
    }
}

async fn check_port(call: &Call<'_>) -> Result<Answer, Answer> {
    match call.word(4) {
        "" => Err(Answer::error("set server <b>/<s> check-port requires a port.")),
        port => set_check_port(call, port).await,
    }
}

async fn set_check_port(call: &Call<'_>, text: &str) -> Result<Answer, Answer> {
    let (backend, server) = names(call, 2)?;
    checked(call)?;
    let port = port(text)?;
    order(call, backend, server, ServerEdit::CheckPort((port > 0).then_some(port))).await?;
    Ok(Answer::Done)
}

/// A port as HAProxy reads it.
fn port(text: &str) -> Result<u16, Answer> {
    let number: i64 = text.parse().map_err(|_| warned("provided port is not an integer"))?;
    u16::try_from(number).map_err(|_| warned("provided port is invalid"))
}

/// `set server b/s agent-addr ADDRESS [port PORT]`
async fn agent_address(call: &Call<'_>) -> Result<Answer, Answer> {
    let (backend, server) = names(call, 2)?;
    let text = call.word(4);
    if text.is_empty() {
        return Err(Answer::error("set server <b>/<s> agent-addr requires an address and optionally a port."));
    }
    has_agent(call).map_err(|()| warned("agent checks are not enabled on this server"))?;
    let address = text.parse().map_err(|_| warned(&format!("invalid addr '{text}'")))?;
    let changed = if call.word(5) == "port" { Some(port(call.word(6))?) } else { None };
    order(call, backend, server, ServerEdit::AgentAddress(address)).await?;
    if let Some(port) = changed {
        order(call, backend, server, ServerEdit::AgentPort(port)).await?;
    }
    Ok(Answer::Done)
}

/// `set server b/s agent-port PORT`
async fn agent_port(call: &Call<'_>) -> Result<Answer, Answer> {
    let (backend, server) = names(call, 2)?;
    let text = call.word(4);
    if text.is_empty() {
        return Err(Answer::error("set server <b>/<s> agent-port requires a port."));
    }
    has_agent(call).map_err(|()| warned("agent checks are not enabled on this server"))?;
    order(call, backend, server, ServerEdit::AgentPort(port(text)?)).await?;
    Ok(Answer::Done)
}

/// `set server b/s agent-send TEXT`
async fn agent_send(call: &Call<'_>) -> Result<Answer, Answer> {
    let (backend, server) = names(call, 2)?;
    has_agent(call).map_err(|()| Answer::error("agent checks are not enabled on this server."))?;
    order(call, backend, server, ServerEdit::AgentSend(call.word(4).to_owned())).await?;
    Ok(Answer::Done)
}

/// Whether the server has an agent that is asked.
fn has_agent(call: &Call<'_>) -> Result<(), ()> {
    let chosen = Chosen::find(call, 2).map_err(|_| ())?;
    let change = ServerChange::Probing(Prober::Agent, Probing::Up);
    if chosen.concerns(change) { Ok(()) } else { Err(()) }
}

/// Whether the server is probed.
fn checked(call: &Call<'_>) -> Result<(), Answer> {
    match Chosen::find(call, 2)?.is_checked() {
        true => Ok(()),
        false => Err(warned("health checks are not enabled on this server")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_named_by_a_word_only_as_a_whole() {
        assert!(names_server("srv_sess_rate(test/s1)", "test", "s1"));
        assert!(!names_server("srv_sess_rate(test/s11)", "test", "s1"));
        assert!(!names_server("nbsrv(atest/s1)", "test", "s1"));
    }
}
