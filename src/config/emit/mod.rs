//! A model as YAML that means the same: what `vipgate convert` prints.
//!
//! Decides how each value is written; never leaves a default out, so that nothing depends on ours. Start with [`yaml`];
//! `log.rs` has the targets of logs.

mod log;
mod naming;
mod users;

use std::fmt::Write;
use std::time::Duration;

use thiserror::Error;

use crate::model::Model;
use crate::model::check::{Care, Check, InitialState, Reports};
use crate::model::identity::Identity;
use crate::model::options::ServerOptions;
use crate::model::proxy::{Backend, Bind, DoubtfulFraming, Frontend, Mode, Server};
use crate::model::rules::Line;
use crate::model::runtime::Runtime;
use crate::rule;

use super::options;
use super::validate::numbers;
use super::yaml::{duration_text, proxy_name};

/// Why a model cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EmitError {
    /// It has virtual routers, which only YAML describes.
    #[error("virtual routers are in YAML already: convert haproxy.cfg alone")]
    Routers,
    /// A frontend that nobody reaches.
    #[error("frontend `{0}` has no `bind`: YAML has none without, so leave it out")]
    Unbound(String),
    /// A name that YAML does not allow.
    #[error("`{0}` cannot be a name in YAML: letters, digits, `-`, `_`, `.` and `:`, 1 to 255 of them")]
    Name(String),
}

/// The YAML of the proxy half of a model, every value written out.
///
/// # Errors
/// There is something that YAML cannot say.
pub fn yaml(model: &Model) -> Result<String, EmitError> {
    if !model.instances.is_empty() {
        return Err(EmitError::Routers);
    }
    let mut out = Text::default();
    out.line(0, "nodes:");
    out.line(1, &format!("{}: {{}}", scalar(&model.node)));
    if !model.frontends.is_empty() {
        out.line(0, "frontends:");
    }
    for frontend in &model.frontends {
        if frontend.binds.is_empty() {
            return Err(EmitError::Unbound(frontend.name.clone()));
        }
        out.line(1, &format!("{}:", name(&frontend.name)?));
        self::frontend(&mut out, frontend, model);
    }
    if !model.backends.is_empty() {
        out.line(0, "backends:");
    }
    for backend in &model.backends {
        out.line(1, &format!("{}:", name(&backend.name)?));
        out.pair(2, "mode", mode(backend.mode));
        self::backend(&mut out, backend, model)?;
    }
    if !model.templates.is_empty() {
        out.line(0, "backend_templates:");
    }
    for template in &model.templates {
        out.line(1, &format!("{}:", name(&template.backend.name)?));
        if template.has_mode {
            out.pair(2, "mode", mode(template.backend.mode));
        }
        self::backend(&mut out, &template.backend, model)?;
    }
    if !model.rules.error_pages.is_empty() {
        out.line(0, "http_errors:");
    }
    for section in &model.rules.error_pages {
        out.line(1, &format!("{}:", name(&section.name)?));
        for (status, file) in &section.pages {
            out.pair(2, &status.to_string(), scalar(file));
        }
    }
    stick_tables(&mut out, model);
    naming::resolvers(&mut out, &model.resolvers);
    users::userlists(&mut out, &model.rules.userlists)?;
    process(&mut out, model);
    Ok(out.0)
}

/// Lines, indented by two spaces for each level.
#[derive(Default)]
struct Text(String);

impl Text {
    fn line(&mut self, level: usize, content: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "{:width$}{content}", "", width = level * 2);
    }

    fn pair(&mut self, level: usize, key: &str, value: impl std::fmt::Display) {
        self.line(level, &format!("{key}: {value}"));
    }
}

