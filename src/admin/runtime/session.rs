//! What a connection to a runtime socket may do and how it wants its answers.

use std::cell::Cell;
use std::time::Duration;

use crate::model::runtime::{Level, SeverityOutput};

use super::master::Target;

/// How commands of a connection follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// The connection ends when what has arrived is answered.
    Single,
    /// It stays open.
    Interactive,
    /// It stays open, and a prompt says that a command may come: a person types.
    Prompt,
}

/// The settings of one connection; commands change them.
#[derive(Debug)]
pub struct Session {
    /// Whom commands without `@` are for; `None` on a socket that is no master's.
    pub target: Cell<Option<Target>>,
    /// What it may do now; it can only be lowered.
    pub level: Cell<Level>,
    /// Whether commands for experts are taken.
    pub is_expert: Cell<bool>,
    /// Whether commands that may change are taken.
    pub is_experimental: Cell<bool>,
    /// How the severity of answers is told.
    pub severity: Cell<SeverityOutput>,
    /// How commands follow each other.
    pub manner: Cell<Manner>,
    /// Whether the prompt tells how long the process has run.
    pub is_timed: Cell<bool>,
    /// Whether a new process may take the listening sockets.
    pub exposes_listeners: bool,
    /// Inactivity after which the connection is closed.
    pub timeout: Cell<Duration>,
}

impl Session {
    /// Of a socket with these settings.
    pub fn new(target: Option<Target>, level: Level, severity: SeverityOutput, timeout: Duration) -> Session {
        Session {
            target: target.into(),
            level: level.into(),
            is_expert: false.into(),
            is_experimental: false.into(),
            severity: severity.into(),
            manner: Manner::Single.into(),
            is_timed: false.into(),
            exposes_listeners: false,
            timeout: timeout.into(),
        }
    }
}
