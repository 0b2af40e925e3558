//! Who becomes Master, worked out before it matters: a weight that can never change the answer is a trap.

use crate::config::draft;
use crate::diag::{Diagnostic, Span};
use crate::model::track::Weight;

use super::Context;
use super::instances::priority_on;

/// Something that the operator tracks.
pub struct Tracker {
    /// Name of the object.
    pub name: String,
    /// What it does.
    pub weight: Weight,
    /// Where that is written.
    pub span: Span,
}

/// Reports nodes that tie, and weights that cannot flip the election: with everything up, the node of the highest
/// priority is Master; when one weighted object fails there, another node must come out above it.
pub fn check(context: &Context<'_>, draft: &draft::Instance, trackers: &[Tracker]) {
    let nodes = &context.draft.nodes;
    let mut bases: Vec<(&str, u8, Span)> = nodes
        .iter()
        .filter_map(|node| priority_on(draft, node).map(|(base, span)| (node.name.value.as_str(), base, span)))
        .collect();
    bases.sort_by_key(|(_, base, _)| std::cmp::Reverse(*base));
    let [best, second, ..] = bases.as_slice() else { return };
    if best.1 == second.1 {
        let message = format!("`{}` and `{}` both have priority {}", best.0, second.0, best.1);
        let problem = Diagnostic::warning("W-PRIORITY", second.2, message);
        let problem = if best.2 == second.2 { problem } else { problem.label(best.2, "the same here") };
        context.problems.push(problem.hint("the higher address wins then; give one node a higher priority"));
    }
    let weights = || trackers.iter().map(|tracker| tracker.weight);
    for (number, tracker) in trackers.iter().enumerate() {
        let amount = match tracker.weight {
            Weight::Fault | Weight::Degrade => continue,
            Weight::Bonus(amount) | Weight::Penalty(amount) => amount,
        };
        let never = draft.preempt.as_ref().filter(|preempt| preempt.value == draft::Preempt::Never);
        if let Some(never) = never {
            let message = format!("with `preempt: false` no node takes over from a living Master, so `{}` never moves the addresses", tracker.name);
            let problem = Diagnostic::warning("W-WEIGHT", tracker.span, message).label(never.span, "preempt is off here");
            context.problems.push(problem.hint("write `weight: fault` or `degrade`, or allow `preempt`"));
            continue;
        }
        let healthy = effective(best.1, weights(), None);
        let ailing = effective(best.1, weights(), Some(number));
        let other = effective(second.1, weights(), None);
        if ailing >= other {
            let sign = if matches!(tracker.weight, Weight::Bonus(_)) { '+' } else { '-' };
            let needed = u32::from(amount) + u32::from(ailing - other) + 1;
            let message = format!(
                "`{}` cannot flip the election: without it `{}` falls from {healthy} to {ailing}, and `{}` has {other}",
                tracker.name, best.0, second.0
            );
            let hint = match needed {
                1..=253 if best.1 < 255 => format!("write `{sign}{needed}` or more, or `fault`"),
                _ => "write `fault`, or bring the priorities closer together".to_owned(),
            };
            context.problems.push(Diagnostic::warning("W-WEIGHT", tracker.span, message).hint(hint));
        }
    }
}

/// keepalived's sum: bonuses of what is up, penalties of what is down, held within 1-254; the owner stays the owner.
fn effective(base: u8, weights: impl Iterator<Item = Weight>, down: Option<usize>) -> u8 {
    if base == 255 {
        return base;
    }
    let sum = weights.enumerate().fold(i32::from(base), |sum, (number, weight)| match weight {
        Weight::Bonus(amount) if down != Some(number) => sum + i32::from(amount),
        Weight::Penalty(amount) if down == Some(number) => sum - i32::from(amount),
        _ => sum,
    });
    u8::try_from(sum.clamp(1, 254)).unwrap_or(254)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bonus_counts_while_up_and_penalty_while_down() {
        let weights = || [Weight::Bonus(20), Weight::Penalty(30)].into_iter();
        assert_eq!(effective(100, weights(), None), 120);
        assert_eq!(effective(100, weights(), Some(0)), 100);
        assert_eq!(effective(100, weights(), Some(1)), 90);
    }

    #[test]
    fn effective_priority_stays_within_its_range() {
        assert_eq!(effective(10, [Weight::Penalty(253)].into_iter(), Some(0)), 1);
        assert_eq!(effective(250, [Weight::Bonus(253)].into_iter(), None), 254);
        assert_eq!(effective(255, [Weight::Penalty(253)].into_iter(), Some(0)), 255);
    }
}
