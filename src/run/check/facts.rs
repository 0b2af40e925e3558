//! What expressions of a check ask: its backend, its server, the process.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use crate::rule::Facts;
use crate::rule::facts::{Address, Number, Words, Zone};
use crate::state::servers::Backend;
use crate::sys::{clock, hosts, localtime};
use crate::time::Instant;

/// The environment as it was when the first check asked.
static ENVIRONMENT: LazyLock<HashMap<String, Vec<u8>>> = LazyLock::new(|| {
    let pair = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_encoded_bytes()))
    };
    std::env::vars_os().filter_map(pair).collect()
});

static HOSTNAME: LazyLock<String> = LazyLock::new(|| hosts::short_hostname().unwrap_or_default());

/// This machine's name.
pub(super) fn hostname() -> &'static str {
    &HOSTNAME
}

/// What a check knows.
pub(super) struct Knowledge {
    pub(super) backends: Rc<[Arc<Backend>]>,
    pub(super) backend: Arc<Backend>,
    /// Number of the server in its backend.
    pub(super) server: usize,
    /// `X-Haproxy-Server-State`
    pub(super) state: String,
    /// Whether the server is up now.
    pub(super) is_up: bool,
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
            Number::ServerId => count(self.server + 1),
            _ => return None,
        })
    }

    fn words(&self, question: Words) -> Option<&[u8]> {
        let name: &str = match question {
            Words::Hostname => &HOSTNAME,
            Words::Backend => &self.backend.name,
            Words::Server => &self.backend.servers.get(self.server)?.name,
            _ => return None,
        };
        Some(name.as_bytes())
    }

    fn address(&self, _: Address) -> Option<SocketAddr> {
        None
    }

    fn proxy_header_value(&self, _: u8) -> Option<&[u8]> {
        None
    }

    fn environment(&self, name: &str) -> Option<&[u8]> {
        ENVIRONMENT.get(name).map(Vec::as_slice)
    }

    fn wall_clock(&self) -> Duration {
        clock::wall()
    }

    fn now(&self) -> Instant {
        clock::now()
    }

    fn zone(&self, epoch: i64) -> Zone {
        let (offset, name) = localtime::zone(epoch);
        Zone { offset, name }
    }

    fn random(&self) -> u32 {
        // Keyed anew for each call, from a seed of the kernel's.
        (RandomState::new().hash_one(self.server) >> 32) as u32
    }
}