/// A text: bare where it is a word that means nothing else in YAML, else in the quotes that need no escapes in it.
fn scalar(text: &str) -> String {
    const OTHER_MEANING: [&str; 8] = ["true", "false", "yes", "no", "on", "off", "null", "none"];
    let is_word = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
    if is_word && !OTHER_MEANING.iter().any(|word| text.eq_ignore_ascii_case(word)) {
        return text.to_owned();
    }
    let is_visible = text.chars().all(|c| c.is_ascii_graphic() || c == ' ');
    match is_visible && text.contains(['"', '\\']) && !text.contains('\'') {
        true => format!("'{text}'"),
        // JSON's is YAML's.
        false => serde_json::Value::from(text).to_string(),
    }
}

fn name(text: &str) -> Result<String, EmitError> {
    proxy_name(text).map(|name| scalar(&name)).map_err(|_| EmitError::Name(text.to_owned()))
}

fn time(duration: Duration) -> String {
    duration_text(duration)
}

fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Tcp => "tcp",
        Mode::Http => "http",
    }
}

/// The number of a proxy, where the order of the file does not give it.
fn id(out: &mut Text, id: u32, model: &Model) {
    if numbers::unnatural(model).contains(&id) {
        out.pair(2, "id", id);
    }
}

fn frontend(out: &mut Text, frontend: &Frontend, model: &Model) {
    let text = |bind: &Bind| {
        let options = options::bind::texts(&bind.options);
        scalar(&[vec![bind.endpoint.to_string()], options].concat().join(" "))
    };
    let binds: Vec<String> = frontend.binds.iter().map(text).collect();
    out.pair(2, "bind", format_args!("[{}]", binds.join(", ")));
    out.pair(2, "mode", mode(frontend.mode));
    id(out, frontend.id, model);
    if let Some(backend) = frontend.default_backend.and_then(|number| model.backends.get(number)) {
        out.pair(2, "default_backend", scalar(&backend.name));
    }
    if let Some(maxconn) = frontend.maxconn {
        out.pair(2, "maxconn", maxconn);
    }
    if let Some(rate) = frontend.session_rate {
        out.pair(2, "session_rate", rate);
    }
    if let Some(guid) = &frontend.guid {
        out.pair(2, "guid", scalar(guid));
    }
    if frontend.counts_sockets {
        out.pair(2, "socket_stats", true);
    }
    let timeouts = &frontend.timeouts;
    out.line(2, "timeouts:");
    out.pair(3, "client", time(timeouts.client));
    if let Some(handshake) = timeouts.handshake {
        out.pair(3, "handshake", time(handshake));
    }
    if frontend.mode == Mode::Http {
        out.pair(3, "http_request", time(timeouts.http_request));
        out.pair(3, "http_keep_alive", time(timeouts.http_keep_alive));
    }
    out.pair(3, "tunnel", timeouts.tunnel.map_or("off".to_owned(), time));
    if let Some(fin) = timeouts.fin {
        out.pair(3, "fin", time(fin));
    }
    out.pair(2, "forwarded", frontend.forwarded);
    if frontend.doubtful_framing != DoubtfulFraming::default() {
        let word = options::DOUBTFUL_FRAMINGS.iter().find(|(_, framing)| *framing == frontend.doubtful_framing);
        out.pair(2, "doubtful_framing", word.map_or("", |(word, _)| *word));
    }
    log::frontend(out, frontend, model);
    stick_table(out, &frontend.name, model);
    rules(out, &frontend.rules);
}

