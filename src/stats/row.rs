//! Rows of `show stat`: which columns a frontend, a socket, a server and a backend have, and what stands in them.

use std::time::Duration;

use crate::model::proxy::Mode;
use crate::state::counters::{Rated, Timed, Totals};
use crate::state::gauge::Shown;
use crate::state::servers::{Admin, Health};

use super::catalog::{COLUMNS, Column, Kind};
use super::snapshot::{Backend, Check, Frontend, FrontendStatus, Level, Listener, Proxy, Server};

/// What stands in a column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Cell {
    /// Nothing: the column does not concern this row.
    #[default]
    Empty,
    /// A level, a limit or a number.
    U32(u32),
    /// A counter.
    U64(u64),
    /// An age that may be unknown.
    S32(i32),
    /// A text.
    Text(String),
}

/// A row.
#[derive(Clone, Debug)]
pub struct Row {
    /// What it is about.
    pub kind: Kind,
    /// Number of the proxy.
    pub proxy: u32,
    /// Number of the server or socket; 0 otherwise.
    pub id: u32,
    /// Its cells, column for column.
    pub cells: Vec<Cell>,
}

impl Row {
    fn new(proxy: &Proxy, kind: Kind, name: &str, id: u32) -> Row {
        let mut row = Row { kind, proxy: proxy.id, id, cells: vec![Cell::Empty; COLUMNS.len()] };
        row.text(Column::Pxname, &proxy.name);
        row.text(Column::Svname, name);
        row.level(Column::Pid, 1);
        row.level(Column::Iid, proxy.id.into());
        row.level(Column::Sid, id.into());
        row.level(Column::Type, kind as u64);
        row.text(Column::Mode, mode_name(proxy.mode));
        row
    }

    /// What stands in a column.
    pub fn cell(&self, column: Column) -> &Cell {
        &self.cells[column as usize]
    }

    /// Takes out what only operators may see, or everybody with `stats show-legends`.
    pub fn hide_legends(&mut self) {
        [Column::Addr, Column::Cookie, Column::Algo].into_iter().for_each(|column| self.set(column, Cell::Empty));
    }

    fn set(&mut self, column: Column, cell: Cell) {
        self.cells[column as usize] = cell;
    }

    fn text(&mut self, column: Column, text: &str) {
        self.set(column, Cell::Text(text.to_owned()));
    }

    fn level(&mut self, column: Column, value: u64) {
        self.set(column, Cell::U32(u32::try_from(value).unwrap_or(u32::MAX)));
    }

    fn count(&mut self, column: Column, value: u64) {
        self.set(column, Cell::U64(value));
    }

    fn counts(&mut self, counts: &[(Column, u64)]) {
        counts.iter().for_each(|(column, value)| self.count(*column, *value));
    }

    fn sessions(&mut self, sessions: Level) {
        self.level(Column::Scur, sessions.now);
        self.level(Column::Smax, sessions.most);
        if let Some(limit) = sessions.limit {
            self.level(Column::Slim, limit);
        }
    }

    fn queued(&mut self, queued: Level) {
        self.level(Column::Qcur, queued.now);
        self.level(Column::Qmax, queued.most);
        if let Some(limit) = queued.limit {
            self.level(Column::Qlimit, limit);
        }
    }

    fn rate(&mut self, totals: &Totals, what: Rated, now: Column, most: Column) {
        let rate = totals.rates[what as usize];
        self.level(now, rate.now);
        self.level(most, rate.most);
    }

    fn bytes(&mut self, totals: &Totals) {
        self.counts(&[(Column::Bin, totals.bytes_in), (Column::Bout, totals.bytes_out)]);
    }

    fn responses(&mut self, totals: &Totals) {
        let columns =
            [Column::HrspOther, Column::Hrsp1xx, Column::Hrsp2xx, Column::Hrsp3xx, Column::Hrsp4xx, Column::Hrsp5xx];
        columns.into_iter().zip(totals.responses).for_each(|(column, count)| self.count(column, count));
    }

