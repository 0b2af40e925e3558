//! The sets of patterns of a configuration, through which the runtime API changes them, and its public keys.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::public_key::{KeyForm, PublicKey, PublicKeys};
use super::set::{PatternSpec, Patterns};

/// Every set of a configuration. A file that is used with two methods has two sets; a change goes to all of its name.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    sets: Vec<Known>,
    /// The line that is compiled now.
    place: (Arc<str>, u32),
    keys: PublicKeys,
}

/// A set and where it was first used.
#[derive(Clone, Debug)]
struct Known {
    patterns: Arc<Patterns>,
    origin: Origin,
    /// What `-u` says.
    number: Option<u32>,
}

/// Where a set was first used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The fetch of the ACL; empty for a map.
    pub keyword: String,
    /// The file.
    pub file: Arc<str>,
    /// The line, 1-.
    pub line: u32,
}

impl Registry {
    /// Says where what is added next stands.
    pub fn at(&mut self, file: &Arc<str>, line: u32) {
        self.place = (Arc::clone(file), line);
    }

    /// The file that is compiled now.
    pub fn file(&self) -> Arc<str> {
        Arc::clone(&self.place.0)
    }

    /// Keeps a set that `keyword` uses, under a number of its own if it has one.
    pub fn add(&mut self, patterns: Patterns, keyword: &str, number: Option<u32>) -> Arc<Patterns> {
        let patterns = Arc::new(patterns);
        let (file, line) = self.place.clone();
        let origin = Origin { keyword: keyword.to_owned(), file, line };
        self.sets.push(Known { patterns: Arc::clone(&patterns), origin, number });
        patterns
    }

    /// Whether a set was given this number.
    pub fn has_number(&self, number: u32) -> bool {
        self.sets.iter().any(|known| known.number == Some(number))
    }

    /// The set of a file that is searched that way.
    pub fn find(&self, name: &str, spec: PatternSpec) -> Option<Arc<Patterns>> {
        let is_it = |set: &&Arc<Patterns>| set.spec == spec && set.name.as_deref() == Some(name);
        self.all().find(is_it).map(Arc::clone)
    }

    /// What signatures are verified with.
    pub fn public_keys(&self) -> &PublicKeys {
        &self.keys
    }

    /// Keeps a public key under the name that rules use.
    pub fn add_public_key(&mut self, name: &str, form: KeyForm, key: PublicKey) {
        self.keys.add(name, form, key);
    }

    /// Every set of a file.
    pub fn named(&self, name: &str) -> impl Iterator<Item = &Arc<Patterns>> {
        self.all().filter(move |set| set.name.as_deref() == Some(name))
    }

    fn all(&self) -> impl Iterator<Item = &Arc<Patterns>> {
        self.sets.iter().map(|known| &known.patterns)
    }

    /// What the runtime API knows by a number (`#3`): the sets of a file together, the words of an ACL alone. Those without
    /// a number of their own get the least that are free, in the order of the text.
    pub fn references(&self) -> BTreeMap<u32, Reference> {
        let (mut references, mut others) = (BTreeMap::new(), Vec::<Reference>::new());
        for Known { patterns, origin, number } in &self.sets {
            let known = others.iter_mut().find(|one| patterns.name.is_some() && one.name() == patterns.name.as_deref());
            let new = || Reference { sets: vec![Arc::clone(patterns)], origin: origin.clone() };
            match (known, number) {
                (Some(reference), _) => reference.sets.push(Arc::clone(patterns)),
                (None, Some(number)) => _ = references.insert(*number, new()),
                (None, None) => others.push(new()),
            }
        }
        let free: Vec<u32> = (0..).filter(|number| !references.contains_key(number)).take(others.len()).collect();
        references.extend(free.into_iter().zip(others));
        references
    }
}

/// Sets that are changed together.
#[derive(Clone, Debug)]
pub struct Reference {
    /// At least one.
    pub sets: Vec<Arc<Patterns>>,
    /// Where it was first used.
    pub origin: Origin,
}

impl Reference {
    /// The file; `None` for the words of an ACL.
    pub fn name(&self) -> Option<&str> {
        self.sets.first().and_then(|set| set.name.as_deref())
    }
}
