//! A proxy on the page: its name, a table of frontend, sockets, servers and backend, and the form that changes servers.

use std::fmt::Write;
use std::time::Duration;

use crate::model::proxy::Mode;
use crate::state::counters::{Rate, Rated, Timed, Totals};
use crate::state::servers::{Admin, Health};
use crate::stats::action::ACTIONS;
use crate::stats::row::{self, mode_name, status_of_frontend, status_of_server};
use crate::stats::select::StatRequest;
use crate::stats::snapshot::{Backend, Frontend, Level, Listener, Proxy, Server};

use super::number::{age, bytes, grouped};
use super::{Page, text};

/// The two header lines: groups with their columns.
const COLUMNS: [(&str, &[&str]); 8] = [
    ("Queue", &["Cur", "Max", "Limit"]),
    ("Session rate", &["Cur", "Max", "Limit"]),
    ("Sessions", &["Cur", "Max", "Limit", "Total", "LbTot", "Last"]),
    ("Bytes", &["In", "Out"]),
    ("Denied", &["Req", "Resp"]),
    ("Errors", &["Req", "Conn", "Resp"]),
    ("Warnings", &["Retr", "Redis"]),
    ("Server", &["LastChk", "Wght", "Act", "Bck", "Chk", "Dwn", "Dwntme", "Thrtle"]),
];

/// How a server is, as its row's class says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Up,
    GoingDown,
    GoingUp,
    Down,
    Draining,
    NoCheck,
    Maintenance,
}

impl State {
    /// Whether it would take sessions if it could.
    pub(super) fn is_trouble(self) -> bool {
        matches!(self, State::Down | State::GoingUp)
    }

    fn class(self, is_backup: bool) -> &'static str {
        match (self, is_backup) {
            (State::Maintenance, _) => "maintain",
            (State::Up, false) => "active_up",
            (State::Up, true) => "backup_up",
            (State::GoingDown, false) => "active_going_down",
            (State::GoingDown, true) => "backup_going_down",
            (State::GoingUp, false) => "active_going_up",
            (State::GoingUp, true) => "backup_going_up",
            (State::Down, false) => "active_down",
            (State::Down, true) => "backup_down",
            (State::Draining, false) => "active_draining",
            (State::Draining, true) => "backup_draining",
            (State::NoCheck, false) => "active_no_check",
            (State::NoCheck, true) => "backup_no_check",
        }
    }
}

/// How a server is.
pub(super) fn state(server: &Server) -> State {
    let is_changing = status_of_server(server).contains('/');
    match (server.order(), server.health) {
        (Admin::Maint, _) => State::Maintenance,
        (_, Health::Down) if is_changing => State::GoingUp,
        (_, Health::Down) => State::Down,
        (Admin::Drain, _) => State::Draining,
        _ if server.weight.0 == 0 => State::Draining,
        (_, Health::Unchecked) => State::NoCheck,
        _ if server.check.is_none() => State::NoCheck,
        _ if is_changing => State::GoingDown,
        _ => State::Up,
    }
}

// Writing to a String cannot fail; `let _` says that it was considered.
pub(super) fn write(out: &mut String, proxy: &Proxy, page: &Page<'_>, request: &StatRequest) {
    let may_change = page.may_change && proxy.backend.is_some();
    out.push_str("<section class=\"card\">\n<div class=\"bar\"><h3><a name=\"");
    text(out, &proxy.name);
    out.push_str("\" href=\"#");
    text(out, &proxy.name);
    out.push_str("\">");
    text(out, &proxy.name);
    out.push_str("</a></h3><span class=\"what\">");
    text(out, &what(proxy, page));
    out.push_str("</span>");
    summary(out, proxy);
    out.push_str("</div>\n");
    if may_change {
        out.push_str("<form method=\"post\">");
    }
    out.push_str("<div class=\"scroll\"><table class=\"tbl\"><thead>\n");
    header(out, may_change);
    out.push_str("</thead><tbody>\n");
    if let Some(frontend) = &proxy.frontend {
        self::frontend(out, proxy, frontend);
    }
    for listener in &proxy.listeners {
        self::listener(out, proxy, listener, page);
    }
    let rows = row::rows(proxy);
    let is_shown = |server: &&Server| {
        let own = rows.iter().find(|row| row.kind == crate::stats::catalog::Kind::Server && row.id == server.id);
        own.is_some_and(|row| request.shows_row(row))
    };
    for server in proxy.servers.iter().filter(is_shown) {
        self::server(out, proxy, server, page, may_change);
    }
    if let Some(backend) = &proxy.backend {
        self::backend(out, proxy, backend);
    }
    out.push_str("</tbody></table></div>\n");
    if may_change {
        actions(out, proxy);
    }
    out.push_str("</section>\n");
}

