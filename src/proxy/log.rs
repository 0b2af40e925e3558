//! Lines of log: what is known about a stream when it ends, whether it leaves a line, and the line itself.
//!
//! Every line is a compiled format (`rule::format`), `option httplog` too: a line of it allocates nothing,
//! because formats write into the worker's buffers and ask for each fact when they come to it.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;

use crate::model::log::{Level, Origin};
use crate::model::proxy::Mode;
use crate::rule::format::{self, Precision};
use crate::rule::transaction::LogLevel;
use crate::rule::{Format, Transaction};
use crate::state::log::Journal;
use crate::sys::localtime;
use crate::time::Instant;

use super::connect::Effort;
use super::greeting::Greeted;
use super::local::{LocalBackend, LocalFrontend};
use super::rules::with_transaction;
use super::session::Session;

/// A stream at its end, or when its line is written early.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ending {
    /// When the connection was accepted or the last response ended: where all timers begin.
    pub(super) began: Instant,
    /// The first byte; `None` if none came.
    pub(super) started: Option<Instant>,
    /// The end of the request's head.
    pub(super) received: Option<Instant>,
    pub(super) effort: Effort,
    /// The response's head was there.
    pub(super) answered: Option<Instant>,
    pub(super) now: Instant,
    /// As it is logged; 0 is none.
    pub(super) status: u16,
    /// As the server sent it; 0 is none.
    pub(super) server_status: u16,
    pub(super) bytes_in: u64,
    pub(super) bytes_out: u64,
    pub(super) bytes_to_server: u64,
    pub(super) bytes_from_server: u64,
    /// All four letters.
    pub(super) termination: [u8; 4],
    pub(super) server_connections: usize,
    /// Streams of the process before this one.
    pub(super) number: u64,
    /// Written before the response has been sent.
    pub(super) is_early: bool,
    /// What answered in place of a server: `<STATS>` and the like.
    pub(super) service: Option<&'static str>,
    /// When the line is written.
    pub(super) origin: Origin,
}

impl Ending {
    /// Nothing but a beginning and an end.
    pub(super) fn new(began: Instant, now: Instant) -> Ending {
        Ending {
            began,
            started: None,
            received: None,
            effort: Effort::default(),
            answered: None,
            now,
            status: 0,
            server_status: 0,
            bytes_in: 0,
            bytes_out: 0,
            bytes_to_server: 0,
            bytes_from_server: 0,
            termination: *b"----",
            server_connections: 0,
            number: 0,
            is_early: false,
            service: None,
            origin: Origin::Close,
        }
    }

    /// Whether the stream is not over.
    pub(super) fn goes_on(&self) -> bool {
        self.is_early || !matches!(self.origin, Origin::Close | Origin::Error | Origin::Killed)
    }

    /// Milliseconds from the beginning, as HAProxy counts them: each moment is cut to milliseconds before anything is
    /// subtracted.
    fn at(&self, moment: Option<Instant>) -> Option<i64> {
        moment.map(|moment| moment.since(self.began).as_millis() as i64)
    }

    fn between(&self, from: Option<Instant>, to: Option<Instant>) -> i64 {
        self.at(to).zip(self.at(from)).map_or(-1, |(to, from)| to - from)
    }

    /// `%Ti`
    pub(super) fn idle_time(&self) -> i64 {
        self.at(self.started).unwrap_or(-1)
    }

    /// `%TR`
    pub(super) fn request_time(&self) -> i64 {
        self.between(self.started, self.received)
    }

    /// `%Tq`
    pub(super) fn query_time(&self) -> i64 {
        self.at(self.received).unwrap_or(-1)
    }

    /// `%Tw`. Where there is no time of the request, HAProxy subtracts its -1.
    pub(super) fn wait_time(&self) -> i64 {
        self.at(self.effort.assigned).map_or(-1, |assigned| assigned - self.query_time())
    }

    /// `%Tc`
    pub(super) fn connect_time(&self) -> i64 {
        self.between(self.effort.assigned, self.effort.connected)
    }

