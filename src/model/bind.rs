//! Options of listening addresses; their defaults are HAProxy's.

/// Options of a listening address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct BindOptions {
    /// Whether connections begin with a PROXY header (HAProxy's `accept-proxy`).
    pub accepts_proxy: bool,
    /// Name for lines of log and rules.
    pub name: Option<String>,
    /// Number for rules, 1-; `None` is its place in the frontend.
    pub id: Option<u32>,
}
