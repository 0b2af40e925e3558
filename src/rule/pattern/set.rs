//! Sets of patterns, and the registry through which the runtime API changes them.
//!
//! A set is read by every worker for every request and changed rarely, by rules (`set-map`) or an operator: readers take a
//! snapshot without a lock, a change builds a new one. A change of a set of n entries costs the time to arrange n entries.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use crate::rule::error::RuleError;
use crate::rule::sample::Sample;

use super::index::Index;
use super::integer::Operator;
use super::method::Method;
pub use super::text::Case;

/// How a set is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PatternSpec {
    /// The matching method.
    pub method: Method,
    /// `-i`
    pub case: Case,
    /// Whether lines of files hold a key and a value.
    pub is_map: bool,
}

/// A pattern, and what it maps to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// As written.
    pub key: Box<[u8]>,
    /// In a map.
    pub value: Option<Arc<[u8]>>,
    /// Names the entry in the runtime API.
    pub id: u64,
}

#[derive(Debug)]
struct Snapshot {
    entries: Vec<Entry>,
    index: Index,
}

/// Patterns of one ACL flag group, one file, or one map.
#[derive(Debug)]
pub struct Patterns {
    /// Name of the file; `None` for words of an ACL.
    pub name: Option<String>,
    /// How it is searched.
    pub spec: PatternSpec,
    /// Whether the text is the pattern of [`Method::Reg`] whose groups the value refers to (`map_regm`).
    operator: Operator,
    current: ArcSwap<Snapshot>,
    /// Held by whoever changes the set; the number of the next entry.
    writer: Mutex<u64>,
}

impl Patterns {
    /// The words of an ACL. `Err` has the number of the wrong word.
    pub fn from_words(words: &[&str], spec: PatternSpec, operator: Operator) -> Result<Patterns, RuleError> {
        let entry = |(id, word): (usize, &&str)| Entry { key: word.as_bytes().into(), value: None, id: id as u64 };
        let entries = words.iter().enumerate().map(entry).collect();
        Patterns::new(None, entries, spec, operator).map_err(|(at, why)| RuleError::new(at, why))
    }

    /// The lines of a file: empty ones and those that start with `#` are no patterns.
    pub fn from_file(name: &str, content: &[u8], spec: PatternSpec) -> Result<Patterns, RuleError> {
        let mut entries = Vec::new();
        let mut places = Vec::new();
        for (number, line) in content.split(|&byte| byte == b'\n').enumerate() {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.starts_with(b"#") {
                continue;
            }
            let blank = |byte: &u8| *byte == b' ' || *byte == b'\t';
            let start = line.iter().position(|byte| !blank(byte)).unwrap_or(line.len());
            let line = &line[start..];
            if line.is_empty() {
                continue;
            }
            let (key, value) = match line.iter().position(blank).filter(|_| spec.is_map) {
                Some(end) => (&line[..end], Some(Arc::from(line[end..].trim_ascii()))),
                None if spec.is_map => (line, Some(Arc::from(&b""[..]))),
                None => (line, None),
            };
            entries.push(Entry { key: key.into(), value, id: entries.len() as u64 });
            places.push(number + 1);
        }
        Patterns::new(Some(name.to_owned()), entries, spec, Operator::Eq).map_err(|(at, why)| {
            let line = places.get(at).copied().unwrap_or_default();
            RuleError::new(0, format!("{name}:{line}: {why}"))
        })
    }

    fn new(
        name: Option<String>,
        entries: Vec<Entry>,
        spec: PatternSpec,
        operator: Operator,
    ) -> Result<Patterns, (usize, String)> {
        let index = Index::build(spec, &entries, operator)?;
        let next = entries.len() as u64;
        let current = ArcSwap::from_pointee(Snapshot { entries, index });
        Ok(Patterns { name, spec, operator, current, writer: Mutex::new(next) })
    }

    /// Whether the sample matches an entry.
    pub fn matches(&self, sample: &Sample<'_>) -> bool {
        let snapshot = self.current.load();
        snapshot.index.find(self.spec, &snapshot.entries, sample).is_some()
    }

    /// The entry that the sample matches.
    pub fn find(&self, sample: &Sample<'_>) -> Option<Entry> {
        let snapshot = self.current.load();
        let at = snapshot.index.find(self.spec, &snapshot.entries, sample)?;
        snapshot.entries.get(at).cloned()
    }

