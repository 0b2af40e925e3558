//! Pages that `vipgate manual` writes are committed as it writes them.

use std::fs;
use std::process::Command;

use super::page::root;

#[test]
fn reference_pages_are_those_that_vipgate_writes() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let status = Command::new(env!("CARGO_BIN_EXE_vipgate")).arg("manual").arg(directory.path()).status();
    assert!(status.expect("vipgate").success());
    for name in ["configuration.md", "commands.md"] {
        let written = fs::read_to_string(directory.path().join(name)).expect("a page");
        let committed = fs::read_to_string(root().join("docs/reference").join(name)).unwrap_or_default();
        assert!(written == committed, "docs/reference/{name} is not what vipgate says: run ./dev docs");
    }
}
