//! What the proxy tells rules about itself. What it cannot tell is refused when rules are compiled (`rule::carried`).

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::model::proxy::Mode;
use crate::rule::Facts;
use crate::rule::facts::{Address, Measured, Number, Words, Zone};
use crate::sys::{clock, environment, hosts, localtime, random};
use crate::time::Instant;

use super::super::greeting::Greeted;
use super::super::local::{LocalBackend, LocalFrontend, Service};
use super::super::log::Ending;
use super::super::session::Session;
use super::RuleState;
use super::progress::SoFar;
use super::request::tarpit_of;

/// A session and its surroundings.
#[derive(Clone)]
pub(super) struct Surroundings<'a> {
    session: &'a Session,
    pub(super) frontend: &'a LocalFrontend,
    pub(super) backend: Option<&'a LocalBackend>,
    started: Instant,
    is_first: bool,
    pub(super) server: Option<usize>,
    local: Option<SocketAddr>,
    limits: Limits,
    number: u64,
    /// `None` before anything of the stream was looked at.
    so_far: Option<Rc<SoFar>>,
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
            so_far: None,
            ending: None,
        }
    }

    /// What lines see.
    pub(super) fn at_end(
        session: &'a Session,
        frontend: &'a LocalFrontend,
        backend: Option<&'a LocalBackend>,
        ending: &'a Ending,
        state: &RuleState,
    ) -> Surroundings<'a> {
        Surroundings {
            started: ending.started.unwrap_or(ending.began),
            server: ending.effort.server,
            number: ending.number,
            so_far: Some(Rc::clone(&state.so_far)),
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
        (self.number, self.so_far) = (state.number, Some(Rc::clone(&state.so_far)));
        self.local = Some(*state.local.borrow_mut().get_or_insert_with(|| self.session.local_address()));
    }

    /// Whether the stream has no server and no answer yet.
    pub(super) fn is_before_servers(&self) -> bool {
        let has_none = |so_far: &Rc<SoFar>| so_far.ending.effort.assigned.is_none() && so_far.ending.status == 0;
        self.ending.is_none() && self.so_far.as_ref().is_none_or(has_none)
    }

    pub(super) fn session(&self) -> &'a Session {
        self.session
    }

    /// What the line of the stream says, or is known of it yet.
    fn known(&self) -> Option<&Ending> {
        self.ending.or_else(|| self.so_far.as_ref().map(|so_far| &so_far.ending))
    }

    /// What the line of the stream would say now.
    fn present(&self) -> Ending {
        let now = self.session.now();
        self.known().map_or_else(|| Ending::new(self.started, now), |known| Ending { now, ..*known })
    }

    /// The same, with what is known of the stream when a rule writes a line.
    pub(super) fn with_ending<'b>(&self, ending: &'b Ending) -> Surroundings<'b>
    where
        'a: 'b,
    {
        let own: Surroundings<'b> = self.clone();
        Surroundings { ending: Some(ending), server: ending.effort.server.or(self.server), ..own }
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
            Number::FrontendId => self.id_of(&self.frontend.running.model.name)?,
            Number::FrontendClientTimeout => milliseconds(timeouts.client),
            Number::ServerId => {
                let (backend, number) = self.server(name)?;
                i64::from(backend.model.servers.get(number)?.options.id)
            }
            Number::ClientHttpMajor | Number::ServerHttpMajor => 1,
            Number::ClientIsTls | Number::ServerIsTls => 0,
            Number::ReceivedProxyHeader => {
                i64::from(self.session.arrival.as_ref().is_some_and(|arrival| arrival.has_header))
            }
            Number::ClientError => self.client_error()?.map_or(0, |error| error.code().0),
            Number::ListenerConnections => i64::try_from(self.session.listener.connections()?).unwrap_or(i64::MAX),
            Number::ListenerId => i64::from(self.session.listener.id(self.frontend)),
            Number::HandshakeTime => self.handshake_time(),
            Number::RequestNumber => i64::try_from(self.number).unwrap_or(i64::MAX),
            Number::IsFirstRequest => i64::from(self.is_first),
            Number::AcceptDate => self.microseconds(self.session.accepted),
            Number::RequestDate => self.microseconds(self.started),
            Number::Uptime => seconds(worker.facts.started, self.session.now()),
            Number::SourceIsLocal => i64::from(hosts::is_own(self.address(Address::Source)?.ip())?),
            Number::DestinationIsLocal => i64::from(hosts::is_own(self.address(Address::Destination)?.ip())?),
            Number::ServerConnectionIsReused => i64::from(self.so_far.as_ref().is_some_and(|so_far| so_far.is_reused)),
            _ => return self.of_proxies(question, name),
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
        Number::BytesToServer => bytes(ending.bytes_to_server),
        Number::BytesFromServer => bytes(ending.bytes_from_server),
        Number::Status if ending.origin.is_before_transaction() => 0,
        Number::Status if mode == Mode::Tcp && ending.status == 0 => 0,
        Number::Status => return status(ending.status),
        Number::ServerStatus => return status(ending.server_status),
        Number::ConnectRetries => i64::from(ending.effort.retries),
        Number::WasRedispatched => i64::from(ending.effort.has_redispatched),
        Number::QueuedBeforeInBackend => ending.effort.positions.in_backend.into(),
        Number::QueuedBeforeInServer => ending.effort.positions.in_server.into(),
        Number::IsCompressed => 0,
        Number::HadError => i64::from(ending.is_error(mode)),
        Number::WasForwarded => i64::from(ending.effort.connected.is_some()),
        Number::IsLoggedEarly => i64::from(ending.is_early),
        _ => return None,
    })
}

