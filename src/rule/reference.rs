//! Names in rules that something else of the configuration has to define.

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReferenceKind {
    /// A backend (or listen section).
    Backend,
    /// A frontend (or listen section).
    Frontend,
    /// `backend/server`, or `server` of the current backend.
    Server,
    /// An `http-errors` section.
    ErrorFiles,
    /// A `resolvers` section.
    Resolvers,
    /// A log profile.
    LogProfile,
}

/// A name that whoever loads the configuration has to look up; rules keep it as text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reference {
    /// What it stands for.
    pub kind: ReferenceKind,
    /// As written.
    pub name: String,
}
