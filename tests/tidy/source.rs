//! Source files as text.

use std::fs;
use std::path::{Path, PathBuf};

/// A source file.
pub struct File {
    /// From the root of the package.
    pub path: PathBuf,
    /// As it is.
    pub text: String,
}

impl File {
    /// The module directly under the crate's root that the file belongs to; `None` for `lib.rs` and `main.rs`.
    pub fn module(&self) -> Option<String> {
        let path = self.module_path();
        path.first().cloned()
    }

    /// `["check", "machine"]` for `src/check/machine.rs`, `["check"]` for `src/check/mod.rs`.
    pub fn module_path(&self) -> Vec<String> {
        let inside = self.path.strip_prefix("src").unwrap_or(&self.path).with_extension("");
        let names = inside.iter().map(|name| name.to_string_lossy().into_owned());
        names.filter(|name| !matches!(name.as_str(), "mod" | "lib" | "main")).collect()
    }

    /// Whether all of it is compiled for tests only.
    pub fn is_test(&self) -> bool {
        self.module_path().iter().any(|name| matches!(name.as_str(), "tests" | "fixture"))
    }

    /// The text without comments.
    pub fn code(&self) -> String {
        without_comments(&self.text)
    }

    /// The code without the tests at its end.
    pub fn code_without_tests(&self) -> String {
        let code = self.code();
        let tests = code.find("#[cfg(test)]\nmod ").filter(|start| {
            let declaration = code[*start..].lines().nth(1).unwrap_or_default();
            declaration.trim_end().ends_with('{')
        });
        code[..tests.unwrap_or(code.len())].to_owned()
    }
}

/// Every Rust file under a directory of the package, in order.
pub fn files(directory: &str) -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    let mut directories = vec![root.join(directory)];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                if !path.ends_with("target") {
                    directories.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                files.push(File { path: path.strip_prefix(root).unwrap().to_owned(), text });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// Line comments and documentation are cut; a `//` inside a string is taken for one, which only hides the line's rest.
fn without_comments(text: &str) -> String {
    let code = |line: &str| line.find("//").map_or(line, |start| &line[..start]).trim_end().to_owned() + "\n";
    text.lines().map(code).collect()
}

/// The identifiers of a text with what follows each.
pub fn words(code: &str) -> impl Iterator<Item = (&str, &str)> {
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    let mut rest = code;
    std::iter::from_fn(move || {
        rest = &rest[rest.find(is_word)?..];
        let (word, after) = rest.split_at(rest.find(|character| !is_word(character)).unwrap_or(rest.len()));
        rest = after;
        Some((word, after))
    })
}

#[test]
fn comments_are_not_code() {
    let code = without_comments("use a; // crate::b\n//! crate::c\n");
    assert_eq!(code, "use a;\n\n");
}
