//! What stands above the proxies: who this is, how the process does, links, and what came of the last action.

use std::fmt::Write;

use crate::stats::address::Address;
use crate::stats::info::uptime;
use crate::stats::outcome::Outcome;
use crate::stats::select::{StatRequest, Without};
use crate::stats::snapshot::Snapshot;

use super::number::{bytes, grouped};
use super::{Page, proxy, text};

const STYLE: &str = include_str!("style.css");

// Writing to a String cannot fail; `let _` says that it was considered.
pub(super) fn write(out: &mut String, snapshot: &Snapshot, page: &Page<'_>, request: &StatRequest) {
    let node = page.node.as_ref().map(|node| format!(" on {node}")).unwrap_or_default();
    out.push_str(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<title>Statistics Report for HAProxy",
    );
    text(out, &node);
    out.push_str("</title>\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    out.push_str("<meta name=\"robots\" content=\"noindex\">\n<link rel=\"icon\" href=\"data:,\">\n<style>\n");
    out.push_str(STYLE);
    out.push_str("</style></head>\n<body>\n<header><div>\n");
    match page.hides_version {
        true => out.push_str("<h1>HAProxy</h1>\n"),
        false => {
            let version = &snapshot.process.version;
            let _ = writeln!(out, "<h1>HAProxy version {}, released {}</h1>", version.told(), version.date());
        }
    }
    let _ = write!(out, "<h2>Statistics Report for pid {}", snapshot.process.pid);
    text(out, &node);
    if let Some(description) = &page.description {
        out.push_str(": ");
        text(out, description);
    }
    out.push_str("</h2>\n</div>\n");
    links(out, page);
    out.push_str("</header>\n");
    if let Some(outcome) = page.address.outcome {
        said(out, page, outcome);
    }
    tiles(out, snapshot, request);
    facts(out, snapshot);
}

/// The address of the page with these of its options.
fn address(page: &Page<'_>, change: impl FnOnce(&mut Address)) -> String {
    let mut address = Address { outcome: None, ..page.address.clone() };
    change(&mut address);
    format!("{}{}", page.uri, address.suffix())
}

fn links(out: &mut String, page: &Page<'_>) {
    out.push_str("<nav><form method=\"GET\"><input name=\"scope\" maxlength=\"20\" placeholder=\"Scope\" aria-label=\"Scope\" value=\"");
    text(out, page.address.scope.as_deref().unwrap_or_default());
    out.push_str("\"></form>\n");
    let mut link = |label: &str, target: &str| {
        out.push_str("<a href=\"");
        text(out, target);
        let _ = writeln!(out, "\">{label}</a>");
    };
    match page.address.without {
        Without::Down => link("Show all servers", &address(page, |to| to.without = Without::Nothing)),
        _ => link("Hide 'DOWN' servers", &address(page, |to| to.without = Without::Down)),
    }
    if page.refreshes {
        match page.address.stays {
            true => link("Enable refresh", &address(page, |to| to.stays = false)),
            false => link("Disable refresh", &address(page, |to| to.stays = true)),
        }
    }
    link("Refresh now", &address(page, |_| {}));
    link("CSV export", &format!("{};csv;norefresh", page.uri));
    link("JSON export", &format!("{};json;norefresh", page.uri));
    link("schema", &format!("{};json-schema", page.uri));
    out.push_str("</nav>\n");
}

fn said(out: &mut String, page: &Page<'_>, outcome: Outcome) {
    let (class, sentence) = outcome.said();
    let _ = write!(out, "<div class=\"said {class}\"><a href=\"");
    text(out, &address(page, |_| {}));
    let _ = writeln!(out, "\" title=\"Remove this message\">[X]</a> {sentence}</div>");
}

fn tiles(out: &mut String, snapshot: &Snapshot, request: &StatRequest) {
    let process = &snapshot.process;
    let servers = || snapshot.proxies.iter().filter(|proxy| request.shows(proxy)).flat_map(|proxy| &proxy.servers);
    let down = servers().filter(|server| proxy::state(server).is_trouble()).count();
    let up = servers().filter(|server| server.is_active()).count();
    out.push_str("<div class=\"tiles\">\n");
    let mut tile = |label: &str, value: &str, more: &str| {
        let _ = writeln!(
            out,
            "<div class=\"tile\"><span>{label}</span><strong>{value}</strong> <small>{more}</small></div>"
        );
    };
    tile("Uptime", &uptime(process.uptime), "");
    tile("Connections", &grouped(process.connections), &format!("of {}", grouped(process.maxconn)));
    tile(
        "Connection rate",
        &format!("{}/s", grouped(process.connection_rate.now)),
        &format!("max {}", grouped(process.connection_rate.most)),
    );
    tile("Requests", &grouped(process.requests_total), "");
    tile("Sent", &bytes(process.bytes_out), &format!("{}/s", bytes(process.bytes_out_rate)));
    tile("Idle", &format!("{}\u{202f}%", process.idle_percent), &format!("{} threads", process.threads));
    let trouble = if down > 0 { format!("<b class=\"bad\">{down} down</b>") } else { "none down".to_owned() };
    tile("Servers in service", &grouped(up as u64), &trouble);
    out.push_str("</div>\n");
}

/// The lines that scrapers of HAProxy's page know, and the colours.
fn facts(out: &mut String, snapshot: &Snapshot) {
    let process = &snapshot.process;
    let kilobits = process.bytes_out_rate as f64 * 8.0 / 1000.0;
    let tasks = process.connections + process.listeners;
    out.push_str("<details class=\"facts\"><summary>General process information</summary>\n<p>");
    let _ = writeln!(out, "<b>pid = </b> {} (process #1, nbproc = 1, nbthread = {})<br>", process.pid, process.threads);
    let _ = writeln!(out, "<b>uptime = </b> {}<br>", uptime(process.uptime));
    let _ = writeln!(out, "<b>system limits:</b> memmax = unlimited; ulimit-n = {}<br>", process.descriptors);
    let (sockets, most) = (process.descriptors, process.maxconn);
    let _ = writeln!(out, "<b>maxsock = </b> {sockets}; <b>maxconn = </b> {most}; <b>maxpipes = </b> 0<br>");
    let (now, rate) = (process.connections, process.connection_rate.now);
    let _ = writeln!(
        out,
        "current conns = {now}; current pipes = 0/0; conn rate = {rate}/sec; bit rate = {kilobits:.3} kbps<br>"
    );
    let _ = writeln!(out, "Running tasks: 0/{tasks}; idle = {} %<br></p>", process.idle_percent);
    out.push_str("<div class=\"legend\">");
    let colours = [
        ("active_up", "UP"),
        ("active_going_down", "going up or down"),
        ("active_down", "DOWN"),
        ("active_draining", "DRAIN or NOLB: no new sessions"),
        ("active_no_check", "not checked"),
        ("maintain", "MAINT: out of service"),
    ];
    for (class, label) in colours {
        let _ = write!(out, "<span class=\"pill {class}\">{label}</span>");
    }
    out.push_str("</div></details>\n");
}