fn backend(out: &mut Text, backend: &Backend, model: &Model) -> Result<(), EmitError> {
    id(out, backend.id, model);
    out.pair(2, "balance", scalar(&options::balance::text(&backend.balance)));
    out.pair(2, "retries", backend.retries);
    out.pair(2, "redispatch", backend.redispatch);
    reports(out, &backend.reports);
    out.line(2, "timeouts:");
    out.pair(3, "connect", time(backend.timeouts.connect));
    out.pair(3, "server", time(backend.timeouts.server));
    out.pair(3, "queue", time(backend.timeouts.queue));
    for (key, limit) in [("tunnel", backend.timeouts.tunnel), ("fin", backend.timeouts.fin)] {
        if let Some(limit) = limit {
            out.pair(3, key, time(limit));
        }
    }
    let common = common_check(backend);
    if let Some(check) = common {
        self::check(out, 2, check);
    }
    log::proxy(out, &backend.log, model);
    if model.frontends.iter().all(|frontend| frontend.name != backend.name) {
        stick_table(out, &backend.name, model);
    }
    if let Some(cookie) = &backend.options.cookie {
        out.line(2, "cookie:");
        out.pair(3, "name", scalar(&cookie.name));
        if let Some((mode, _)) = options::cookie::MODES.iter().find(|(_, mode)| *mode == cookie.mode) {
            out.pair(3, "mode", mode);
        }
        list(out, 3, "options", &options::cookie::texts(cookie));
    }
    list(out, 2, "options", &options::backend::lines(&backend.options));
    rules(out, &backend.rules);
    match backend.servers.is_empty() {
        true => out.pair(2, "servers", "off"),
        false => out.line(2, "servers:"),
    }
    let are_natural = backend.servers.iter().zip(1..).all(|(server, place)| server.options.id == place);
    for server in &backend.servers {
        out.line(3, &format!("{}:", name(&server.name)?));
        let options = match are_natural {
            true => options::server::texts(&ServerOptions { id: 0, ..server.options.clone() }),
            false => options::server::texts(&server.options),
        };
        self::server(out, server, &options, common);
    }
    Ok(())
}

/// The stick table of a section.
fn stick_table(out: &mut Text, section: &str, model: &Model) {
    if let Some(table) = model.rules.tables.iter().find(|table| table.name == section) {
        out.pair(2, "stick_table", scalar(&super::stick_table::text(table)));
    }
}

/// Those that belong to no section.
fn stick_tables(out: &mut Text, model: &Model) {
    let is_section = |name: &String| {
        model.frontends.iter().any(|one| one.name == *name) || model.backends.iter().any(|one| one.name == *name)
    };
    let mut others = model.rules.tables.iter().filter(|table| !is_section(&table.name)).peekable();
    if others.peek().is_some() {
        out.line(0, "stick_tables:");
    }
    for table in others {
        out.pair(1, &scalar(&table.name), scalar(&super::stick_table::text(table)));
    }
}

fn rules(out: &mut Text, lines: &[Line]) {
    // What is hashed stands under `balance`, formats of servers with their options.
    let is_elsewhere = |line: &&Line| line.words.first().is_some_and(|word| matches!(&**word, "balance" | "server"));
    let lines = lines.iter().filter(|line| !is_elsewhere(line));
    let texts: Vec<String> = lines.map(|line| rule::join(line.words.iter().map(String::as_str))).collect();
    list(out, 2, "rules", &texts);
}

fn list(out: &mut Text, level: usize, key: &str, texts: &[String]) {
    if !texts.is_empty() {
        out.line(level, &format!("{key}:"));
    }
    for text in texts {
        out.line(level + 1, &format!("- {}", scalar(text)));
    }
}

/// The check that all servers have, if they do.
fn common_check(backend: &Backend) -> Option<&Check> {
    let first = backend.servers.first()?.check.as_ref()?;
    backend.servers.iter().all(|server| server.check.as_ref() == Some(first)).then_some(first)
}

fn server(out: &mut Text, server: &Server, options: &[String], common: Option<&Check>) {
    let address = match (&server.options.socket, server.options.port_offset) {
        (Some(socket), _) => socket.to_string(),
        (None, offset) if server.options.naming.is_there() => {
            options::naming::address_text(&server.options.naming, server.address, offset).unwrap_or_default()
        }
        (None, 0) => server.address.to_string(),
        (None, offset) => format!("{}:{offset:+}", server.address.to_string().trim_end_matches(":0")),
    };
    out.pair(4, "address", scalar(&address));
    out.pair(4, "weight", server.weight.value());
    if let Some(maxconn) = server.maxconn {
        out.pair(4, "maxconn", maxconn);
    }
    if server.is_backup {
        out.pair(4, "backup", true);
    }
    if server.is_non_stick {
        out.pair(4, "non_stick", true);
    }
    if server.is_disabled {
        out.pair(4, "disabled", true);
    }
    care(out, &server.care);
    if let Some(source) = server.source {
        out.pair(4, "source", scalar(&source.to_string()));
    }
    list(out, 4, "options", options);
    if let (Some(check), None) = (&server.check, common) {
        self::check(out, 4, check);
    }
}

