//! Where logs go.

use std::path::PathBuf;

use crate::config::draft::{Log, LogTarget, ProcessLog, Relay, Rule};
use crate::config::yaml::tree::{Entry, Kind, Node};
use crate::config::yaml::{destination, value};
use crate::diag::{Span, Spanned};
use crate::model::log::{
    BUFFER, Destination, Facility, Form, Framing, Hostname, LENGTH, Level, Ring, RingServer, Selection, Steps, Target,
};
use crate::model::relay::{Host, Relaying};

use super::{list, read, text};

pub fn process(node: &Node) -> ProcessLog {
    let (access, others) = (node.value("access"), node.value("targets"));
    let access_target = access.and_then(target).map(|mut access| {
        access.target.only_traffic = true;
        access
    });
    let is_written = access.is_some() || others.is_some();
    let targets = access_target.into_iter().chain(targets(others)).collect();
    ProcessLog {
        targets: is_written.then_some(targets),
        tag: read(node.value("tag"), text),
        usual_tag: None,
        hostname: node.value("hostname").and_then(hostname),
        rings: node.value("rings").map(Node::entries).unwrap_or_default().iter().map(ring).collect(),
        relays: node.value("relays").map(Node::entries).unwrap_or_default().iter().map(relay).collect(),
    }
}

/// `log: false`, or where its lines go.
pub fn proxy(node: Option<&Node>) -> Log {
    let is_on = |node: Option<&Node>| read(node, value::flag).is_none_or(|flag| flag.value);
    match node {
        Some(node) if matches!(node.kind, Kind::Map(_)) => Log {
            is_global: is_on(node.value("global")),
            targets: targets(node.value("targets")).collect(),
            tag: read(node.value("tag"), text),
        },
        node => Log { is_global: is_on(node), ..Log::default() },
    }
}

/// Which sessions and requests leave a line.
pub fn selection(node: Option<&Node>) -> Selection {
    let is_on = |key: &str| read(node.and_then(|node| node.value(key)), value::flag).is_some_and(|flag| flag.value);
    Selection {
        skips_empty: is_on("skip_empty"),
        skips_normal: is_on("skip_normal"),
        separates_errors: is_on("separate_errors"),
        is_early: is_on("early"),
        steps: node.and_then(|node| node.value("steps")?.text()).and_then(|text| Steps::parse(text).ok()),
    }
}

/// The lines of the language that say how lines of log look; `rules` are those that are written as such.
pub fn formats(node: Option<&Node>, rules: &[Rule], owner: Span) -> Vec<Rule> {
    let at = |key: &str| node.and_then(|node| node.value(key));
    let rule = |words: &[&str], span| Rule {
        words: words.iter().map(|word| Spanned::new((*word).to_owned(), span)).collect(),
        span,
    };
    let is_said = |rule: &Rule| {
        let words: Vec<&str> = rule.words.iter().map(|word| word.value.as_str()).collect();
        matches!(words[..], ["log-format", ..] | ["option", "httplog" | "tcplog" | "httpslog", ..])
    };
    let mut lines = Vec::new();
    match at("format").and_then(|node| Some((node.text()?, node.span))) {
        Some(("none", _)) => {}
        Some((text, span)) => {
            let words: Vec<&str> = text.split(' ').collect();
            lines.push(match words[..] {
                [name @ ("httplog" | "tcplog" | "httpslog")] => rule(&["option", name], span),
                [name @ ("httplog" | "tcplog"), "clf"] => rule(&["option", name, "clf"], span),
                _ => rule(&["log-format", text], span),
            });
        }
        None if rules.iter().any(is_said) => {}
        None => lines.push(rule(&["option", "httplog"], owner)),
    }
    for (key, keyword) in [("error_format", "error-log-format"), ("structured_data", "log-format-sd")] {
        lines.extend(at(key).and_then(|node| Some(rule(&[keyword, node.text()?], node.span))));
    }
    lines
}

fn hostname(node: &Node) -> Option<Hostname> {
    match node.text()? {
        "true" => Some(Hostname::Own),
        "false" => None,
        name => Some(Hostname::Text(name.to_owned())),
    }
}