fn what(proxy: &Proxy, page: &Page<'_>) -> String {
    let kind = match (&proxy.frontend, &proxy.backend) {
        (Some(_), Some(_)) => "listen",
        (Some(_), None) => "frontend",
        _ => "backend",
    };
    let mut what = format!("{kind}, {}", mode_name(proxy.mode));
    if let Some(backend) = proxy.backend.as_ref().filter(|_| page.shows_legends) {
        let _ = write!(what, ", id {}, balancing: {}", proxy.id, backend.algorithm);
        if let Some(cookie) = &backend.cookie {
            let _ = write!(what, ", cookie: '{cookie}'");
        }
    }
    if let Some(description) = &proxy.description {
        let _ = write!(what, ": {description}");
    }
    what
}

fn summary(out: &mut String, proxy: &Proxy) {
    let (class, label) = match (&proxy.backend, &proxy.frontend) {
        (Some(_), _) if proxy.servers.is_empty() => ("active_no_check", "no servers".to_owned()),
        (Some(_), _) => {
            let usable = proxy.servers.iter().filter(|server| server.is_active()).count();
            let class = match usable {
                0 => "active_down",
                _ if usable < proxy.servers.len() => "active_going_down",
                _ => "active_up",
            };
            (class, format!("{usable} of {} servers in service", proxy.servers.len()))
        }
        (None, Some(frontend)) => ("active_up", status_of_frontend(frontend.status).to_owned()),
        (None, None) => return,
    };
    let _ = write!(out, "<span class=\"pill {class}\">{label}</span>");
}

fn header(out: &mut String, may_change: bool) {
    out.push_str("<tr><th rowspan=2>");
    if may_change {
        out.push_str(
            "<input type=\"checkbox\" aria-label=\"All servers\" onclick=\"for(const c of \
             this.closest('table').querySelectorAll('[name=s]'))c.checked=this.checked\">",
        );
    }
    out.push_str("</th><th rowspan=2 class=\"g\">Status</th>");
    for (group, columns) in COLUMNS {
        let _ = write!(out, "<th class=\"g\" colspan={}>{group}</th>", columns.len());
    }
    out.push_str("</tr>\n<tr>");
    for (_, columns) in COLUMNS {
        for (at, column) in columns.iter().enumerate() {
            let class = if at == 0 { " class=\"g\"" } else { "" };
            let _ = write!(out, "<th{class}>{column}</th>");
        }
    }
    out.push_str("</tr>\n");
}

/// What a row has in the columns of the header.
#[derive(Default)]
struct Line {
    queue: Option<Level>,
    rate: Option<(Rate, Option<u64>, String)>,
    sessions: Level,
    total: (u64, String),
    balanced: Option<(u64, Option<Duration>)>,
    bytes: (u64, u64),
    denied: (Option<u64>, u64),
    /// Of requests, connections and responses.
    errors: [Option<(u64, String)>; 3],
    warnings: Option<(u64, u64)>,
    /// Last check, weight, active, backup, failed checks, downs, downtime, throttle.
    server: [(String, String); 8],
}

/// Writes cells with the header's words, which a phone shows beside each.
struct Cells<'a> {
    out: &'a mut String,
    at: usize,
}

