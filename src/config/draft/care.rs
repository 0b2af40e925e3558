//! What is watched about a server besides its check, as it is written.

use std::net::IpAddr;
use std::time::Duration;

use crate::diag::Spanned;
use crate::model::check::{Layer, OnError};

/// What is watched about a server besides its check.
#[derive(Clone, Debug, Default)]
pub struct Care {
    /// A program that tells its state.
    pub agent: Option<Spanned<Agent>>,
    /// The server whose state it follows: `backend/server` or `server`.
    pub track: Option<Spanned<String>>,
    /// What of its traffic is looked at.
    pub observe: Option<Spanned<Layer>>,
    /// What errors of the traffic do.
    pub on_error: Option<Spanned<OnError>>,
    /// Errors in a row that count.
    pub error_limit: Option<Spanned<u64>>,
    /// Sessions are closed when it goes down.
    pub closes_when_down: Option<Spanned<bool>>,
    /// Sessions of backups are closed when it comes up.
    pub closes_backups_when_up: Option<Spanned<bool>>,
}

/// An agent.
#[derive(Clone, Debug, Default)]
pub struct Agent {
    /// Another address than the server's.
    pub address: Option<Spanned<IpAddr>>,
    /// Its port.
    pub port: Option<Spanned<u64>>,
    /// Pause between questions.
    pub interval: Option<Spanned<Duration>>,
    /// Time for its connection.
    pub timeout: Option<Spanned<Duration>>,
    /// Time for its answer.
    pub answer_timeout: Option<Spanned<Duration>>,
    /// What it is sent.
    pub send: Option<Spanned<String>>,
}
