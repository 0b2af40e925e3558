//! Whether a tracked object can move the virtual IP at all: the election played through before anything runs.
//!
//! The commonest mistake with keepalived's weights is a penalty smaller than the gap between the two priorities: the
//! check fails, the priority drops, and nothing happens. `config` reports it as W-WEIGHT with the numbers found here.

use std::fmt;

use crate::model::Priority;
use crate::model::track::{Rule, Weight};
use crate::model::vrrp::Preempt;

use super::tracker::moved;

/// A node that competes for a virtual router. All of them track by the same rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contender {
    /// Name of the node.
    pub name: String,
    /// Priority before tracking.
    pub base: Priority,
}

/// What a rule can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// No other node competes.
    NoRival,
    /// Its failure alone moves the addresses.
    Decides,
    /// Its failure moves the addresses when others have failed too.
    DecidesWithOthers,
    /// Its failure changes nothing, whatever else fails on the same node.
    Never(Never),
}

/// The numbers behind [`Verdict::Never`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Never {
    /// Node that wins while everything is up.
    pub winner: String,
    /// Its priority while everything is up, 1-255.
    pub healthy: u8,
    /// Its priority after the failure, 1-255.
    pub failed: u8,
    /// Best other node.
    pub rival: String,
    /// Its priority while everything is up, 1-255.
    pub rival_priority: u8,
    /// Why it does not lose.
    pub cause: Cause,
}

/// Why a failure does not move the addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The weight is smaller than the gap; `needed` is the least that would do, if any does, 1-253.
    TooSmall {
        /// Least sufficient weight.
        needed: Option<u8>,
    },
    /// Weights do not move the address owner's 255.
    Owner,
    /// The rival never preempts a living Master, however low its priority.
    NoPreemption,
}

impl fmt::Display for Never {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Never { winner, healthy, failed, rival, rival_priority, cause } = self;
        match cause {
            Cause::Owner => {
                write!(f, "{winner} is the address owner: its priority stays 255, above {rival}'s {rival_priority}")
            }
            Cause::NoPreemption => write!(
                f,
                "{winner} would fall from {healthy} to {failed}, but {rival} ({rival_priority}) does not preempt a living Master"
            ),
            Cause::TooSmall { .. } => write!(
                f,
                "{winner} would fall from {healthy} to {failed}, which is not below {rival}'s {rival_priority}"
            ),
        }
    }
}

/// The verdict for each rule, in order.
pub fn simulate(contenders: &[Contender], rules: &[Rule], preempt: Preempt) -> Vec<Verdict> {
    (0..rules.len()).map(|rule| verdict(contenders, rules, rule, preempt)).collect()
}

fn verdict(contenders: &[Contender], rules: &[Rule], rule: usize, preempt: Preempt) -> Verdict {
    let Some((winner, rival)) = favourites(contenders) else { return Verdict::NoRival };
    let loss = match rules[rule].weight {
        Weight::Fault | Weight::Degrade => return Verdict::Decides,
        Weight::Bonus(number) | Weight::Penalty(number) => i32::from(number),
    };
    let bonus = bonuses(rules);
    let rival_priority = moved(rival.base, bonus);
    let after = |lost: i32| moved(winner.base, bonus - lost);
    let cause = if winner.base == Priority::OWNER {
        Cause::Owner
    } else if preempt == Preempt::Never {
        Cause::NoPreemption
    } else if after(loss) < rival_priority {
        return Verdict::Decides;
    } else if losses_of_others(rules, rule)
        .into_iter()
        .any(|others| after(others) >= rival_priority && after(others + loss) < rival_priority)
    {
        return Verdict::DecidesWithOthers;
    } else {
        Cause::TooSmall { needed: least_sufficient(winner, rival, rules, rule) }
    };
    Verdict::Never(Never {
        winner: winner.name.clone(),
        healthy: after(0).value(),
        failed: after(loss).value(),
        rival: rival.name.clone(),
        rival_priority: rival_priority.value(),
        cause,
    })
}

/// The node that wins while everything is up and the best of the others; the first in the file between equals.
fn favourites(contenders: &[Contender]) -> Option<(&Contender, &Contender)> {
    let best_of = |except: Option<usize>| {
        let others = contenders.iter().enumerate().filter(|(index, _)| Some(*index) != except);
        others.min_by_key(|(index, contender)| (std::cmp::Reverse(contender.base), *index))
    };
    let (winner, contender) = best_of(None)?;
    let (_, rival) = best_of(Some(winner))?;
    Some((contender, rival))
}

fn bonuses(rules: &[Rule]) -> i32 {
    let bonus = |rule: &Rule| if let Weight::Bonus(bonus) = rule.weight { i32::from(bonus) } else { 0 };
    rules.iter().map(bonus).sum()
}

/// Every sum that failures of the other rules can subtract, zero among them, ascending.
fn losses_of_others(rules: &[Rule], except: usize) -> Vec<i32> {
    let mut sums = vec![0];
    for (index, rule) in rules.iter().enumerate() {
        if let (true, Weight::Bonus(number) | Weight::Penalty(number)) = (index != except, rule.weight) {
            let more: Vec<i32> = sums.iter().map(|sum| sum + i32::from(number)).collect();
            sums.extend(more);
            sums.sort_unstable();
            sums.dedup();
        }
    }
    sums
}

