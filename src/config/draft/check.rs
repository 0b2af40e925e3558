//! Health checks of servers.

use std::net::SocketAddr;
use std::time::Duration;

use super::Rule;
use crate::diag::Spanned;
use crate::model::check::InitialState;

/// Health checks.
#[derive(Clone, Debug, Default)]
pub struct Check {
    /// Whether what to probe is written, right or wrong.
    pub is_probe_written: bool,
    /// TCP was asked for.
    pub tcp: Option<Spanned<bool>>,
    /// An HTTP request was asked for.
    pub http: Option<Spanned<Request>>,
    /// Accepted status codes; empty is the default.
    pub status: Vec<Spanned<(u16, u16)>>,
    /// Text in the body.
    pub body: Option<Spanned<String>>,
    /// Lines of HAProxy's check language.
    pub rules: Vec<Rule>,
    /// Settled.
    pub interval: Option<Spanned<Duration>>,
    /// Changing.
    pub fast_interval: Option<Spanned<Duration>>,
    /// Down.
    pub down_interval: Option<Spanned<Duration>>,
    /// Time limit of a probe.
    pub timeout: Option<Spanned<Duration>>,
    /// Successes before up.
    pub rise: Option<Spanned<u64>>,
    /// Failures before down.
    pub fall: Option<Spanned<u64>>,
    /// Another port.
    pub port: Option<Spanned<u64>>,
    /// Another address.
    pub address: Option<Spanned<SocketAddr>>,
    /// Connect failures of traffic that bring a probe forward; inner `None` is off.
    pub observe: Option<Spanned<Option<u64>>>,
    /// Time limit of an answer.
    pub answer_timeout: Option<Spanned<Duration>>,
    /// Connections begin with a PROXY header.
    pub sends_proxy: Option<Spanned<bool>>,
    /// A SOCKS4 proxy.
    pub socks: Option<Spanned<SocketAddr>>,
    /// State before the first probe.
    pub initial: Option<Spanned<InitialState>>,
}

/// The request of an HTTP probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Method.
    pub method: String,
    /// Target.
    pub path: String,
    /// Header fields.
    pub headers: Vec<(String, String)>,
}