    fn times(&mut self, totals: &Totals) {
        let columns = [
            (Timed::Queue, Column::Qtime, Column::QtimeMax),
            (Timed::Connect, Column::Ctime, Column::CtimeMax),
            (Timed::Response, Column::Rtime, Column::RtimeMax),
            (Timed::Total, Column::Ttime, Column::TtimeMax),
        ];
        for (what, mean, most) in columns {
            let time = totals.times[what as usize];
            self.level(mean, time.mean);
            self.level(most, time.most);
        }
    }

    /// What a backend and a server count alike.
    fn server_side(&mut self, totals: &Totals, last_session: Option<Duration>) {
        self.bytes(totals);
        self.counts(&[
            (Column::Stot, totals.sessions),
            (Column::Dresp, totals.denied_responses),
            (Column::Econ, totals.connect_errors),
            (Column::Eresp, totals.response_errors),
            (Column::Wretr, totals.retries),
            (Column::Wredis, totals.redispatches),
            (Column::Lbtot, totals.balanced),
            (Column::CliAbrt, totals.client_aborts),
            (Column::SrvAbrt, totals.server_aborts),
            (Column::Wrew, totals.failed_rewrites),
            (Column::Connect, totals.connects),
            (Column::Reuse, totals.reuses),
            (Column::Eint, totals.internal_errors),
        ]);
        self.rate(totals, Rated::Sessions, Column::Rate, Column::RateMax);
        self.times(totals);
        let age = last_session.map_or(-1, |age| i32::try_from(age.as_secs()).unwrap_or(i32::MAX));
        self.set(Column::Lastsess, Cell::S32(age));
    }

    /// Nothing is compressed: what other balancers count is none here.
    fn uncompressed(&mut self) {
        self.counts(&[(Column::CompIn, 0), (Column::CompOut, 0), (Column::CompByp, 0), (Column::CompRsp, 0)]);
    }
}

/// `http` or `tcp`.
pub fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Tcp => "tcp",
        Mode::Http => "http",
        Mode::Log => "syslog",
    }
}

/// The rows of a proxy: frontend, sockets, servers, backend.
pub fn rows(proxy: &Proxy) -> Vec<Row> {
    let mut rows = Vec::with_capacity(proxy.servers.len() + 2);
    rows.extend(proxy.frontend.as_ref().map(|frontend| self::frontend(proxy, frontend)));
    rows.extend(proxy.listeners.iter().map(|listener| self::listener(proxy, listener)));
    rows.extend(proxy.servers.iter().map(|server| self::server(proxy, server)));
    rows.extend(proxy.backend.as_ref().map(|backend| self::backend(proxy, backend)));
    rows
}

/// As `show stat` says it.
pub const fn status_of_frontend(status: FrontendStatus) -> &'static str {
    match status {
        FrontendStatus::Open => "OPEN",
        FrontendStatus::Full => "FULL",
        FrontendStatus::Stopped => "STOP",
        FrontendStatus::Paused => "PAUSED",
    }
}

fn frontend(proxy: &Proxy, frontend: &Frontend) -> Row {
    let mut row = Row::new(proxy, Kind::Frontend, "FRONTEND", 0);
    let totals = &frontend.totals;
    row.sessions(frontend.sessions);
    row.bytes(totals);
    row.text(Column::Status, status_of_frontend(frontend.status));
    row.counts(&[
        (Column::Stot, totals.sessions),
        (Column::Dreq, totals.denied_requests),
        (Column::Dresp, totals.denied_responses),
        (Column::Ereq, totals.request_errors),
        (Column::ReqTot, totals.requests),
        (Column::ConnTot, totals.connections),
        (Column::Dcon, totals.denied_connections),
        (Column::Dses, totals.denied_sessions),
        (Column::Wrew, totals.failed_rewrites),
        (Column::Eint, totals.internal_errors),
    ]);
    row.level(Column::RateLim, frontend.rate_limit);
    row.rate(totals, Rated::Sessions, Column::Rate, Column::RateMax);
    row.rate(totals, Rated::Requests, Column::ReqRate, Column::ReqRateMax);
    row.rate(totals, Rated::Connections, Column::ConnRate, Column::ConnRateMax);
    row.uncompressed();
    if proxy.mode == Mode::Http {
        row.responses(totals);
        row.counts(&[(Column::Intercepted, totals.intercepted), (Column::CacheLookups, 0), (Column::CacheHits, 0)]);
    }
    row
}

