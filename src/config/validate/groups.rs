//! Sync groups.

use crate::diag::{Diagnostic, Spanned};
use crate::model::vrrp::SyncGroup;

use super::Context;
use super::instances::Resolved;

/// The groups of the file, and one for each entry that was split by address family and is in none of them.
pub fn resolve(context: &Context<'_>, instances: &[Resolved<'_>]) -> Vec<SyncGroup> {
    let mut groups = Vec::new();
    let mut grouped: Vec<&Spanned<String>> = Vec::new();
    let names = || context.draft.instances.iter().map(|instance| instance.name.value.as_str());
    let numbers = |name: &str| {
        let mine = move |(number, instance): (usize, &Resolved<'_>)| (instance.draft.name.value == name).then_some(number);
        instances.iter().enumerate().filter_map(mine).collect::<Vec<_>>()
    };
    for group in &context.draft.sync_groups {
        let mut members = Vec::new();
        for member in &group.members {
            if context.find("virtual router", member, member.span, names()).is_none() {
                continue;
            }
            if let Some(first) = grouped.iter().find(|first| first.value == member.value) {
                let message = format!("`{}` is in a sync group already", member.value);
                let problem = Diagnostic::error("E-DUPLICATE", member.span, message);
                context.problems.push(problem.label(first.span, "here").hint("a virtual router is in one group"));
                continue;
            }
            grouped.push(member);
            members.extend(numbers(member));
        }
        if group.members.len() < 2 {
            let message = format!("sync group `{}` has fewer than two members", group.name.value);
            context.error("E-EMPTY", group.name.span, message, "name two or more virtual routers");
        } else if members.len() > 1 {
            groups.push(SyncGroup { name: group.name.value.clone(), members });
        }
    }
    for instance in &context.draft.instances {
        let members = numbers(&instance.name);
        if members.len() > 1 && !grouped.iter().any(|name| name.value == instance.name.value) {
            groups.push(SyncGroup { name: instance.name.value.clone(), members });
        }
    }
    groups
}
