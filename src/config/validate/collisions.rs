//! Where virtual routers collide.

use crate::diag::{Diagnostic, Span};
use crate::model::vrrp::Instance;

use super::Context;
use super::instances::Resolved;

/// The same router identifier twice on a wire, the same address or name twice anywhere.
pub fn check(context: &Context<'_>, resolved: &[Resolved<'_>]) {
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
            let node =
                context.draft.nodes.iter().find_map(|node| node.address.filter(|own| own.value == address.address));
            if let Some(node) = node {
                let message = format!("virtual address {} is a node's own address", address.address);
                let problem = Diagnostic::error("E-ADDRESS", *span, message).label(node.span, "the node's address");
                context.problems.push(problem.hint("a virtual address belongs to no node"));
            }
        }
    }
    let mut names: Vec<(&str, Span, &str)> = Vec::new();
    for draft in &context.draft.instances {
        for name in draft.addresses.iter().filter_map(|address| address.name.as_ref()) {
            match names.iter().find(|(known, span, _)| *known == name.value && *span != name.span) {
                Some((_, first, other)) => {
                    let message = format!("`{}` names a virtual address of `{other}` already", name.value);
                    twice(
                        "E-DUPLICATE",
                        name.span,
                        *first,
                        message,
                        "names of virtual addresses differ, since binds use them",
                    );
                }
                None => names.push((&name.value, name.span, &draft.name.value)),
            }
        }
    }
}