fn listener(proxy: &Proxy, listener: &Listener) -> Row {
    let mut row = Row::new(proxy, Kind::Listener, &listener.name, listener.id);
    let totals = &listener.totals;
    row.sessions(listener.sessions);
    row.bytes(totals);
    row.text(Column::Status, "OPEN");
    row.text(Column::Addr, &listener.address);
    row.counts(&[
        (Column::Stot, totals.connections),
        (Column::Dreq, totals.denied_requests),
        (Column::Dresp, totals.denied_responses),
        (Column::Ereq, totals.request_errors),
        (Column::Dcon, totals.denied_connections),
        (Column::Dses, totals.denied_sessions),
        (Column::Wrew, totals.failed_rewrites),
        (Column::Eint, totals.internal_errors),
    ]);
    row
}

/// How a server stands, as `show stat` says it: `UP`, `DOWN 1/2`, `MAINT (via be/srv)`...
pub fn status_of_server(server: &Server) -> String {
    let gauge = |check: &Check| (check.counter, check.rise, check.fall);
    // Until the first result it counts as up without a doubt.
    let known = |check: &Check| match (&check.last, server.health) {
        (None, Health::Starting | Health::Up) if server.tracked.is_none() => {
            (check.rise + check.fall - 1, check.rise, check.fall)
        }
        _ => gauge(check),
    };
    Shown {
        lacks_address: server.lacks_address,
        admin: server.admin,
        shared: server.tracked.as_deref().map(|tracked| (tracked, server.shared)),
        health: server.health,
        check: server.check.as_ref().map(known),
        agent: server.agent.as_ref().map(gauge),
    }
    .text()
}

fn server(proxy: &Proxy, server: &Server) -> Row {
    let mut row = Row::new(proxy, Kind::Server, &server.name, server.id);
    let totals = &server.totals;
    row.queued(server.queued);
    row.sessions(server.sessions);
    row.server_side(totals, server.last_session);
    row.text(Column::Status, &status_of_server(server));
    row.level(Column::Weight, server.weight.0.into());
    row.level(Column::Uweight, server.weight.1.into());
    row.level(Column::Act, u64::from(!server.is_backup));
    row.level(Column::Bck, u64::from(server.is_backup));
    row.level(Column::Lastchg, server.standing.since.as_secs());
    if let Some(throttle) = server.throttle {
        row.level(Column::Throttle, throttle.into());
    }
    if let Some(tracked) = &server.tracked {
        row.text(Column::Tracked, tracked);
    }
    // What is another server's is told there.
    if server.tracked.is_none() {
        if let Some(check) = &server.check {
            self::check(&mut row, server, check);
        }
        if let Some(agent) = &server.agent {
            self::agent(&mut row, agent);
        }
    }
    if proxy.mode == Mode::Http {
        row.responses(totals);
        row.count(Column::ReqTot, totals.requests);
    }
    if !server.lacks_address {
        row.text(Column::Addr, &server.address.to_string());
    }
    if let Some(cookie) = &server.cookie {
        row.text(Column::Cookie, cookie);
    }
    row.level(Column::SrvIcur, server.idle.iter().sum());
    if let Some(limit) = server.idle_limit {
        row.level(Column::SrcIlim, limit);
    }
    row.level(Column::IdleConnCur, server.idle[0]);
    row.level(Column::SafeConnCur, server.idle[1]);
    row.level(Column::UsedConnCur, server.sessions.now);
    row.level(Column::NeedConnEst, server.sessions.now);
    row
}

