//! Listening addresses: which virtual address they belong to, and where two of them collide.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};

use crate::config::{Syntax, draft};
use crate::diag::{Diagnostic, Severity, Span, Spanned};
use crate::model::Endpoint;
use crate::model::proxy::Bind;
use crate::model::vrrp::VirtualAddress;

use super::Context;
use super::frontends::Resolved;
use super::instances::Resolved as Instance;

/// The binds of a frontend. A name that stands for an IPv4 and an IPv6 address makes two.
pub fn resolve(context: &Context<'_>, frontend: &draft::Frontend, instances: &[Instance<'_>]) -> Vec<(Bind, Span)> {
    let all: Vec<(Bind, Span)> = frontend.binds.iter().flat_map(|bind| one(context, bind, instances)).collect();
    let mut kept: Vec<(Bind, Span)> = Vec::with_capacity(all.len());
    for (bind, span) in all {
        let is_again = |(first, _): &&(Bind, Span)| first.place() == bind.place();
        match kept.iter().find(is_again).filter(|_| bind.endpoint.tcp().is_some() && is_haproxy(context, span)) {
            // HAProxy opens a socket for each line; here every worker has its own anyhow.
            Some((_, first)) => {
                let message = format!("{} again: the first line says how its sockets are", bind.endpoint);
                let problem = Diagnostic::new(Severity::Notice, "N-BIND-AGAIN", message);
                context.problems.push(problem.label(span, "").label(*first, "first given here"));
            }
            None => kept.push((bind, span)),
        }
    }
    kept
}

/// Whether something stands in a file of HAProxy's, which lets several lines have one address.
fn is_haproxy(context: &Context<'_>, span: Span) -> bool {
    context.sources.get(span.source).is_some_and(|source| Syntax::of(source) == Syntax::Haproxy)
}

fn vips<'a>(instances: &'a [Instance<'_>]) -> impl Iterator<Item = (usize, &'a VirtualAddress)> + Clone {
    let of = |(number, instance): (usize, &'a Instance<'_>)| {
        instance.model.addresses.iter().map(move |address| (number, address))
    };
    instances.iter().enumerate().flat_map(of)
}

/// One of them.
pub fn one(context: &Context<'_>, bind: &Spanned<draft::Listener>, instances: &[Instance<'_>]) -> Vec<(Bind, Span)> {
    let options = &bind.value.options;
    match &bind.value.bind {
        draft::Bind::Virtual { name, port } => {
            // By the draft, so that an entry that is wrong elsewhere does not make its names unknown.
            let written = context.draft.instances.iter().flat_map(|instance| &instance.addresses);
            let names: Vec<&str> = written.filter_map(|a| a.name.as_ref()).map(|name| name.value.as_str()).collect();
            if context.find("virtual address", name, bind.span, names.iter().copied()).is_none() {
                return Vec::new();
            }
            let named = vips(instances).filter(|(_, vip)| vip.name.as_deref() == Some(name));
            let bind_to = |(number, vip): (usize, &VirtualAddress)| {
                let endpoint = Endpoint::Tcp(SocketAddr::new(vip.address, *port));
                (Bind { endpoint, instance: Some(number), options: options.clone() }, bind.span)
            };
            named.map(bind_to).collect()
        }
        draft::Bind::Other(endpoint) => {
            let bind_to = Bind { endpoint: endpoint.clone(), instance: None, options: options.clone() };
            vec![(bind_to, bind.span)]
        }
        draft::Bind::Address(address) => {
            let vip = vips(instances).find(|(_, vip)| vip.address == address.ip());
            if vip.is_none() {
                is_here(context, *address, bind.span);
            }
            let endpoint = Endpoint::Tcp(*address);
            let instance = vip.map(|(number, _)| number);
            vec![(Bind { endpoint, instance, options: options.clone() }, bind.span)]
        }
    }
}

/// An address that is neither virtual nor the machine's own receives nothing. It may come later (DHCP), and `IP_FREEBIND`
/// listens on it meanwhile, so it is a warning.
fn is_here(context: &Context<'_>, address: SocketAddr, span: Span) {
    let ip = address.ip();
    let Some(interfaces) = &context.host.interfaces else { return };
    let written = context.draft.instances.iter().flat_map(|instance| &instance.addresses);
    let is_virtual = written.clone().any(|vip| vip.network.address == ip);
    let is_node = context.draft.nodes.iter().any(|node| node.address.is_some_and(|own| own.value == ip));
    let is_own = interfaces.iter().any(|interface| interface.addresses.iter().any(|(own, _)| *own == ip));
    if ip.is_unspecified() || ip.is_loopback() || is_virtual || is_node || is_own {
        return;
    }
    let message = format!("neither a virtual address nor an interface of this node is {ip}");
    let vips: Vec<String> = written.map(|vip| vip.network.address.to_string()).collect();
    let hint = match vips.is_empty() {
        true => "see `ip -br address`".to_owned(),
        false => format!("the virtual addresses are {}", vips.join(", ")),
    };
    context.warning("W-BIND-ADDRESS", span, message, hint);
}

