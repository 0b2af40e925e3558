//! Frontends and backends by name: files have thousands, and each line asks for some.

use std::collections::HashMap;

use crate::config::draft::{Backend, Draft, Frontend};
use crate::diag::Spanned;

/// Numbers by name; of two with one name, which is an error, the first.
pub struct Directory<'a> {
    frontends: HashMap<&'a str, usize>,
    backends: HashMap<&'a str, usize>,
}

impl<'a> Directory<'a> {
    pub fn of(draft: &'a Draft) -> Directory<'a> {
        Directory {
            frontends: numbers(draft.frontends.iter().map(|frontend| &frontend.name)),
            backends: numbers(draft.backends.iter().map(|backend| &backend.name)),
        }
    }

    pub fn frontend<'d>(&self, draft: &'d Draft, name: &str) -> Option<&'d Frontend> {
        draft.frontends.get(*self.frontends.get(name)?)
    }

    pub fn backend<'d>(&self, draft: &'d Draft, name: &str) -> Option<&'d Backend> {
        draft.backends.get(*self.backends.get(name)?)
    }

    pub fn backend_number(&self, name: &str) -> Option<usize> {
        self.backends.get(name).copied()
    }
}

fn numbers<'a>(
    names: impl DoubleEndedIterator<Item = &'a Spanned<String>> + ExactSizeIterator,
) -> HashMap<&'a str, usize> {
    names.enumerate().rev().map(|(number, name)| (name.value.as_str(), number)).collect()
}
