//! The native syntax.
//!
//! Text becomes a tree with places ([`tree`]), the tree is held against the keyword table ([`table`], [`shape`]), and
//! what fits is lowered into the draft ([`lower`]). The only module that knows the YAML crate is [`tree`]. Nothing here
//! looks up a name or fills in a default. Start with [`table`].

mod keyword;
mod table;
mod value;
mod place;
mod destination;
mod tree;
mod merge;
mod shape;
mod lower;
mod schema;
mod manual;
mod reference;

pub use destination::datagrams_text;
pub use manual::manual;
pub use reference::reference;
pub use schema::schema;
pub use value::{duration_text, log_destination_text, proxy_name};

use super::draft::Draft;
use crate::diag::{Problems, Source};

/// What the files say together; the numbers are those of the sources in the list that diagnostics refer to. `None` where
/// one of them is not YAML to its end: what is missing cannot be judged.
pub fn read(sources: &[(usize, &Source)], problems: &Problems) -> Option<Draft> {
    let (root, extent) = merge::read(sources, problems);
    shape::check(&root, &table::FILE, extent, problems);
    let draft = lower::file(&root);
    (extent == tree::Extent::Whole).then_some(draft)
}