impl Cells<'_> {
    fn cell(&mut self, content: &str, title: &str) {
        let mut at = self.at;
        let place = COLUMNS.iter().find_map(|(group, columns)| match columns.get(at) {
            Some(column) => Some((*group, *column, at == 0)),
            None => {
                at -= columns.len();
                None
            }
        });
        let Some((group, column, is_first)) = place else { return };
        self.at += 1;
        let zero = if matches!(content, "" | "0" | "-" | "0s" | "0\u{202f}B") { " z" } else { "" };
        let border = if is_first { "g" } else { "" };
        let _ = write!(self.out, "<td class=\"{border}{zero}\" data-l=\"{group}: {column}\"");
        if !title.is_empty() {
            self.out.push_str(" title=\"");
            text(self.out, title);
            self.out.push('"');
        }
        self.out.push('>');
        match title.is_empty() {
            true => text(self.out, content),
            false => {
                self.out.push_str("<span>");
                text(self.out, content);
                self.out.push_str("</span>");
            }
        }
        self.out.push_str("</td>");
    }

    fn number(&mut self, number: Option<u64>) {
        self.cell(&number.map(grouped).unwrap_or_default(), "");
    }

    fn level(&mut self, level: Option<Level>, unlimited: &str) {
        self.number(level.map(|level| level.now));
        self.number(level.map(|level| level.most));
        let limit = level.map(|level| level.limit.map_or_else(|| unlimited.to_owned(), grouped));
        self.cell(&limit.unwrap_or_default(), "");
    }
}

fn cells(out: &mut String, line: &Line) {
    let mut cells = Cells { out, at: 0 };
    cells.level(line.queue, "-");
    match &line.rate {
        Some((rate, limit, title)) => {
            cells.cell(&grouped(rate.now), title);
            cells.number(Some(rate.most));
            cells.cell(&limit.map_or("-".to_owned(), grouped), "");
        }
        None => (0..3).for_each(|_| cells.number(None)),
    }
    cells.level(Some(line.sessions), "-");
    cells.cell(&grouped(line.total.0), &line.total.1);
    cells.number(line.balanced.map(|(balanced, _)| balanced));
    cells.cell(&line.balanced.map_or(String::new(), |(_, last)| last.map_or("?".to_owned(), age)), "");
    for count in [line.bytes.0, line.bytes.1] {
        cells.cell(&bytes(count), &if count > 999 { format!("{} bytes", grouped(count)) } else { String::new() });
    }
    cells.number(line.denied.0);
    cells.number(Some(line.denied.1));
    for error in &line.errors {
        match error {
            Some((count, title)) => cells.cell(&grouped(*count), title),
            None => cells.number(None),
        }
    }
    cells.number(line.warnings.map(|(retries, _)| retries));
    cells.number(line.warnings.map(|(_, redispatches)| redispatches));
    line.server.iter().for_each(|(content, title)| cells.cell(content, title));
    cells.out.push_str("</tr>\n");
}

/// Opens a row with its name.
fn name(out: &mut String, class: &str, proxy: &Proxy, anchor: &str, shown: &str, more: &str, box_of: Option<&str>) {
    let _ = write!(out, "<tr class=\"{class}\"><td class=\"n\">");
    if let Some(server) = box_of {
        out.push_str("<label><input type=\"checkbox\" name=\"s\" value=\"");
        text(out, server);
        out.push_str("\">");
    }
    let place = format!("{}/{anchor}", proxy.name);
    out.push_str("<a name=\"");
    text(out, &place);
    out.push_str("\" href=\"#");
    text(out, &place);
    out.push_str("\">");
    text(out, shown);
    out.push_str("</a>");
    if box_of.is_some() {
        out.push_str("</label>");
    }
    if !more.is_empty() {
        out.push_str("<small>");
        text(out, more);
        out.push_str("</small>");
    }
    out.push_str("</td>");
}

fn status(out: &mut String, class: &str, status: &str, title: &str) {
    let _ = write!(out, "<td class=\"s g\"><span class=\"pill {class}\"");
    if !title.is_empty() {
        out.push_str(" title=\"");
        text(out, title);
        out.push('"');
    }
    out.push('>');
    text(out, status);
    out.push_str("</span></td>");
}

