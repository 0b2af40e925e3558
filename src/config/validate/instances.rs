//! Virtual routers: what each node runs, and where two of them collide.

use std::net::IpAddr;
use std::time::Duration;

use crate::config::draft::{self, PerNode, Preempt as PreemptDraft};
use crate::config::yaml::duration_text;
use crate::diag::{Diagnostic, Span};
use crate::model::vrrp::{
    Announce, Authentication, ChecksumForm, Family, Instance, Preempt, Version, VirtualAddress,
};
use crate::model::{Priority, Vrid};

use super::{Context, count, nodes, or, transport};

const SECOND: Duration = Duration::from_secs(1);
/// Below it, scheduling noise of a busy machine costs adverts.
const INTERVAL_CAREFUL: Duration = Duration::from_millis(50);
const INTERVAL_V3_MAX: Duration = Duration::from_millis(40_950);
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
        if draft.addresses.is_empty() && draft.vrid.is_some() {
            let message = format!("virtual router `{}` has no addresses", draft.name.value);
            context.error("E-EMPTY", draft.name.span, message, "add `virtual_addresses: {www: 192.0.2.253}`");
        }
        limits(context, draft);
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
    collisions(context, &resolved);
    resolved
}

fn one<'a>(
    context: &Context<'_>,
    draft: &'a draft::Instance,
    family: Family,
    is_split: bool,
) -> Option<Resolved<'a>> {
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

/// Long enough that a peer has taken over before the addresses go, in the kernel's whole seconds.
fn lease(advert_interval: Duration, down_adverts: u32) -> Duration {
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
        Some(PerNode::Each(each)) => each.iter().find(|(name, _)| name.value == node.name.value).map(|(_, value)| value),
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
    let Some((value, span)) = priority_on(draft, node) else {
        let message = format!("virtual router `{}` has no priority on node `{}`", draft.name.value, node.name.value);
        let hint = format!("add `priority: 200` to node `{}`; the highest living node is Master", node.name.value);
        context.error("E-MISSING", draft.name.span, message, hint);
        return None;
    };
    if value == 255 {
        let message = "priority 255 says that this node owns the addresses: tracking weights have no effect on it";
        context.warning("W-OWNER", span, message, "use 1-254 unless the address is the node's own");
    }
    Priority::new(value)
}

/// Base priority of an entry on any node, and where it is written.
pub fn priority_on(draft: &draft::Instance, node: &draft::Node) -> Option<(u8, Span)> {
    let own = match &draft.priority {
        Some(PerNode::Same(priority)) => Some(priority),
        Some(PerNode::Each(each)) => {
            each.iter().find(|(name, _)| name.value == node.name.value).map(|(_, value)| value)
        }
        None => None,
    };
    let priority = own.or(node.priority.as_ref())?;
    Some((u8::try_from(priority.value).ok().filter(|priority| *priority > 0)?, priority.span))
}

fn address(context: &Context<'_>, address: &draft::VirtualAddress, interface: &str) -> VirtualAddress {
    let host = if address.network.address.is_ipv4() { 32 } else { 128 };
    let mut prefix = address.network.prefix.unwrap_or(host);
    if prefix < host && has_own_address(context, address.network.address, prefix) {
        let message = format!("{} is installed as /{host}: this node has an own address in that network", address.network.address);
        let hint = "remove the mask: with it the address could become the primary one and take the node's own down";
        context.warning("W-MASK", address.network.span, message, hint);
        prefix = host;
    }
    if let Some(interface) = &address.interface {
        nodes::interface(context, interface, interface.span);
    }
    VirtualAddress {
        name: address.name.as_ref().map(|name| name.value.clone()),
        address: address.network.address,
        prefix,
        interface: address.interface.as_ref().map_or(interface.to_owned(), |interface| interface.value.clone()),
    }
}

