//! Connections that fail or take too long, and how that reads.

use std::fmt::Write as _;

use crate::check::outcome::{Code, Outcome};
use crate::check::rules::{Action, Expect, Kind, Pattern, Port};

use super::Dialogue;

/// Why a connection failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The server refused it.
    Refused,
    /// Another error of the socket, in the kernel's words.
    Socket(String),
    /// Our end could not be made (no port or descriptor is left, no such source address).
    Ours(String),
    /// The SOCKS proxy denied it or answered nonsense.
    Socks(&'static str),
}

impl Failure {
    fn words(&self, is_connected: bool) -> String {
        match self {
            Failure::Refused => "ECONNREFUSED returned by OS (Connection refused)".to_owned(),
            Failure::Socket(words) if is_connected => words.clone(),
            Failure::Socket(words) => format!("General socket error ({words})"),
            Failure::Ours(words) => words.clone(),
            Failure::Socks(words) => (*words).to_owned(),
        }
    }
}

impl Dialogue {
    pub(super) fn failure(&self, failure: &Failure) -> Outcome {
        let code = match (self.is_connected, failure) {
            (_, Failure::Ours(_)) | (true, _) => Code::SockErr,
            (false, _) => Code::L4Con,
        };
        Outcome::new(code, failure.words(self.is_connected) + &self.place())
    }

    /// The result of a run that has taken too long where it is.
    pub fn on_timeout(&self) -> Outcome {
        let code = match self.rule().map(|rule| &rule.action) {
            _ if !self.is_connected => Code::L4Tout,
            Some(Action::Expect(expect)) => expect.verdicts.timeout.unwrap_or(Code::L7Tout),
            _ => Code::L7Tout,
        };
        Outcome::new(code, self.place())
    }

    /// Whether the connection is there: then another limit holds.
    pub fn is_connected(&self) -> bool {
        self.is_connected
    }

    /// ` at step 2 of tcp-check (expect string 'x') comment: 'y'`; empty where nobody wrote `option tcp-check`.
    fn place(&self) -> String {
        if self.set.kind != Kind::Tcp {
            return String::new();
        }
        let Some(rule) = self.rule().filter(|rule| rule.step > 0) else {
            return " at initial connection step of tcp-check".to_owned();
        };
        let mut place = format!(" at step {} of tcp-check", rule.step);
        match &rule.action {
            Action::Connect(connect) => match connect.port {
                Some(Port::Fixed(port)) => _ = write!(place, " (connect port {port})"),
                Some(Port::Computed(_)) | None => place.push_str(" (connect)"),
            },
            Action::Send(_) => place.push_str(" (send)"),
            Action::Expect(expect) => _ = write!(place, " (expect {})", subject(expect)),
            Action::Variable(_) | Action::Comment => {}
        }
        if let Some(comment) = &rule.comment {
            _ = write!(place, " comment: '{comment}'");
        }
        place
    }
}

fn subject(expect: &Expect) -> String {
    match &expect.pattern {
        Pattern::Contains(text, false) => format!("string '{}'", String::from_utf8_lossy(text)),
        Pattern::Contains(bytes, true) => {
            format!("binary '{}'", bytes.iter().map(|byte| format!("{byte:02X}")).collect::<String>())
        }
        Pattern::Matches(_) => "regex".to_owned(),
        Pattern::DigitsMatch(_) => "binary regex".to_owned(),
        Pattern::ContainsFormat(_) => "log-format string".to_owned(),
        Pattern::ContainsDigits(_) => "log-format binary".to_owned(),
        Pattern::Status(_) => "HTTP status codes".to_owned(),
        Pattern::StatusMatches(_) => "HTTP status regex".to_owned(),
        Pattern::Header(_) => "HTTP header pattern".to_owned(),
        Pattern::Mysql { .. } | Pattern::Ldap | Pattern::Spop => "custom function".to_owned(),
    }
}
