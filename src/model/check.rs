//! Health checks.

use std::net::SocketAddr;
use std::time::Duration;

/// How the servers of a backend are probed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What one probe does.
    pub probe: Probe,
    /// Another address than the server's own, per check; `None` is the server's.
    pub address: Option<SocketAddr>,
    /// Another port than the server's own.
    pub port: Option<u16>,
    /// Pause between probes in a settled state (HAProxy's `inter`).
    pub interval: Duration,
    /// Pause between probes while the state is changing.
    pub fast_interval: Duration,
    /// Pause between probes while down.
    pub down_interval: Duration,
    /// Time after which a probe has failed.
    pub timeout: Duration,
    /// Consecutive successes before up, 1-.
    pub rise: u32,
    /// Consecutive failures before down, 1-.
    pub fall: u32,
    /// Consecutive connect failures of traffic that bring the next probe forward; `None` does not observe.
    pub observe: Option<u32>,
}

/// What one probe does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// A TCP connection is accepted.
    Connect,
    /// A request is answered as expected.
    Http(HttpProbe),
}

/// An HTTP probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpProbe {
    /// Method.
    pub method: String,
    /// Request target.
    pub path: String,
    /// Header fields, in order, `Host` among them.
    pub headers: Vec<(String, String)>,
    /// Inclusive ranges of accepted status codes, at least one.
    pub status: Vec<(u16, u16)>,
    /// Text that the body must contain.
    pub body_contains: Option<String>,
}
