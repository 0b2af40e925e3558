//! What an entry holds, and where.

use std::sync::Arc;

use crate::model::stick::{DATA_TYPES, DataType, Form, Stored};

use super::rate::Rate;

/// Where each type of data stands in an entry of a table.
#[derive(Clone, Debug)]
pub struct Layout {
    stores: Vec<Stored>,
    /// First place of a type; `None` is not kept.
    places: [Option<u16>; DATA_TYPES],
    width: usize,
}

/// A value of an entry.
#[derive(Clone, Debug)]
pub(super) enum Datum {
    Number(u64),
    Rate(Rate),
    Text(Option<Arc<str>>),
}

impl Layout {
    /// The layout of these data.
    pub fn new(stores: &[Stored]) -> Layout {
        let mut places = [None; DATA_TYPES];
        let mut width = 0;
        for stored in stores {
            places[stored.what as usize] = u16::try_from(width).ok();
            width += stored.elements;
        }
        Layout { stores: stores.to_vec(), places, width }
    }

    /// What is kept, in the order in which it is shown.
    pub fn stores(&self) -> &[Stored] {
        &self.stores
    }

    /// What is kept of a type.
    pub fn stored(&self, what: DataType) -> Option<&Stored> {
        self.places[what as usize]?;
        self.stores.iter().find(|stored| stored.what == what)
    }

    /// The place of an element of a type. The single counters and tags are found in the arrays where those are kept.
    pub(super) fn place(&self, what: DataType, element: usize) -> Option<usize> {
        let (what, element) = self.home(what, element);
        let first = usize::from(self.places[what as usize]?);
        if element == 0 {
            return Some(first);
        }
        (element < self.stored(what)?.elements).then_some(first + element)
    }

    /// The period of a rate in milliseconds, at least 1.
    pub(super) fn period(&self, what: DataType) -> u64 {
        let period = self.stored(self.home(what, 0).0).map_or(1, |stored| stored.period.as_millis());
        u64::try_from(period).unwrap_or(u64::MAX).max(1)
    }

    fn home(&self, what: DataType, element: usize) -> (DataType, usize) {
        if self.places[what as usize].is_some() {
            return (what, element);
        }
        match what {
            DataType::Gpt0 => (DataType::Gpt, 0),
            DataType::Gpc0 => (DataType::Gpc, 0),
            DataType::Gpc1 => (DataType::Gpc, 1),
            DataType::Gpc0Rate => (DataType::GpcRate, 0),
            DataType::Gpc1Rate => (DataType::GpcRate, 1),
            other => (other, element),
        }
    }

    /// An entry of which nothing is known yet.
    pub(super) fn empty(&self) -> Box<[Datum]> {
        let mut data = Vec::with_capacity(self.width);
        for stored in &self.stores {
            let datum = match stored.what.form() {
                Form::Signed | Form::Count | Form::Bytes => Datum::Number(0),
                Form::Rate => Datum::Rate(Rate::default()),
                Form::Text => Datum::Text(None),
            };
            data.extend(std::iter::repeat_n(datum, stored.elements));
        }
        data.into()
    }
}
