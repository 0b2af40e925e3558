//! Variables of the process that the configuration sets, before anything runs.

use std::sync::Arc;

use crate::admin::runtime::Alone;
use crate::generation::Rules;
use crate::rule::{Captures, Data, Effects, Stage, Transaction, Variables};

/// Sets the variables of the process that the configuration sets, unless the rules are those that ran before.
pub(super) fn set_variables(rules: &Arc<Rules>, before: Option<&Arc<Rules>>) {
    if !rules.globals.sets_variables() || before.is_some_and(|before| Arc::ptr_eq(before, rules)) {
        return;
    }
    rules.globals.set_variables(&Transaction {
        stage: Stage::Load,
        facts: &Alone,
        request: None,
        response: None,
        request_data: Data::default(),
        response_data: Data::default(),
        variables: &Variables::new(Arc::clone(&rules.variables)),
        captures: &Captures::default(),
        patterns: &rules.registry,
        effects: &mut Effects::default(),
    });
}
