//! Virtual routers, tracking and scripts.

use crate::config::draft::{Instance, PerNode, Preempt, Script, SyncGroup, Target, Track, Transport, VirtualAddress};
use crate::config::yaml::tree::{Entry, Kind, Node};
use crate::config::yaml::value::{self, Wrong};
use crate::diag::{Span, Spanned};
use crate::model::vrrp::{ChecksumForm, Version};

use super::{list, or_off, read, text, word};

pub fn instance(entry: &Entry) -> Instance {
    let node = &entry.value;
    let at = |key: &str| node.value(key);
    let announce = |key: &str| at("announce").and_then(|announce| announce.value(key));
    Instance {
        name: entry.key.clone(),
        interface: per_node(at("interface"), value::interface),
        version: read(at("version"), word(&[("2", Version::V2), ("3", Version::V3)])),
        vrid: read(at("virtual_router_id"), value::number),
        priority: per_node(at("priority"), value::number),
        advert_interval: read(at("advert_interval"), value::duration),
        down_adverts: read(at("down_adverts"), value::number),
        preempt: at("preempt").and_then(preempt),
        pass: read(at("auth").and_then(|auth| auth.value("pass")), text),
        transport: key_span(node, "transport").zip(at("transport")).and_then(|(span, node)| transport(node, span)),
        addresses: at("virtual_addresses").map(addresses).unwrap_or_default(),
        lease: read(at("lease"), or_off(value::duration)),
        announce_burst: read(announce("burst"), value::number),
        announce_delay: read(announce("delay"), or_off(value::duration)),
        announce_refresh: read(announce("refresh"), or_off(value::duration)),
        checksum: read(
            at("checksum"),
            word(&[("pseudo_header", ChecksumForm::PseudoHeader), ("rfc9568", ChecksumForm::MessageOnly)]),
        ),
        track: at("track").map(Node::items).unwrap_or_default().iter().filter_map(track).collect(),
    }
}

/// Where a key stands: the place of a value that is a map.
fn key_span(node: &Node, key: &str) -> Option<Span> {
    node.entries().iter().find(|entry| entry.key.value == key).map(|entry| entry.key.span)
}

fn per_node<T>(node: Option<&Node>, parse: impl Fn(&str) -> Result<T, Wrong>) -> Option<PerNode<T>> {
    match &node?.kind {
        Kind::Map(entries) => {
            let each = entries.iter().filter_map(|entry| Some((entry.key.clone(), read(Some(&entry.value), &parse)?)));
            Some(PerNode::Each(each.collect()))
        }
        _ => read(node, parse).map(PerNode::Same),
    }
}

fn preempt(node: &Node) -> Option<Spanned<Preempt>> {
    match node.value("delay") {
        Some(delay) => read(Some(delay), |text| value::duration(text).map(Preempt::After)),
        None => read(Some(node), |text| {
            value::flag(text).map(|is_wanted| if is_wanted { Preempt::Default } else { Preempt::Never })
        }),
    }
}

fn transport(node: &Node, key: Span) -> Option<Spanned<Transport>> {
    let unicast = |source, peers, min_ttl, check_source| Transport::Unicast { source, peers, min_ttl, check_source };
    if let Some(inner) = node.value("unicast") {
        let peers = inner.value("peers").map(|peers| list(Some(peers), value::address));
        let transport = unicast(
            read(inner.value("source"), value::address),
            peers,
            read(inner.value("min_ttl"), value::number),
            read(inner.value("check_source"), value::flag),
        );
        return Some(Spanned::new(transport, key));
    }
    match node.text()? {
        "multicast" => Some(Spanned::new(Transport::Multicast, node.span)),
        "unicast" => Some(Spanned::new(unicast(None, None, None, None), node.span)),
        _ => None,
    }
}

fn addresses(node: &Node) -> Vec<VirtualAddress> {
    let Kind::Map(entries) = &node.kind else {
        return list(Some(node), value::network).into_iter().map(|network| plain(None, network)).collect();
    };
    let mut addresses = Vec::new();
    for entry in entries {
        let name = Some(entry.key.clone());
        match &entry.value.kind {
            Kind::Map(_) => {
                if let Some(network) = read(entry.value.value("address"), value::network) {
                    let interface = read(entry.value.value("interface"), value::interface);
                    addresses.push(VirtualAddress { name, network, interface });
                }
            }
            _ => addresses.extend(
                list(Some(&entry.value), value::network).into_iter().map(|network| plain(name.clone(), network)),
            ),
        }
    }
    addresses
}

fn plain(name: Option<Spanned<String>>, network: Spanned<crate::config::draft::Network>) -> VirtualAddress {
    VirtualAddress { name, network, interface: None }
}

/// Every object that the entry names: that it is exactly one is checked in `validate`.
fn track(node: &Node) -> Option<Track> {
    let target = |key: &str, text: &str| match key {
        "interface" => Some(Target::Interface(text.to_owned())),
        "script" => Some(Target::Script(text.to_owned())),
        "file" => value::absolute(text).ok().map(Target::File),
        "process" => Some(Target::Process(text.to_owned())),
        "backend" => Some(Target::Backend(text.to_owned())),
        "server" => {
            let (backend, server) = text.split_once('/')?;
            Some(Target::Server { backend: backend.to_owned(), server: server.to_owned() })
        }
        _ => None,
    };
    let mut targets = Vec::new();
    for entry in node.entries().iter().filter(|entry| !matches!(entry.key.value.as_str(), "weight" | "min_up")) {
        targets.push(Spanned::new(target(&entry.key.value, entry.value.text()?)?, entry.value.span));
    }
    let span = node.entries().first().map_or(node.span, |entry| entry.key.span);
    let min_up = read(node.value("min_up"), value::number);
    Some(Track { targets, span, min_up, weight: read(node.value("weight"), value::track_weight) })
}

pub fn sync_group(entry: &Entry) -> SyncGroup {
    SyncGroup { name: entry.key.clone(), members: list(Some(&entry.value), value::name) }
}

pub fn script(entry: &Entry) -> Script {
    let at = |key: &str| entry.value.value(key);
    let command = at("command").and_then(|node| match &node.kind {
        Kind::List(items) => {
            let words: Option<Vec<String>> = items.iter().map(|item| item.text().map(str::to_owned)).collect();
            let span = items.first().map_or(node.span, |item| item.span);
            words.map(|words| Spanned::new(words, span))
        }
        _ => read(Some(node), value::command),
    });
    Script {
        name: entry.key.clone(),
        command,
        interval: read(at("interval"), value::duration),
        timeout: read(at("timeout"), value::duration),
        rise: read(at("rise"), value::number),
        fall: read(at("fall"), value::number),
    }
}