fn care(out: &mut Text, care: &Care) {
    if let Some(agent) = &care.agent {
        out.line(4, "agent:");
        out.pair(5, "address", scalar(&agent.address.ip().to_string()));
        out.pair(5, "port", agent.address.port());
        out.pair(5, "interval", time(agent.interval));
        out.pair(5, "timeout", time(agent.timeout));
        if let Some(limit) = agent.answer_timeout {
            out.pair(5, "answer_timeout", time(limit));
        }
        out.pair(5, "send", scalar(&agent.send));
    }
    if let Some((backend, server)) = &care.track {
        out.pair(4, "track", scalar(&format!("{backend}/{server}")));
    }
    if let Some(observe) = &care.observe {
        out.pair(4, "observe", observe.layer.word());
        out.pair(4, "on_error", observe.on_error.word());
        out.pair(4, "error_limit", observe.limit);
    }
    if care.closes_when_down {
        out.pair(4, "on_marked_down", "shutdown-sessions");
    }
    if care.closes_backups_when_up {
        out.pair(4, "on_marked_up", "shutdown-backup-sessions");
    }
}

fn reports(out: &mut Text, reports: &Reports) {
    if reports.logs_checks {
        out.pair(2, "log_checks", true);
    }
    let Some(mail) = &reports.mail else { return };
    let mailers: Vec<_> = mail.mailers.iter().map(|mailer| scalar(&mailer.to_string())).collect();
    out.line(2, "mail:");
    out.pair(3, "mailers", format_args!("[{}]", mailers.join(", ")));
    out.pair(3, "from", scalar(&mail.from));
    out.pair(3, "to", scalar(&mail.to));
    out.pair(3, "level", mail.level.name());
    out.pair(3, "hostname", scalar(&mail.hostname));
    out.pair(3, "timeout", time(mail.timeout));
}

fn check(out: &mut Text, level: usize, check: &Check) {
    out.line(level, "check:");
    let level = level + 1;
    match &check.rules[..] {
        [] => out.pair(level, "tcp", true),
        rules => {
            out.line(level, "rules:");
            for words in rules {
                out.line(level + 1, &format!("- {}", scalar(&rule::join(words.iter().map(String::as_str)))));
            }
        }
    }
    out.pair(level, "interval", time(check.interval));
    out.pair(level, "fast_interval", time(check.fast_interval));
    out.pair(level, "down_interval", time(check.down_interval));
    out.pair(level, "timeout", time(check.timeout));
    out.pair(level, "rise", check.rise);
    out.pair(level, "fall", check.fall);
    if let Some(port) = check.port {
        out.pair(level, "port", port);
    }
    if let Some(address) = check.address {
        out.pair(level, "address", scalar(&address.to_string()));
    }
    match check.observe {
        Some(failures) => out.pair(level, "observe", failures),
        None => out.pair(level, "observe", "off"),
    }
    if let Some(limit) = check.answer_timeout {
        out.pair(level, "answer_timeout", time(limit));
    }
    out.pair(level, "send_proxy", check.sends_proxy);
    if let Some(socks) = check.socks {
        out.pair(level, "socks", scalar(&socks.to_string()));
    }
    let initial = match check.initial {
        InitialState::Up => return,
        InitialState::FullyUp => "fully-up",
        InitialState::Down => "down",
        InitialState::FullyDown => "fully-down",
    };
    out.pair(level, "initial", initial);
}

