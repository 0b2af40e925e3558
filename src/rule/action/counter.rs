//! Actions on stick tables: what is tracked, and what a rule counts there.

use super::super::argument::Raw;
use super::super::error::RuleError;
use super::super::expression::Expression;
use super::super::fetch::Cursor;
use super::super::key;
use super::super::scope::Scope;
use super::super::stage::Stage;
use super::super::transaction::Transaction;
use super::apply::number_of;
use super::{Action, Value};
use crate::http::Message;
use crate::model::stick::{DataType, MAX_ARRAY};
use crate::stick::Table;
use crate::stick::tracked::Owner;

use std::sync::Arc;

/// What a rule counts or sets in the entry of a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Number of the counter.
    pub counter: usize,
    /// What.
    pub what: DataType,
    /// Element of an array.
    pub element: usize,
}

impl Place {
    /// The place that the arguments of an action of that name mean.
    pub(super) fn compile(name: &str, arguments: &[Raw], scope: &Scope<'_>) -> Result<Place, RuleError> {
        let (what, is_array) = match name {
            "sc-inc-gpc0" => (DataType::Gpc0, false),
            "sc-inc-gpc1" => (DataType::Gpc1, false),
            "sc-set-gpt0" => (DataType::Gpt0, false),
            "sc-set-gpt" => (DataType::Gpt, true),
            _ => (DataType::Gpc, true),
        };
        if arguments.is_empty() && !is_array {
            // HAProxy takes the first counter.
            return Ok(Place { counter: 0, what, element: 0 });
        }
        let expected = if is_array { 2 } else { 1 };
        let missing = || {
            let what = if is_array { "an element and the number of a counter" } else { "the number of a counter" };
            RuleError::new(0, format!("'{name}' needs {what} in parentheses"))
        };
        let counter = arguments.get(expected - 1).filter(|_| arguments.len() == expected).ok_or_else(missing)?;
        let element = match is_array {
            false => 0,
            true => {
                let wrong = || {
                    let what = format!("'{}' is no element: 0 to {}", arguments[0].text, MAX_ARRAY - 1);
                    RuleError::new(0, what).further(arguments[0].offset)
                };
                arguments[0].text.parse().ok().filter(|element| *element < MAX_ARRAY).ok_or_else(wrong)?
            }
        };
        let counter = scope.counter(&counter.text).map_err(|error| error.further(counter.offset))?;
        Ok(Place { counter, what, element })
    }

    fn rate(self) -> DataType {
        match self.what {
            DataType::Gpc0 => DataType::Gpc0Rate,
            DataType::Gpc1 => DataType::Gpc1Rate,
            _ => DataType::GpcRate,
        }
    }
}

/// Checks that an expression can be a key of a table.
pub(in crate::rule) fn check_key(key: &Expression, table: &Table) -> Result<(), RuleError> {
    let wanted = key::kind_of(table.key);
    if key.output().casts_to(wanted) {
        return Ok(());
    }
    let (name, kind, output) = (&table.name, table.key.name(), key.output().name());
    Err(RuleError::new(
        0,
        format!("a value of type {output} is no key of the stick table '{name}', which has type {kind}"),
    ))
}

/// Puts a counter on the entry of a key. `false` if the key may still come.
pub(super) fn track(
    counter: usize,
    expression: &Expression,
    table: &Arc<Table>,
    transaction: &mut Transaction<'_>,
) -> bool {
    let owner = match transaction.stage {
        Stage::TcpConnection | Stage::TcpSession => Owner::Session,
        _ => Owner::Stream { is_backend: transaction.effects.is_in_backend },
    };
    if transaction.effects.tracking.is_taken(counter, owner) {
        return true;
    }
    let now = transaction.facts.now();
    let mut cursor = Cursor::default();
    let sample = expression.next(transaction, &mut cursor);
    if cursor.may_change && transaction.may_wait() && !transaction.request_data.is_final {
        return false;
    }
    let entry = sample.and_then(|sample| key::with_key(sample, table.key, |key| table.hold(key, now))).flatten();
    let Some(entry) = entry else { return true };
    if transaction.stage.is_http() {
        // The request was counted before anything tracked it.
        entry.change(now, |view| {
            view.add(DataType::HttpReqCnt, 0, 1);
            view.add(DataType::HttpReqRate, 0, 1);
        });
    }
    if transaction.stage.is_response() && transaction.stage.is_http() {
        let status = transaction.response.as_ref().map_or(0, Message::status);
        let (is_error, is_failure) = transaction.facts.blame(status);
        entry.change(now, |view| {
            if is_error {
                view.add(DataType::HttpErrCnt, 0, 1);
                view.add(DataType::HttpErrRate, 0, 1);
            }
            if is_failure {
                view.add(DataType::HttpFailCnt, 0, 1);
                view.add(DataType::HttpFailRate, 0, 1);
            }
        });
    }
    transaction.effects.tracking.track(counter, owner, entry, now);
    true
}

/// Counts or sets a tag, if the counter is on something.
pub(super) fn change(action: &Action, transaction: &mut Transaction<'_>) {
    let (place, value) = match action {
        Action::CountUp { place, by } => (place, by),
        Action::SetTag { place, to } => (place, to),
        _ => return,
    };
    let Some(number) = number_of(value, transaction).and_then(|number| u64::try_from(number).ok()) else { return };
    let now = transaction.facts.now();
    let Some(tracked) = transaction.effects.tracking.at(place.counter) else { return };
    tracked.entry.change(now, |view| match action {
        Action::SetTag { .. } => drop(view.set(place.what, place.element, number)),
        _ => {
            view.add(place.rate(), place.element, number);
            view.add(place.what, place.element, number);
        }
    });
}

/// The number that a step of a counter is.
pub(super) const ONE: Value = Value::Fixed(1);
