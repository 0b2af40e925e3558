//! Rules as they are written: words and where they stand. `rule` compiles them, at load and once more for what runs.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::stick::Table;

/// A line of rules: `acl`, `use_backend`, `http-request` and the like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its words, unquoted; at least one.
    pub words: Vec<String>,
    /// The file, as the operator named it.
    pub file: Arc<str>,
    /// Line of the file, 1-.
    pub line: u32,
}

/// Whether two lists of rules differ in the places of their lines at most.
pub fn are_alike(a: &[Line], b: &[Line]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.words == b.words)
}

/// What the rules of all sections share.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Material {
    /// Content of the files that rules name (maps, patterns, bodies), by name.
    pub files: BTreeMap<String, Arc<[u8]>>,
    /// Users and groups, by section.
    pub userlists: Vec<Userlist>,
    /// `http-errors` sections.
    pub error_pages: Vec<ErrorPages>,
    /// Stick tables.
    pub tables: Vec<Table>,
    /// Lines of the process: status codes that count as errors, variables.
    pub globals: Vec<Line>,
    /// Counters of a session (`tune.stick-counters`); `None` is HAProxy's default.
    pub stick_counters: Option<usize>,
}

/// An `http-errors` section: a named group of pages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorPages {
    /// Name of the section.
    pub name: String,
    /// Statuses, and the files that have their responses.
    pub pages: Vec<(u16, String)>,
}

impl fmt::Debug for Material {
    /// Names and sizes: files are large, passwords are nobody's business.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files: BTreeMap<_, _> = self.files.iter().map(|(name, bytes)| (name, bytes.len())).collect();
        let userlists: Vec<_> = self.userlists.iter().map(|list| &list.name).collect();
        let mut out = out.debug_struct("Material");
        out.field("files", &files).field("userlists", &userlists);
        out.field("error_pages", &self.error_pages).field("globals", &self.globals);
        out.field("tables", &self.tables).field("stick_counters", &self.stick_counters).finish()
    }
}

/// How a password is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Password {
    /// As it is.
    Plain(String),
    /// As crypt(3) makes it: `$5$` (SHA-256) or `$6$` (SHA-512).
    Crypted(String),
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Name.
    pub name: String,
    /// `None` never lets the user in.
    pub password: Option<Password>,
    /// Groups, by name.
    pub groups: Vec<String>,
}

/// A `userlist` section.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Userlist {
    /// Name of the section.
    pub name: String,
    /// Its users.
    pub users: Vec<User>,
}
