//! How adverts travel.

use std::net::IpAddr;

use crate::config::draft::{self, Transport as Draft};
use crate::model::vrrp::{Family, Transport};

use super::{Context, or};

/// Multicast unless asked otherwise. Unicast peers come from the entry or from the other nodes; the node's own address
/// is left out, so that one list serves all nodes.
pub fn resolve(context: &Context<'_>, draft: &draft::Instance, family: Family) -> Transport {
    let multicast = Transport::Multicast { group: family.multicast_group() };
    let Some(written) = &draft.transport else { return multicast };
    let Draft::Unicast { source, peers, min_ttl, check_source } = &written.value else { return multicast };
    let own = context.node.and_then(|node| node.address).map(|address| address.value);
    let is_mine = |address: &IpAddr| Family::of(*address) == family && Some(*address) != own;
    let source = source.map(|source| source.value).or(own).filter(|source| Family::of(*source) == family);
    let found: Vec<IpAddr> = match peers {
        Some(peers) => peers.iter().map(|peer| peer.value).filter(is_mine).filter(|peer| Some(*peer) != source).collect(),
        None => {
            let others = context.draft.nodes.iter().filter(|node| {
                context.node.is_some_and(|own| own.name.value != node.name.value)
            });
            others.filter_map(|node| node.address.map(|address| address.value)).filter(is_mine).collect()
        }
    };
    if found.is_empty() {
        let name = match family {
            Family::V4 => "IPv4",
            Family::V6 => "IPv6",
        };
        let message = format!("virtual router `{}` sends unicast, but has no {name} peers", draft.name.value);
        let hint = match peers {
            Some(_) => format!("add the {name} addresses of the other nodes to `peers`"),
            None => format!("give the other nodes an {name} `address`, or write {{unicast: {{peers: [...]}}}}"),
        };
        context.error("E-UNICAST-PEERS", written.span, message, hint);
    }
    Transport::Unicast {
        source,
        peers: found,
        min_ttl: min_ttl.and_then(|ttl| u8::try_from(ttl.value).ok()).unwrap_or(255),
        check_source: or(check_source, true),
    }
}
