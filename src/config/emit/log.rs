//! Where logs go.

use crate::config::log_sample;
use crate::config::options;
use crate::config::yaml::{datagrams_text, duration_text, log_destination_text};
use crate::model::Model;
use crate::model::log::{Form, Framing, Hostname, Logs, ProcessLogs, Ring, Target};
use crate::model::proxy::{Bind, Frontend};
use crate::model::relay::{Host, Relay, Relaying};

use super::text::{Text, scalar};

pub(super) fn process(out: &mut Text, log: &ProcessLogs) {
    out.line(0, "log:");
    targets(out, 1, &log.targets);
    if let Some(tag) = &log.tag {
        out.pair(1, "tag", scalar(tag));
    }
    match &log.hostname {
        None => {}
        Some(Hostname::Own) => out.pair(1, "hostname", true),
        Some(Hostname::Text(name)) => out.pair(1, "hostname", scalar(name)),
    }
    if !log.rings.is_empty() {
        out.line(1, "rings:");
    }
    log.rings.iter().for_each(|ring| self::ring(out, ring));
    if !log.relays.is_empty() {
        out.line(1, "relays:");
    }
    log.relays.iter().for_each(|relay| self::relay(out, relay));
}

/// Formats are among the rules; what is said here is that there is none.
pub(super) fn frontend(out: &mut Text, frontend: &Frontend, model: &Model) {
    let has_format = frontend.rules.iter().any(|line| {
        let words: Vec<&str> = line.words.iter().map(String::as_str).collect();
        matches!(words[..], ["log-format", ..] | ["option", "httplog" | "tcplog" | "httpslog", ..])
    });
    let logged = frontend.logged;
    let flags = [
        ("skip_empty", logged.skips_empty),
        ("skip_normal", logged.skips_normal),
        ("separate_errors", logged.separates_errors),
        ("early", logged.is_early),
    ];
    proxy(out, &frontend.log, model);
    if !has_format {
        out.pair(3, "format", "none");
    }
    flags.into_iter().filter(|(_, is_on)| *is_on).for_each(|(key, _)| out.pair(3, key, true));
    if let Some(steps) = logged.steps {
        out.pair(3, "steps", scalar(&steps.to_string()));
    }
}

pub(super) fn proxy(out: &mut Text, log: &Logs, model: &Model) {
    let is_global = log.targets.starts_with(&model.process.log.targets);
    let own = if is_global { &log.targets[model.process.log.targets.len()..] } else { &log.targets };
    out.line(2, "log:");
    out.pair(3, "global", is_global);
    if !own.is_empty() {
        targets(out, 3, own);
    }
    if let Some(tag) = &log.tag {
        out.pair(3, "tag", scalar(tag));
    }
}

fn targets(out: &mut Text, level: usize, targets: &[Target]) {
    if targets.is_empty() {
        return out.pair(level, "targets", "[]");
    }
    out.line(level, "targets:");
    for target in targets {
        out.line(level + 1, &format!("- to: {}", scalar(&log_destination_text(&target.destination))));
        let level = level + 2;
        if target.form != Form::Received {
            out.pair(level, "format", target.form.name());
        }
        out.pair(level, "facility", target.facility.name());
        out.pair(level, "level", target.level.name());
        out.pair(level, "min_level", target.floor.name());
        out.pair(level, "length", target.length);
        if let Some(sample) = &target.sample {
            out.pair(level, "sample", scalar(&log_sample::text(sample)));
        }
        if target.only_traffic {
            out.pair(level, "only_traffic", true);
        }
        if let Some(profile) = &target.profile {
            out.pair(level, "profile", scalar(profile));
        }
    }
}

fn ring(out: &mut Text, ring: &Ring) {
    out.line(2, &format!("{}:", scalar(&ring.name)));
    if let Some(text) = &ring.description {
        out.pair(3, "description", scalar(text));
    }
    if let Some(form) = ring.form {
        out.pair(3, "format", form.name());
    }
    out.pair(3, "length", ring.line_length);
    out.pair(3, "size", ring.size);
    if let Some(file) = &ring.file {
        out.pair(3, "file", scalar(&file.display().to_string()));
    }
    for (key, limit) in [("connect_timeout", ring.connect_timeout), ("send_timeout", ring.send_timeout)] {
        if let Some(limit) = limit {
            out.pair(3, key, duration_text(limit));
        }
    }
    if !ring.servers.is_empty() {
        out.line(3, "servers:");
    }
    for server in &ring.servers {
        let framing = match server.framing {
            Framing::Lines => "lines",
            Framing::OctetCount => "octet-count",
        };
        let address = scalar(&server.endpoint.to_string());
        out.line(4, &format!("{}: {{address: {address}, framing: {framing}}}", scalar(&server.name)));
    }
}

fn relay(out: &mut Text, relay: &Relay) {
    out.line(2, &format!("{}:", scalar(&relay.name)));
    let text = |bind: &Bind| {
        scalar(&[vec![bind.endpoint.to_string()], options::bind::texts(&bind.options)].concat().join(" "))
    };
    let datagrams: Vec<String> = relay.datagrams.iter().map(|place| scalar(&datagrams_text(place))).collect();
    let streams: Vec<String> = relay.streams.iter().map(text).collect();
    for (key, places) in [("datagrams", datagrams), ("bind", streams)] {
        if !places.is_empty() {
            out.pair(3, key, format_args!("[{}]", places.join(", ")));
        }
    }
    out.pair(3, "maxconn", relay.maxconn);
    if let Some(timeout) = relay.timeout {
        out.pair(3, "timeout", duration_text(timeout));
    }
    targets(out, 3, &relay.targets);
    let Relaying { is_parsed, host } = relay.relaying;
    if relay.are_lines {
        out.pair(3, "framing", "lines");
    }
    if !is_parsed {
        out.pair(3, "parse", false);
    }
    if host != Host::Fill {
        out.pair(3, "host", host.word());
    }
}
