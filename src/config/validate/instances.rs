//! Virtual routers: what each node runs, and where two of them collide.

use std::net::IpAddr;
use std::time::Duration;

use crate::config::draft::{self, PerNode, Preempt as PreemptDraft};
use crate::diag::{Span, Spanned};
use crate::model::vrrp::{Announce, Authentication, ChecksumForm, Family, Instance, Preempt, Version, VirtualAddress};
use crate::model::{Priority, Vrid};

use super::{Context, collisions, count, limits, nodes, or, transport};

/// The RFC's advertisement interval.
pub const SECOND: Duration = Duration::from_secs(1);
const PREEMPT_DELAY: Duration = Duration::from_secs(30);
const LEASE_MIN: Duration = Duration::from_secs(2);

/// An instance and where it came from.
pub struct Resolved<'a> {
    /// What runs.
    pub model: Instance,
    /// What was written; both halves of a split entry have the same.
    pub draft: &'a draft::Instance,
    /// Places of the addresses, index for index.
    pub spans: Vec<Span>,
}

/// The instances of this node: one for each entry and address family.
pub fn resolve<'a>(context: &Context<'a>) -> Vec<Resolved<'a>> {
    let mut resolved: Vec<Resolved<'a>> = Vec::new();
    for draft in &context.draft.instances {
        limits::check(context, draft);
        let has = |family| draft.addresses.iter().any(|address| Family::of(address.network.address) == family);
        let is_split = has(Family::V4) && has(Family::V6);
        for family in [Family::V4, Family::V6] {
            if has(family)
                && let Some(instance) = one(context, draft, family, is_split)
            {
                resolved.push(instance);
            }
        }
    }
    collisions::check(context, &resolved);
    resolved
}

fn one<'a>(context: &Context<'_>, draft: &'a draft::Instance, family: Family, is_split: bool) -> Option<Resolved<'a>> {
    let interface = interface(context, draft)?;
    let priority = priority(context, draft)?;
    let vrid = Vrid::new(u8::try_from(draft.vrid?.value).ok()?)?;
    let version = if family == Family::V6 { Version::V3 } else { or(&draft.version, Version::V3) };
    let advert_interval = or(&draft.advert_interval, SECOND);
    let down_adverts = count(&draft.down_adverts, 3);
    let mine = || draft.addresses.iter().filter(|address| Family::of(address.network.address) == family);
    let suffix = if is_split && family == Family::V6 { "/v6" } else { "" };
    let model = Instance {
        name: format!("{}{suffix}", draft.name.value),
        version,
        family,
        vrid,
        priority,
        advert_interval,
        down_adverts,
        preempt: match draft.preempt.as_ref().map(|preempt| preempt.value) {
            Some(PreemptDraft::Never) => Preempt::Never,
            Some(PreemptDraft::After(delay)) => Preempt::After(delay),
            Some(PreemptDraft::Default) | None => Preempt::After(PREEMPT_DELAY),
        },
        authentication: authentication(draft, version),
        transport: transport::resolve(context, draft, family),
        addresses: mine().map(|address| self::address(context, address, &interface)).collect(),
        announce: Announce {
            burst: count(&draft.announce_burst, 5),
            delay: or(&draft.announce_delay, Some(Duration::from_secs(5))),
            refresh: or(&draft.announce_refresh, Some(Duration::from_secs(60))),
        },
        lease: or(&draft.lease, Some(lease(advert_interval, down_adverts))),
        checksum: or(&draft.checksum, ChecksumForm::PseudoHeader),
        track: Vec::new(),
        interface,
    };
    Some(Resolved { model, draft, spans: mine().map(|address| address.network.span).collect() })
}

/// Default lease: long enough that a peer has taken over before the addresses go, in the kernel's whole seconds.
pub fn lease(advert_interval: Duration, down_adverts: u32) -> Duration {
    let down = advert_interval.saturating_mul(down_adverts);
    let seconds = down.as_secs() + u64::from(down.subsec_nanos() > 0);
    Duration::from_secs(seconds).max(LEASE_MIN)
}

fn authentication(draft: &draft::Instance, version: Version) -> Authentication {
    let (Some(pass), Version::V2) = (&draft.pass, version) else { return Authentication::None };
    let mut bytes = [0; 8];
    for (to, from) in bytes.iter_mut().zip(pass.bytes()) {
        *to = from;
    }
    Authentication::Pass(bytes)
}

/// Interface on this node: its own entry, else the node's, else the common one.
fn interface(context: &Context<'_>, draft: &draft::Instance) -> Option<String> {
    let node = context.node?;
    let own = match &draft.interface {
        Some(PerNode::Each(each)) => {
            each.iter().find(|(name, _)| name.value == node.name.value).map(|(_, value)| value)
        }
        _ => None,
    };
    let common = match &draft.interface {
        Some(PerNode::Same(interface)) => Some(interface),
        _ => None,
    };
    let Some(interface) = own.or(node.interface.as_ref()).or(common) else {
        let message = format!("virtual router `{}` has no interface on node `{}`", draft.name.value, node.name.value);
        context.error("E-MISSING", draft.name.span, message, "add `interface: eth0`");
        return None;
    };
    nodes::interface(context, interface, interface.span);
    Some(interface.value.clone())
}

