//! A haproxy.cfg full of mistakes: loading it and printing what is wrong with it never panics, and there is a model exactly
//! where nothing is an error.

use std::collections::BTreeMap;

use vipgate::config::{self, HostFacts};
use vipgate::diag::{Severity, Source};

/// The bytes are the file.
pub fn holds(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let sources = [Source::new("haproxy.cfg", text)];
    let host = HostFacts {
        node: "lb1".to_owned(),
        environment: BTreeMap::from([("LIST".to_owned(), "a b".to_owned()), ("PORT".to_owned(), "80".to_owned())]),
        ..HostFacts::default()
    };
    let loaded = config::load(&sources, &host);
    let errors = loaded.diagnostics.iter().filter(|found| found.severity == Severity::Error).count();
    assert_eq!(loaded.model.is_some(), errors == 0);
    let rendered = config::render(&loaded.diagnostics, &sources, 1);
    assert!(rendered.matches(") : config : ").count() >= loaded.diagnostics.len(), "{rendered}");
}
