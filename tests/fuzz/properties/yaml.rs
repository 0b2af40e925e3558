//! A configuration file full of mistakes: loading and rendering what is wrong with it never panics.

use vipgate::config::{self, HostFacts};
use vipgate::diag::{Source, render};

/// The bytes are the file.
pub fn holds(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let sources = [Source::new("fuzz.yaml", text)];
    let loaded = config::load(&sources, &HostFacts { node: "lb1".to_owned(), interfaces: Some(Vec::new()) });
    let _ = render(&loaded.diagnostics, &sources);
}