fn least_sufficient(winner: &Contender, rival: &Contender, rules: &[Rule], rule: usize) -> Option<u8> {
    (1..=253_u8).find(|number| {
        let mut rules = rules.to_vec();
        rules[rule].weight = match rules[rule].weight {
            Weight::Bonus(_) => Weight::Bonus(*number),
            _ => Weight::Penalty(*number),
        };
        let bonus = bonuses(&rules);
        moved(winner.base, bonus - i32::from(*number)) < moved(rival.base, bonus)
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const PREEMPT: Preempt = Preempt::After(Duration::ZERO);

    fn contenders(priorities: &[u8]) -> Vec<Contender> {
        let contender = |(index, base): (usize, &u8)| Contender {
            name: format!("lb{}", index + 1),
            base: Priority::new(*base).expect("a test's priority is above zero"),
        };
        priorities.iter().enumerate().map(contender).collect()
    }

    fn simulated(priorities: &[u8], weights: &[Weight], preempt: Preempt) -> Vec<Verdict> {
        let rules: Vec<_> =
            weights.iter().enumerate().map(|(object, weight)| Rule { object, weight: *weight }).collect();
        simulate(&contenders(priorities), &rules, preempt)
    }

    fn never(verdict: &Verdict) -> &Never {
        match verdict {
            Verdict::Never(never) => never,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn penalty_smaller_than_the_gap_is_reported_with_its_numbers() {
        let verdicts = simulated(&[200, 100], &[Weight::Penalty(20)], PREEMPT);
        let never = never(&verdicts[0]);
        assert_eq!((never.healthy, never.failed, never.rival_priority), (200, 180, 100));
        assert_eq!(never.cause, Cause::TooSmall { needed: Some(101) });
        assert_eq!(never.to_string(), "lb1 would fall from 200 to 180, which is not below lb2's 100");
    }

    #[test]
    fn penalty_down_to_a_draw_does_not_move_a_living_master() {
        assert!(matches!(simulated(&[200, 100], &[Weight::Penalty(100)], PREEMPT)[0], Verdict::Never(_)));
        assert_eq!(simulated(&[200, 100], &[Weight::Penalty(101)], PREEMPT), [Verdict::Decides]);
    }

    #[test]
    fn bonus_counts_for_both_nodes_until_one_loses_it() {
        assert_eq!(simulated(&[110, 100], &[Weight::Bonus(20)], PREEMPT), [Verdict::Decides]);
        let verdicts = simulated(&[110, 100], &[Weight::Bonus(10)], PREEMPT);
        let never = never(&verdicts[0]);
        assert_eq!((never.healthy, never.failed, never.rival_priority), (120, 110, 110));
        assert_eq!(never.cause, Cause::TooSmall { needed: Some(11) });
    }

    #[test]
    fn weights_that_only_suffice_together_are_accepted() {
        let verdicts = simulated(&[200, 100], &[Weight::Penalty(60), Weight::Penalty(60)], PREEMPT);
        assert_eq!(verdicts, [Verdict::DecidesWithOthers, Verdict::DecidesWithOthers]);
    }

    #[test]
    fn weight_that_never_tips_the_balance_beside_a_large_one_is_reported() {
        let verdicts = simulated(&[200, 100], &[Weight::Penalty(150), Weight::Penalty(1)], PREEMPT);
        assert_eq!(verdicts[0], Verdict::Decides);
        assert!(matches!(verdicts[1], Verdict::Never(_)));
    }

    #[test]
    fn owner_and_nopreempt_make_weights_useless_but_not_faults() {
        let weights = [Weight::Penalty(253), Weight::Fault, Weight::Degrade];
        let verdicts = simulated(&[255, 100], &weights, PREEMPT);
        assert_eq!(never(&verdicts[0]).cause, Cause::Owner);
        assert_eq!(verdicts[1..], [Verdict::Decides, Verdict::Decides]);
        let verdicts = simulated(&[200, 100], &weights, Preempt::Never);
        assert_eq!(never(&verdicts[0]).cause, Cause::NoPreemption);
        assert_eq!(verdicts[1..], [Verdict::Decides, Verdict::Decides]);
    }

    #[test]
    fn no_weight_suffices_against_a_rival_at_the_bottom() {
        let verdicts = simulated(&[200, 1], &[Weight::Penalty(253)], PREEMPT);
        assert_eq!(never(&verdicts[0]).cause, Cause::TooSmall { needed: None });
    }

    #[test]
    fn equal_priorities_move_with_any_weight_and_a_lone_node_has_no_rival() {
        assert_eq!(simulated(&[100, 100], &[Weight::Penalty(1)], PREEMPT), [Verdict::Decides]);
        assert_eq!(simulated(&[100], &[Weight::Penalty(1)], PREEMPT), [Verdict::NoRival]);
    }
}
