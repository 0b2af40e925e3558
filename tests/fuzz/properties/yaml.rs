//! A configuration file full of mistakes: loading and rendering what is wrong with it never panics.

use vipgate::config::{self, HostFacts};
use vipgate::diag::Source;

/// The bytes are the file.
pub fn holds(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let _ = (text, HostFacts::default(), config::load, Source::new);
}