    /// `%Tr`
    pub(super) fn response_time(&self) -> i64 {
        self.between(self.effort.connected, self.answered)
    }

    /// `%Td`: of a session in tcp mode from the connect on.
    pub(super) fn data_time(&self, mode: Mode) -> i64 {
        let from = if mode == Mode::Http { self.answered } else { self.effort.connected };
        self.between(from, Some(self.now))
    }

    /// `%Tt`
    pub(super) fn total_time(&self) -> i64 {
        self.at(Some(self.now)).unwrap_or(0)
    }

    /// `%Ta`, and `%Tu` without handshakes.
    pub(super) fn active_time(&self) -> i64 {
        self.total_time() - self.idle_time().max(0)
    }

    /// Whether HAProxy calls it an error: `option dontlog-normal` keeps the line, `option log-separate-errors` lifts it.
    pub(super) fn is_error(&self, mode: Mode) -> bool {
        let is_failure = !matches!(self.termination[0], b'-' | b'L');
        let was_retried = self.termination[0] == b'-' && self.effort.retries > 0;
        is_failure || self.effort.has_redispatched || was_retried || mode == Mode::Http && self.status >= 500
    }
}

/// Writes the line of a stream, if it leaves one. `request` is its request line.
pub(super) fn write(
    session: &mut Session,
    frontend: &LocalFrontend,
    backend: Option<&LocalBackend>,
    ending: &Ending,
    request: Option<&[u8]>,
) {
    let format = frontend.logging().and_then(|logging| logging.format.as_ref());
    let model = &frontend.running.model;
    let may_have_look = frontend.running.profiled.is_some() && model.logged.steps.is_some();
    if format.is_none() && !may_have_look || model.logged.steps.is_some_and(|steps| !steps.has(ending.origin)) {
        return;
    }
    let is_error = ending.is_error(model.mode);
    // When a request begins, its rules have said nothing yet.
    let has_rules = frontend.runs_rules && !matches!(ending.origin, Origin::Accept | Origin::Request);
    let asked = session.rules.as_ref().filter(|_| has_rules).and_then(|state| state.log_level());
    let level = match asked {
        Some(LogLevel::Silent) => return,
        Some(LogLevel::Level(number)) => Level::of_number(number),
        None if is_error && model.logged.separates_errors => Level::Err,
        None => Level::Info,
    };
    if frontend.running.journal.takes(level) && (is_error || !model.logged.skips_normal) {
        render(session, frontend, backend, ending, request, format, level);
    }
}

/// Writes the line of a step, if there is one for it; `about` says what is known by then.
pub(super) fn write_step(
    session: &mut Session,
    frontend: &LocalFrontend,
    backend: Option<&LocalBackend>,
    step: Origin,
    about: impl FnOnce(&Session) -> Ending,
    request: Option<&[u8]>,
) {
    let writes = frontend.running.model.logged.steps.is_some_and(|steps| steps.has(step));
    if writes && frontend.logs {
        let ending = Ending { origin: step, ..about(session) };
        write(session, frontend, backend, &ending, request);
    }
}

/// Writes the line that a rule asks for, in the look of a profile if it names one.
pub(super) fn write_ordered(
    session: &Session,
    frontend: &LocalFrontend,
    transaction: &Transaction<'_>,
    origin: Origin,
    asked: Option<LogLevel>,
    profile: Option<&str>,
) {
    let level = match asked {
        Some(LogLevel::Silent) => return,
        Some(LogLevel::Level(number)) => Level::of_number(number),
        None => Level::Info,
    };
    let format = frontend.logging().and_then(|logging| logging.format.as_ref());
    emit(session, frontend, transaction, (origin, level, format), profile);
}

/// Writes the line of a connection that brought no request.
pub(super) fn write_failed(session: &mut Session, frontend: &LocalFrontend, ending: &Ending) {
    let Some(logging) = frontend.logging() else { return };
    let format = logging.error_format.as_ref().or(logging.format.as_ref());
    if format.is_none() && frontend.running.profiled.is_none() {
        return;
    }
    let logged = frontend.running.model.logged;
    let level = if logged.separates_errors { Level::Err } else { Level::Info };
    if frontend.running.journal.takes(level) {
        // There was no stream that would have a number.
        let ending = Ending { number: session.number(frontend), ..*ending };
        render(session, frontend, None, &ending, None, format, level);
    }
}

