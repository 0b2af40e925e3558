//! haproxy.cfg: the keyword table is complete, and files mean what HAProxy takes them for.

use vipgate::config::haproxy::table::{self, Place};

use crate::read;

/// First words of families whose members have the rows: `option` is not a word by itself.
fn is_known(place: Place, word: &str) -> bool {
    let words: Vec<&str> = word.split(' ').collect();
    let is_row = table::find(&words, table::rows_of(place)).is_some_and(|(_, count)| count == words.len());
    let is_family =
        table::rows_of(place).any(|row| row.name.strip_prefix(word).is_some_and(|rest| rest.starts_with(' ')));
    is_row || is_family
}

#[test]
fn every_word_of_haproxy_has_a_row() {
    let (mut place, mut missing, mut count) = (Place::Top, Vec::new(), 0);
    let list = read("tests/config/haproxy-words.txt");
    for line in list.lines().filter(|line| !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            place = Place::by_name(name).unwrap_or_else(|| panic!("no place {name}"));
        } else {
            count += 1;
            if !is_known(place, line) {
                missing.push(format!("{}: {line}", place.name()));
            }
        }
    }
    assert!(count > 1000, "the list is short: {count}");
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}
