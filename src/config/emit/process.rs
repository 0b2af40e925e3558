//! The process: limits, what workers give up, the admin socket and HAProxy's runtime sockets.

use super::text::{Text, list, scalar, time};
use super::{log, naming};
use crate::model::Model;
use crate::model::identity::Identity;
use crate::model::runtime::Runtime;
use crate::rule;

pub(super) fn process(out: &mut Text, model: &Model) {
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
    for (key, is_set) in [
        ("external_checks", process.external_checks),
        ("external_checks_see_environment", process.preserves_environment),
        ("checks_as_client", process.checks_as_client),
    ] {
        if is_set {
            out.pair(1, key, true);
        }
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
