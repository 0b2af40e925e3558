//! Who becomes Master, worked out before it matters: a weight that can never change the answer is a trap.

use crate::diag::{Diagnostic, Span};
use crate::model::Priority;
use crate::model::track::Rule;
use crate::track::election::{Cause, Contender, Verdict, simulate};

use super::Context;
use super::instances::{Resolved, priority_on};

/// Something that the operator tracks.
pub struct Tracker {
    /// Name of the object.
    pub name: String,
    /// What it does.
    pub rule: Rule,
    /// Where the weight is written.
    pub span: Span,
}

/// Reports nodes that tie, and weights that cannot flip the election.
pub fn check(context: &Context<'_>, instance: &Resolved<'_>, trackers: &[Tracker]) {
    let mut bases: Vec<(&str, u8, Span)> = context
        .draft
        .nodes
        .iter()
        .filter_map(|node| priority_on(instance.draft, node).map(|(base, span)| (node.name.value.as_str(), base, span)))
        .collect();
    let contender = |(name, base, _): &(&str, u8, Span)| {
        Priority::new(*base).map(|base| Contender { name: (*name).to_owned(), base })
    };
    let contenders: Vec<Contender> = bases.iter().filter_map(contender).collect();
    bases.sort_by_key(|(_, base, _)| std::cmp::Reverse(*base));
    if let [best, second, ..] = bases.as_slice()
        && best.1 == second.1
    {
        let message = format!("`{}` and `{}` both have priority {}", best.0, second.0, best.1);
        let problem = Diagnostic::warning("W-PRIORITY", second.2, message);
        let problem = if best.2 == second.2 { problem } else { problem.label(best.2, "the same here") };
        context.problems.push(problem.hint("the higher address wins then; give one node a higher priority"));
    }
    let rules: Vec<Rule> = trackers.iter().map(|tracker| tracker.rule).collect();
    for (tracker, verdict) in trackers.iter().zip(simulate(&contenders, &rules, instance.model.preempt)) {
        let Verdict::Never(never) = verdict else { continue };
        let message = format!("`{}` cannot flip the election: {never}", tracker.name);
        let problem = Diagnostic::warning("W-WEIGHT", tracker.span, message);
        let (problem, hint) = match never.cause {
            Cause::TooSmall { needed: Some(needed) } => {
                let sign = if matches!(tracker.rule.weight, crate::model::track::Weight::Bonus(_)) { '+' } else { '-' };
                (problem, format!("write `{sign}{needed}` or more, or `fault`"))
            }
            Cause::TooSmall { needed: None } => {
                (problem, "write `fault`, or bring the priorities closer together".to_owned())
            }
            Cause::Owner => (problem, "write `fault`, or give the node a priority below 255".to_owned()),
            Cause::NoPreemption => {
                let hint = "write `fault` or `degrade`, or allow `preempt`".to_owned();
                match &instance.draft.preempt {
                    Some(preempt) => (problem.label(preempt.span, "preempt is off here"), hint),
                    None => (problem, hint),
                }
            }
        };
        context.problems.push(problem.hint(hint));
    }
}