fn has_own_address(context: &Context<'_>, address: IpAddr, prefix: u8) -> bool {
    let is_virtual = |own: IpAddr| {
        context.draft.instances.iter().flat_map(|instance| &instance.addresses).any(|a| a.network.address == own)
    };
    let node = context.node.and_then(|node| node.address).map(|address| address.value);
    let interfaces = context.host.interfaces.iter().flatten();
    let own = interfaces.flat_map(|interface| interface.addresses.iter().map(|(own, _)| *own)).chain(node);
    own.filter(|own| !is_virtual(*own)).any(|own| in_network(own, address, prefix))
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

/// What one entry says by itself, once for both families.
fn limits(context: &Context<'_>, draft: &draft::Instance) {
    let version = or(&draft.version, Version::V3);
    let has_v4 = draft.addresses.iter().any(|address| address.network.address.is_ipv4());
    if let Some(written) = draft.version
        && written.value == Version::V2
        && !has_v4
        && !draft.addresses.is_empty()
    {
        context.error("E-VERSION", written.span, "version 2 carries no IPv6 addresses", "remove `version`");
    }
    if let Some(interval) = draft.advert_interval {
        self::interval(context, interval.value, interval.span, version, draft);
    }
    if let Some(pass) = &draft.pass {
        if version == Version::V3 {
            let hint = "remove `auth`, or add `version: 2` if the peers need it";
            context.error("E-AUTH", pass.span, "version 3 has no authentication (RFC 9568 §9)", hint);
        }
        if pass.is_empty() || pass.len() > 8 {
            let message = format!("a password has 1-8 bytes, this one has {}", pass.len());
            context.error("E-AUTH", pass.span, message, "keepalived cuts it after 8 bytes: write those");
        }
    }
    if let Some(lease) = draft.lease
        && lease.value.is_some_and(|lease| lease.subsec_nanos() > 0)
    {
        context.error("E-RANGE", lease.span, "the kernel counts a lease in whole seconds", "write whole seconds");
    }
    let shortest = lease(or(&draft.advert_interval, SECOND), count(&draft.down_adverts, 3));
    if let Some(lease) = draft.lease
        && lease.value.is_some_and(|lease| lease < shortest)
    {
        let message = "the addresses of a node that is only late may go before a peer takes over";
        let hint = format!("write at least `{}`", duration_text(shortest));
        context.warning("W-LEASE", lease.span, message, hint);
    }
    let names = || context.draft.nodes.iter().map(|node| node.name.value.as_str());
    if let Some(PerNode::Each(each)) = &draft.interface {
        for (name, _) in each {
            context.find("node", name, name.span, names());
        }
    }
    if let Some(PerNode::Each(each)) = &draft.priority {
        for (name, _) in each {
            context.find("node", name, name.span, names());
        }
    }
}

fn interval(context: &Context<'_>, interval: Duration, span: Span, version: Version, draft: &draft::Instance) {
    let nanos = interval.as_nanos();
    match version {
        Version::V2 if nanos % 1_000_000_000 != 0 => {
            let message = format!("version 2 counts in whole seconds, not {}", duration_text(interval));
            context.error("E-INTERVAL", span, message, "write `1s`, or use version 3");
        }
        Version::V3 if interval > INTERVAL_V3_MAX => {
            let message = format!("version 3 allows at most 40.95s, not {}", duration_text(interval));
            context.error("E-INTERVAL", span, message, "write `40s` or less");
        }
        Version::V3 if nanos % 10_000_000 != 0 => {
            let message = format!("version 3 counts in steps of 10ms, which {} is not", duration_text(interval));
            context.error("E-INTERVAL", span, message, "write a multiple of 10ms");
        }
        Version::V3 if interval < INTERVAL_CAREFUL => {
            let message = format!("at {} a busy machine may lose an election by being late", duration_text(interval));
            context.warning("W-INTERVAL", span, message, "100ms takes over within 0.4s and is safe");
        }
        _ => {}
    }
    let has = |is_v4: bool| draft.addresses.iter().any(|address| address.network.address.is_ipv4() == is_v4);
    if version == Version::V2 && has(true) && has(false) && interval > INTERVAL_V3_MAX {
        let message = "the IPv6 half of this router speaks version 3, which allows at most 40.95s";
        context.error("E-INTERVAL", span, message, "write `40s` or less");
    }
}

/// The same router identifier twice on a wire, the same address or name twice anywhere.
fn collisions(context: &Context<'_>, resolved: &[Resolved<'_>]) {
    let twice = |code, span, first, message: String, hint: &str| {
        context.problems.push(Diagnostic::error(code, span, message).label(first, "first given here").hint(hint));
    };
    for (number, instance) in resolved.iter().enumerate() {
        let (model, before) = (&instance.model, resolved.get(..number).unwrap_or_default());
        let key = |model: &Instance| (model.interface.clone(), model.family, model.vrid);
        if let Some(first) = before.iter().find(|other| key(&other.model) == key(model))
            && let (Some(span), Some(place)) = (instance.draft.vrid, first.draft.vrid)
        {
            let (one, two) = (&first.model.name, &model.name);
            let message = format!("`{one}` and `{two}` have virtual router id {} on {}", model.vrid, model.interface);
            twice("E-VRID", span.span, place.span, message, "an id is used once on an interface and address family");
        }
        for (index, (address, span)) in model.addresses.iter().zip(&instance.spans).enumerate() {
            let earlier = before.iter().flat_map(|other| other.model.addresses.iter().zip(&other.spans));
            let mut earlier = earlier.chain(model.addresses.iter().zip(&instance.spans).take(index));
            if let Some((_, first)) = earlier.find(|(other, _)| other.address == address.address) {
                let message = format!("virtual address {} is given twice", address.address);
                twice("E-ADDRESS", *span, *first, message, "remove one of them");
            }
            let node = context.draft.nodes.iter().find_map(|node| node.address.filter(|own| own.value == address.address));
            if let Some(node) = node {
                let message = format!("virtual address {} is a node's own address", address.address);
                twice("E-ADDRESS", *span, node.span, message, "a virtual address belongs to no node");
            }
        }
    }
    let mut names: Vec<(&str, Span, &str)> = Vec::new();
    for draft in &context.draft.instances {
        for name in draft.addresses.iter().filter_map(|address| address.name.as_ref()) {
            match names.iter().find(|(known, span, _)| *known == name.value && *span != name.span) {
                Some((_, first, other)) => {
                    let message = format!("`{}` names a virtual address of `{other}` already", name.value);
                    twice("E-DUPLICATE", name.span, *first, message, "names of virtual addresses differ, since binds use them");
                }
                None => names.push((&name.value, name.span, &draft.name.value)),
            }
        }
    }
}
