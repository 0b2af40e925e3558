//! What the proxy tells rules about itself. What it cannot tell is refused when rules are compiled (`rule::carried`).

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::generation;
use crate::model::proxy::Mode;
use crate::rule::Facts;
use crate::rule::facts::{Address, Measured, Number, Words, Zone};
use crate::state::counters::Rated;
use crate::sys::{clock, environment, hosts, localtime, random};
use crate::time::Instant;

use super::super::greeting::Greeted;
use super::super::local::{LocalBackend, LocalFrontend, Service};
use super::super::log::Ending;
use super::super::session::Session;
use super::RuleState;
use super::request::tarpit_of;

/// A session and its surroundings.
pub(super) struct Surroundings<'a> {
    session: &'a Session,
    frontend: &'a LocalFrontend,
    pub(super) backend: Option<&'a LocalBackend>,
    started: Instant,
    is_first: bool,
    server: Option<usize>,
    local: Option<SocketAddr>,
    limits: Limits,
    number: u64,
    /// The stream is over.
    ending: Option<&'a Ending>,
}

/// Timeouts of the stream that rules set.
#[derive(Clone, Copy, Debug, Default)]
struct Limits {
    client: Option<Duration>,
    server: Option<Duration>,
    connect: Option<Duration>,
    queue: Option<Duration>,
    tarpit: Option<Duration>,
    tunnel: Option<Duration>,
    retries: Option<u32>,
}

