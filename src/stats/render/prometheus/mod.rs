//! Metrics in the text form of Prometheus, as HAProxy's own exporter writes them (`use-service prometheus-exporter`).
//!
//! It decides which lines there are and how they read; what they say comes from the rows of `show stat` and the lines of
//! `show info`. Read [`metrics`] last: it is a table of names.

mod metrics;

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::model::proxy::Mode;
use crate::state::naming::Tally;
use crate::state::servers::{Admin, Health};
use crate::stats::catalog::{Column, Kind};
use crate::stats::info::{LINES, Value};
use crate::stats::row::{Cell, Row, rows};
use crate::stats::snapshot::{NameServer, Proxy, Server, Snapshot};

use metrics::{METRICS, Metric, Nature, PROCESS};

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    process: bool,
    frontends: bool,
    listeners: bool,
    backends: bool,
    servers: bool,
    tables: bool,
    resolvers: bool,
    /// Whether servers under maintenance are left out.
    skips_maintained: bool,
    /// Whether descriptions of proxies are labels.
    has_descriptions: bool,
    /// Metrics by their whole names, and whether each is shown.
    named: BTreeMap<String, bool>,
}

impl Request {
    fn scopes(all: bool) -> Request {
        Request {
            process: all,
            frontends: all,
            listeners: all,
            backends: all,
            servers: all,
            tables: all,
            resolvers: all,
            skips_maintained: false,
            has_descriptions: false,
            named: BTreeMap::new(),
        }
    }

    /// What the query of a target asks for: all, or the parts that `scope` and `metrics` name, without those of
    /// `metrics=-NAME`. `None` if a scope is unknown or the query is none.
    pub fn read(query: &str) -> Option<Request> {
        let mut request = Request::scopes(true);
        let mut has_scope = false;
        let query = query.split('#').next().unwrap_or_default();
        for parameter in query.split('&') {
            let mut parts = parameter.split('=').map(decoded);
            let name = parts.next()??;
            let value = match parts.next() {
                None => None,
                Some(value) => Some(value?),
            };
            if parts.next().is_some() {
                return None;
            }
            match name.as_str() {
                "no-maint" => request.skips_maintained = true,
                "desc-labels" => request.has_descriptions = true,
                "metrics" => request.name(&value?),
                "scope" => {
                    if !has_scope {
                        request.ask(false);
                    }
                    has_scope = true;
                    request.add_scope(&value?)?;
                }
                _ => {}
            }
        }
        Some(request)
    }

    /// Asks for every scope, or for none; what else was asked for stays.
    fn ask(&mut self, all: bool) {
        let Request { skips_maintained, has_descriptions, .. } = *self;
        let named = std::mem::take(&mut self.named);
        *self = Request { skips_maintained, has_descriptions, named, ..Request::scopes(all) };
    }

    fn add_scope(&mut self, word: &str) -> Option<()> {
        match word {
            "" => self.ask(false),
            "*" => self.ask(true),
            "global" => self.process = true,
            "frontend" => self.frontends = true,
            "listener" => self.listeners = true,
            "backend" => self.backends = true,
            "server" => self.servers = true,
            "sticktable" => self.tables = true,
            "resolver" => self.resolvers = true,
            _ => return None,
        }
        Some(())
    }

    /// `NAME,-OTHER`: what is named is shown alone, or left out.
    fn name(&mut self, list: &str) {
        for word in list.split(',') {
            let (name, is_shown) = word.strip_prefix('-').map_or((word, true), |name| (name, false));
            if !name.is_empty() {
                self.named.insert(name.to_owned(), is_shown);
            }
        }
    }

    /// Whether a metric is shown.
    fn shows(&self, name: &str) -> bool {
        let is_list = self.named.values().any(|is_shown| *is_shown);
        self.named.get(name).copied().unwrap_or(!is_list)
    }
}

/// A part of a query without its percent signs; `None` if one is followed by no byte.
fn decoded(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                (digit(bytes.next())? << 4 | digit(bytes.next())?) as u8
            }
            b'+' => b' ',
            byte => byte,
        });
    }
    Some(String::from_utf8_lossy(&out).into_owned())
}

/// A stick table.
#[derive(Clone, Debug)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// HAProxy's word for its keys: `ip`, `string`...
    pub kind: &'static str,
    /// Entries that it has room for.
    pub size: usize,
    /// Entries that it has.
    pub used: usize,
}

