//! What tools are told of the process.

use crate::diag::Spanned;
use crate::model::identity::Version;

/// What HAProxy's tools are told of the process.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    /// The version that it speaks like.
    pub version: Option<Spanned<Version>>,
    /// Its name.
    pub node: Option<Spanned<String>>,
    /// A text about it.
    pub description: Option<Spanned<String>>,
}