fn process(out: &mut Text, model: &Model) {
    let process = &model.process;
    out.line(0, "process:");
    if let Some(workers) = process.workers {
        out.pair(1, "workers", workers);
    }
    if let Some(maxconn) = process.maxconn {
        out.pair(1, "maxconn", maxconn);
    }
    if let Some(file) = &process.server_state_file {
        out.pair(1, "server_state_file", scalar(file));
    }
    if let Some(file) = &process.stats_file {
        out.pair(1, "stats_file", scalar(file));
    }
    for (key, rate) in [("connection_rate", process.rates.connections), ("session_rate", process.rates.sessions)] {
        if let Some(rate) = rate {
            out.pair(1, key, rate);
        }
    }
    out.pair(1, "address_families", naming::families(process.families));
    out.pair(1, "drain", time(process.drain));
    let texts: Vec<String> =
        model.rules.globals.iter().map(|line| rule::join(line.words.iter().map(String::as_str))).collect();
    list(out, 1, "rules", &texts);
    if let Some(counters) = model.rules.stick_counters {
        out.pair(1, "stick_counters", counters);
    }
    let confinement = &process.confinement;
    if let Some(root) = &confinement.root {
        out.pair(1, "chroot", scalar(&root.display().to_string()));
    }
    for (key, account) in [("user", &confinement.user), ("group", &confinement.group)] {
        if let Some(account) = account {
            out.pair(1, key, scalar(&account.to_string()));
        }
    }
    if process.external_checks {
        out.pair(1, "external_checks", true);
    }
    if !process.shares_idle {
        out.pair(1, "share_idle", false);
    }
    if process.spread_checks > 0 {
        out.pair(1, "spread_checks", process.spread_checks);
    }
    out.line(0, "admin:");
    out.pair(1, "socket", scalar(&process.admin_socket.display().to_string()));
    identity(out, &process.identity);
    runtime(out, &process.runtime);
    log::process(out, &process.log);
}

/// What HAProxy's tools are told.
fn identity(out: &mut Text, identity: &Identity) {
    out.pair(1, "haproxy_version", scalar(&identity.version.to_string()));
    for (key, text) in [("node_name", &identity.node), ("description", &identity.description)] {
        if let Some(text) = text {
            out.pair(1, key, scalar(text));
        }
    }
}

/// The keys of `admin` that begin with `runtime`.
fn runtime(out: &mut Text, runtime: &Runtime) {
    out.pair(1, "runtime_timeout", time(runtime.timeout));
    out.pair(1, "runtime_maxconn", runtime.maxconn);
    if !runtime.sockets.is_empty() {
        out.line(1, "runtime:");
    }
    for socket in &runtime.sockets {
        out.line(2, &format!("- bind: {}", scalar(&socket.endpoint.to_string())));
        out.pair(3, "level", socket.level.word());
        out.pair(3, "severity_output", socket.severity.word());
        out.pair(3, "expose_listeners", socket.exposes_listeners);
        let ownership = &socket.ownership;
        if let Some(mode) = ownership.mode {
            out.pair(3, "mode", scalar(&format!("{mode:o}")));
        }
        for (key, account) in [("user", &ownership.user), ("group", &ownership.group)] {
            if let Some(account) = account {
                out.pair(3, key, scalar(&account.to_string()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted_where_they_would_mean_something_else() {
        for (text, expected) in [
            ("web", "web"),
            ("/run/vipgate/admin.sock", "/run/vipgate/admin.sock"),
            ("Off", "\"Off\""),
            ("12", "\"12\""),
            ("192.0.2.1:80", "\"192.0.2.1:80\""),
            ("option httplog", "\"option httplog\""),
            ("say \"a\"", "'say \"a\"'"),
            ("it's \"a\"", "\"it's \\\"a\\\"\""),
            ("\"a\"\n", "\"\\\"a\\\"\\n\""),
            ("", "\"\""),
        ] {
            assert_eq!(scalar(text), expected);
        }
    }
}