/// All that is asked for.
pub fn text(snapshot: &Snapshot, tables: &[Table], request: &Request) -> String {
    let mut out = String::with_capacity(64 * 1024);
    if request.process {
        process(&mut out, snapshot, request);
    }
    let parts = [
        (request.frontends, Kind::Frontend),
        (request.listeners, Kind::Listener),
        (request.backends, Kind::Backend),
        (request.servers, Kind::Server),
    ];
    for (_, kind) in parts.into_iter().filter(|(is_asked, _)| *is_asked) {
        let subjects = subjects(snapshot, kind, request);
        METRICS.iter().filter(|metric| metric.kinds.contains(&kind)).for_each(|metric| {
            let name = format!("haproxy_{}_{}", kind.name().to_ascii_lowercase(), metric.name);
            if request.shows(&name) {
                self::metric(&mut out, &name, metric, kind, &subjects);
            }
        });
    }
    if request.tables {
        self::tables(&mut out, tables, request);
    }
    if request.resolvers {
        resolvers(&mut out, &snapshot.name_servers, request);
    }
    out
}

fn header(out: &mut String, name: &str, help: &str, nature: Nature) {
    // Writing to a String cannot fail, here and below.
    let _ = write!(out, "# HELP {name} {help}\n# TYPE {name} {}\n", nature.name());
}

fn process(out: &mut String, snapshot: &Snapshot, request: &Request) {
    let description = snapshot.process.description.as_ref().filter(|_| request.has_descriptions);
    let description = description.map(|text| format!("desc=\"{}\"", escaped(text)));
    let labels = description.as_ref().map(|label| format!("{{{label}}}")).unwrap_or_default();
    for metric in PROCESS {
        let Some(line) = LINES.iter().find(|line| line.described.name == metric.line) else { continue };
        let name = format!("haproxy_process_{}", metric.name);
        if !request.shows(&name) {
            continue;
        }
        header(out, &name, metric.help, metric.nature);
        let _ = match (line.value)(snapshot) {
            Value::U32(value) | Value::U64(value) => writeln!(out, "{name}{labels} {value}"),
            Value::Seconds(time) => writeln!(out, "{name}{labels} {}", time.as_secs()),
            Value::Text(version) if metric.name == "build_info" => {
                let more = description.as_ref().map(|label| format!(",{label}")).unwrap_or_default();
                writeln!(out, "{name}{{version=\"{}\"{more}}} 1", escaped(&version))
            }
            Value::Text(value) => writeln!(out, "{name}{labels} {}", value.parse().unwrap_or(f64::NAN)),
            Value::Absent => writeln!(out, "{name}{labels} NaN"),
        };
    }
}

/// What a metric is told about.
struct Subject<'a> {
    row: Row,
    proxy: &'a Proxy,
    server: Option<&'a Server>,
    /// Its labels, without the braces.
    labels: String,
}

fn subjects<'a>(snapshot: &'a Snapshot, kind: Kind, request: &Request) -> Vec<Subject<'a>> {
    let mut found = Vec::new();
    for proxy in &snapshot.proxies {
        for row in rows(proxy).into_iter().filter(|row| row.kind == kind) {
            let server = match kind {
                Kind::Server => proxy.servers.iter().find(|server| server.id == row.id),
                _ => None,
            };
            if request.skips_maintained && server.is_some_and(|server| state_of(server) == "MAINT") {
                continue;
            }
            let mut labels = format!("proxy=\"{}\"", escaped(&proxy.name));
            let own = match (row.cell(Column::Svname), kind) {
                (Cell::Text(name), Kind::Listener) => Some(("listener", name)),
                (Cell::Text(name), Kind::Server) => Some(("server", name)),
                _ => None,
            };
            if let Some((label, name)) = own {
                let _ = write!(labels, ",{label}=\"{}\"", escaped(name));
            }
            if let Some(description) = proxy.description.as_ref().filter(|_| request.has_descriptions) {
                let _ = write!(labels, ",desc=\"{}\"", escaped(description));
            }
            found.push(Subject { row, proxy, server, labels });
        }
    }
    found
}

/// A label's value as the text form wants it.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// Codes of responses and their columns.
const RESPONSES: [(&str, Column); 6] = [
    ("1xx", Column::Hrsp1xx),
    ("2xx", Column::Hrsp2xx),
    ("3xx", Column::Hrsp3xx),
    ("4xx", Column::Hrsp4xx),
    ("5xx", Column::Hrsp5xx),
    ("other", Column::HrspOther),
];

const SERVER_STATES: &[&str] = &["DOWN", "UP", "MAINT", "DRAIN", "NOLB"];

