//! Frontends, backends, servers and health checks.

use crate::config::draft::{Backend, Check, Frontend, Request, Server};
use crate::config::endpoint::DATAGRAMS;
use crate::config::options;
use crate::config::yaml::tree::{Entry, Kind, Node};
use crate::config::yaml::value;
use crate::diag::Spanned;
use crate::model::balance::Balance;
use crate::model::check::InitialState;
use crate::model::cookie::Cookie;
use crate::model::log::Syslog;
use crate::model::naming::Naming;
use crate::model::options::{BackendOptions, ServerOptions};
use crate::model::proxy::Mode;

use super::{care, log, rules};
use super::{list, or_off, read, text, word};

const INITIAL_STATES: &[(&str, InitialState)] = &[
    ("fully-up", InitialState::FullyUp),
    ("up", InitialState::Up),
    ("down", InitialState::Down),
    ("fully-down", InitialState::FullyDown),
];
const MODES: [(&str, Mode); 3] = [("http", Mode::Http), ("tcp", Mode::Tcp), ("log", Mode::Log)];

pub fn frontend(entry: &Entry) -> Frontend {
    let at = |key: &str| entry.value.value(key);
    let timeout = |key: &str| read(at("timeouts").and_then(|timeouts| timeouts.value(key)), value::duration);
    let mut rules = rules::frontend(&entry.value);
    let formats = log::formats(at("log"), &rules, entry.key.span);
    rules.extend(formats);
    Frontend {
        name: entry.key.clone(),
        id: read(at("id"), value::number),
        guid: read(at("guid"), text),
        description: read(at("description"), text).map(|text| text.value),
        counts_sockets: read(at("socket_stats"), value::flag).is_some_and(|flag| flag.value),
        binds: list(at("bind"), value::listener),
        mode: read(at("mode"), word(&MODES)),
        default_backend: read(at("default_backend"), text),
        maxconn: read(at("maxconn"), value::number),
        session_rate: read(at("session_rate"), value::number),
        client: timeout("client"),
        handshake: timeout("handshake"),
        http_request: timeout("http_request"),
        http_keep_alive: timeout("http_keep_alive"),
        tunnel: read(at("timeouts").and_then(|timeouts| timeouts.value("tunnel")), or_off(value::duration)),
        fin: timeout("fin"),
        forwarded: read(at("forwarded"), value::flag),
        doubtful_framing: read(at("doubtful_framing"), word(options::DOUBTFUL_FRAMINGS)),
        log: log::proxy(at("log")),
        logged: log::selection(at("log")),
        rules,
    }
}

pub fn backend(entry: &Entry) -> Backend {
    let at = |key: &str| entry.value.value(key);
    let timeout = |key: &str| read(at("timeouts").and_then(|timeouts| timeouts.value(key)), value::duration);
    let check = entry.value.entries().iter().find(|entry| entry.key.value == "check");
    let options = at("options").map(backend_options).unwrap_or_default();
    Backend {
        name: entry.key.clone(),
        id: read(at("id"), value::number),
        mode: read(at("mode"), word(&MODES)),
        balance: at("balance").and_then(balance),
        retries: read(at("retries"), value::number),
        redispatch: read(at("redispatch"), value::flag),
        connect: timeout("connect"),
        server: timeout("server"),
        queue: timeout("queue"),
        tunnel: timeout("tunnel"),
        fin: timeout("fin"),
        log: log::proxy(at("log")),
        check: check.map(|entry| Spanned::new(self::check(&entry.value), entry.key.span)),
        servers: at("servers").map(Node::entries).unwrap_or_default().iter().map(server).collect(),
        reports: care::reports(&entry.value),
        options: BackendOptions { cookie: at("cookie").and_then(cookie), ..options },
        rules: rules::backend(&entry.value),
    }
}

/// Texts that were found wrong are left out.
fn backend_options(node: &Node) -> BackendOptions {
    let mut options = BackendOptions::default();
    for text in node.items().iter().filter_map(Node::text) {
        let _ = value::backend_option(text, &mut options);
    }
    options
}

/// Options that were found wrong are left out.
fn cookie(node: &Node) -> Option<Cookie> {
    let name = read(node.value("name"), text)?.value;
    let mode = read(node.value("mode"), word(options::cookie::MODES));
    let mut cookie = Cookie { name, mode: mode.map(|mode| mode.value).unwrap_or_default(), ..Cookie::default() };
    for text in node.value("options").map(Node::items).unwrap_or_default().iter().filter_map(Node::text) {
        let _ = value::cookie_option(text, &mut cookie);
    }
    Some(cookie)
}

