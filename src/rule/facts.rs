//! What rules ask the rest of the process: one question per variant, so that nothing is left unanswered by accident.

use std::net::SocketAddr;
use std::time::Duration;

use super::codes::Codes;
use crate::time::Instant;

/// A number about the process, a proxy, a connection or the stream.
///
/// Those marked *named* take the name of a backend, frontend or server (`backend/server`); without one they mean the
/// current one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Number {
    /// Sessions of the process now.
    ProcessSessions,
    /// Process number.
    ProcessId,
    /// Number of the worker thread, 0-.
    Thread,
    /// Seconds since start.
    Uptime,
    /// 1 while the process stops.
    Stopping,
    /// Backend, named: usable servers.
    UsableServers,
    /// Backend, named: sessions now.
    BackendSessions,
    /// Backend, named: free connections of usable servers; -1 if a server is unlimited.
    BackendFreeConnections,
    /// Backend, named: new sessions in the last second.
    BackendSessionRate,
    /// Backend, named: waiting streams, those of its servers included.
    BackendQueue,
    /// Backend, named: free connection and queue slots; -1 if unlimited.
    BackendFreeSlots,
    /// Backend, named: its number.
    BackendId,
    /// Frontend, named: sessions now.
    FrontendSessions,
    /// Frontend, named: requests in the last second.
    FrontendRequestRate,
    /// Frontend, named: sessions in the last second.
    FrontendSessionRate,
    /// Frontend, named: 1 if there is one.
    FrontendExists,
    /// Frontend: its number.
    FrontendId,
    /// Listening socket: its number.
    ListenerId,
    /// Listening socket: connections now.
    ListenerConnections,
    /// Server, named: connections now.
    ServerConnections,
    /// Server, named: connections that it may still take; -1 if unlimited.
    ServerFreeConnections,
    /// Server, named: 1 if it is up.
    ServerIsUp,
    /// Server, named: streams that wait for it.
    ServerQueue,
    /// Server, named: new sessions in the last second.
    ServerSessionRate,
    /// Server, named: weight in effect, as a percentage of the initial one times it (`srv_weight`).
    ServerWeight,
    /// Server, named: configured weight.
    ServerInitialWeight,
    /// Server, named: weight set by the operator.
    ServerUserWeight,
    /// Server: its number.
    ServerId,
    /// Streams in the backend's queue before this one.
    QueuedBeforeInBackend,
    /// Streams in the server's queue before this one.
    QueuedBeforeInServer,
    /// Milliseconds: backend `timeout connect`.
    BackendConnectTimeout,
    /// Milliseconds: backend `timeout queue`.
    BackendQueueTimeout,
    /// Milliseconds: backend `timeout server`.
    BackendServerTimeout,
    /// Milliseconds: backend `timeout tarpit`.
    BackendTarpitTimeout,
    /// Milliseconds: backend `timeout tunnel`.
    BackendTunnelTimeout,
    /// Backend `retries`.
    BackendRetries,
    /// Milliseconds: frontend `timeout client`.
    FrontendClientTimeout,
    /// Milliseconds: frontend `timeout tarpit`.
    FrontendTarpitTimeout,
    /// Milliseconds: `timeout client` of this stream.
    ClientTimeout,
    /// Milliseconds: `timeout connect` of this stream.
    ConnectTimeout,
    /// Milliseconds: `timeout queue` of this stream.
    QueueTimeout,
    /// Milliseconds: `timeout server` of this stream.
    ServerTimeout,
    /// Milliseconds: `timeout tarpit` of this stream.
    TarpitTimeout,
    /// Milliseconds: `timeout tunnel` of this stream.
    TunnelTimeout,
    /// `retries` of this stream.
    Retries,
    /// 1 if the client connection is TLS.
    ClientIsTls,
    /// 1 if the server connection is TLS.
    ServerIsTls,
    /// HTTP major version of the client connection.
    ClientHttpMajor,
    /// HTTP major version of the server connection.
    ServerHttpMajor,
    /// 1 if the client connection started with a PROXY header.
    ReceivedProxyHeader,
    /// What was wrong with the client's connection, by HAProxy's number; 0 is nothing.
    ClientError,
    /// 1 if the server connection had been used before.
    ServerConnectionIsReused,
    /// 1 if this is the first request of the client connection.
    IsFirstRequest,
    /// 1 if the client's address is one of this machine.
    SourceIsLocal,
    /// 1 if the destination address is one of this machine.
    DestinationIsLocal,
    /// Wall clock at the accept, microseconds since the epoch.
    AcceptDate,
    /// Wall clock at the request's first byte, microseconds since the epoch.
    RequestDate,
    /// Milliseconds of `%Th`; -1 if not reached, as for all timers.
    HandshakeTime,
    /// Milliseconds of `%Ti`.
    IdleTime,
    /// Milliseconds of `%TR`.
    RequestTime,
    /// Milliseconds of `%Tq`.
    QueryTime,
    /// Milliseconds of `%Tw`.
    WaitTime,
    /// Milliseconds of `%Tc`.
    ConnectTime,
    /// Milliseconds of `%Tr`.
    ResponseTime,
    /// Milliseconds of `%Td`.
    DataTime,
    /// Milliseconds of `%Ta`.
    ActiveTime,
    /// Milliseconds of `%Tt`.
    TotalTime,
    /// Milliseconds of `%Tu`.
    UserTime,
    /// Bytes from the client.
    BytesFromClient,
    /// Bytes to the client.
    BytesToClient,
    /// Bytes to the server.
    BytesToServer,
    /// Bytes from the server.
    BytesFromServer,
    /// Status code as logged; -1 if there was none.
    Status,
    /// Status code that the server sent.
    ServerStatus,
    /// Connection attempts after the first.
    ConnectRetries,
    /// 1 if the request went to another server than first chosen.
    WasRedispatched,
    /// Requests (HTTP) or sessions (TCP) before this one in the process: `%rt`.
    RequestNumber,
    /// Lines logged by the frontend before this one: `%lc`.
    LogNumber,
    /// 1 if the response is compressed on its way.
    IsCompressed,
    /// 1 if the line is written before the stream ends (`option logasap`).
    IsLoggedEarly,
    /// 1 if the stream ended as an error, in the sense of `option dontlog-normal`.
    HadError,
    /// 1 if a server has the stream, or had it.
    WasForwarded,
}

