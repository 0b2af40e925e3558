//! What a rule may name while it is compiled: ACLs, files, userlists, capture slots.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::proxy::Mode;
use crate::model::rules::ErrorPages;

use super::acl::Acl;
use super::asks::Asks;
use super::bandwidth::Filter;
use super::error::{By, RuleError, Warning};
use super::pattern::{PatternSpec, Patterns, Registry};
use super::public_key::{KeyForm, PublicKey};
use super::reference::{Reference, ReferenceKind};
use super::stage::{Needs, Side, Stage};
use super::userlist::Userlist;
use crate::stick::tracked::DEFAULT_COUNTERS;
use crate::stick::{Table, Tables};

/// Content of the files that rules name. Whoever loads the configuration reads them; rules do no I/O.
pub trait Files {
    /// The file's bytes, or why there are none.
    fn read(&self, name: &str) -> Result<Vec<u8>, String>;
}

/// What a scope has where nobody says otherwise.
static NO_TABLES: Tables = Tables::NONE;

/// No files.
#[derive(Clone, Copy, Debug)]
pub struct NoFiles;

impl Files for NoFiles {
    fn read(&self, name: &str) -> Result<Vec<u8>, String> {
        Err(format!("'{name}' cannot be read here"))
    }
}

/// Lengths of capture slots in their order (`declare capture`, `capture request header`).
#[derive(Clone, Debug, Default)]
pub struct Slots {
    /// Of requests, bytes.
    pub request: Vec<usize>,
    /// Of responses, bytes.
    pub response: Vec<usize>,
}

/// The names in reach of the section that is compiled. One per proxy section; the registry of patterns is shared.
pub struct Scope<'a> {
    /// The mode of the section if the proxy is to carry the rules out: what it cannot is refused.
    pub proxy: Option<Mode>,
    /// Rule set that is compiled now.
    pub stage: Stage,
    /// Whose rules they are.
    pub side: Side,
    /// Files.
    pub files: &'a dyn Files,
    /// Patterns of the whole configuration.
    pub registry: &'a mut Registry,
    /// Userlists of the whole configuration.
    pub userlists: &'a HashMap<String, Arc<Userlist>>,
    /// `http-errors` sections of the whole configuration.
    pub error_pages: &'a [ErrorPages],
    /// Stick tables of the whole configuration.
    pub tables: &'a Tables,
    /// Name of the section, and of its own stick table if it has one.
    pub home: &'a str,
    /// How many counters a session has (`tune.stick-counters`).
    pub counters: usize,
    /// Capture slots of the frontend; `http-request capture ... len` adds one.
    pub slots: Slots,
    /// Bandwidth limits of the section.
    pub filters: Vec<Arc<Filter>>,
    /// Names to be looked up when everything has been read.
    pub references: Vec<Reference>,
    /// Complaints that do not stop anything.
    pub warnings: Vec<Warning>,
    /// What is asked for that somebody has to look up.
    pub asks: Asks,
    pub(super) acls: HashMap<String, Arc<Acl>>,
}

impl Slots {
    /// No slots.
    pub const NONE: Slots = Slots { request: Vec::new(), response: Vec::new() };
}

