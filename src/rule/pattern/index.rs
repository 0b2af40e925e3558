//! Entries arranged for searching by one method.

use std::collections::HashMap;

use crate::rule::argument::hex;
use crate::rule::sample::Sample;

use super::integer::{Range, number, version};
use super::method::Method;
use super::network::{Network, Networks};
use super::regex::Regex;
use super::set::{Entry, PatternSpec};
use super::text::{Case, DIRECTORY, DOMAIN, has_part};

/// Texts longer than this are folded on the heap.
const FOLDED: usize = 256;

#[derive(Clone, Debug)]
pub(super) enum Index {
    /// Found and bool look at no pattern.
    Nothing,
    Exact(HashMap<Box<[u8]>, u32>),
    Ranges(Vec<Range>),
    Networks(Networks),
    Regexes(Vec<Regex>),
    /// Compared one by one with the keys of the entries.
    List,
}

impl Index {
    pub(super) fn build(spec: PatternSpec, entries: &[Entry]) -> Result<Index, (usize, String)> {
        let text = |entry: &Entry| String::from_utf8_lossy(&entry.key).into_owned();
        let each = || entries.iter().enumerate();
        Ok(match spec.method {
            Method::Found | Method::Bool => Index::Nothing,
            Method::Int | Method::Len | Method::Version => {
                let number = if spec.method == Method::Version { version } else { number };
                let range = |(at, entry): (usize, &Entry)| Range::parse(&text(entry), number).map_err(|why| (at, why));
                Index::Ranges(each().map(range).collect::<Result<_, _>>()?)
            }
            Method::Ip => {
                let mut networks = Networks::default();
                for (at, entry) in each() {
                    networks.add(Network::parse(&text(entry)).map_err(|why| (at, why))?, at as u32);
                }
                Index::Networks(networks)
            }
            Method::Reg => {
                let regex = |(at, entry): (usize, &Entry)| Regex::new(&text(entry), spec.case).map_err(|why| (at, why));
                Index::Regexes(each().map(regex).collect::<Result<_, _>>()?)
            }
            Method::Str | Method::Bin => {
                let mut known = HashMap::with_capacity(entries.len());
                for (at, entry) in each() {
                    let key = if spec.method == Method::Bin {
                        let wrong = || (at, format!("'{}' is not an even number of hex digits", text(entry)));
                        hex(&entry.key).ok_or_else(wrong)?
                    } else {
                        entry.key.to_vec()
                    };
                    let key = if spec.folds() { key.to_ascii_lowercase() } else { key };
                    known.entry(key.into()).or_insert(at as u32);
                }
                Index::Exact(known)
            }
            Method::Beg | Method::End | Method::Sub | Method::Dir | Method::Dom => Index::List,
        })
    }

    /// Number of the entry that the sample matches. It has the type of [`Method::takes`].
    pub(super) fn find(&self, spec: PatternSpec, entries: &[Entry], sample: &Sample<'_>) -> Option<usize> {
        match self {
            Index::Nothing => None,
            Index::Exact(known) => {
                let text = sample.text();
                let found = match spec.folds() {
                    false => known.get(&*text),
                    true if text.len() <= FOLDED => {
                        let mut folded = [0; FOLDED];
                        let folded = &mut folded[..text.len()];
                        folded.copy_from_slice(&text);
                        folded.make_ascii_lowercase();
                        known.get(&*folded)
                    }
                    true => known.get(text.to_ascii_lowercase().as_slice()),
                };
                found.map(|at| *at as usize)
            }
            Index::Ranges(ranges) => {
                let value = match spec.method {
                    Method::Len => i64::try_from(sample.text().len()).unwrap_or(i64::MAX),
                    _ => sample.to_int()?,
                };
                ranges.iter().position(|range| range.contains(value))
            }
            Index::Networks(networks) => networks.find(sample.to_address()?).map(|at| at as usize),
            Index::Regexes(regexes) => {
                let text = sample.text();
                regexes.iter().position(|regex| regex.is_match(&text))
            }
            Index::List => {
                let (text, case) = (sample.text(), spec.case);
                match spec.method {
                    // HAProxy keeps these in a tree: the longest prefix wins, the first of equal ones.
                    Method::Beg if case == Case::Sensitive => {
                        let matching = entries.iter().enumerate().filter(|(_, entry)| text.starts_with(&entry.key));
                        matching.rev().max_by_key(|(_, entry)| entry.key.len()).map(|(at, _)| at)
                    }
                    Method::Beg => first(entries, |key| case.starts(&text, key)),
                    Method::End => first(entries, |key| case.ends(&text, key)),
                    Method::Sub => first(entries, |key| case.position(&text, key, 0).is_some()),
                    Method::Dir => first(entries, |key| has_part(&text, key, DIRECTORY, case)),
                    _ => first(entries, |key| has_part(&text, key, DOMAIN, case)),
                }
            }
        }
    }

    /// The regex of an entry.
    pub(super) fn regex(&self, at: usize) -> Option<&Regex> {
        match self {
            Index::Regexes(regexes) => regexes.get(at),
            _ => None,
        }
    }
}

fn first(entries: &[Entry], is_match: impl Fn(&[u8]) -> bool) -> Option<usize> {
    entries.iter().position(|entry| is_match(&entry.key))
}
