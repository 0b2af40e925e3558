//! Which node this is, and the others.

use crate::config::HostFacts;
use crate::config::draft::{self, Draft};
use crate::diag::{Diagnostic, Problems, Severity, Span, nearest};
use crate::model::{Node, Priority};

use super::Context;

/// This node's entry. If it is not among the nodes, that is reported and the first one stands in for it. A file without
/// virtual routers needs no nodes.
pub fn this<'a>(draft: &'a Draft, host: &HostFacts, problems: &Problems) -> Option<&'a draft::Node> {
    let found = draft.nodes.iter().find(|node| node.name.value == host.node);
    let Some(first) = draft.nodes.first() else {
        // Where `nodes` is written, but not as a map, that was said already.
        if let Some(instance) = draft.instances.first().filter(|_| !problems.has_errors()) {
            let message = format!("virtual router `{}` needs `nodes`", instance.name.value);
            problems.push(
                Diagnostic::error("E-NODE", instance.name.span, message)
                    .hint("nodes: {lb1: {address: 192.0.2.11, priority: 200}}"),
            );
        }
        return None;
    };
    if found.is_none() {
        let names: Vec<_> = draft.nodes.iter().map(|node| node.name.value.as_str()).collect();
        let message = format!("this node is called `{}`; `nodes` has {}", host.node, names.join(", "));
        let likely = nearest(&host.node, names.iter().copied()).unwrap_or(first.name.as_str());
        problems.push(Diagnostic::new(Severity::Error, "E-NODE", message).label(first.name.span, "").hint(format!(
            "add it under `nodes`, name the machine so (`hostnamectl set-hostname {likely}`, then restart \
                     vipgate), or say which one this is: --node {likely}"
        )));
    }
    found.or(Some(first))
}

/// All nodes, in the order of the file.
pub fn resolve(context: &Context<'_>) -> Vec<Node> {
    let nodes = &context.draft.nodes;
    for (number, node) in nodes.iter().enumerate() {
        let Some(address) = node.address else { continue };
        let same = |other: &&draft::Node| other.address.is_some_and(|other| other.value == address.value);
        if let Some(first) = nodes.iter().take(number).find(same) {
            let message = format!("`{}` and `{}` have the same address", first.name.value, node.name.value);
            let place = first.address.map_or(first.name.span, |address| address.span);
            context
                .problems
                .push(Diagnostic::error("E-ADDRESS", address.span, message).label(place, "first given here"));
        }
    }
    if let Some(node) = context.node
        && node.name.value == context.host.node
    {
        own_address(context, node);
    }
    let priority = |node: &draft::Node| node.priority.and_then(|p| Priority::new(u8::try_from(p.value).ok()?));
    nodes
        .iter()
        .map(|node| Node {
            name: node.name.value.clone(),
            address: node.address.map(|address| address.value),
            priority: priority(node),
        })
        .collect()
}

/// The node's address is on one of its interfaces, and its interface exists.
fn own_address(context: &Context<'_>, node: &draft::Node) {
    let Some(interfaces) = &context.host.interfaces else { return };
    if let Some(address) = node.address
        && !interfaces.iter().any(|interface| interface.addresses.iter().any(|(own, _)| *own == address.value))
    {
        let message = format!("no interface of this node has {}", address.value);
        context.warning("W-NODE-ADDRESS", address.span, message, "see `ip -br address`");
    }
    if let Some(interface) = &node.interface {
        self::interface(context, interface, interface.span);
    }
}

/// Reports an interface that this machine does not have (it may come later, so it is a warning).
pub fn interface(context: &Context<'_>, name: &str, span: Span) {
    let Some(interfaces) = &context.host.interfaces else { return };
    let names = || interfaces.iter().map(|interface| interface.name.as_str());
    if names().any(|known| known == name) {
        return;
    }
    let hint = match nearest(name, names()) {
        Some(word) => format!("did you mean `{word}`?"),
        None => format!("this node has: {}", names().collect::<Vec<_>>().join(", ")),
    };
    context.warning("W-INTERFACE", span, format!("this node has no interface `{name}`"), hint);
}
