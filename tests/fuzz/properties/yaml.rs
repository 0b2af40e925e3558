//! A configuration file full of mistakes: loading it and rendering what is wrong with it never panics, and there is a
//! model exactly where nothing is an error.

use vipgate::config::{self, HostFacts};
use vipgate::diag::{self, Severity, Source};

/// The bytes are the file.
pub fn holds(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let sources = [Source::new("vipgate.yaml".to_owned(), text.to_owned())];
    let host = HostFacts { node: "lb1".to_owned(), ..HostFacts::default() };
    let loaded = config::load(&sources, &host);
    let errors = loaded.diagnostics.iter().filter(|found| found.severity == Severity::Error).count();
    assert_eq!(loaded.model.is_some(), errors == 0);
    let rendered = diag::render(&loaded.diagnostics, &sources);
    assert!(loaded.diagnostics.is_empty() || !rendered.is_empty(), "problems are said");
}
