//! The files that checks name, as they were read with the configuration.

use crate::model::rules::Material;
use crate::rule::Files;

pub(super) struct Content<'a>(pub(super) &'a Material);

impl Files for Content<'_> {
    fn read(&self, name: &str) -> Result<Vec<u8>, String> {
        self.0.files.get(name).map(|bytes| bytes.to_vec()).ok_or_else(|| "it was not read".to_owned())
    }
}
