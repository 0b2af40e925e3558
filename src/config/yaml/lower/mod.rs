//! From tree to draft: which key of the file becomes which field.
//!
//! It decides nothing else: what does not fit the table was reported by `shape` and is left out here without a word, and
//! names are resolved later, in `validate`. Read this file first.

mod vrrp;
mod proxy;
mod care;
mod rules;
mod runtime;
mod log;
mod naming;
mod stick;
mod users;

use crate::config::draft::{Confinement, Draft, Identity, Node as NodeDraft, Start};
use crate::diag::Spanned;

use super::place;
use super::tree::{Entry, Node};
use super::value::{self, Wrong};

/// The whole file.
pub fn file(root: &Node) -> Draft {
    let sections = |name: &str| root.value(name).map(Node::entries).unwrap_or_default();
    let inner = |section: &str, key: &str| root.value(section).and_then(|section| section.value(key));
    Draft {
        userlists: sections("userlists").iter().map(users::userlist).collect(),
        error_pages: sections("http_errors").iter().map(rules::error_pages).collect(),
        tables: stick::tables(root),
        peers: Vec::new(),
        resolvers: sections("resolvers").iter().map(naming::resolvers).collect(),
        families: read(inner("process", "address_families"), word(naming::FAMILIES)),
        globals: rules::of_process(root),
        stick_counters: read(inner("process", "stick_counters"), value::number),
        nodes: sections("nodes").iter().map(node).collect(),
        instances: sections("vrrp").iter().map(vrrp::instance).collect(),
        sync_groups: sections("sync_groups").iter().map(vrrp::sync_group).collect(),
        scripts: sections("scripts").iter().map(vrrp::script).collect(),
        frontends: sections("frontends").iter().map(proxy::frontend).collect(),
        backends: sections("backends").iter().map(proxy::backend).collect(),
        templates: sections("backend_templates").iter().map(proxy::backend).collect(),
        admin_socket: read(inner("admin", "socket"), value::absolute),
        confinement: Confinement {
            root: read(inner("process", "chroot"), value::absolute),
            user: read(inner("process", "user"), place::account),
            group: read(inner("process", "group"), place::account),
        },
        identity: Identity {
            version: read(inner("admin", "haproxy_version"), value::release),
            node: read(inner("admin", "node_name"), text),
            description: read(inner("admin", "description"), text),
        },
        start: Start::default(),
        runtime: runtime::runtime(root.value("admin")),
        log: root.value("log").map(log::process).unwrap_or_default(),
        workers: read(inner("process", "workers"), value::number),
        maxconn: read(inner("process", "maxconn"), value::number),
        server_state_file: read(inner("process", "server_state_file"), text),
        connection_rate: read(inner("process", "connection_rate"), value::number),
        stats_file: read(inner("process", "stats_file"), text),
        session_rate: read(inner("process", "session_rate"), value::number),
        drain: read(inner("process", "drain"), value::duration),
        external_checks: read(inner("process", "external_checks"), value::flag),
        preserves_environment: read(inner("process", "external_checks_see_environment"), value::flag),
        checks_as_client: read(inner("process", "checks_as_client"), value::flag),
        shares_idle: read(inner("process", "share_idle"), value::flag),
        spread_checks: read(inner("process", "spread_checks"), value::number),
        is_strict: None,
    }
}

fn node(entry: &Entry) -> NodeDraft {
    let node = &entry.value;
    NodeDraft {
        name: entry.key.clone(),
        address: read(node.value("address"), value::address),
        priority: read(node.value("priority"), value::number),
        interface: read(node.value("interface"), value::interface),
    }
}

/// A single value, if it is there and right.
fn read<T>(node: Option<&Node>, parse: impl Fn(&str) -> Result<T, Wrong>) -> Option<Spanned<T>> {
    let node = node?;
    let value = parse(node.text()?).ok()?;
    Some(Spanned::new(value, node.span))
}

/// The right ones of a list.
fn list<T>(node: Option<&Node>, parse: impl Fn(&str) -> Result<T, Wrong>) -> Vec<Spanned<T>> {
    node.map(Node::items).unwrap_or_default().iter().filter_map(|item| read(Some(item), &parse)).collect()
}

/// Any text.
fn text(text: &str) -> Result<String, Wrong> {
    Ok(text.to_owned())
}

/// One of fixed words.
fn word<T: Copy>(words: &[(&str, T)]) -> impl Fn(&str) -> Result<T, Wrong> {
    move |text| match words.iter().find(|(word, _)| *word == text) {
        Some((_, meaning)) => Ok(*meaning),
        None => Err(Wrong { code: "E-VALUE", what: format!("`{text}` is not known here"), hint: None }),
    }
}

/// A value, or `off`.
fn or_off<T>(parse: impl Fn(&str) -> Result<T, Wrong>) -> impl Fn(&str) -> Result<Option<T>, Wrong> {
    move |text| if matches!(text, "off" | "false") { Ok(None) } else { parse(text).map(Some) }
}