/// Priority on this node: the entry's, else the node's.
fn priority(context: &Context<'_>, draft: &draft::Instance) -> Option<Priority> {
    let node = context.node?;
    if written_priority(draft, node).is_none() {
        let message = format!("virtual router `{}` has no priority on node `{}`", draft.name.value, node.name.value);
        let hint = format!("add `priority: 200` to node `{}`; the highest living node is Master", node.name.value);
        context.error("E-MISSING", draft.name.span, message, hint);
        return None;
    }
    // Out of range: that was said where it was read.
    let (value, span) = priority_on(draft, node)?;
    if value == 255 {
        let message = "priority 255 says that this node owns the addresses: tracking weights have no effect on it";
        context.warning("W-OWNER", span, message, "use 1-254 unless the address is the node's own");
    }
    Priority::new(value)
}

/// Base priority of an entry on any node, and where it is written.
pub fn priority_on(draft: &draft::Instance, node: &draft::Node) -> Option<(u8, Span)> {
    let priority = written_priority(draft, node)?;
    Some((u8::try_from(priority.value).ok().filter(|priority| *priority > 0)?, priority.span))
}

/// What is written, in range or not.
fn written_priority(draft: &draft::Instance, node: &draft::Node) -> Option<Spanned<u64>> {
    let own = match &draft.priority {
        Some(PerNode::Same(priority)) => Some(priority),
        Some(PerNode::Each(each)) => {
            each.iter().find(|(name, _)| name.value == node.name.value).map(|(_, value)| value)
        }
        None => None,
    };
    own.or(node.priority.as_ref()).copied()
}

fn address(context: &Context<'_>, address: &draft::VirtualAddress, interface: &str) -> VirtualAddress {
    let host = if address.network.address.is_ipv4() { 32 } else { 128 };
    let mut prefix = address.network.prefix.unwrap_or(host);
    if prefix < host && has_own_address(context, address.network.address, prefix) {
        let message = format!(
            "{} is installed as /{host}: this node has an own address in that network",
            address.network.address
        );
        let hint = "remove the mask: with it the address could become the primary one and take the node's own down";
        context.warning("W-MASK", address.network.span, message, hint);
        prefix = host;
    }
    let on = address.interface.as_ref().map_or(interface, |interface| interface.value.as_str());
    if address.network.prefix.is_none() {
        in_a_network_of(context, &address.network, on);
    }
    if let Some(interface) = &address.interface {
        nodes::interface(context, interface, interface.span);
    }
    VirtualAddress {
        name: address.name.as_ref().map(|name| name.value.clone()),
        address: address.network.address,
        prefix,
        interface: on.to_owned(),
    }
}

/// An address without a prefix length is one of a network that its interface is in: nobody asks there for another.
fn in_a_network_of(context: &Context<'_>, network: &Spanned<draft::Network>, interface: &str) {
    let interfaces = context.host.interfaces.iter().flatten();
    let own: Vec<_> = interfaces
        .filter(|found| found.name == interface)
        .flat_map(|found| &found.addresses)
        .filter(|(own, _)| Family::of(*own) == Family::of(network.address) && !is_link_local(*own))
        .filter(|(own, _)| !is_virtual(context, *own))
        .collect();
    let Some((first, prefix)) = own.first() else { return };
    if !own.iter().any(|(own, prefix)| in_network(*own, network.address, *prefix)) {
        let message = format!("{} is in no network of {interface}, which has {first}/{prefix}", network.address);
        let hint = format!(
            "if routers send it to this node, write {}/{}",
            network.address,
            if first.is_ipv4() { 32 } else { 128 }
        );
        context.warning("W-VIP-NETWORK", network.span, message, hint);
    }
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}

fn is_virtual(context: &Context<'_>, own: IpAddr) -> bool {
    context.draft.instances.iter().flat_map(|instance| &instance.addresses).any(|a| a.network.address == own)
}

fn has_own_address(context: &Context<'_>, address: IpAddr, prefix: u8) -> bool {
    let node = context.node.and_then(|node| node.address).map(|address| address.value);
    let interfaces = context.host.interfaces.iter().flatten();
    let own = interfaces.flat_map(|interface| interface.addresses.iter().map(|(own, _)| *own)).chain(node);
    own.filter(|own| !is_virtual(context, *own)).any(|own| in_network(own, address, prefix))
}

/// Whether two addresses are in the same network of that length.
fn in_network(a: IpAddr, b: IpAddr, prefix: u8) -> bool {
    match (a, b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix.min(32))).unwrap_or(0);
            a.to_bits() & mask == b.to_bits() & mask
        }
        (IpAddr::V6(a), IpAddr::V6(b)) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(prefix.min(128))).unwrap_or(0);
            a.to_bits() & mask == b.to_bits() & mask
        }
        _ => false,
    }
}
