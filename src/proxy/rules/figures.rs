//! Figures of backends, servers and frontends, for rules.

use std::sync::atomic::Ordering;

use crate::generation;
use crate::rule::facts::Number;
use crate::state::counters::{Rated, Sharded};
use crate::state::servers::{Admin, Health};

use super::facts::{Surroundings, count};

/// Limits from here on are none.
const UNLIMITED: usize = usize::MAX - 1;

/// A server of a backend, by number.
type Place<'a> = (&'a generation::Backend, usize);

impl Surroundings<'_> {
    /// A figure of a proxy or a server.
    pub(super) fn of_proxies(&self, question: Number, name: Option<&str>) -> Option<i64> {
        use Number::{FrontendExists, FrontendRequestRate, FrontendSessionRate, FrontendSessions};
        if matches!(question, FrontendExists | FrontendRequestRate | FrontendSessionRate | FrontendSessions) {
            return self.of_frontend(question, name);
        }
        match self.of_backend(question, name) {
            None => self.of_server(question, self.server(name)?),
            found => found,
        }
    }

    fn of_frontend(&self, question: Number, name: Option<&str>) -> Option<i64> {
        let frontend = match name {
            Some(name) => self.frontend.others.frontend(name)?,
            None => &*self.frontend.running,
        };
        Some(match question {
            Number::FrontendExists => 1,
            Number::FrontendSessions => count(frontend.sessions.current()),
            Number::FrontendRequestRate => self.rate(&frontend.counters, Rated::Requests),
            _ => self.rate(&frontend.counters, Rated::Sessions),
        })
    }

    fn of_backend(&self, question: Number, name: Option<&str>) -> Option<i64> {
        let is_asked = |question| {
            use Number::{
                BackendFreeConnections, BackendFreeSlots, BackendQueue, BackendSessionRate, BackendSessions,
                UsableServers,
            };
            matches!(
                question,
                BackendFreeConnections
                    | BackendFreeSlots
                    | BackendQueue
                    | BackendSessionRate
                    | BackendSessions
                    | UsableServers
            )
        };
        let backend = if is_asked(question) { self.backend(name)? } else { return None };
        Some(match question {
            Number::BackendSessions => {
                count(backend.current.load(Ordering::Relaxed)) + i64::from(self.arrives_at(backend))
            }
            Number::BackendQueue => count(backend.queue.length()),
            Number::BackendSessionRate => self.rate(&backend.counters, Rated::Sessions),
            Number::BackendFreeConnections => {
                let servers = serving(backend).map(|number| self.free(backend, number));
                servers.sum::<Option<usize>>().map_or(-1, count)
            }
            Number::BackendFreeSlots => {
                let is_well = |number: &usize| backend.state.servers[*number].health() != Health::Down;
                let servers = (0..backend.model.servers.len()).filter(is_well);
                servers.map(|number| self.free_slots(backend, number)).sum::<Option<i64>>().unwrap_or(-1)
            }
            _ => count(backend.state.usable()),
        })
    }

    /// Whether the stream is in front of the rules of its backend: HAProxy counts it there already.
    fn arrives_at(&self, backend: &generation::Backend) -> bool {
        let is_its = self.backend(None).is_some_and(|own| std::ptr::eq(own, backend));
        is_its && self.is_before_servers()
    }

    fn of_server(&self, question: Number, (backend, number): Place<'_>) -> Option<i64> {
        let (server, model) = (backend.state.servers.get(number)?, backend.model.servers.get(number)?);
        Some(match question {
            Number::ServerConnections => count(server.connections.load(Ordering::Relaxed)),
            Number::ServerFreeConnections => self.free(backend, number).map_or(-1, count),
            Number::ServerIsUp => i64::from(server.order() != Admin::Maint && server.health() != Health::Down),
            Number::ServerQueue => count(server.queued.load(Ordering::Relaxed)),
            Number::ServerSessionRate => self.rate(&server.counters, Rated::Sessions),
            Number::ServerInitialWeight => i64::from(model.weight.value()),
            Number::ServerUserWeight => i64::from(server.weight()),
            Number::ServerWeight => {
                let warmth = backend.chooser.warmth(number, self.session().now());
                i64::from(warmth.map_or(server.weight(), |warmth| warmth.weight))
            }
            _ => return None,
        })
    }

    /// Connections that a server may still take now; `None` is any number.
    fn free(&self, backend: &generation::Backend, server: usize) -> Option<usize> {
        let limit = backend.chooser.limit(server, self.session().now());
        let taken = backend.state.servers.get(server)?.connections.load(Ordering::Relaxed);
        (limit < UNLIMITED).then(|| limit.saturating_sub(taken))
    }

    /// The same with those that may wait for it.
    fn free_slots(&self, backend: &generation::Backend, number: usize) -> Option<i64> {
        let (server, model) = (backend.state.servers.get(number)?, backend.model.servers.get(number)?);
        let most = count(server.limit().or(model.maxconn).filter(|most| *most < UNLIMITED)?);
        let waiting = count(model.options.maxqueue?) - count(server.queued.load(Ordering::Relaxed));
        Some(most - count(server.connections.load(Ordering::Relaxed)) + waiting)
    }

    /// Events in the second that ends now.
    fn rate(&self, counters: &Sharded, what: Rated) -> i64 {
        let rates = counters.totals(self.session().now()).rates;
        i64::try_from(rates[what as usize].now).unwrap_or(i64::MAX)
    }

    /// The backend of that name, or the one that has the stream.
    pub(super) fn backend(&self, name: Option<&str>) -> Option<&generation::Backend> {
        match name {
            Some(name) => self.frontend.others.backend(name).map(|backend| &*backend.running),
            None => self.backend.map(|backend| &*backend.running),
        }
    }

    /// A backend and the number of a server in it, of `backend/server` or `server`; without a name the one that has the
    /// stream.
    pub(super) fn server(&self, name: Option<&str>) -> Option<Place<'_>> {
        let Some(name) = name else { return Some((self.backend(None)?, self.server?)) };
        let (backend, server) = match name.split_once('/') {
            Some((backend, server)) => (self.backend(Some(backend))?, server),
            None => (self.backend(None)?, name),
        };
        let number = backend.model.servers.iter().position(|one| one.name == server)?;
        Some((backend, number))
    }
}

/// The servers that take sessions now: backup servers only where no other does, and of those one unless all may.
fn serving(backend: &generation::Backend) -> impl Iterator<Item = usize> {
    let usable = |number: &usize| backend.state.servers[*number].is_usable();
    let is_backup = |number: usize| backend.model.servers[number].is_backup;
    let has_active = (0..backend.model.servers.len()).filter(usable).any(|number| !is_backup(number));
    let most = if has_active || backend.model.options.all_backups { usize::MAX } else { 1 };
    (0..backend.model.servers.len()).filter(usable).filter(move |number| is_backup(*number) != has_active).take(most)
}
