//! Backends and their servers.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::{Care, Check, Log, Rule};
use crate::diag::Spanned;
use crate::model::balance::Balance;
use crate::model::log::Level;
use crate::model::options::{BackendOptions, ServerOptions};
use crate::model::proxy::Mode;

/// A backend.
#[derive(Clone, Debug)]
pub struct Backend {
    /// Its name.
    pub name: Spanned<String>,
    /// Number in statistics.
    pub id: Option<Spanned<u64>>,
    /// TCP or HTTP.
    pub mode: Option<Spanned<Mode>>,
    /// Algorithm.
    pub balance: Option<Spanned<Balance>>,
    /// Attempts after the first.
    pub retries: Option<Spanned<u64>>,
    /// Whether the last retry may change the server.
    pub redispatch: Option<Spanned<bool>>,
    /// Who is told about its servers.
    pub reports: Reports,
    /// TCP connect.
    pub connect: Option<Spanned<Duration>>,
    /// Server inactivity.
    pub server: Option<Spanned<Duration>>,
    /// Waiting for a slot.
    pub queue: Option<Spanned<Duration>>,
    /// Tunnel inactivity.
    pub tunnel: Option<Spanned<Duration>>,
    /// Server inactivity of a half-closed tunnel.
    pub fin: Option<Spanned<Duration>>,
    /// Where messages about it go.
    pub log: Log,
    /// Health checks of the servers that have none of their own.
    pub check: Option<Spanned<Check>>,
    /// Servers.
    pub servers: Vec<Server>,
    /// What most backends leave at its default.
    pub options: BackendOptions,
    /// ACLs, `use-server` and actions, in the order of the file.
    pub rules: Vec<Rule>,
}

/// Who is told about the servers of a backend.
#[derive(Clone, Debug, Default)]
pub struct Reports {
    /// Probes are logged.
    pub logs_checks: Option<Spanned<bool>>,
    /// Mails.
    pub mail: Option<Spanned<Mail>>,
}

/// Mails about servers.
#[derive(Clone, Debug, Default)]
pub struct Mail {
    /// Mail servers.
    pub mailers: Vec<Spanned<SocketAddr>>,
    /// Time for a mail to be taken.
    pub timeout: Option<Spanned<Duration>>,
    /// Sender.
    pub from: Option<Spanned<String>>,
    /// Recipient.
    pub to: Option<Spanned<String>>,
    /// Least severity.
    pub level: Option<Spanned<Level>>,
    /// Own name.
    pub hostname: Option<Spanned<String>>,
}

/// A server.
#[derive(Clone, Debug)]
pub struct Server {
    /// Its name.
    pub name: Spanned<String>,
    /// Where it listens.
    pub address: Option<Spanned<SocketAddr>>,
    /// Share.
    pub weight: Option<Spanned<u64>>,
    /// Concurrent connections.
    pub maxconn: Option<Spanned<u64>>,
    /// Used only when no other is usable.
    pub backup: Option<Spanned<bool>>,
    /// Source address.
    pub source: Option<Spanned<IpAddr>>,
    /// Health checks; `None` is the backend's.
    pub check: Option<Spanned<Check>>,
    /// Never remembered by `stick` rules.
    pub non_stick: Option<Spanned<bool>>,
    /// Starts in maintenance.
    pub is_disabled: Option<Spanned<bool>>,
    /// What is watched about it besides its check.
    pub care: Care,
    /// What most servers leave at its default; the number is 0 where none is written.
    pub options: ServerOptions,
}
