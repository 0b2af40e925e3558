//! The keyword table of HAProxy's language: every word of the manuals 2.4 to 3.5, once.
//!
//! Dispatch, did-you-mean, `vipgate explain` and the completeness test come from it. It says where a word may stand, since
//! when, and what vipgate does with it; it reads no value. The rows are text ([`file`] says how they look), one file about
//! one thing; read `proxy.table` first.

mod file;
mod place;
mod glossary;

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::diag::nearest;

pub use glossary::{Entry, glossary};
pub use place::{Place, Places, RULES};

/// A row: a word of one to four parts.
#[derive(Clone, Debug)]
pub struct Row {
    /// `timeout client`, `option httplog`; of an action or an option of `bind` and `server`, the word alone.
    pub name: &'static str,
    /// Where it may stand.
    pub places: Places,
    /// What follows it, in the manual's form.
    pub usage: &'static str,
    /// First version that has it; `None` is before 2.4.
    pub since: Option<&'static str>,
    /// First version that no longer has it.
    pub removed: Option<&'static str>,
    /// What vipgate does with it.
    pub support: Support,
    /// When a change of it takes effect.
    pub reload: Reload,
    /// What it does, one phrase.
    pub doc: &'static str,
}

/// What vipgate does with a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// What HAProxy does.
    Full,
    /// That, apart from this.
    Partial(&'static str),
    /// Nothing, and this is why that does no harm.
    Ignored(&'static str),
    /// It is an error, and this is why.
    Refused(&'static str),
}

/// When a change of a word takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reload {
    /// At a reload.
    Live,
    /// At the next start.
    Restart,
}

impl Support {
    /// As the table writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Support::Full => "full",
            Support::Partial(_) => "partial",
            Support::Ignored(_) => "ignored",
            Support::Refused(_) => "refused",
        }
    }

    /// What differs or why nothing is done.
    pub const fn why(self) -> Option<&'static str> {
        match self {
            Support::Full => None,
            Support::Partial(why) | Support::Ignored(why) | Support::Refused(why) => Some(why),
        }
    }
}

/// Every row, in the order of the files.
static ROWS: LazyLock<Vec<Row>> =
    LazyLock::new(|| FILES.iter().flat_map(|(_, text)| file::rows(text).expect("a test reads every row")).collect());

/// The same by name: files of thousands of lines ask for one each.
static BY_NAME: LazyLock<HashMap<&str, Vec<&Row>>> = LazyLock::new(|| {
    let mut index: HashMap<_, Vec<_>> = HashMap::new();
    rows().iter().for_each(|row| index.entry(row.name).or_default().push(row));
    index
});

/// Most words of a name.
const LONGEST: usize = 4;

/// Names and texts of the files.
static FILES: [(&str, &str); 14] = [
    ("section.table", include_str!("section.table")),
    ("global.table", include_str!("global.table")),
    ("tuning.table", include_str!("tuning.table")),
    ("tls.table", include_str!("tls.table")),
    ("proxy.table", include_str!("proxy.table")),
    ("option.table", include_str!("option.table")),
    ("stats.table", include_str!("stats.table")),
    ("check.table", include_str!("check.table")),
    ("rules.table", include_str!("rules.table")),
    ("bind.table", include_str!("bind.table")),
    ("server.table", include_str!("server.table")),
    ("filter.table", include_str!("filter.table")),
    ("other.table", include_str!("other.table")),
    ("old.table", include_str!("old.table")),
];

/// Every row.
pub fn rows() -> &'static [Row] {
    &ROWS
}

/// Rows of a place.
pub fn rows_of(place: Place) -> impl Iterator<Item = &'static Row> + Clone {
    rows().iter().filter(move |row| row.places.contains(place))
}

/// Keywords that open a section.
pub fn sections() -> impl Iterator<Item = &'static str> + Clone {
    rows_of(Place::Top).map(|row| row.name)
}

/// A word without what it has in parentheses: `set-var(txn.a)` is `set-var`. Counters beyond those that have a row
/// (`tune.stick-counters`) are like the last.
pub fn plain(word: &str) -> &str {
    let number = word.strip_prefix("track-sc").and_then(|number| number.parse::<u8>().ok());
    if number.is_some_and(|number| number > 2) { "track-sc2" } else { word.split('(').next().unwrap_or(word) }
}

/// The row with the longest name that these words begin with, among those of the places, and how many they are.
pub fn find(words: &[&str], places: impl Into<Places>) -> Option<(&'static Row, usize)> {
    let places = places.into();
    let most = words.len().min(LONGEST);
    (1..=most).rev().find_map(|count| {
        let name = words[..count].iter().map(|word| plain(word)).collect::<Vec<_>>().join(" ");
        let rows = BY_NAME.get(name.as_str())?;
        rows.iter().find(|row| row.places.meets(places)).map(|row| (*row, count))
    })
}

/// Rows that a person may mean by these words: by name, by place and name (`server check`), or by the end of the name
/// (`httplog`).
pub fn lookup(words: &str) -> Vec<&'static Row> {
    let by = |is_it: &dyn Fn(&Row) -> bool| rows().iter().filter(|row| is_it(row)).collect::<Vec<_>>();
    let is_placed = |row: &Row| {
        let rest = |place: Place| words.strip_prefix(place.name())?.strip_prefix(' ');
        row.places.iter().any(|place| rest(place) == Some(row.name))
    };
    let named = by(&|row| row.name == words || is_placed(row));
    match named.is_empty() {
        true => by(&|row| row.name.strip_suffix(words).is_some_and(|rest| rest.ends_with(' '))),
        false => named,
    }
}

/// What an unknown word was meant to be: `timeout clint` is near to `timeout client`.
pub fn suggestion<'a>(words: &[&str], among: impl Iterator<Item = &'a Row> + Clone) -> Option<&'a str> {
    let first = words.first().copied().unwrap_or_default();
    let family = || among.clone().map(|row| row.name).filter(|name| name.split(' ').next() == Some(first));
    let second = |name: &'a str| name.split(' ').nth(1).map(|second| (second, name));
    match words.get(1) {
        Some(word) if family().next().is_some() => {
            let found = nearest(plain(word), family().filter_map(second).map(|(second, _)| second))?;
            family().filter_map(second).find(|(second, _)| *second == found).map(|(_, name)| name)
        }
        _ => {
            let whole = nearest(first, among.clone().map(|row| row.name));
            whole.or_else(|| nearest(first, among.map(|row| row.name.split(' ').next().unwrap_or_default())))
        }
    }
}

#[cfg(test)]
mod tests;
