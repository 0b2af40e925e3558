//! Libraries: each is used, and each has its reason in README's table.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::source::files;

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).expect("a file of the package")
}

/// Names in `[dependencies]` and `[dev-dependencies]`.
fn dependencies() -> BTreeSet<String> {
    let manifest = read("Cargo.toml");
    let mut is_inside = false;
    let mut names = BTreeSet::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            is_inside = line == "[dependencies]" || line == "[dev-dependencies]";
        } else if let Some((name, _)) = line.split_once(" = ").filter(|_| is_inside && !line.starts_with('#')) {
            names.insert(name.to_owned());
        }
    }
    assert!(names.contains("tokio") && names.contains("proptest"), "the manifest is read: {names:?}");
    names
}

#[test]
fn every_dependency_is_used() {
    let code: String = ["src", "tests"].into_iter().flat_map(files).map(|file| file.code()).collect();
    let words: BTreeSet<&str> = crate::source::words(&code).map(|word| word.0).collect();
    let unused: Vec<_> =
        dependencies().into_iter().filter(|name| !words.contains(name.replace('-', "_").as_str())).collect();
    assert!(unused.is_empty(), "dependencies that nothing uses: {unused:?}");
}

#[test]
fn the_readme_gives_the_reason_of_every_dependency_and_of_no_other() {
    let readme = read("README.md");
    let rows =
        readme.lines().skip_while(|line| *line != "| Crate | Why |").skip(2).take_while(|line| line.starts_with('|'));
    let explained: BTreeSet<String> = rows.filter_map(|row| Some(row.split('`').nth(1)?.to_owned())).collect();
    assert_eq!(explained, dependencies());
}
