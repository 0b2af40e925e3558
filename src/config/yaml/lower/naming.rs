//! Name servers.

use crate::config::draft;
use crate::config::yaml::tree::{Entry, Node};
use crate::config::yaml::value;
use crate::diag::Spanned;
use crate::model::naming::{Families, Family, Hold, NameServer, Resolvers};

use super::read;

pub const FAMILIES: &[(&str, Families)] = &[
    ("auto", Families::Routed),
    ("both", Families::Both),
    ("ipv4", Families::Only(Family::V4)),
    ("ipv6", Families::Only(Family::V6)),
];

pub fn resolvers(entry: &Entry) -> draft::Resolvers {
    let at = |key: &str| entry.value.value(key);
    let number = |key: &str| read(at(key), value::number).map(|number| number.value);
    let base = Resolvers::new(entry.key.value.clone());
    let servers = at("name_servers").map(Node::entries).unwrap_or_default();
    let servers: Vec<NameServer> = servers.iter().filter_map(server).collect();
    let machine = read(at("resolv_conf"), value::flag).filter(|flag| flag.value);
    let time = |key: &str| read(at(key), value::duration).map(|time| time.value);
    draft::Resolvers {
        name: entry.key.span,
        machine: machine.map(|flag| Spanned::new(servers.len(), flag.span)),
        model: Resolvers {
            servers,
            payload: number("payload_size").and_then(|size| u16::try_from(size).ok()).unwrap_or(base.payload),
            retries: number("retries").and_then(|count| u32::try_from(count).ok()).unwrap_or(base.retries),
            interval: time("interval").unwrap_or(base.interval),
            patience: time("timeout").unwrap_or(base.patience),
            hold: hold(at("hold")),
            ..base
        },
    }
}

fn server(entry: &Entry) -> Option<NameServer> {
    let (address, transport) = value::name_server(entry.value.text()?).ok()?;
    Some(NameServer { name: entry.key.value.clone(), address, transport })
}

fn hold(node: Option<&Node>) -> Hold {
    let time = |key: &str| read(node.and_then(|node| node.value(key)), value::duration).map(|time| time.value);
    let base = Hold::default();
    Hold {
        valid: time("valid").unwrap_or(base.valid),
        nx: time("nx").unwrap_or(base.nx),
        refused: time("refused").unwrap_or(base.refused),
        timeout: time("timeout").unwrap_or(base.timeout),
        other: time("other").unwrap_or(base.other),
        obsolete: time("obsolete").unwrap_or(base.obsolete),
    }
}
