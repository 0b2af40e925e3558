//! What stick tables know about what is tracked, or about the client's address.

use std::sync::Arc;

use super::super::argument::Argument;
use super::super::key;
use super::super::sample::Sample;
use super::super::transaction::Transaction;
use super::Cursor;
use crate::model::stick::{DataType, Form};
use crate::stick::Table;

/// Whose entry is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The counter of that number: `sc0_`...
    Counter(usize),
    /// The counter that the next argument names: `sc_`.
    Named,
    /// That of the client's address: `src_`.
    Source,
}

/// What is done with the entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Its value.
    Read(DataType),
    /// The same of bytes, in KiB.
    Kibibytes(DataType),
    /// One more of a counter, and of its rate.
    Increment(DataType, DataType),
    /// A counter to zero; what it was.
    Clear(DataType),
    /// Whether there is one.
    IsTracked,
    /// How many count in it.
    Trackers,
    /// Its key.
    Key,
}

/// A fetch of stick tables. For types that are arrays the first argument is the element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counter {
    /// Whose entry.
    pub whose: Whose,
    /// What is done.
    pub deed: Deed,
}

impl Deed {
    /// Whether an element of an array is meant.
    pub fn is_array(self) -> bool {
        match self {
            Deed::Read(what) | Deed::Increment(what, _) | Deed::Clear(what) => what.is_array(),
            Deed::Kibibytes(_) | Deed::IsTracked | Deed::Trackers | Deed::Key => false,
        }
    }
}

/// What an entry is asked.
pub(in crate::rule) fn read(view: &crate::stick::table::View<'_>, what: DataType, element: usize) -> Option<i64> {
    let number = view.number(what, element)?;
    // A server's number has a sign.
    let number = if what.form() == Form::Signed { i64::from(number as u32 as i32) } else { number as i64 };
    Some(number)
}

impl Counter {
    pub(super) fn value<'t>(
        self,
        transaction: &'t Transaction<'_>,
        arguments: &'t [Argument],
        _: &mut Cursor,
    ) -> Option<Sample<'t>> {
        let mut arguments = arguments.iter();
        let mut number = || usize::try_from(arguments.next()?.int_or(0)).ok();
        let element = if self.deed.is_array() { number()? } else { 0 };
        let counter = match self.whose {
            Whose::Counter(counter) => Some(counter),
            Whose::Named => Some(number()?),
            Whose::Source => None,
        };
        let table = arguments.next().and_then(Argument::table);
        match counter {
            None => self.of_source(transaction, table?, element),
            Some(counter) => self.of_counter(transaction, counter, table, element),
        }
    }

    fn of_source<'t>(self, transaction: &Transaction<'_>, table: &Table, element: usize) -> Option<Sample<'t>> {
        let now = transaction.facts.now();
        let address = Sample::address(transaction.source_address()?);
        let number = key::with_key(address, table.key, |key| match self.deed {
            // What is counted is made if it is not there.
            Deed::Increment(..) => table.change_or_add(key, now, |view| self.change(view, element)).unwrap_or(Some(0)),
            Deed::Clear(_) => table.change(key, now, |view| self.change(view, element)).unwrap_or(Some(0)),
            _ => table.look(key, now, |view| self.look(view, element)).unwrap_or(Some(0)),
        });
        number?.map(Sample::Int)
    }

    fn of_counter<'t>(
        self,
        transaction: &Transaction<'_>,
        counter: usize,
        table: Option<&Arc<Table>>,
        element: usize,
    ) -> Option<Sample<'t>> {
        let now = transaction.facts.now();
        let tracked = transaction.effects.tracking.at(counter);
        let Some(tracked) = tracked else {
            return (self.deed == Deed::IsTracked).then_some(Sample::Bool(false));
        };
        let entry = &tracked.entry;
        if self.deed == Deed::Key {
            return Some(key::to_sample(&entry.key()?, entry.table().key));
        }
        let other = table.filter(|table| !Arc::ptr_eq(table, entry.table()));
        let is_change = matches!(self.deed, Deed::Increment(..) | Deed::Clear(_));
        let number = match (other, is_change) {
            (None, true) => entry.change(now, |view| self.change(view, element)),
            (None, false) => entry.look(now, |view| self.look(view, element)),
            // The same key in another table, if it is there.
            (Some(other), true) => other.change(&entry.key()?, now, |view| self.change(view, element)),
            (Some(other), false) => other.look(&entry.key()?, now, |view| self.look(view, element)),
        };
        let number = number.unwrap_or(Some(0))?;
        Some(if self.deed == Deed::IsTracked { Sample::Bool(number != 0) } else { Sample::Int(number) })
    }

    fn look(self, view: &crate::stick::table::View<'_>, element: usize) -> Option<i64> {
        match self.deed {
            Deed::Read(what) => read(view, what, element),
            Deed::Kibibytes(what) => read(view, what, element).map(|bytes| bytes >> 10),
            Deed::Trackers => Some(i64::from(view.users())),
            Deed::IsTracked => Some(1),
            Deed::Increment(..) | Deed::Clear(_) | Deed::Key => None,
        }
    }

    fn change(self, view: &mut crate::stick::table::View<'_>, element: usize) -> Option<i64> {
        match self.deed {
            Deed::Increment(what, rate) => {
                let of_rate = view.add(rate, element, 1);
                view.add(what, element, 1).or(of_rate).map(|number| number as i64)
            }
            Deed::Clear(what) => view.set(what, element, 0).map(|number| number as i64),
            _ => None,
        }
    }
}

/// Entries of a table, or how many more it takes.
pub(super) fn count<'t, const IS_FREE: bool>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    _: &mut Cursor,
) -> Option<Sample<'t>> {
    let table = arguments.first().and_then(Argument::table)?;
    let count = table.count(transaction.facts.now());
    let number = if IS_FREE { table.size().saturating_sub(count) } else { count };
    i64::try_from(number).ok().map(Sample::Int)
}