fn check(row: &mut Row, server: &Server, check: &Check) {
    row.counts(&[(Column::Chkfail, check.failures), (Column::Chkdown, server.standing.downs)]);
    row.level(Column::Downtime, server.standing.downtime.as_secs());
    if server.order() == Admin::Maint {
        // It is not checked.
        return;
    }
    row.level(Column::CheckRise, check.rise.into());
    row.level(Column::CheckFall, check.fall.into());
    row.level(Column::CheckHealth, check.counter.into());
    let Some(last) = &check.last else {
        row.text(Column::CheckStatus, "INI");
        row.text(Column::CheckDesc, "Initializing");
        return;
    };
    row.text(Column::CheckStatus, last.code);
    row.text(Column::CheckDesc, last.meaning);
    row.count(Column::CheckDuration, u64::try_from(last.duration.as_millis()).unwrap_or(u64::MAX));
    if let Some(code) = last.status {
        row.level(Column::CheckCode, u64::try_from(code).unwrap_or(u64::MAX));
    }
    row.text(Column::LastChk, &last.detail);
}

fn agent(row: &mut Row, agent: &Check) {
    row.level(Column::AgentRise, agent.rise.into());
    row.level(Column::AgentFall, agent.fall.into());
    row.level(Column::AgentHealth, agent.counter.into());
    let Some(last) = &agent.last else {
        row.text(Column::AgentStatus, "INI");
        row.text(Column::AgentDesc, "Initializing");
        return;
    };
    row.text(Column::AgentStatus, last.code);
    row.text(Column::AgentDesc, last.meaning);
    row.count(Column::AgentDuration, u64::try_from(last.duration.as_millis()).unwrap_or(u64::MAX));
    if let Some(code) = last.status {
        row.level(Column::AgentCode, u64::try_from(code).unwrap_or(u64::MAX));
    }
    row.text(Column::LastAgt, &last.detail);
}

fn backend(proxy: &Proxy, backend: &Backend) -> Row {
    let mut row = Row::new(proxy, Kind::Backend, "BACKEND", 0);
    let totals = &backend.totals;
    row.queued(backend.queued);
    row.sessions(backend.sessions);
    row.server_side(totals, backend.last_session);
    row.count(Column::Dreq, totals.denied_requests);
    let status = match (Backend::is_up(&proxy.servers), backend.is_unpublished) {
        (true, false) => "UP",
        (true, true) => "UP (UNPUB)",
        (false, false) => "DOWN",
        (false, true) => "DOWN (UNPUB)",
    };
    row.text(Column::Status, status);
    let (active, backup): (Vec<_>, Vec<_>) =
        proxy.servers.iter().filter(|server| server.is_active()).partition(|server| !server.is_backup);
    let serving = if active.is_empty() { &backup } else { &active };
    row.level(Column::Weight, serving.iter().map(|server| u64::from(server.weight.0)).sum());
    row.level(Column::Uweight, serving.iter().map(|server| u64::from(server.weight.1)).sum());
    row.level(Column::Act, active.len() as u64);
    row.level(Column::Bck, backup.len() as u64);
    row.count(Column::Chkdown, backend.standing.downs);
    row.level(Column::Lastchg, backend.standing.since.as_secs());
    if !proxy.servers.is_empty() {
        row.level(Column::Downtime, backend.standing.downtime.as_secs());
    }
    row.uncompressed();
    if proxy.mode == Mode::Http {
        row.responses(totals);
        row.counts(&[(Column::ReqTot, totals.requests), (Column::CacheLookups, 0), (Column::CacheHits, 0)]);
    }
    if let Some(cookie) = &backend.cookie {
        row.text(Column::Cookie, cookie);
    }
    row.text(Column::Algo, backend.algorithm);
    [Column::AggServerStatus, Column::AggServerCheckStatus, Column::AggCheckStatus]
        .into_iter()
        .for_each(|column| row.level(column, 0));
    row
}