impl<'a> Scope<'a> {
    /// Nothing declared yet.
    pub fn new(
        stage: Stage,
        files: &'a dyn Files,
        registry: &'a mut Registry,
        userlists: &'a HashMap<String, Arc<Userlist>>,
    ) -> Scope<'a> {
        Scope {
            proxy: None,
            stage,
            side: Side::Unknown,
            files,
            registry,
            userlists,
            error_pages: &[],
            tables: &NO_TABLES,
            home: "",
            counters: DEFAULT_COUNTERS,
            slots: Slots::default(),
            filters: Vec::new(),
            references: Vec::new(),
            warnings: Vec::new(),
            asks: Asks::default(),
            acls: HashMap::new(),
        }
    }

    pub(super) fn refer(&mut self, kind: ReferenceKind, name: &str) {
        let reference = Reference { kind, name: name.to_owned() };
        if !self.references.contains(&reference) {
            self.references.push(reference);
        }
    }

    /// Bytes that a capture slot keeps; `None` if there is no such slot. Those of a backend's rules are the frontend's, which
    /// knows how much they keep: then it is any number.
    pub(super) fn slot_length(&self, is_response: bool, slot: usize) -> Option<usize> {
        let slots = if is_response { &self.slots.response } else { &self.slots.request };
        let is_elsewhere = matches!(self.side, Side::Backend | Side::Unknown);
        slots.get(slot).copied().or(is_elsewhere.then_some(usize::MAX))
    }

    /// Whether what a fetch looks at is there for the rules that are compiled now.
    pub(super) fn has(&self, needs: Needs) -> bool {
        needs.are_met_at(self.stage, self.side)
    }

    /// What has not what a fetch looks at, for people: the rules, and whose they are where that matters.
    pub(super) fn place(&self, needs: Needs) -> String {
        match (needs, self.side) {
            (Needs::Backend, Side::Frontend) => format!("'{}' of a frontend", self.stage.name()),
            _ => format!("'{}'", self.stage.name()),
        }
    }

    pub(super) fn warn(&mut self, at: usize, what: String) {
        self.warnings.push(Warning { at, what, by: By::Us });
    }

    /// A word works, but hardly as meant, and HAProxy says so, too.
    pub(super) fn warn_too(&mut self, at: usize, what: String) {
        self.warnings.push(Warning { at, what, by: By::Both });
    }

    /// The bytes of a file.
    pub(super) fn read(&self, name: &str) -> Result<Vec<u8>, RuleError> {
        self.files.read(name).map_err(|why| RuleError::new(0, format!("cannot read '{name}': {why}")))
    }

    pub(super) fn userlist(&self, name: &str) -> Result<Arc<Userlist>, RuleError> {
        let unknown = || RuleError::unknown("userlist", name, self.userlists.keys().map(String::as_str));
        self.userlists.get(name).map(Arc::clone).ok_or_else(unknown)
    }

    /// The stick table of a name.
    pub(super) fn table(&self, name: &str) -> Result<Arc<Table>, RuleError> {
        let unknown = || RuleError::unknown("stick table", name, self.tables.iter().map(|table| table.name.as_str()));
        self.tables.find(name).map(Arc::clone).ok_or_else(unknown)
    }

    /// The stick table of this section.
    pub(super) fn own_table(&self) -> Result<Arc<Table>, RuleError> {
        let missing = || {
            let what = format!("'{}' has no stick table of its own", self.home);
            RuleError::new(0, what).hint("name a table, or add a 'stick-table' line")
        };
        self.tables.find(self.home).map(Arc::clone).ok_or_else(missing)
    }

    /// The number of a counter.
    pub(super) fn counter(&self, text: &str) -> Result<usize, RuleError> {
        let (most, wrong) = (self.counters, "is not the number of a counter");
        let number = text.parse().map_err(|_| RuleError::new(0, format!("'{text}' {wrong}")))?;
        if number < most {
            return Ok(number);
        }
        let error = RuleError::new(0, format!("there is no counter {number}: a session has {most}, from 0"));
        Err(error.hint("'tune.stick-counters' in the global section sets how many there are"))
    }

    /// Reads a public key, to be found by its name when rules run.
    pub(super) fn public_key(&mut self, name: &str, form: KeyForm) -> Result<(), RuleError> {
        if self.registry.public_keys().find(name, form).is_some() {
            return Ok(());
        }
        let content = self.read(name)?;
        let key = PublicKey::from_pem(&content, form).ok_or_else(|| match form {
            KeyForm::Bare => {
                let error = RuleError::new(0, format!("'{name}' has no public key in PEM"));
                error.hint("jwt_verify_cert takes the key of a certificate")
            }
            KeyForm::Certificate => RuleError::new(0, format!("'{name}' has no certificate in PEM")),
        })?;
        self.registry.add_public_key(name, form, key);
        Ok(())
    }

    /// The patterns of a file, compiled once for each way of matching.
    pub(super) fn file(&mut self, name: &str, spec: PatternSpec) -> Result<Arc<Patterns>, RuleError> {
        if let Some(known) = self.registry.find(name, spec) {
            return Ok(known);
        }
        if self.registry.named(name).any(|known| known.spec.is_map != spec.is_map) {
            let (other, this) = if spec.is_map { ("patterns", "a map") } else { ("a map", "patterns") };
            return Err(RuleError::new(0, format!("'{name}' is read as {other} elsewhere, and cannot be {this} here")));
        }
        let content = self.read(name)?;
        let patterns = Patterns::from_file(name, &content, spec)?;
        Ok(self.registry.add(patterns, "", None))
    }
}
