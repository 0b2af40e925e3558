//! Files that stay readable.

use std::path::Path;

use crate::source::{File, files};

/// Lines, tests included. Ask yourself much earlier.
const LONGEST: usize = 600;

fn all() -> Vec<File> {
    ["src", "tests"].into_iter().flat_map(files).collect()
}

fn complain(what: &str, wrong: Vec<String>) {
    assert!(wrong.is_empty(), "{what}:\n{}", wrong.join("\n"));
}

#[test]
fn no_file_is_too_long() {
    let too_long = |file: &File| {
        let lines = file.text.lines().count();
        (lines > LONGEST).then(|| format!("{}: {lines} lines, at most {LONGEST}", file.path.display()))
    };
    complain("files to divide", all().iter().filter_map(too_long).collect());
}

#[test]
fn every_file_of_src_starts_with_what_it_is() {
    let files = files("src");
    let is_silent = |file: &&File| !file.text.starts_with("//!") && !file.is_test();
    complain("files without a first line of documentation", paths(files.iter().filter(is_silent)));
}

#[test]
fn every_directory_of_src_has_a_mod_that_says_what_it_decides() {
    let files = files("src");
    let is_thin = |file: &&File| {
        let sentences = file.text.lines().take_while(|line| line.starts_with("//!")).count();
        file.path.ends_with("mod.rs") && !file.is_test() && sentences < 2
    };
    complain(
        "mod.rs that does not say what it decides, never does, and what to read first",
        paths(files.iter().filter(is_thin)),
    );
    let mut bare: Vec<_> =
        files.iter().filter_map(|file| file.path.parent()).filter(|directory| *directory != Path::new("src")).collect();
    bare.dedup();
    bare.retain(|directory| !files.iter().any(|file| file.path == directory.join("mod.rs")));
    complain("directories without mod.rs", bare.iter().map(|directory| directory.display().to_string()).collect());
}

#[test]
fn no_module_is_empty() {
    let files = files("src");
    let is_empty = |file: &&File| file.code().trim().is_empty();
    complain("modules with nothing in them", paths(files.iter().filter(is_empty)));
}

#[test]
fn nothing_is_put_off_or_skipped() {
    // Written in two halves, so that this file does not find itself.
    let markers = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("#[ig", "nore"), concat!("todo", "!(")];
    let mut wrong = Vec::new();
    for file in all() {
        for marker in markers {
            if file.text.contains(marker) {
                wrong.push(format!("{}: {marker}", file.path.display()));
            }
        }
    }
    complain("promises", wrong);
}

#[test]
fn unsafe_code_stays_in_sys() {
    let files = files("src");
    let is_unsafe = |file: &&File| {
        let code = file.code();
        // The word alone may stand in a text.
        let is_code = |after: &str| {
            let next = after.trim_start();
            ["{", "fn ", "impl ", "extern ", "trait ", "("].into_iter().any(|start| next.starts_with(start))
        };
        let mut words = crate::source::words(&code).filter(|(word, _)| *word == "unsafe");
        file.module().as_deref() != Some("sys") && words.any(|(_, after)| is_code(after))
    };
    complain("unsafe outside sys", paths(files.iter().filter(is_unsafe)));
}

fn paths<'a>(files: impl Iterator<Item = &'a File>) -> Vec<String> {
    files.map(|file| file.path.display().to_string()).collect()
}