    /// The value of the entry that the sample matches, without copying.
    pub fn value(&self, sample: &Sample<'_>) -> Option<Arc<[u8]>> {
        let snapshot = self.current.load();
        let at = snapshot.index.find(self.spec, &snapshot.entries, sample)?;
        snapshot.entries.get(at)?.value.clone()
    }

    /// The value of the regex that matches, with its `\1` replaced (`map_regm`).
    pub fn expanded(&self, text: &[u8]) -> Option<Vec<u8>> {
        let snapshot = self.current.load();
        let at = snapshot.index.find(self.spec, &snapshot.entries, &Sample::str(text))?;
        let captures = snapshot.index.regex(at)?.captures(text)?;
        let mut out = Vec::new();
        super::regex::expand(&mut out, snapshot.entries.get(at)?.value.as_deref()?, &captures);
        Some(out)
    }

    /// Every entry, in order.
    pub fn entries(&self) -> Vec<Entry> {
        self.current.load().entries.clone()
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.current.load().entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there is an entry of that key.
    pub fn has(&self, key: &[u8]) -> bool {
        self.current.load().entries.iter().any(|entry| *entry.key == *key)
    }

    /// Adds an entry at the end. `Err` says why it cannot be one: nothing has changed.
    pub fn add(&self, key: &[u8], value: Option<&[u8]>) -> Result<(), String> {
        self.change(|entries, id| entries.push(Entry { key: key.into(), value: value.map(Arc::from), id }))
    }

    /// Gives every entry of that key the value. How many there were.
    pub fn set(&self, key: &[u8], value: &[u8]) -> usize {
        let mut count = 0;
        let value: Arc<[u8]> = value.into();
        let changed = self.change(|entries, _| {
            for entry in entries.iter_mut().filter(|entry| *entry.key == *key) {
                entry.value = Some(Arc::clone(&value));
                count += 1;
            }
        });
        // Keys did not change: what was arranged before can be arranged again.
        if changed.is_ok() { count } else { 0 }
    }

    /// Takes every entry of that key away. How many there were.
    pub fn remove(&self, key: &[u8]) -> usize {
        self.retain(|entry| *entry.key != *key)
    }

    /// Takes the entry with that number away. How many there were.
    pub fn remove_id(&self, id: u64) -> usize {
        self.retain(|entry| entry.id != id)
    }

    /// Takes all entries away.
    pub fn clear(&self) {
        self.retain(|_| false);
    }

    fn retain(&self, keep: impl Fn(&Entry) -> bool) -> usize {
        let mut count = 0;
        let changed = self.change(|entries, _| {
            let before = entries.len();
            entries.retain(&keep);
            count = before - entries.len();
        });
        if changed.is_ok() { count } else { 0 }
    }

    fn change(&self, edit: impl FnOnce(&mut Vec<Entry>, u64)) -> Result<(), String> {
        let mut next = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut entries = self.current.load().entries.clone();
        edit(&mut entries, *next);
        let index = Index::build(self.spec, &entries, self.operator).map_err(|(_, why)| why)?;
        *next += 1;
        self.current.store(Arc::new(Snapshot { entries, index }));
        Ok(())
    }
}

/// Every set of a configuration. A file that is used with two methods has two sets; a change goes to all of its name.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    sets: Vec<Arc<Patterns>>,
}

impl Registry {
    /// Keeps a set; its place is its number in the runtime API (`#3`).
    pub fn add(&mut self, patterns: Patterns) -> Arc<Patterns> {
        let patterns = Arc::new(patterns);
        self.sets.push(Arc::clone(&patterns));
        patterns
    }

    /// The set of a file that is searched that way.
    pub fn find(&self, name: &str, spec: PatternSpec) -> Option<Arc<Patterns>> {
        let is_it = |set: &&Arc<Patterns>| set.spec == spec && set.name.as_deref() == Some(name);
        self.sets.iter().find(is_it).map(Arc::clone)
    }

    /// Every set of a file.
    pub fn named(&self, name: &str) -> impl Iterator<Item = &Arc<Patterns>> {
        self.sets.iter().filter(move |set| set.name.as_deref() == Some(name))
    }

    /// All sets, by number.
    pub fn sets(&self) -> &[Arc<Patterns>] {
        &self.sets
    }
}
