//! What expressions of a check ask: its backend, its server, the process.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::rule::Facts;
use crate::rule::facts::{Address, Number, Words, Zone};
use crate::state::servers::Backend;
use crate::sys::{clock, environment, hosts, localtime, random};
use crate::time::Instant;

/// What a check knows.
pub(super) struct Knowledge {
    pub(super) backends: Rc<[Arc<Backend>]>,
    pub(super) backend: Arc<Backend>,
    /// Place of the server in its backend.
    pub(super) server: usize,
    /// Its number (`id`).
    pub(super) id: u32,
    /// `X-Haproxy-Server-State`
    pub(super) state: String,
    /// Whether the server is up now.
    pub(super) is_up: bool,
    /// Our end of the connection and the server's, once there is one.
    pub(super) ends: Cell<Option<(SocketAddr, SocketAddr)>>,
}

impl Knowledge {
    fn backend(&self, name: Option<&str>) -> Option<&Arc<Backend>> {
        match name {
            Some(name) => self.backends.iter().find(|backend| backend.name == name),
            None => Some(&self.backend),
        }
    }

    /// A server of `backend/server` or `server`; this one without a name.
    fn server(&self, name: Option<&str>) -> Option<&crate::state::servers::Server> {
        let Some(name) = name else { return self.backend.servers.get(self.server).map(|server| &**server) };
        let (backend, server) = match name.split_once('/') {
            Some((backend, server)) => (self.backend(Some(backend))?, server),
            None => (&self.backend, name),
        };
        backend.servers.iter().find(|one| one.name == server).map(|server| &**server)
    }
}

fn count(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

impl Facts for Knowledge {
    fn number(&self, question: Number, name: Option<&str>) -> Option<i64> {
        Some(match question {
            Number::ProcessId => i64::from(std::process::id()),
            Number::UsableServers => count(self.backend(name)?.usable()),
            Number::ServerConnections => count(self.server(name)?.connections.load(Ordering::Relaxed)),
            Number::ServerIsUp => i64::from(self.server(name)?.is_usable()),
            Number::ServerId => i64::from(self.id),
            _ => return None,
        })
    }

    fn words(&self, question: Words) -> Option<&[u8]> {
        let name: &str = match question {
            Words::Hostname => hosts::hostname(),
            Words::Backend => &self.backend.name,
            Words::Server => &self.backend.servers.get(self.server)?.name,
            _ => return None,
        };
        Some(name.as_bytes())
    }

    fn address(&self, question: Address) -> Option<SocketAddr> {
        let (local, peer) = self.ends.get()?;
        match question {
            Address::ServerLocal => Some(local),
            Address::ServerPeer => Some(peer),
            Address::Source | Address::ClientPeer | Address::Destination | Address::ClientLocal => None,
        }
    }

    fn proxy_header_value(&self, _: u8) -> Option<&[u8]> {
        None
    }

    fn environment(&self, name: &str) -> Option<&[u8]> {
        environment::variable(name)
    }

    fn wall_clock(&self) -> Duration {
        clock::wall()
    }

    fn now(&self) -> Instant {
        clock::now()
    }

    fn zone(&self, epoch: i64) -> Zone {
        localtime::zone(epoch).into()
    }

    fn random(&self) -> u32 {
        random::bits()
    }
}