/// The counters behind a total, a line each.
fn details(mode: Mode, totals: &Totals, is_server_side: bool) -> String {
    let mut out = format!("Cum. sessions: {}", grouped(totals.sessions));
    let mut line = |label: &str, count: u64| _ = write!(out, "\n{label}: {}", grouped(count));
    if is_server_side {
        line("New connections", totals.connects);
        line("Reused connections", totals.reuses);
    } else {
        line("Cum. connections", totals.connections);
    }
    if mode == Mode::Http {
        line("Cum. HTTP requests", totals.requests);
        for (class, label) in ["other", "1xx", "2xx", "3xx", "4xx", "5xx"].into_iter().enumerate() {
            line(&format!("- HTTP {label} responses"), totals.responses[class]);
        }
        line("Intercepted requests", totals.intercepted);
    }
    line("Failed hdr rewrites", totals.failed_rewrites);
    line("Internal errors", totals.internal_errors);
    if is_server_side {
        let names = [
            ("Queue", Timed::Queue),
            ("Connect", Timed::Connect),
            ("Responses", Timed::Response),
            ("Total", Timed::Total),
        ];
        out.push_str("\nMax / mean over about the last 1024:");
        for (name, what) in names {
            let time = totals.times[what as usize];
            let _ = write!(out, "\n- {name} time: {} / {} ms", time.most, time.mean);
        }
    }
    out
}

fn rates(totals: &Totals, mode: Mode) -> String {
    let of = |what: Rated| {
        let rate = totals.rates[what as usize];
        format!("{}/s, max {}/s", grouped(rate.now), grouped(rate.most))
    };
    let mut out = format!("Connection rate: {}\nSession rate: {}", of(Rated::Connections), of(Rated::Sessions));
    if mode == Mode::Http {
        let _ = write!(out, "\nRequest rate: {}", of(Rated::Requests));
    }
    out
}

fn frontend(out: &mut String, proxy: &Proxy, frontend: &Frontend) {
    let totals = &frontend.totals;
    name(out, "frontend", proxy, "Frontend", "Frontend", "", None);
    status(out, "active_up", status_of_frontend(frontend.status), "");
    let rate = totals.rates[Rated::Sessions as usize];
    let limit = Some(frontend.rate_limit).filter(|limit| *limit > 0);
    cells(
        out,
        &Line {
            rate: Some((rate, limit, rates(totals, proxy.mode))),
            sessions: frontend.sessions,
            total: (totals.sessions, details(proxy.mode, totals, false)),
            bytes: (totals.bytes_in, totals.bytes_out),
            denied: (Some(totals.denied_requests), totals.denied_responses),
            errors: [Some((totals.request_errors, String::new())), None, None],
            ..Line::default()
        },
    );
}

fn listener(out: &mut String, proxy: &Proxy, listener: &Listener, page: &Page<'_>) {
    let totals = &listener.totals;
    let address = if page.shows_legends { listener.address.to_string() } else { String::new() };
    name(out, "socket", proxy, &format!("+{}", listener.name), &listener.name, &address, None);
    status(out, "active_up", "OPEN", "");
    cells(
        out,
        &Line {
            sessions: listener.sessions,
            total: (totals.sessions, String::new()),
            bytes: (totals.bytes_in, totals.bytes_out),
            denied: (Some(totals.denied_requests), totals.denied_responses),
            errors: [Some((totals.request_errors, String::new())), None, None],
            ..Line::default()
        },
    );
}

fn aborts(totals: &Totals) -> String {
    let (clients, servers) = (grouped(totals.client_aborts), grouped(totals.server_aborts));
    format!("Connection resets during transfers: {clients} client, {servers} server")
}

