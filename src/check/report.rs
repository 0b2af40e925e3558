//! Lines about servers, word for word as HAProxy logs them.

use std::fmt::Write as _;
use std::time::Duration;

use super::counter::Counter;
use super::outcome::{Code, Effect, Outcome};

/// What a line is about.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Name of the backend.
    pub backend: &'a str,
    /// Name of the server.
    pub server: &'a str,
    /// Whether it is a backup server.
    pub is_backup: bool,
    /// The server that it tracks: `backend/server`.
    pub via: Option<&'a str>,
}

/// Which of the two checks of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The health check.
    Health,
    /// The agent's.
    Agent,
}

/// How the backend stands after a change.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// Usable servers that are no backups.
    pub active: usize,
    /// Usable backup servers.
    pub backup: usize,
    /// Sessions of the server now.
    pub sessions: usize,
}

/// What became of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It takes traffic.
    Up,
    /// It takes none.
    Down,
    /// It takes no new sessions.
    Stopping,
}

/// `, reason: Layer7 wrong status, code: 503, info: "...", check duration: 1ms`
pub fn details(outcome: &Outcome, duration: Duration) -> String {
    let mut text = format!(", reason: {}", outcome.code.meaning());
    if outcome.code.has_status() {
        _ = write!(text, ", code: {}", outcome.status);
    }
    if !outcome.detail.is_empty() {
        text.push_str(", info: \"");
        for byte in outcome.detail.bytes() {
            match byte {
                b' '..=b'~' if !b"<>\"".contains(&byte) => text.push(char::from(byte)),
                _ => _ = write!(text, "<{byte:02X}>"),
            }
        }
        text.push('"');
    }
    if outcome.code != Code::Hana {
        _ = write!(text, ", check duration: {}ms", duration.as_millis());
    }
    text
}

/// `Health check for server be/srv succeeded, reason: ..., status: 3/3 UP.`
pub fn result(
    which: Which,
    subject: Subject<'_>,
    outcome: &Outcome,
    duration: Duration,
    counter: &Counter,
    weight: u16,
) -> String {
    let kind = if which == Which::Agent { "Agent" } else { "Health" };
    let backup = if subject.is_backup { "backup " } else { "" };
    let (backend, server) = (subject.backend, subject.server);
    let conditionally = if outcome.code.effect() == Effect::PassedConditionally { "conditionally " } else { "" };
    let how = if outcome.code.is_success() { "succeeded" } else { "failed" };
    let (value, rise, fall) = counter.value();
    let (part, whole, state) = match value >= rise {
        true => (value - rise + 1, fall, if weight > 0 { "UP" } else { "DRAIN" }),
        false => (value, rise, "DOWN"),
    };
    let details = details(outcome, duration);
    format!(
        "{kind} check for {backup}server {backend}/{server} {conditionally}{how}{details}, status: {part}/{whole} {state}."
    )
}

/// `Server be/srv is DOWN, reason: .... 0 active and 0 backup servers left. ...`; `details` as above, or empty.
pub fn change(subject: Subject<'_>, change: Change, details: &str, standing: Standing) -> String {
    let what = match change {
        Change::Up => "is UP",
        Change::Down => "is DOWN",
        Change::Stopping => "is stopping",
    };
    let how = if change == Change::Down { How::Left } else { How::Online };
    format!("{} {what}{details}{}", name(subject), more(subject, how, standing))
}

/// `Server be/srv is going DOWN for maintenance (DNS NX status). ...`; the cause may be empty.
pub fn maintenance(subject: Subject<'_>, cause: &str, was_down: bool, standing: Standing) -> String {
    let cause = if cause.is_empty() { String::new() } else { format!(" ({cause})") };
    match was_down {
        true => format!("{} was DOWN and now enters maintenance{cause}{}.", name(subject), via(subject)),
        false => {
            let more = more(subject, How::Left, standing);
            format!("{} is going DOWN for maintenance{cause}{more}", name(subject))
        }
    }
}

/// `Server be/srv ('web.test') is UP/READY (resolves again).`
pub fn resolution_of(subject: Subject<'_>, host: &str, is_down: bool, is_draining: bool) -> String {
    let state = if is_down { "DOWN" } else { "UP" };
    let admin = if is_draining { "DRAIN" } else { "READY" };
    format!("{} ('{host}') is {state}/{admin} (resolves again).", name(subject))
}

/// `Server be/srv ('web.test') resolves again but remains in maintenance.`
pub fn still_in_maintenance(subject: Subject<'_>, host: &str) -> String {
    format!("{} ('{host}') resolves again but remains in maintenance{}.", name(subject), via(subject))
}

/// `Server be/srv is leaving forced maintenance but remains in maintenance.`
pub fn still_in_other_maintenance(subject: Subject<'_>) -> String {
    format!("{} is leaving forced maintenance but remains in maintenance{}.", name(subject), via(subject))
}