pub(super) fn server_options(node: &Node) -> ServerOptions {
    let mut options = ServerOptions::default();
    for text in node.items().iter().filter_map(Node::text) {
        let _ = value::server_options(text, &mut options);
    }
    options
}

fn balance(node: &Node) -> Option<Spanned<Balance>> {
    if let Some(draws) = node.value("random") {
        let draws = read(Some(draws), value::number)?;
        return Some(draws.map(|draws| Balance::Random { draws: u32::try_from(draws).unwrap_or(u32::MAX) }));
    }
    read(Some(node), value::balance)
}

fn check(node: &Node) -> Check {
    let at = |key: &str| node.value(key);
    let expect = at("expect");
    let (status, body) = match expect.map(|expect| &expect.kind) {
        Some(Kind::Map(_)) => (expect.and_then(|e| e.value("status")), expect.and_then(|e| e.value("body"))),
        _ => (expect, None),
    };
    Check {
        // A check that is no map was reported as such.
        is_probe_written: at("http").is_some() || at("rules").is_some() || !matches!(node.kind, Kind::Map(_)),
        tcp: read(at("tcp"), value::flag),
        http: at("http").and_then(request),
        status: list(status, value::status),
        body: read(body, text),
        rules: rules::lines(node),
        interval: read(at("interval"), value::duration),
        fast_interval: read(at("fast_interval"), value::duration),
        down_interval: read(at("down_interval"), value::duration),
        timeout: read(at("timeout"), value::duration),
        rise: read(at("rise"), value::number),
        fall: read(at("fall"), value::number),
        port: read(at("port"), value::number),
        address: read(at("address"), value::endpoint),
        observe: read(at("observe"), or_off(value::number)),
        answer_timeout: read(at("answer_timeout"), value::duration),
        sends_proxy: read(at("send_proxy"), value::flag),
        socks: read(at("socks"), value::endpoint),
        initial: read(at("initial"), word(INITIAL_STATES)),
    }
}

fn request(node: &Node) -> Option<Spanned<Request>> {
    let Kind::Map(_) = node.kind else {
        let request = read(Some(node), value::request)?;
        return Some(request.map(|(method, path)| Request { method, path, headers: vec![default_host()] }));
    };
    let method = read(node.value("method"), value::method).map_or("GET".to_owned(), |method| method.value);
    let path = read(node.value("path"), value::path)?;
    let headers = node.value("headers").map(Node::entries).unwrap_or_default();
    let headers =
        headers.iter().filter_map(|entry| Some((entry.key.value.clone(), value::header(entry.value.text()?).ok()?)));
    let mut headers: Vec<_> = headers.collect();
    let is_old = node.value("version").and_then(Node::text) == Some("1.0");
    if !is_old && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        headers.insert(0, default_host());
    }
    Some(Spanned::new(Request { method, path: path.value, headers }, path.span))
}

/// What servers are asked for where the file does not say.
fn default_host() -> (String, String) {
    ("Host".to_owned(), "localhost".to_owned())
}

fn server(entry: &Entry) -> Server {
    let node = &entry.value;
    let address = node.value("address").or_else(|| node.text().is_some().then_some(node));
    Server {
        name: entry.key.clone(),
        address: read(address, value::server),
        weight: read(node.value("weight"), value::number),
        maxconn: read(node.value("maxconn"), value::number),
        backup: read(node.value("backup"), value::flag),
        source: read(node.value("source"), value::address),
        check: node
            .entries()
            .iter()
            .find(|entry| entry.key.value == "check")
            .map(|entry| Spanned::new(check(&entry.value), entry.key.span)),
        non_stick: read(node.value("non_stick"), value::flag),
        is_disabled: read(node.value("disabled"), value::flag),
        care: care::care(node),
        options: located(address, node.value("options").map(server_options).unwrap_or_default()),
    }
}

/// The options with what the address says besides.
fn located(address: Option<&Node>, options: ServerOptions) -> ServerOptions {
    let Some(text) = address.and_then(Node::text) else { return options };
    let is_datagram = text.starts_with(DATAGRAMS);
    let text = text.trim_start_matches(DATAGRAMS);
    let (named, offset) = match value::server_name(text) {
        Some((named, _, offset)) => (named, Some(offset)),
        None => (Naming::default(), value::port_offset(text)),
    };
    ServerOptions {
        socket: value::server_socket(text),
        port_offset: offset.unwrap_or_default(),
        naming: Naming { host: named.host, service: named.service, only: named.only, ..options.naming },
        syslog: Syslog { is_datagram, ..options.syslog },
        ..options
    }
}
