//! Sync groups: all members hold their addresses, or none does.
//!
//! Three rules, applied after everything that happened: one member in fault puts all in fault; one member that gave way
//! takes the others with it; nobody claims before every member wants to.

use super::instance::{Context, Instance};
use super::io::Effective;
use crate::model::vrrp::SyncGroup;
use crate::state::vrrp::State;

/// Brings every group in line.
pub fn settle(groups: &[SyncGroup], instances: &mut [Instance], context: &mut Context<'_>) {
    for group in groups {
        let members: Vec<usize> = group.members.iter().copied().filter(|number| *number < instances.len()).collect();
        share_faults(&members, instances, context);
        leave_together(&members, instances, context);
        claim_together(&members, instances, context);
    }
}

fn share_faults(members: &[usize], instances: &mut [Instance], context: &mut Context<'_>) {
    let faulty = members.iter().copied().find(|number| instances[*number].obstacle(context.now).is_some());
    let name = faulty.map(|number| instances[number].config().name.clone());
    for number in members {
        let others = name.clone().filter(|_| faulty != Some(*number));
        instances[*number].follow_group(context, others);
    }
}

fn leave_together(members: &[usize], instances: &mut [Instance], context: &mut Context<'_>) {
    let gave_way = |instance: &Instance| {
        instance.is_giving_way() || instance.state() == State::Backup && !instance.wants_to_claim()
    };
    let Some(first) = members.iter().copied().find(|number| gave_way(&instances[*number])) else { return };
    let reason = format!("{} of its sync group gave way", instances[first].config().name);
    for number in members {
        if instances[*number].state().may_hold() && !instances[*number].is_giving_way() {
            let priority = instances[*number].priority();
            instances[*number].give_way(context, None, Some(priority), reason.clone());
        }
    }
}

fn claim_together(members: &[usize], instances: &mut [Instance], context: &mut Context<'_>) {
    let agrees = |instance: &Instance| instance.wants_to_claim() || instance.state() == State::Master;
    if !members.iter().all(|number| agrees(&instances[*number])) {
        return;
    }
    for number in members {
        if instances[*number].wants_to_claim() {
            instances[*number].claim(context, "master down timer expired in the whole sync group".to_owned());
        }
    }
}

/// The results of a group's members as each of them has to see them: the worst condition of any, but its own priority.
pub fn share(results: &[(Effective, Vec<String>)], own: usize) -> (Effective, Vec<String>) {
    let worst = |wanted: Effective| results.iter().find(|(effective, _)| *effective == wanted).cloned();
    worst(Effective::Fault).or_else(|| worst(Effective::Degraded)).unwrap_or_else(|| results[own].clone())
}