/// Results that a check can have.
const CHECK_STATES: &[&str] = &[
    "HANA", "SOCKERR", "L4OK", "L4TOUT", "L4CON", "L6OK", "L6TOUT", "L6RSP", "L7TOUT", "L7RSP", "L7OK", "L7OKC",
    "L7STS", "PROCERR", "PROCTOUT", "PROCOK",
];

/// Whether only proxies in http mode have it.
fn is_of_http(column: Column) -> bool {
    use Column::{
        CacheHits, CacheLookups, CompByp, CompIn, CompOut, CompRsp, Hrsp1xx, Intercepted, ReqRateMax, ReqTot,
    };
    matches!(
        column,
        CacheHits | CacheLookups | CompByp | CompIn | CompOut | CompRsp | Hrsp1xx | Intercepted | ReqRateMax | ReqTot
    )
}

/// Whether only servers that are checked have it.
fn is_of_checks(column: Column) -> bool {
    matches!(column, Column::CheckStatus | Column::CheckCode | Column::CheckDuration)
}

/// Whether it sums up the servers of a backend.
fn is_of_servers(column: Column) -> bool {
    matches!(column, Column::AggServerStatus | Column::AggServerCheckStatus | Column::AggCheckStatus)
}

fn metric(out: &mut String, name: &str, metric: &Metric, kind: Kind, subjects: &[Subject<'_>]) {
    let has = |subject: &&Subject<'_>| {
        let is_checked = *subject.row.cell(Column::CheckStatus) != Cell::Empty;
        let has_servers = !subject.proxy.servers.is_empty() || !is_of_servers(metric.column);
        has_servers
            && (subject.proxy.mode == Mode::Http || !is_of_http(metric.column))
            && (is_checked || !is_of_checks(metric.column))
    };
    let mut subjects = subjects.iter().filter(has).peekable();
    if subjects.peek().is_none() {
        return;
    }
    header(out, name, metric.help, metric.nature);
    if metric.column == Column::Hrsp1xx {
        for (code, column) in RESPONSES {
            for Subject { row, labels, .. } in subjects.clone() {
                let _ = writeln!(out, "{name}{{{labels},code=\"{code}\"}} {}", value(row, column));
            }
        }
        return;
    }
    for subject in subjects {
        let labels = &subject.labels;
        if let Some(states) = states(metric.column, kind) {
            for state in states {
                let count = subject.count(metric.column, state);
                let _ = writeln!(out, "{name}{{{labels},state=\"{state}\"}} {count}");
            }
        } else {
            let _ = writeln!(out, "{name}{{{labels}}} {}", value(&subject.row, metric.column));
        }
    }
}

/// The states that a column tells apart.
fn states(column: Column, kind: Kind) -> Option<&'static [&'static str]> {
    match (column, kind) {
        (Column::Status, Kind::Server) | (Column::AggServerStatus | Column::AggServerCheckStatus, _) => {
            Some(SERVER_STATES)
        }
        (Column::Status, Kind::Listener) => Some(&["WAITING", "OPEN", "FULL"]),
        (Column::Status, _) => Some(&["DOWN", "UP"]),
        (Column::CheckStatus | Column::AggCheckStatus, _) => Some(CHECK_STATES),
        _ => None,
    }
}

fn state_of(server: &Server) -> &'static str {
    match (server.order(), server.health) {
        (Admin::Maint, _) => "MAINT",
        (_, Health::Down) => "DOWN",
        (_, Health::Stopping) => "NOLB",
        (Admin::Drain, _) => "DRAIN",
        _ => "UP",
    }
}

fn check_of(server: &Server) -> Option<&'static str> {
    Some(server.check.as_ref()?.last.as_ref()?.code)
}

impl Subject<'_> {
    /// How many are in a state: of the subject itself, or of its servers.
    fn count(&self, column: Column, state: &str) -> usize {
        let servers = &self.proxy.servers;
        match (column, self.server) {
            (Column::Status, Some(server)) => usize::from(state_of(server) == state),
            (Column::CheckStatus, Some(server)) => usize::from(check_of(server) == Some(state)),
            (Column::AggServerStatus | Column::AggServerCheckStatus, _) => {
                servers.iter().filter(|server| state_of(server) == state).count()
            }
            (Column::AggCheckStatus, _) => servers.iter().filter(|server| check_of(server) == Some(state)).count(),
            _ => usize::from(self.own_state() == state),
        }
    }

    /// That of a frontend, a listening address or a backend.
    fn own_state(&self) -> &str {
        match (self.row.cell(Column::Status), self.row.kind) {
            (Cell::Text(status), Kind::Frontend) if status == "STOP" => "DOWN",
            (Cell::Text(_), Kind::Frontend) => "UP",
            (Cell::Text(status), _) => status.trim_end_matches(" (UNPUB)"),
            _ => "",
        }
    }
}