/// Whether a listener on `wide` would also take connections to `address`.
pub fn covers(wide: IpAddr, address: IpAddr) -> bool {
    match wide {
        IpAddr::V6(wide) if wide.is_unspecified() => true,
        IpAddr::V4(wide) if wide.is_unspecified() => address.is_ipv4(),
        _ => wide == address,
    }
}

/// Two binds that would take the same connections.
pub fn conflicts(context: &Context<'_>, frontends: &[Resolved]) {
    other_conflicts(context, frontends);
    let mut seen: Vec<(&str, &Bind, SocketAddr, Span)> = Vec::new();
    let mut lacks_ipv4: HashSet<SocketAddr> = HashSet::new();
    for frontend in frontends {
        for (bind, span) in frontend.model.binds.iter().zip(&frontend.spans) {
            let Some(address) = bind.endpoint.tcp() else { continue };
            let (ip, port) = (address.ip(), address.port());
            if bind.options.takes_ipv4 == Some(false) {
                lacks_ipv4.insert(address);
            }
            let is_apart = |one: &SocketAddr, other: &SocketAddr| lacks_ipv4.contains(one) && other.is_ipv4();
            let is_elsewhere = |known: &Bind| {
                let (one, other) = (&known.options, &bind.options);
                let is_behind_another = one.interface.is_some() && other.interface.is_some();
                one.namespace != other.namespace || (is_behind_another && one.interface != other.interface)
            };
            let collides = |(_, known, other, _): &&(&str, &Bind, SocketAddr, Span)| {
                let is_met = (covers(other.ip(), ip) || covers(ip, other.ip())) && !is_elsewhere(known);
                other.port() == port && is_met && !is_apart(&address, other) && !is_apart(other, &address)
            };
            // The very same address weighs more than one that only covers it.
            let same = seen.iter().find(|(_, known, other, _)| *other == address && !is_elsewhere(known));
            if let Some((name, known, other, first)) = same.or_else(|| seen.iter().find(collides)) {
                let is_same = *other == address && known.options.interface == bind.options.interface;
                let is_shared = is_haproxy(context, *span);
                let problem = match is_same {
                    true if is_shared => {
                        let message = format!("{other} is that of frontend `{name}`, too");
                        Diagnostic::warning("W-BIND-SHARED", *span, message)
                            .hint("a connection belongs to either of them, as it comes")
                    }
                    true => {
                        let message = format!("{other} is taken by frontend `{name}`");
                        Diagnostic::error("E-BIND-CONFLICT", *span, message)
                            .hint("a connection must belong to one frontend: change a port, or name the addresses")
                    }
                    false => {
                        let message = format!("{address} and {other} of frontend `{name}` overlap");
                        Diagnostic::warning("W-BIND-OVERLAP", *span, message)
                            .hint("a connection belongs to the one that names its address")
                    }
                };
                context.problems.push(problem.label(*first, "first given here"));
            }
            seen.push((&frontend.model.name, bind, address, *span));
        }
    }
}

/// Two binds of one Unix socket.
fn other_conflicts(context: &Context<'_>, frontends: &[Resolved]) {
    let mut seen: Vec<(&str, &Endpoint, Span)> = Vec::new();
    for frontend in frontends {
        for (bind, span) in frontend.model.binds.iter().zip(&frontend.spans) {
            // Frontends may share a socket that was inherited: each connection is that of one of them, as in HAProxy.
            if bind.endpoint.tcp().is_some() || matches!(bind.endpoint, Endpoint::Inherited(_)) {
                continue;
            }
            if let Some((name, endpoint, first)) = seen.iter().find(|(_, other, _)| **other == bind.endpoint) {
                let message = format!("{endpoint} is taken by frontend `{name}`");
                let problem = Diagnostic::error("E-BIND-CONFLICT", *span, message).label(*first, "first given here");
                context.problems.push(problem.hint("a connection must belong to one frontend"));
            }
            seen.push((&frontend.model.name, &bind.endpoint, *span));
        }
    }
}

/// Virtual addresses on which nothing listens.
pub fn unused(context: &Context<'_>, frontends: &[Resolved], instances: &[Instance<'_>]) {
    // A bind that does not parse may have meant any of them.
    if frontends.iter().any(|frontend| frontend.model.binds.is_empty()) {
        return;
    }
    let binds = || frontends.iter().flat_map(|frontend| &frontend.model.binds);
    for instance in instances {
        for (vip, span) in instance.model.addresses.iter().zip(&instance.spans) {
            let is_for = |bind: &Bind| bind.endpoint.tcp().is_some_and(|address| covers(address.ip(), vip.address));
            if !binds().any(is_for) {
                let message = format!("no frontend listens on virtual address {}", vip.address);
                let hint = match &vip.name {
                    Some(name) => format!("add `bind: [\"vip@{name}:80\"]` to a frontend"),
                    None => format!("add a bind such as `{}` to a frontend", SocketAddr::new(vip.address, 80)),
                };
                context.warning("W-VIP-UNUSED", *span, message, hint);
            }
        }
    }
}
