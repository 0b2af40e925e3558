//! Rules as they are written: words and where they stand. `rule` compiles them, at load and once more for what runs.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

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

/// What the rules of all sections share.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Material {
    /// Content of the files that rules name (maps, patterns, bodies), by name.
    pub files: BTreeMap<String, Arc<[u8]>>,
}

impl fmt::Debug for Material {
    /// Names and sizes: files are large.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_map().entries(self.files.iter().map(|(name, bytes)| (name, bytes.len()))).finish()
    }
}
