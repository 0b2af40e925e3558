//! Backends in log mode: how their servers can be chosen and reached (HAProxy manual §4.2 "mode").

use crate::config::draft;
use crate::model::balance::{Balance, HashMethod};
use crate::model::proxy::{Mode, Server};

use super::Context;

/// Refuses an algorithm that cannot choose servers of messages.
pub fn balance(context: &Context<'_>, backend: &draft::Backend, mode: Mode) {
    let Some(balance) = backend.balance.as_ref().filter(|_| mode == Mode::Log) else { return };
    let name = &backend.name.value;
    let is_consistent = backend.options.hashing.method == HashMethod::Consistent;
    match balance.value {
        Balance::LogHash(_) if is_consistent => {
            let message = format!("log backend '{name}': unsupported hash method (from \"hash-type\")");
            context.error("E-MODE", balance.span, message, "remove `consistent` of `hash-type`");
        }
        Balance::RoundRobin | Balance::Random { .. } | Balance::Sticky | Balance::LogHash(_) => {}
        _ => {
            let message = format!("in backend '{name}': this `balance` cannot choose servers of messages");
            context.error("E-MODE", balance.span, message, "write roundrobin, random, sticky or log-hash");
        }
    }
}

/// Refuses addresses that cannot be reached in the backend's mode.
pub fn servers(context: &Context<'_>, backend: &draft::Backend, mode: Mode, servers: &[Server]) {
    let first = servers.first().is_some_and(|server| server.options.syslog.is_datagram);
    for server in servers {
        let is_it = |written: &&draft::Server| written.name.value == server.name;
        let span = backend.servers.iter().find(is_it).map_or(backend.name.span, |written| written.name.span);
        let name = &server.name;
        let is_datagram = server.options.syslog.is_datagram;
        match mode {
            Mode::Log if server.options.socket.is_some() => {
                let message = "log server address family not supported for log backend server";
                context.error("E-MODE", span, message, "write ADDRESS:PORT, or udp@ADDRESS:PORT for datagrams");
            }
            Mode::Log if is_datagram != first => {
                let message = format!(
                    "log backend '{}': cannot mix server types within a log backend, '{name}' differs from the first",
                    backend.name.value
                );
                context.error("E-MODE", span, message, "write udp@ before all addresses, or before none");
            }
            Mode::Log if server.address.port() == 0 => {
                let message = format!("log server `{name}` has no port");
                context.warning("W-PORT", span, message, "nothing reaches it; write one, such as 514");
            }
            Mode::Tcp | Mode::Http if is_datagram => {
                let message = format!("unsupported transport for the address of server `{name}`");
                context.error("E-MODE", span, message, "datagrams are for servers of backends in log mode");
            }
            _ => {}
        }
    }
}