fn targets(node: Option<&Node>) -> impl Iterator<Item = LogTarget> {
    node.map(Node::items).unwrap_or_default().iter().filter_map(target)
}

/// A destination alone, or a map.
fn target(node: &Node) -> Option<LogTarget> {
    let Kind::Map(_) = node.kind else {
        let destination = value::log_destination(node.text()?).ok()??;
        let form = natural_form(&destination);
        let target = Target::new(destination, form.unwrap_or(Form::Local));
        return Some(LogTarget { target, has_form: form.is_some(), span: node.span });
    };
    let at = |key: &str| node.value(key).and_then(Node::text);
    let destination = value::log_destination(at("to")?).ok()??;
    let form = at("format").and_then(Form::by_name).or_else(|| natural_form(&destination));
    let mut target = Target::new(destination, form.unwrap_or(Form::Local));
    target.facility = at("facility").and_then(Facility::by_name).unwrap_or(target.facility);
    target.level = at("level").and_then(Level::by_name).unwrap_or(target.level);
    target.floor = at("min_level").and_then(Level::by_name).unwrap_or(target.floor);
    target.length = at("length").and_then(|text| text.parse().ok()).unwrap_or(target.length);
    target.sample = at("sample").and_then(|text| value::log_sample(text).ok());
    target.only_traffic = at("only_traffic") == Some("true");
    target.profile = at("profile").map(str::to_owned);
    Some(LogTarget { target, has_form: form.is_some(), span: node.span })
}

/// Whoever reads a terminal needs no header.
fn natural_form(destination: &Destination) -> Option<Form> {
    matches!(destination, Destination::Stdout | Destination::Stderr).then_some(Form::Raw)
}

fn ring(entry: &Entry) -> Spanned<Ring> {
    let at = |key: &str| entry.value.value(key).and_then(Node::text);
    let number = |key: &str| at(key).and_then(|text| text.parse().ok());
    let servers = entry.value.value("servers").map(Node::entries).unwrap_or_default();
    let ring = Ring {
        name: entry.key.value.clone(),
        description: at("description").map(str::to_owned),
        form: at("format").and_then(Form::by_name),
        line_length: number("length").unwrap_or(LENGTH),
        size: number("size").unwrap_or(BUFFER),
        file: at("file").map(PathBuf::from),
        servers: servers.iter().filter_map(server).collect(),
        connect_timeout: at("connect_timeout").and_then(|text| value::duration(text).ok()),
        send_timeout: at("send_timeout").and_then(|text| value::duration(text).ok()),
    };
    Spanned::new(ring, entry.key.span)
}

fn server(entry: &Entry) -> Option<RingServer> {
    let at = |key: &str| entry.value.value(key).and_then(Node::text);
    let framing = if at("framing") == Some("octet-count") { Framing::OctetCount } else { Framing::Lines };
    Some(RingServer { name: entry.key.value.clone(), endpoint: destination::stream(at("address")?).ok()?, framing })
}

fn relay(entry: &Entry) -> Relay {
    let at = |key: &str| entry.value.value(key);
    let is_on = |key: &str, default: bool| read(at(key), value::flag).map_or(default, |flag| flag.value);
    // Messages keep their form, also where a terminal shows them.
    let target = |node: &Node| {
        let has_form = matches!(node.kind, Kind::Map(_)) && node.value("format").is_some();
        target(node).map(|target| LogTarget { has_form, ..target })
    };
    Relay {
        name: entry.key.clone(),
        datagrams: list(at("datagrams"), destination::datagrams),
        streams: list(at("bind"), value::listener),
        maxconn: read(at("maxconn"), value::number),
        timeout: read(at("timeout"), value::duration),
        log: Log {
            is_global: is_on("global", false),
            targets: at("targets").map(Node::items).unwrap_or_default().iter().filter_map(target).collect(),
            tag: None,
        },
        relaying: Relaying {
            is_parsed: is_on("parse", true),
            host: at("host").and_then(Node::text).and_then(Host::by_word).unwrap_or(Relaying::default().host),
        },
        are_lines: at("framing").and_then(Node::text) == Some("lines"),
    }
}