fn server(out: &mut String, proxy: &Proxy, server: &Server, page: &Page<'_>, may_change: bool) {
    let totals = &server.totals;
    let class = state(server).class(server.is_backup);
    let mut more = String::new();
    if page.shows_legends {
        more = server.address.to_string();
        if let Some(cookie) = &server.cookie {
            let _ = write!(more, ", cookie: '{cookie}'");
        }
    }
    name(out, class, proxy, &server.name, &server.name, &more, may_change.then_some(server.name.as_str()));
    let said = status_of_server(server);
    let age = age(server.standing.since);
    status(out, class, &if server.check.is_none() && said == "no check" { said } else { format!("{age} {said}") }, "");
    let flag = |is: bool| (if is { "Y" } else { "-" }.to_owned(), String::new());
    let checks = server.check.as_ref();
    let last = checks.map_or((String::new(), String::new()), |check| match &check.last {
        Some(last) => {
            let code = last.detail.split(' ').next().filter(|code| code.parse::<u16>().is_ok());
            let code = code.map(|code| format!("/{code}")).unwrap_or_default();
            let detail = if last.detail.is_empty() { String::new() } else { format!(": {}", last.detail) };
            (format!("{}{code} in {}ms", last.code, last.duration.as_millis()), format!("{}{detail}", last.meaning))
        }
        None => ("INI".to_owned(), "No check has ended yet".to_owned()),
    });
    let plain = |content: Option<String>| (content.unwrap_or_default(), String::new());
    cells(
        out,
        &Line {
            queue: Some(server.queued),
            rate: Some((totals.rates[Rated::Sessions as usize], None, String::new())),
            sessions: server.sessions,
            total: (totals.sessions, details(proxy.mode, totals, true)),
            balanced: Some((totals.balanced, server.last_session)),
            bytes: (totals.bytes_in, totals.bytes_out),
            denied: (None, totals.denied_responses),
            errors: [
                None,
                Some((totals.connect_errors, String::new())),
                Some((totals.response_errors, aborts(totals))),
            ],
            warnings: Some((totals.retries, totals.redispatches)),
            server: [
                last,
                (format!("{}/{}", server.weight.0, server.weight.1), String::new()),
                flag(!server.is_backup),
                flag(server.is_backup),
                (
                    checks.map(|check| grouped(check.failures)).unwrap_or_default(),
                    checks.map_or("", |_| "Failed Health Checks").to_owned(),
                ),
                plain(checks.map(|_| grouped(server.standing.downs))),
                plain(checks.map(|_| self::age(server.standing.downtime))),
                plain(Some(server.throttle.map_or("-".to_owned(), |percent| format!("{percent} %")))),
            ],
        },
    );
}

fn backend(out: &mut String, proxy: &Proxy, backend: &Backend) {
    let totals = &backend.totals;
    let rows = row::rows(proxy);
    let of = |column| match rows.last().map(|row| row.cell(column)) {
        Some(row::Cell::U32(number)) => (grouped((*number).into()), String::new()),
        _ => (String::new(), String::new()),
    };
    name(out, "backend", proxy, "Backend", "Backend", "", None);
    let is_up = Backend::is_up(&proxy.servers);
    let word = if is_up { "UP" } else { "DOWN" };
    let class = if is_up { "active_up" } else { "active_down" };
    status(out, class, &format!("{} {word}", age(backend.standing.since)), "");
    use crate::stats::catalog::Column;
    let weight = (format!("{}/{}", of(Column::Weight).0, of(Column::Uweight).0), String::new());
    cells(
        out,
        &Line {
            queue: Some(backend.queued),
            rate: Some((totals.rates[Rated::Sessions as usize], None, String::new())),
            sessions: backend.sessions,
            total: (totals.sessions, details(proxy.mode, totals, true)),
            balanced: Some((totals.balanced, backend.last_session)),
            bytes: (totals.bytes_in, totals.bytes_out),
            denied: (Some(totals.denied_requests), totals.denied_responses),
            errors: [
                None,
                Some((totals.connect_errors, String::new())),
                Some((totals.response_errors, aborts(totals))),
            ],
            warnings: Some((totals.retries, totals.redispatches)),
            server: [
                (String::new(), String::new()),
                weight,
                of(Column::Act),
                of(Column::Bck),
                (String::new(), String::new()),
                (grouped(backend.standing.downs), String::new()),
                (age(backend.standing.downtime), String::new()),
                (String::new(), String::new()),
            ],
        },
    );
}

fn actions(out: &mut String, proxy: &Proxy) {
    out.push_str("<div class=\"act\">Choose the action to perform on the checked servers : <select name=\"action\">");
    out.push_str("<option value=\"\"></option>");
    for (word, _, label) in ACTIONS.iter().filter(|(_, _, label)| !label.is_empty()) {
        let _ = write!(out, "<option value=\"{word}\">{label}</option>");
    }
    let _ = writeln!(
        out,
        "</select><input type=\"hidden\" name=\"b\" value=\"#{}\"><button type=\"submit\">Apply</button></div></form>",
        proxy.id
    );
}