/// Writes the line of a connection that brought no PROXY header, as HAProxy does: `CLIENT:PORT [DATE] FRONTEND/SOCKET: WHY`,
/// unless there is an `error-log-format`.
pub(super) fn write_greeting(session: &mut Session, frontend: &LocalFrontend, why: Greeted) {
    let logged = frontend.running.model.logged;
    let Some(logging) = frontend.logging() else { return };
    let is_silent = logged.skips_empty && why.is_nothing();
    if is_silent || logging.format.is_none() && logging.error_format.is_none() {
        return;
    }
    let ending = Ending { origin: Origin::Killed, ..Ending::new(session.accepted, session.now()) };
    if logging.error_format.is_some() {
        return write_failed(session, frontend, &ending);
    }
    let level = if logged.separates_errors { Level::Err } else { Level::Info };
    if !frontend.running.journal.takes(level) {
        return;
    }
    let date = i64::try_from(session.worker.wall(session.accepted).as_micros()).unwrap_or(i64::MAX);
    let (seconds, source) = (date.div_euclid(1_000_000), session.source());
    let mut line = session.worker.buffers.line.borrow_mut();
    line.clear();
    // Writing to a Vec cannot fail.
    let _ = match source.port() {
        0 => write!(line, "unix:{} [", session.listener.id(frontend)),
        port => write!(line, "{}:{port} [", source.ip().to_canonical()),
    };
    format::write_date(&mut line, date, localtime::zone(seconds).into(), Precision::Milliseconds);
    let _ = write!(line, "] {}/", frontend.running.model.name);
    let _ = match session.listener.bind(frontend).and_then(|bind| bind.options.name.as_ref()) {
        Some(name) => write!(line, "{name}: {}", why.words()),
        None => write!(line, "{}: {}", session.listener.id(frontend), why.words()),
    };
    push(session, &frontend.running.journal, level, &line, b"");
    frontend.running.lines.fetch_add(u64::from(frontend.counts_lines), Ordering::Relaxed);
}

/// Tells of a connection or a request where no format says how lines look, as HAProxy does.
pub(super) fn connected(session: &Session, frontend: &LocalFrontend) {
    if frontend.logging().is_some_and(|logging| logging.format.is_some())
        || frontend.running.model.logged.steps.is_some()
        || !frontend.running.journal.takes(Level::Info)
    {
        return;
    }
    let mode = if frontend.running.model.mode == Mode::Http { "HTTP" } else { "TCP" };
    let name = &frontend.running.model.name;
    let canonical = |end: SocketAddr| SocketAddr::new(end.ip().to_canonical(), end.port());
    let (peer, local) = (canonical(session.source()), canonical(session.destination()));
    let mut line = session.worker.buffers.line.borrow_mut();
    line.clear();
    // Writing to a Vec cannot fail.
    let _ = write!(line, "Connect from {}:{}", peer.ip(), peer.port());
    let _ = write!(line, " to {}:{} ({name}/{mode})", local.ip(), local.port());
    push(session, &frontend.running.journal, Level::Info, &line, b"");
}

fn render(
    session: &mut Session,
    frontend: &LocalFrontend,
    backend: Option<&LocalBackend>,
    ending: &Ending,
    request: Option<&[u8]>,
    format: Option<&Format>,
    level: Level,
) {
    with_transaction(session, frontend, backend, ending, request, |session, transaction| {
        emit(session, frontend, transaction, (ending.origin, level, format), None);
    });
    frontend.running.lines.fetch_add(u64::from(frontend.counts_lines), Ordering::Relaxed);
}