impl<'a> Surroundings<'a> {
    pub(super) fn new(
        session: &'a Session,
        frontend: &'a LocalFrontend,
        backend: Option<&'a LocalBackend>,
    ) -> Surroundings<'a> {
        let started = session.accepted;
        Surroundings {
            session,
            frontend,
            backend,
            started,
            is_first: true,
            server: None,
            local: None,
            limits: Limits::default(),
            number: 0,
            ending: None,
        }
    }

    /// What lines see.
    pub(super) fn at_end(
        session: &'a Session,
        frontend: &'a LocalFrontend,
        backend: Option<&'a LocalBackend>,
        ending: &'a Ending,
    ) -> Surroundings<'a> {
        Surroundings {
            started: ending.started.unwrap_or(ending.began),
            server: ending.effort.server,
            number: ending.number,
            ending: Some(ending),
            ..Surroundings::new(session, frontend, backend)
        }
    }

    /// Takes over what is known of the present stream.
    pub(super) fn look(&mut self, state: &RuleState) {
        (self.started, self.is_first, self.server) = (state.started, state.is_first, state.server);
        let effects = &state.effects;
        self.limits = Limits {
            client: effects.client_timeout,
            server: effects.server_timeout,
            connect: effects.connect_timeout,
            queue: effects.queue_timeout,
            tarpit: effects.tarpit_timeout,
            tunnel: effects.tunnel_timeout,
            retries: effects.retries,
        };
        self.number = state.number;
        self.local = Some(*state.local.borrow_mut().get_or_insert_with(|| self.session.local_address()));
    }

    pub(super) fn session(&self) -> &'a Session {
        self.session
    }

    fn backend(&self, name: Option<&str>) -> Option<&generation::Backend> {
        match name {
            Some(name) => self.frontend.others.backend(name).map(|backend| &*backend.running),
            None => self.backend.map(|backend| &*backend.running),
        }
    }

    /// A backend and the number of a server in it, of `backend/server` or `server`.
    fn server(&self, name: Option<&str>) -> Option<(&generation::Backend, usize)> {
        let (backend, server) = match name?.split_once('/') {
            Some((backend, server)) => (self.backend(Some(backend))?, server),
            None => (self.backend(None)?, name?),
        };
        let number = backend.model.servers.iter().position(|one| one.name == server)?;
        Some((backend, number))
    }

    /// The number of a frontend or backend.
    fn id_of(&self, proxy: &str) -> Option<i64> {
        self.frontend.others.generation.number_of(proxy).map(i64::from)
    }

    /// How long the handshake before the first request took, milliseconds; later requests have none.
    fn handshake_time(&self) -> i64 {
        let is_first = self.ending.map_or(self.is_first, |ending| ending.began == self.session.accepted);
        let arrival = self.session.arrival.as_ref().filter(|_| is_first);
        arrival.map_or(0, |arrival| milliseconds(arrival.handshake))
    }

    fn microseconds(&self, at: Instant) -> i64 {
        i64::try_from(self.session.worker.wall(at).as_micros()).unwrap_or(i64::MAX)
    }

    /// What is known whether the stream is over or not.
    fn always(&self, question: Number, name: Option<&str>) -> Option<i64> {
        let worker = &self.session.worker;
        let timeouts = &self.frontend.running.model.timeouts;
        Some(match question {
            Number::ProcessSessions => count(worker.process.current()),
            Number::ProcessId => i64::from(std::process::id()),
            Number::Thread => count(worker.index),
            Number::Stopping => i64::from(worker.service.get() == Service::Draining),
            Number::UsableServers => count(self.backend(name)?.state.usable()),
            Number::BackendSessions => count(self.backend(name)?.current.load(Ordering::Relaxed)),
            Number::BackendQueue => count(self.backend(name)?.queue.length()),
            Number::BackendId => self.id_of(&self.backend(name)?.model.name)?,
            Number::BackendConnectTimeout => milliseconds(self.backend(name)?.model.timeouts.connect),
            Number::BackendQueueTimeout => milliseconds(self.backend(name)?.model.timeouts.queue),
            Number::BackendServerTimeout => milliseconds(self.backend(name)?.model.timeouts.server),
            Number::BackendRetries => i64::from(self.backend(name)?.model.retries),
            Number::ClientTimeout => milliseconds(self.limits.client.unwrap_or(timeouts.client)),
            Number::TarpitTimeout => milliseconds(self.limits.tarpit.or_else(|| tarpit_of(self.frontend))?),
            Number::FrontendTarpitTimeout | Number::BackendTarpitTimeout => milliseconds(tarpit_of(self.frontend)?),
            Number::ConnectTimeout => {
                milliseconds(self.limits.connect.unwrap_or(self.backend(None)?.model.timeouts.connect))
            }
            Number::QueueTimeout => milliseconds(self.limits.queue.unwrap_or(self.backend(None)?.model.timeouts.queue)),
            Number::ServerTimeout => {
                milliseconds(self.limits.server.unwrap_or(self.backend(None)?.model.timeouts.server))
            }
            Number::TunnelTimeout => {
                let written = self.backend(None).and_then(|backend| backend.model.timeouts.tunnel);
                milliseconds(self.limits.tunnel.or(written).or(timeouts.tunnel)?)
            }
            Number::BackendTunnelTimeout => {
                milliseconds(self.backend(name)?.model.timeouts.tunnel.or(timeouts.tunnel)?)
            }
            Number::Retries => i64::from(self.limits.retries.unwrap_or(self.backend(None)?.model.retries)),
            Number::FrontendSessions => match name {
                Some(name) => count(self.frontend.others.frontend(name)?.sessions.current()),
                None => count(self.session.listener.sessions.current()),
            },
            Number::WasForwarded => i64::from(self.server.is_some()),
            Number::FrontendExists => self.frontend.others.frontend(name?).map(|_| 1)?,
            Number::FrontendId => self.id_of(&self.frontend.running.model.name)?,
            Number::FrontendClientTimeout => milliseconds(timeouts.client),
            Number::ServerConnections => {
                let (backend, number) = self.server(name)?;
                count(backend.state.servers.get(number)?.connections.load(Ordering::Relaxed))
            }
            Number::ServerIsUp => {
                let (backend, number) = self.server(name)?;
                i64::from(backend.state.servers.get(number)?.is_usable())
            }
            Number::ServerId => {
                let (backend, number) = match name {
                    Some(_) => self.server(name)?,
                    None => (self.backend(None)?, self.server?),
                };
                i64::from(backend.model.servers.get(number)?.options.id)
            }
            Number::ServerSessionRate => {
                let (backend, number) = self.server(name)?;
                let rates = backend.state.servers.get(number)?.counters.totals(worker.now.get()).rates;
                i64::try_from(rates[Rated::Sessions as usize].now).unwrap_or(i64::MAX)
            }
            Number::ServerInitialWeight => {
                let (backend, number) = self.server(name)?;
                i64::from(backend.model.servers.get(number)?.weight.value())
            }
            Number::ClientHttpMajor | Number::ServerHttpMajor => 1,
            Number::ClientIsTls | Number::ServerIsTls => 0,
            Number::ReceivedProxyHeader => {
                i64::from(self.session.arrival.as_ref().is_some_and(|arrival| arrival.has_header))
            }
            Number::ClientError => self.client_error()?.map_or(0, |error| error.code().0),
            Number::ListenerId => i64::from(self.session.listener.id(self.frontend)),
            Number::HandshakeTime => self.handshake_time(),
            Number::RequestNumber => i64::try_from(self.number).unwrap_or(i64::MAX),
            Number::IsFirstRequest => i64::from(self.is_first),
            Number::AcceptDate => self.microseconds(self.session.accepted),
            Number::RequestDate => self.microseconds(self.started),
            _ => return None,
        })
    }

    /// What was wrong with the client's connection; `None` as long as its PROXY header is waited for.
    fn client_error(&self) -> Option<Option<Greeted>> {
        let arrival = self.session.arrival.as_ref();
        let error = arrival.and_then(|arrival| arrival.error);
        let is_known = error.is_some() || arrival.is_some_and(|arrival| arrival.has_header);
        (is_known || !self.session.listener.accepts_proxy.get()).then_some(error)
    }
}

