//! What stick tables know about a value (HAProxy manual §7.3.1, `table_`).

use super::super::argument::Argument;
use super::super::fetch::read_counter;
use super::super::key;
use super::super::sample::Sample;
use super::super::transaction::Transaction;
use crate::model::stick::DataType;
use crate::stick::Table;
use crate::stick::table::View;

fn table(arguments: &[Argument]) -> Option<&Table> {
    arguments.iter().find_map(Argument::table).map(|table| &**table)
}

/// The element of an array that the first argument names; 0 of what is none.
fn element(what: DataType, arguments: &[Argument]) -> Option<usize> {
    if what.is_array() { usize::try_from(arguments.first()?.int_or(0)).ok() } else { Some(0) }
}

/// Looks at the entry of the value; `Some(None)` if there is none, `None` if the value is no key of the table.
fn look<R>(
    transaction: &Transaction<'_>,
    arguments: &[Argument],
    input: Sample<'_>,
    look: impl FnOnce(&View<'_>) -> R,
) -> Option<Option<R>> {
    let table = table(arguments)?;
    key::with_key(input, table.key, |key| table.look(key, transaction.facts.now(), look))
}

pub(super) fn is_in<'t>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    input: Sample<'t>,
) -> Option<Sample<'t>> {
    Some(Sample::Bool(look(transaction, arguments, input, |_| ())?.is_some()))
}

/// The number of the type in the table of types; 0 where there is no entry.
pub(super) fn number<'t, const TYPE: usize>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    input: Sample<'t>,
) -> Option<Sample<'t>> {
    let what = DataType::ALL[TYPE].0;
    let element = element(what, arguments)?;
    let found = look(transaction, arguments, input, |view| read_counter(view, what, element))?;
    found.unwrap_or(Some(0)).map(Sample::Int)
}

/// The same of bytes, in KiB.
pub(super) fn kibibytes<'t, const TYPE: usize>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    input: Sample<'t>,
) -> Option<Sample<'t>> {
    let what = DataType::ALL[TYPE].0;
    let found = look(transaction, arguments, input, |view| read_counter(view, what, 0))?;
    found.unwrap_or(Some(0)).map(|bytes| Sample::Int(bytes >> 10))
}

pub(super) fn trackers<'t>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    input: Sample<'t>,
) -> Option<Sample<'t>> {
    let found = look(transaction, arguments, input, |view| i64::from(view.users()))?;
    Some(Sample::Int(found.unwrap_or(0)))
}

/// Milliseconds since the entry was last used, or that it has left; the second argument where there is none.
pub(super) fn time<'t, const IS_LEFT: bool>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    input: Sample<'t>,
) -> Option<Sample<'t>> {
    let found = look(transaction, arguments, input, |view| if IS_LEFT { view.remaining() } else { view.idle() })?;
    match (found, arguments.get(1)) {
        (Some(time), _) => i64::try_from(time).ok().map(Sample::Int),
        (None, Some(Argument::Int(default))) => Some(Sample::Int(*default)),
        (None, _) => None,
    }
}

/// One more of a general counter and of its rate; an entry that is not there is made.
pub(super) fn increment<'t, const TYPE: usize, const RATE: usize>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    input: Sample<'t>,
) -> Option<Sample<'t>> {
    let (what, rate) = (DataType::ALL[TYPE].0, DataType::ALL[RATE].0);
    let element = element(what, arguments)?;
    let table = table(arguments)?;
    let number = key::with_key(input, table.key, |key| {
        table.change_or_add(key, transaction.facts.now(), |view| {
            let of_rate = view.add(rate, element, 1);
            view.add(what, element, 1).or(of_rate)
        })
    });
    number??.map(|number| Sample::Int(number as i64))
}

/// A general counter to zero; what it was.
pub(super) fn clear<'t, const TYPE: usize>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    input: Sample<'t>,
) -> Option<Sample<'t>> {
    let what = DataType::ALL[TYPE].0;
    let element = element(what, arguments)?;
    let table = table(arguments)?;
    let found = key::with_key(input, table.key, |key| {
        table.change(key, transaction.facts.now(), |view| view.set(what, element, 0))
    });
    found?.unwrap_or(Some(0)).map(|number| Sample::Int(number as i64))
}