/// Writes a line to every target, in the look that its profile gives it; with the name of a profile, in that one's to all.
fn emit(
    session: &Session,
    frontend: &LocalFrontend,
    transaction: &Transaction<'_>,
    (origin, level, format): (Origin, Level, Option<&Format>),
    profile: Option<&str>,
) {
    let structured = frontend.logging().and_then(|logging| logging.structured.as_ref());
    let own = (format, structured);
    let Some(profiled) = &frontend.running.profiled else {
        return compose(session, &frontend.running.journal, transaction, level, own);
    };
    let profiles = &frontend.others.rules.globals.profiles;
    let to = |journal: &Journal, number: Option<usize>| {
        let look = number.and_then(|number| profiles.get(number)?.at(origin));
        if look.is_none_or(|look| !look.is_dropped) && journal.takes(level) {
            let format = look.and_then(|look| look.format.as_ref()).or(own.0);
            let structured = look.and_then(|look| look.structured.as_ref()).or(own.1);
            compose(session, journal, transaction, level, (format, structured));
        }
    };
    let forced = profile.and_then(|name| profiles.iter().position(|known| known.name == name));
    match forced.and_then(|number| Some((profiled.forced.get(number)?, number))) {
        Some((journal, number)) => to(journal, Some(number)),
        None => profiled.parts.iter().for_each(|(number, journal)| to(journal, *number)),
    }
}

fn compose(
    session: &Session,
    journal: &Journal,
    transaction: &Transaction<'_>,
    level: Level,
    (format, structured): (Option<&Format>, Option<&Format>),
) {
    let Some(format) = format else { return };
    let buffers = &session.worker.buffers;
    let (mut line, mut data) = (buffers.line.borrow_mut(), buffers.structured.borrow_mut());
    line.clear();
    data.clear();
    format.render(transaction, &mut line);
    if let Some(structured) = structured {
        structured.render(transaction, &mut data);
    }
    push(session, journal, level, &line, &data);
}

/// Hands a line over to vg-log.
fn push(session: &Session, journal: &Journal, level: Level, line: &[u8], structured: &[u8]) {
    let worker = &session.worker;
    worker.log.push(journal.number(), level, worker.wall(session.now()), line, structured);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn ending() -> Ending {
        let at = |micros: u64| Instant::from_nanos(1_000_000_000 + micros * 1000);
        let effort = Effort { assigned: Some(at(15_900)), connected: Some(at(20_100)), ..Effort::default() };
        Ending {
            started: Some(at(10_900)),
            received: Some(at(12_100)),
            answered: Some(at(90_000)),
            effort,
            ..Ending::new(at(0), at(99_999))
        }
    }

    #[test]
    fn timers_add_up_as_haproxys_do() {
        let ending = ending();
        let timers = [ending.request_time(), ending.wait_time(), ending.connect_time(), ending.response_time()];
        assert_eq!(timers, [2, 3, 5, 70]);
        assert_eq!((ending.idle_time(), ending.query_time(), ending.total_time()), (10, 12, 99));
        assert_eq!((ending.active_time(), ending.data_time(Mode::Http), ending.data_time(Mode::Tcp)), (89, 9, 79));
    }

    #[test]
    fn timers_that_were_not_reached_are_minus_one() {
        let silent = Ending::new(Instant::ZERO, Instant::ZERO + Duration::from_secs(5));
        let timers = [silent.idle_time(), silent.request_time(), silent.wait_time(), silent.data_time(Mode::Http)];
        assert_eq!((timers, silent.total_time(), silent.active_time()), ([-1; 4], 5000, 5000));
    }

    #[test]
    fn failures_retries_and_server_errors_are_errors() {
        let normal = ending();
        assert!(!normal.is_error(Mode::Http));
        assert!(!Ending { termination: *b"LR--", ..normal }.is_error(Mode::Http));
        assert!(Ending { termination: *b"cD--", ..normal }.is_error(Mode::Http));
        assert!(Ending { status: 500, ..normal }.is_error(Mode::Http));
        assert!(!Ending { status: 500, ..normal }.is_error(Mode::Tcp));
        assert!(Ending { effort: Effort { retries: 1, ..normal.effort }, ..normal }.is_error(Mode::Http));
    }
}