/// What a stream that is over says of itself.
fn of_the_end(ending: &Ending, question: Number, mode: Mode) -> Option<i64> {
    let bytes = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let status = |status: u16| (status != 0).then_some(i64::from(status));
    Some(match question {
        Number::RequestTime => ending.request_time(),
        Number::QueryTime => ending.query_time(),
        Number::WaitTime => ending.wait_time(),
        Number::ConnectTime => ending.connect_time(),
        Number::ResponseTime => ending.response_time(),
        Number::DataTime => ending.data_time(mode),
        Number::ActiveTime => ending.active_time(),
        Number::TotalTime => ending.total_time(),
        Number::BytesFromClient => bytes(ending.bytes_in),
        Number::BytesToClient => bytes(ending.bytes_out),
        Number::Status => return status(ending.status),
        Number::ServerStatus => return status(ending.server_status),
        Number::ConnectRetries => i64::from(ending.effort.retries),
        Number::WasRedispatched => i64::from(ending.effort.has_redispatched),
        Number::QueuedBeforeInBackend => count(ending.effort.waited_behind),
        Number::QueuedBeforeInServer | Number::IsCompressed => 0,
        Number::HadError => i64::from(ending.is_error(mode)),
        Number::WasForwarded => i64::from(ending.effort.connected.is_some()),
        Number::IsLoggedEarly => i64::from(ending.is_early),
        _ => return None,
    })
}

