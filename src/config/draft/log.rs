//! Where lines of log go and where those of others come in, as it is written.

use std::time::Duration;

use crate::diag::{Span, Spanned};
use crate::model::log::{Hostname, Ring, Target};
use crate::model::relay::{Datagrams, Relaying};

use super::Listener;

/// Logs of the process.
#[derive(Clone, Debug, Default)]
pub struct ProcessLog {
    /// Where messages go, and what `log global` stands for; `None` is standard output, for lines about traffic.
    pub targets: Option<Vec<LogTarget>>,
    /// Name of the program in headers.
    pub tag: Option<Spanned<String>>,
    /// The tag where nobody writes one; `None` is the name that the program was started under.
    pub usual_tag: Option<&'static str>,
    /// Host in headers.
    pub hostname: Option<Hostname>,
    /// Buffers in memory.
    pub rings: Vec<Spanned<Ring>>,
    /// Relays of messages of others.
    pub relays: Vec<Relay>,
}

/// A relay of messages of others.
#[derive(Clone, Debug)]
pub struct Relay {
    /// Its name.
    pub name: Spanned<String>,
    /// Where it takes datagrams.
    pub datagrams: Vec<Spanned<Datagrams>>,
    /// Where it takes connections.
    pub streams: Vec<Spanned<Listener>>,
    /// Connections at once.
    pub maxconn: Option<Spanned<u64>>,
    /// Inactivity of a connection.
    pub timeout: Option<Spanned<Duration>>,
    /// Where messages go.
    pub log: Log,
    /// What becomes of them.
    pub relaying: Relaying,
    /// Whether every message on a connection is a line.
    pub are_lines: bool,
}

/// Where the lines of a proxy go.
#[derive(Clone, Debug, Default)]
pub struct Log {
    /// To the targets of the process, too.
    pub is_global: bool,
    /// Own targets.
    pub targets: Vec<LogTarget>,
    /// In place of the process's tag.
    pub tag: Option<Spanned<String>>,
}

/// A target of lines.
#[derive(Clone, Debug)]
pub struct LogTarget {
    /// It. Its form counts only if it is written.
    pub target: Target,
    /// Whether a form is written.
    pub has_form: bool,
    /// Where it stands.
    pub span: Span,
}