/// Text about the process, a proxy or the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Words {
    /// When the line is written: `txn_close`.
    Origin,
    /// This machine's name.
    Hostname,
    /// Name of the frontend.
    Frontend,
    /// Name of the backend; the frontend's before one is chosen.
    Backend,
    /// Name of the frontend's default backend.
    DefaultBackend,
    /// Name of the server.
    Server,
    /// Name of the listening socket.
    Listener,
    /// Unique id of the request.
    UniqueId,
    /// Four letters of `%tsc`, two of which are `%ts`.
    TerminationState,
    /// TLS: server name that the client asked for.
    ServerName,
    /// TLS: negotiated application protocol.
    ApplicationProtocol,
    /// TLS: cipher suite of the client connection.
    Cipher,
    /// TLS: protocol version of the client connection.
    TlsVersion,
    /// `authority` of the PROXY header.
    ProxyAuthority,
    /// `unique id` of the PROXY header.
    ProxyUniqueId,
    /// HAProxy's name of what was wrong with the client's connection; empty if nothing was.
    ClientErrorName,
    /// A sentence about it.
    ClientErrorText,
}

/// An end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// The client: what a PROXY header said, if there was one.
    Source,
    /// What the client connected to: what a PROXY header said, if there was one.
    Destination,
    /// The other end of the client's TCP connection.
    ClientPeer,
    /// Our end of the client's TCP connection.
    ClientLocal,
    /// Our end of the server's connection.
    ServerLocal,
    /// The server's end.
    ServerPeer,
}

/// What the kernel counts of a TCP connection (`TCP_INFO`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measured {
    /// Mean round trip to the client, microseconds.
    RoundTrip,
    /// Variance of it, microseconds.
    RoundTripVariance,
    /// Segments that are not acknowledged yet.
    Unacknowledged,
    /// Segments that are acknowledged selectively.
    SelectivelyAcknowledged,
    /// Segments that are taken for lost.
    Lost,
    /// Segments that are sent again and not acknowledged.
    Retransmitted,
    /// Segments that are acknowledged ahead.
    ForwardAcknowledged,
    /// How many segments may change places before one is taken for lost.
    Reordering,
    /// Mean round trip to the server, microseconds.
    ServerRoundTrip,
    /// Variance of it, microseconds.
    ServerRoundTripVariance,
}

impl Measured {
    /// Whether it is of the connection to the server.
    pub fn is_of_server(self) -> bool {
        matches!(self, Measured::ServerRoundTrip | Measured::ServerRoundTripVariance)
    }

    /// Whether it is a time.
    pub fn is_time(self) -> bool {
        self.is_of_server() || matches!(self, Measured::RoundTrip | Measured::RoundTripVariance)
    }
}

/// Offset of local time, and its name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Zone {
    /// Seconds east of Greenwich.
    pub offset: i32,
    /// `UTC`, `CET`...
    pub name: &'static str,
}

impl From<(i32, &'static str)> for Zone {
    fn from((offset, name): (i32, &'static str)) -> Zone {
        Zone { offset, name }
    }
}

/// What the transaction's surroundings know. The proxy answers from its session, its stream and [`crate::state`]; `None`
/// makes the fetch fail, as a sample that does not exist.
pub trait Facts {
    /// A number.
    fn number(&self, question: Number, name: Option<&str>) -> Option<i64>;
    /// A text.
    fn words(&self, question: Words) -> Option<&[u8]>;
    /// An address.
    fn address(&self, question: Address) -> Option<SocketAddr>;
    /// A value of the PROXY header by its type (HAProxy's `fc_pp_tlv`).
    fn proxy_header_value(&self, kind: u8) -> Option<&[u8]>;
    /// A figure of a connection; `None` where there is no TCP connection.
    fn measured(&self, _: Measured) -> Option<i64> {
        None
    }
    /// What was kept of the client's first packet; the kernel gives it once.
    fn saved_syn(&self) -> Option<Vec<u8>> {
        None
    }
    /// An environment variable as it was at start.
    fn environment(&self, name: &str) -> Option<&[u8]>;
    /// The monotonic clock.
    fn now(&self) -> Instant;
    /// Wall clock, since the epoch.
    fn wall_clock(&self) -> Duration;
    /// Local time at a moment, in seconds since the epoch.
    fn zone(&self, epoch: i64) -> Zone;
    /// 32 random bits.
    fn random(&self) -> u32;
    /// Whose fault a response of this status is: the client's, the server's (`http_err_cnt`, `http_fail_cnt`).
    fn blame(&self, status: u16) -> (bool, bool) {
        (Codes::ERRORS.has(status), Codes::FAILURES.has(status))
    }
}
