//! The sets of patterns of a configuration, through which the runtime API changes them, and its public keys.

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

    /// Keeps a set that `keyword` uses.
    pub fn add(&mut self, patterns: Patterns, keyword: &str) -> Arc<Patterns> {
        let patterns = Arc::new(patterns);
        let (file, line) = self.place.clone();
        let origin = Origin { keyword: keyword.to_owned(), file, line };
        self.sets.push(Known { patterns: Arc::clone(&patterns), origin });
        patterns
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

    /// What the runtime API knows by a number (`#3`): the sets of a file together, the words of an ACL alone.
    pub fn references(&self) -> Vec<Reference> {
        let mut references: Vec<Reference> = Vec::new();
        for Known { patterns, origin } in &self.sets {
            let known =
                references.iter_mut().find(|one| patterns.name.is_some() && one.name() == patterns.name.as_deref());
            match known {
                Some(reference) => reference.sets.push(Arc::clone(patterns)),
                None => references.push(Reference { sets: vec![Arc::clone(patterns)], origin: origin.clone() }),
            }
        }
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
