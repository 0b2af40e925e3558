//! What the lines of a proxy add up to; a `defaults` section is such a sum that others begin with.

use std::net::IpAddr;
use std::time::Duration;

use crate::config::draft::{Listener, Rule, Table};
use crate::config::haproxy::lex::Word;
use crate::config::haproxy::section::Section;
use crate::diag::{Span, Spanned};
use crate::model::balance::Balance;
use crate::model::log::Selection;
use crate::model::options::{BackendOptions, Origin};
use crate::model::proxy::Mode;

use super::check::Checks;
use super::log::Logs;
use super::mail::Alerts;
use super::old::Old;
use super::option::LineFormat;
use super::server::{Options, Server};
use super::timeout::Timeouts;

/// What the lines of a proxy add up to.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The line that opens the section, unless it is one of `defaults`.
    pub opened: Option<Span>,
    pub mode: Option<Spanned<Mode>>,
    pub id: Option<Spanned<u64>>,
    pub guid: Option<Spanned<String>>,
    /// `backlog`
    pub backlog: Option<u32>,
    /// `option socket-stats`
    pub counts_sockets: bool,
    pub maxconn: Option<Spanned<u64>>,
    pub session_rate: Option<Spanned<u64>>,
    pub default_backend: Option<Spanned<String>>,
    pub balance: Option<Spanned<Balance>>,
    pub retries: Option<Spanned<u64>>,
    pub redispatch: Option<Spanned<bool>>,
    pub source: Option<Spanned<IpAddr>>,
    pub origin: Origin,
    pub is_disabled: bool,
    pub timeouts: Timeouts,
    pub checks: Checks,
    pub alerts: Alerts,
    pub logs_checks: Option<Spanned<bool>>,
    pub logs: Logs,
    /// Which sessions and requests leave a line.
    pub logged: Selection,
    /// `option httplog` or `option tcplog`, and where it stands.
    pub line_format: Option<Spanned<LineFormat>>,
    /// Options of `default-server`.
    pub server_options: Options,
    pub binds: Vec<Spanned<Listener>>,
    pub servers: Vec<Server>,
    /// What `dispatch` or `option transparent` has instead of servers: its name and its address.
    pub only: Option<(Word, Word)>,
    /// Its own stick table; the name is the proxy's.
    pub table: Option<Table>,
    /// What most backends leave at its default.
    pub options: BackendOptions,
    /// Lines that are kept for the rules.
    pub rules: Vec<Rule>,
    /// Rules of words that HAProxy has removed; they come behind the others.
    pub old: Old,
}

/// A setting that a time of zero switches off.
pub type Timeout = Option<Spanned<Option<Duration>>>;

impl Settings {
    /// Takes out the lines of a statistics page that a `defaults` section has handed down: a proxy with one line of its
    /// own about it begins anew, as in HAProxy.
    pub fn forget_inherited_page(&mut self, section: &Section) {
        let own = |rule: &Rule| section.lines.iter().any(|line| line.span() == rule.span);
        let is_of_page = |rule: &Rule| rule.words.first().is_some_and(|word| word.value == "stats");
        self.rules.retain(|rule| !is_of_page(rule) || own(rule));
    }

    /// What another proxy begins with: everything but what belongs to one proxy alone.
    pub fn inherited(&self) -> Settings {
        let checks = self.checks.inherited();
        Settings { binds: Vec::new(), servers: Vec::new(), checks, id: None, guid: None, table: None, ..self.clone() }
    }
}

/// A word and where it stands, as a draft wants it.
pub fn spanned(text: &str, span: Span) -> Spanned<String> {
    Spanned::new(text.to_owned(), span)
}
