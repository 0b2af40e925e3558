//! Every name of HAProxy's manual (2.4 to 3.5) has a row.

use std::collections::BTreeSet;

use crate::rule::error::Support;
use crate::rule::{converter, fetch};

const FETCHES: &str = include_str!("../fetch/names.txt");
const CONVERTERS: &str = include_str!("../converter/names.txt");

fn compare(manual: &str, rows: Vec<(&'static str, Support, &'static str)>) {
    let names: BTreeSet<&str> = rows.iter().map(|(name, ..)| *name).collect();
    assert_eq!(names.len(), rows.len(), "a name has two rows");
    let manual: BTreeSet<&str> = manual.lines().collect();
    let missing: Vec<_> = manual.difference(&names).collect();
    assert!(missing.is_empty(), "the manual has them, the table does not: {missing:?}");
    let invented: Vec<_> = names.difference(&manual).collect();
    assert!(invented.is_empty(), "the table has them, the manual does not: {invented:?}");
    for (name, support, doc) in rows {
        assert!(!doc.is_empty(), "{name} has no documentation");
        if let Support::Refused(why) | Support::Partial(why) = support {
            assert!(why.len() > 10, "{name} gives no reason");
        }
    }
}

#[test]
fn every_fetch_of_the_manual_has_a_row() {
    compare(FETCHES, fetch::all().map(|row| (row.name, row.support, row.doc)).collect());
}

#[test]
fn every_converter_of_the_manual_has_a_row() {
    compare(CONVERTERS, converter::all().map(|row| (row.name, row.support, row.doc)).collect());
}