fn count(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

impl Facts for Surroundings<'_> {
    fn number(&self, question: Number, name: Option<&str>) -> Option<i64> {
        if let Some(found) =
            self.ending.and_then(|ending| of_the_end(ending, question, self.frontend.running.model.mode))
        {
            return Some(found);
        }
        Some(match (question, self.ending) {
            // Its own stream is no longer counted, unless it goes on.
            (Number::BackendSessions, Some(ending)) if name.is_none() => {
                let now = self.backend(None)?.current.load(Ordering::Relaxed);
                count(if ending.is_early { now } else { now.saturating_sub(1) })
            }
            (Number::ServerConnections, Some(ending)) if name.is_none() => count(ending.server_connections),
            (Number::LogNumber, Some(_)) => {
                i64::try_from(self.frontend.running.lines.load(Ordering::Relaxed)).unwrap_or(i64::MAX)
            }
            // What is before the first request and no handshake.
            (Number::IdleTime, Some(ending)) if ending.started.is_some() => ending.idle_time() - self.handshake_time(),
            (Number::IdleTime, Some(ending)) => ending.idle_time(),
            (Number::UserTime, Some(ending)) => ending.active_time() + self.handshake_time(),
            (Number::AcceptDate, Some(ending)) => self.microseconds(ending.began),
            _ => return self.always(question, name),
        })
    }

    fn words(&self, question: Words) -> Option<&[u8]> {
        let frontend = &self.frontend.running.model;
        let name: &str = match question {
            Words::TerminationState => return self.ending.map(|ending| ending.termination.as_slice()),
            Words::UniqueId => return Some(self.session.unique_id.as_slice()).filter(|id| !id.is_empty()),
            Words::Hostname => hosts::hostname(),
            Words::Frontend => &frontend.name,
            Words::Backend => self.backend.map_or(&frontend.name, |backend| &backend.running.model.name),
            Words::DefaultBackend => &self.frontend.backend.as_ref()?.running.model.name,
            Words::Listener => self.session.listener.bind(self.frontend)?.options.name.as_ref()?,
            Words::ProxyAuthority => return self.session.arrival.as_ref()?.authority(),
            Words::ClientErrorName => self.client_error()?.map_or("", |error| error.code().1),
            Words::ClientErrorText => self.client_error()?.map_or("Success", Greeted::words),
            Words::ProxyUniqueId => return self.session.arrival.as_ref()?.unique_id(),
            Words::Server => match self.ending.and_then(|ending| ending.service) {
                Some(service) => service,
                None => &self.backend?.running.model.servers.get(self.server?)?.name,
            },
            _ => return None,
        };
        Some(name.as_bytes())
    }

    fn address(&self, question: Address) -> Option<SocketAddr> {
        match question {
            Address::Source => Some(self.session.arrived_from()),
            Address::ClientPeer => Some(self.session.peer),
            Address::Destination if self.session.announced().is_some() => Some(self.session.announced()?.1),
            Address::Destination | Address::ClientLocal => self.local.or_else(|| Some(self.session.local_address())),
            Address::ServerLocal => self.ending?.effort.local,
            Address::ServerPeer => self.ending?.effort.peer,
        }
    }

    fn proxy_header_value(&self, kind: u8) -> Option<&[u8]> {
        self.session.arrival.as_ref()?.value(kind)
    }

    fn measured(&self, question: Measured) -> Option<i64> {
        let info = self.session.client.tcp_info()?;
        Some(i64::from(match question {
            Measured::RoundTrip => info.round_trip,
            Measured::RoundTripVariance => info.round_trip_variance,
            Measured::Unacknowledged => info.unacknowledged,
            Measured::SelectivelyAcknowledged => info.selectively_acknowledged,
            Measured::Lost => info.lost,
            Measured::Retransmitted => info.retransmitted,
            Measured::ForwardAcknowledged => info.forward_acknowledged,
            Measured::Reordering => info.reordering,
        }))
    }

    fn saved_syn(&self) -> Option<Vec<u8>> {
        self.session.client.saved_syn()
    }

    fn environment(&self, name: &str) -> Option<&[u8]> {
        environment::variable(name)
    }

    fn now(&self) -> Instant {
        self.session.now()
    }

    fn wall_clock(&self) -> Duration {
        self.session.worker.wall(clock::now())
    }

    fn zone(&self, epoch: i64) -> Zone {
        localtime::zone(epoch).into()
    }

    fn blame(&self, status: u16) -> (bool, bool) {
        self.frontend.others.rules.globals.blame(status)
    }

    fn random(&self) -> u32 {
        random::bits()
    }
}
