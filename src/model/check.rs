//! Health checks.

use std::net::SocketAddr;
use std::time::Duration;

use super::log::Level;

/// How a server is probed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What one probe does: words of HAProxy's `option httpchk` and its like, `http-check`, `tcp-check` and
    /// `external-check` lines. None of them is one connection.
    pub rules: Vec<Vec<String>>,
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
    /// Time after which a probe has failed, from the start of its (last) connection.
    pub timeout: Duration,
    /// The same from when that is established on (HAProxy's `timeout check`); `None` leaves it at `timeout`.
    pub answer_timeout: Option<Duration>,
    /// Consecutive successes before up, 1-.
    pub rise: u32,
    /// Consecutive failures before down, 1-.
    pub fall: u32,
    /// Consecutive connect failures of traffic that bring the next probe forward; `None` does not look.
    pub observe: Option<u32>,
    /// Whether connections begin with a PROXY header (`check-send-proxy`).
    pub sends_proxy: bool,
    /// Address of a SOCKS4 proxy that connections go through (`check-via-socks4`).
    pub socks: Option<SocketAddr>,
    /// State before the first probe.
    pub initial: InitialState,
}

/// State before the first probe (HAProxy's `init-state`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InitialState {
    /// Up, and `fall` failures take it down.
    FullyUp,
    /// Up, and the first failure takes it down.
    #[default]
    Up,
    /// Down, and the first success brings it up.
    Down,
    /// Down, and `rise` successes bring it up.
    FullyDown,
}

/// A program beside a server that tells its state (HAProxy's `agent-check`, manual §5.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// Where it listens.
    pub address: SocketAddr,
    /// Pause between questions.
    pub interval: Duration,
    /// Time for its connection, from the start.
    pub timeout: Duration,
    /// Time for its answer, from the connection on; `None` is what is left of `timeout`.
    pub answer_timeout: Option<Duration>,
    /// What it is sent; may be empty.
    pub send: String,
}

/// What is watched about a server besides its check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Care {
    /// A program that tells its state.
    pub agent: Option<Agent>,
    /// Backend and server whose state it follows (HAProxy's `track`).
    pub track: Option<(String, String)>,
    /// What its traffic says of its health (HAProxy's `observe`); means nothing without a check.
    pub observe: Option<Observe>,
    /// Closes its sessions when it goes down (`on-marked-down shutdown-sessions`).
    pub closes_when_down: bool,
    /// Closes the sessions of backup servers when it comes up (`on-marked-up shutdown-backup-sessions`).
    pub closes_backups_when_up: bool,
}

/// Traffic whose errors count like those of probes (HAProxy manual §5.2 `observe`, `error-limit`, `on-error`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observe {
    /// What is looked at.
    pub layer: Layer,
    /// Errors in a row that count, 1-.
    pub limit: u32,
    /// What they do.
    pub on_error: OnError,
}

/// What of the traffic is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// Whether connections come about.
    Layer4,
    /// The same, and responses.
    Layer7,
}

/// What errors of the traffic do. All of them bring the next probe forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnError {
    /// Nothing more.
    FastInter,
    /// They count as a probe that failed.
    FailCheck,
    /// The same, and one more failure takes the server down.
    SuddenDeath,
    /// The server goes down.
    MarkDown,
}

impl Layer {
    /// HAProxy's words.
    pub const WORDS: [(&str, Layer); 2] = [("layer4", Layer::Layer4), ("layer7", Layer::Layer7)];

    /// HAProxy's word.
    pub fn word(self) -> &'static str {
        Layer::WORDS.iter().find(|(_, layer)| *layer == self).map_or("", |(word, _)| word)
    }
}

impl OnError {
    /// HAProxy's words.
    pub const WORDS: [(&str, OnError); 4] = [
        ("fastinter", OnError::FastInter),
        ("fail-check", OnError::FailCheck),
        ("sudden-death", OnError::SuddenDeath),
        ("mark-down", OnError::MarkDown),
    ];

    /// HAProxy's word.
    pub fn word(self) -> &'static str {
        OnError::WORDS.iter().find(|(_, what)| *what == self).map_or("", |(word, _)| word)
    }
}

/// Who is told about the servers of a backend.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reports {
    /// Every probe that changes something is logged (`option log-health-checks`).
    pub logs_checks: bool,
    /// Where mails about them go.
    pub mail: Option<Mail>,
}

/// Mails about servers (HAProxy's `email-alert`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Mail servers; each gets every mail.
    pub mailers: Vec<SocketAddr>,
    /// Time for a mail to be taken.
    pub timeout: Duration,
    /// Sender.
    pub from: String,
    /// Recipient.
    pub to: String,
    /// Lines of this severity and graver ones.
    pub level: Level,
    /// How this host greets.
    pub hostname: String,
}