/// `Server be/srv remains in forced maintenance.`
pub fn still_forced(subject: Subject<'_>) -> String {
    format!("{} remains in forced maintenance.", name(subject))
}

/// `Server be/srv is UP/READY (leaving forced maintenance).`
pub fn return_of(subject: Subject<'_>, is_down: bool, is_draining: bool) -> String {
    let state = if is_down { "DOWN" } else { "UP" };
    let admin = if is_draining { "DRAIN" } else { "READY" };
    let forced = if subject.via.is_some() { "" } else { "forced " };
    format!("{} is {state}/{admin} (leaving {forced}maintenance).", name(subject))
}

/// `Server be/srv enters drain state. ...`
pub fn drain(subject: Subject<'_>, is_down: bool, standing: Standing) -> String {
    let how = if is_down { How::Left } else { How::Online };
    format!("{} enters drain state{}", name(subject), more(subject, how, standing))
}

/// `Server be/srv remains in forced drain mode.`
pub fn rest_of_drain(subject: Subject<'_>) -> String {
    match subject.via {
        Some(via) => format!("{} remains in drain mode via {via}.", name(subject)),
        None => format!("{} remains in forced drain mode.", name(subject)),
    }
}

/// `Server be/srv is UP (leaving forced drain).`
pub fn end_of_drain(subject: Subject<'_>, is_down: bool) -> String {
    let state = if is_down { "DOWN" } else { "UP" };
    match subject.via {
        Some(via) => format!("{} is {state} (leaving drain) via {via}.", name(subject)),
        None => format!("{} is {state} (leaving forced drain).", name(subject)),
    }
}

/// `backend be has no server available!`; `kind` is `backend` or, for a listen section, `proxy`.
pub fn nobody_left(kind: &str, backend: &str) -> String {
    format!("{kind} {backend} has no server available!")
}

fn name(subject: Subject<'_>) -> String {
    let backup = if subject.is_backup { "Backup " } else { "" };
    format!("{backup}Server {}/{}", subject.backend, subject.server)
}

fn via(subject: Subject<'_>) -> String {
    subject.via.map(|via| format!(" via {via}")).unwrap_or_default()
}

enum How {
    Left,
    Online,
}

fn more(subject: Subject<'_>, how: How, standing: Standing) -> String {
    let via = via(subject);
    let Standing { active, backup, sessions } = standing;
    let note = if backup > 0 && active == 0 { " Running on backup." } else { "" };
    // Who waits for a server waits at the backend here, so that nobody is requeued.
    match how {
        How::Left => format!(
            "{via}. {active} active and {backup} backup servers left.{note} {sessions} sessions active, 0 requeued, \
             0 remaining in queue."
        ),
        How::Online => format!(
            "{via}. {active} active and {backup} backup servers online.{note} 0 sessions requeued, 0 total in queue."
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::levels::Level;

    const SUBJECT: Subject<'_> = Subject { backend: "be", server: "srv", is_backup: false, via: None };
    const STANDING: Standing = Standing { active: 0, backup: 0, sessions: 2 };

    #[test]
    fn results_read_as_haproxy_writes_them() {
        let passed = Outcome::new(Code::L7Ok, "").with_status(200);
        let counter = Counter::new(2, 3, Level::Up);
        let line = result(Which::Health, SUBJECT, &passed, Duration::from_millis(1), &counter, 1);
        let expected = "Health check for server be/srv succeeded, reason: Layer7 check passed, code: 200, \
                        check duration: 1ms, status: 3/3 UP.";
        assert_eq!(line, expected);
        let failed = Outcome::new(Code::L4Con, "Connection \"refused\"\n");
        let counter = Counter::new(1, 1, Level::Down);
        let subject = Subject { is_backup: true, ..SUBJECT };
        let line = result(Which::Agent, subject, &failed, Duration::ZERO, &counter, 1);
        let expected = "Agent check for backup server be/srv failed, reason: Layer4 connection problem, \
                        info: \"Connection <22>refused<22><0A>\", check duration: 0ms, status: 0/1 DOWN.";
        assert_eq!(line, expected);
    }

    #[test]
    fn changes_tell_what_is_left() {
        let details = details(&Outcome::new(Code::L4Tout, ""), Duration::from_millis(2001));
        assert_eq!(
            change(SUBJECT, Change::Down, &details, STANDING),
            "Server be/srv is DOWN, reason: Layer4 timeout, check duration: 2001ms. 0 active and 0 backup servers left. \
             2 sessions active, 0 requeued, 0 remaining in queue."
        );
        let follower = Subject { via: Some("other/s1"), ..SUBJECT };
        let standing = Standing { backup: 1, ..STANDING };
        assert_eq!(
            change(follower, Change::Up, "", standing),
            "Server be/srv is UP via other/s1. 0 active and 1 backup servers online. Running on backup. \
             0 sessions requeued, 0 total in queue."
        );
    }
}