pub(super) fn count(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn seconds(from: Instant, to: Instant) -> i64 {
    i64::try_from(to.since(from).as_secs()).unwrap_or(i64::MAX)
}

fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

impl Facts for Surroundings<'_> {
    fn number(&self, question: Number, name: Option<&str>) -> Option<i64> {
        let so_far;
        let stream = match self.ending {
            Some(ending) => ending,
            None => {
                so_far = self.present();
                &so_far
            }
        };
        if let Some(found) = of_the_end(stream, question, self.frontend.running.model.mode) {
            return Some(found);
        }
        Some(match (question, self.ending) {
            // Its own stream is no longer counted, unless it goes on.
            (Number::BackendSessions, Some(ending)) if name.is_none() => {
                let now = self.backend(None)?.current.load(Ordering::Relaxed);
                count(if ending.goes_on() { now } else { now.saturating_sub(1) })
            }
            (Number::ServerConnections, Some(ending)) if name.is_none() => count(ending.server_connections),
            (Number::LogNumber, _) => {
                i64::try_from(self.frontend.running.lines.load(Ordering::Relaxed)).unwrap_or(i64::MAX)
            }
            // What is before the first request and no handshake.
            (Number::IdleTime, _) if stream.started.is_some() => stream.idle_time() - self.handshake_time(),
            (Number::IdleTime, _) => stream.idle_time(),
            (Number::UserTime, _) => stream.active_time() + self.handshake_time(),
            (Number::AcceptDate, Some(ending)) => self.microseconds(ending.began),
            _ => return self.always(question, name),
        })
    }

    fn words(&self, question: Words) -> Option<&[u8]> {
        let frontend = &self.frontend.running.model;
        let name: &str = match question {
            Words::Origin => return self.ending.map(|ending| ending.origin.shown().as_bytes()),
            Words::TerminationState => return Some(&self.known()?.termination),
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
            Address::ServerLocal => self.known()?.effort.local,
            Address::ServerPeer => self.known()?.effort.peer,
        }
    }

    fn proxy_header_value(&self, kind: u8) -> Option<&[u8]> {
        self.session.arrival.as_ref()?.value(kind)
    }

    fn measured(&self, question: Measured) -> Option<i64> {
        let info = match question.is_of_server() {
            true => self.so_far.as_ref()?.figures?,
            false => self.session.client.tcp_info()?,
        };
        Some(i64::from(match question {
            Measured::RoundTrip | Measured::ServerRoundTrip => info.round_trip,
            Measured::RoundTripVariance | Measured::ServerRoundTripVariance => info.round_trip_variance,
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
