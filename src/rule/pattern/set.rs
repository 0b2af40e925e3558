//! Sets of patterns.
//!
//! A set is read by every worker for every request and changed rarely, by rules (`set-map`) or an operator: readers take a
//! snapshot without a lock, a change builds a new one. A change of a set of n entries costs the time to arrange n entries.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;

use crate::rule::error::RuleError;
use crate::rule::sample::Sample;

use super::index::Index;
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

impl PatternSpec {
    /// Whether letter case is folded before a search. Bytes have none.
    pub(super) fn folds(self) -> bool {
        self.case == Case::Ignored && self.method != Method::Bin
    }
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

/// What only those who change a set look at.
#[derive(Debug, Default)]
struct Writer {
    /// The number of the next entry.
    next_id: u64,
    /// The version that is searched, and the last one that was prepared.
    current: u32,
    prepared: u32,
    /// Entries of versions that are not searched yet.
    pending: BTreeMap<u32, Vec<Entry>>,
}

/// Patterns of one ACL flag group, one file, or one map.
#[derive(Debug)]
pub struct Patterns {
    /// Name of the file; `None` for words of an ACL.
    pub name: Option<String>,
    /// How it is searched.
    pub spec: PatternSpec,
    current: ArcSwap<Snapshot>,
    /// Held by whoever changes the set.
    writer: Mutex<Writer>,
}

impl Patterns {
    /// The words of an ACL. `Err` has the number of the wrong word.
    pub fn from_words(words: &[&str], spec: PatternSpec) -> Result<Patterns, RuleError> {
        let entry = |(id, word): (usize, &&str)| Entry { key: word.as_bytes().into(), value: None, id: id as u64 };
        let entries = words.iter().enumerate().map(entry).collect();
        Patterns::new(None, entries, spec).map_err(|(at, why)| RuleError::new(at, why))
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
        Patterns::new(Some(name.to_owned()), entries, spec).map_err(|(at, why)| {
            let line = places.get(at).copied().unwrap_or_default();
            RuleError::new(0, format!("{name}:{line}: {why}"))
        })
    }

    fn new(name: Option<String>, entries: Vec<Entry>, spec: PatternSpec) -> Result<Patterns, (usize, String)> {
        let index = Index::build(spec, &entries)?;
        let next = entries.len() as u64;
        let current = ArcSwap::from_pointee(Snapshot { entries, index });
        let writer = Mutex::new(Writer { next_id: next, ..Writer::default() });
        Ok(Patterns { name, spec, current, writer })
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
        self.set_where(|entry| *entry.key == *key, value)
    }

    /// Gives the entry with that number the value. How many there were.
    pub fn set_id(&self, id: u64, value: &[u8]) -> usize {
        self.set_where(|entry| entry.id == id, value)
    }

    fn set_where(&self, is_meant: impl Fn(&Entry) -> bool, value: &[u8]) -> usize {
        let mut count = 0;
        let value: Arc<[u8]> = value.into();
        let changed = self.change(|entries, _| {
            for entry in entries.iter_mut().filter(|entry| is_meant(entry)) {
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
        let mut writer = self.writer();
        let mut entries = self.current.load().entries.clone();
        edit(&mut entries, writer.next_id);
        let index = Index::build(self.spec, &entries).map_err(|(_, why)| why)?;
        writer.next_id += 1;
        self.current.store(Arc::new(Snapshot { entries, index }));
        Ok(())
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The version that is searched, and the last one that was prepared.
    pub fn versions(&self) -> (u32, u32) {
        let writer = self.writer();
        (writer.current, writer.prepared)
    }

    /// Begins a version to which entries are added while the current one is searched; its number.
    pub fn prepare(&self) -> u32 {
        let mut writer = self.writer();
        writer.prepared = writer.prepared.wrapping_add(1);
        writer.prepared
    }

    /// Entries of versions that are not searched yet.
    pub fn pending(&self) -> usize {
        self.writer().pending.values().map(Vec::len).sum()
    }

    /// The entries of a version, in order.
    pub fn entries_of(&self, version: u32) -> Vec<Entry> {
        let writer = self.writer();
        match version == writer.current {
            true => self.entries(),
            false => writer.pending.get(&version).cloned().unwrap_or_default(),
        }
    }

    /// Adds an entry to a version that is not searched yet. `Err` says why it cannot be one.
    pub fn add_to(&self, version: u32, key: &[u8], value: Option<&[u8]>) -> Result<(), String> {
        let mut writer = self.writer();
        let entry = Entry { key: key.into(), value: value.map(Arc::from), id: writer.next_id };
        Index::build(self.spec, std::slice::from_ref(&entry)).map_err(|(_, why)| why)?;
        writer.next_id += 1;
        writer.pending.entry(version).or_default().push(entry);
        Ok(())
    }

    /// Searches this version from now on; older ones are forgotten. `Err` if its entries do not go together.
    pub fn commit(&self, version: u32) -> Result<(), String> {
        let mut writer = self.writer();
        if version == writer.current {
            return Ok(());
        }
        let entries = writer.pending.get(&version).cloned().unwrap_or_default();
        let index = Index::build(self.spec, &entries).map_err(|(_, why)| why)?;
        writer.pending.retain(|other, _| *other > version);
        writer.current = version;
        self.current.store(Arc::new(Snapshot { entries, index }));
        Ok(())
    }

    /// Forgets the entries of a version.
    pub fn clear_version(&self, version: u32) {
        let is_current = {
            let mut writer = self.writer();
            writer.pending.remove(&version);
            version == writer.current
        };
        if is_current {
            self.clear();
        }
    }

    /// Whether entries are found without being tried one by one, as the runtime API tells.
    pub fn is_indexed(&self) -> bool {
        match self.spec.method {
            Method::Str | Method::Beg => self.spec.case == Case::Sensitive,
            Method::Ip => true,
            _ => false,
        }
    }
}