/// Whether a column has milliseconds, which the exporter tells as seconds.
fn is_time(column: Column) -> bool {
    use Column::{CheckDuration, Ctime, CtimeMax, Qtime, QtimeMax, Rtime, RtimeMax, Ttime, TtimeMax};
    matches!(column, CheckDuration | Ctime | CtimeMax | Qtime | QtimeMax | Rtime | RtimeMax | Ttime | TtimeMax)
}

fn value(row: &Row, column: Column) -> String {
    let number = match row.cell(column) {
        Cell::U32(value) => i128::from(*value),
        Cell::U64(value) => i128::from(*value),
        Cell::S32(value) => i128::from(*value),
        // A check that reached no application has no code.
        Cell::Empty if column == Column::CheckCode => 0,
        Cell::Empty | Cell::Text(_) => return "NaN".to_owned(),
    };
    match is_time(column) {
        true => format!("{:.6}", number as f64 / 1000.0),
        false => number.to_string(),
    }
}

fn tables(out: &mut String, tables: &[Table], request: &Request) {
    if tables.is_empty() {
        return;
    }
    let mut tell = |name: &str, help: &str, value: &dyn Fn(&Table) -> usize| {
        if !request.shows(name) {
            return;
        }
        header(out, name, help, Nature::Gauge);
        for table in tables {
            let (own, kind) = (escaped(&table.name), table.kind);
            let _ = writeln!(out, "{name}{{name=\"{own}\",type=\"{kind}\"}} {}", value(table));
        }
    };
    tell("haproxy_sticktable_size", "Stick table size.", &|table| table.size);
    tell("haproxy_sticktable_used", "Number of entries used in this stick table.", &|table| table.used);
}

/// What name servers have answered, as HAProxy has it since 3.0.
fn resolvers(out: &mut String, servers: &[NameServer], request: &Request) {
    for (tally, _, word) in Tally::ALL.into_iter().filter(|_| !servers.is_empty()) {
        let name = format!("haproxy_resolver_{word}");
        if !request.shows(&name) {
            continue;
        }
        header(out, &name, tally.meaning(), Nature::Gauge);
        for server in servers {
            let (section, own) = (escaped(&server.section), escaped(&server.name));
            let count = server.counts[tally as usize];
            let _ = writeln!(out, "{name}{{resolver=\"{section}\",nameserver=\"{own}\"}} {count}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_add_up() {
        let all = || Request::scopes(true);
        assert_eq!(Request::read(""), Some(all()));
        assert_eq!(Request::read("refresh=1&extra-counters"), Some(all()));
        assert_eq!(Request::read("no-maint"), Some(Request { skips_maintained: true, ..all() }));
        assert_eq!(Request::read("scope=frontend&scope=*"), Some(all()));
        let servers = || Request { servers: true, ..Request::scopes(false) };
        assert_eq!(Request::read("scope=server"), Some(servers()));
        assert_eq!(Request::read("scope=%73erver#scope=global"), Some(servers()));
        assert_eq!(
            Request::read("scope=server&scope=global&no-maint&desc-labels"),
            Some(Request { process: true, skips_maintained: true, has_descriptions: true, ..servers() })
        );
        assert_eq!(Request::read("scope="), Some(Request::scopes(false)));
        assert_eq!(Request::read("scope=resolver"), Some(Request { resolvers: true, ..Request::scopes(false) }));
        for refused in ["scope=nothing", "scope", "scope=%zz", "metrics", "scope=server=1", "a=b=c"] {
            assert_eq!(Request::read(refused), None, "{refused}");
        }
    }

    #[test]
    fn metrics_are_shown_or_left_out_by_their_names() {
        let shown = |query: &str| {
            let request = Request::read(query).unwrap();
            ["haproxy_process_jobs", "haproxy_frontend_status"].map(|name| request.shows(name))
        };
        assert_eq!(shown("metrics="), [true, true]);
        assert_eq!(shown("metrics=haproxy_frontend_status"), [false, true]);
        assert_eq!(shown("metrics=-haproxy_frontend_status"), [true, false]);
        assert_eq!(shown("metrics=haproxy_frontend_status,haproxy_process_jobs&scope=global"), [true, true]);
        assert_eq!(shown("metrics=-haproxy_process_jobs,haproxy_frontend_status"), [false, true]);
    }

    #[test]
    fn every_metric_of_the_process_has_its_line() {
        for metric in PROCESS {
            assert!(LINES.iter().any(|line| line.described.name == metric.line), "{}", metric.line);
        }
    }
}
