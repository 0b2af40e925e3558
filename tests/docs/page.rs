//! Pages: headings and fenced blocks.

use std::fs;
use std::path::{Path, PathBuf};

/// A Markdown file.
#[derive(Clone, Debug)]
pub struct Page {
    /// From the root of the project.
    pub path: PathBuf,
    /// As it is.
    pub text: String,
}

/// A fenced block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The word behind the fence.
    pub language: String,
    /// The number of its first line, from 1.
    pub line: usize,
    /// The heading of level 2 that it stands under.
    pub section: String,
    /// What is between the fences, without the indentation of the fence.
    pub text: String,
}

/// The root of the project.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The README and every page under `docs`, by path.
pub fn pages() -> Vec<Page> {
    let mut paths = vec![PathBuf::from("README.md")];
    below(Path::new("docs"), &mut paths);
    let pages: Vec<_> = paths
        .into_iter()
        .map(|path| Page { text: fs::read_to_string(root().join(&path)).expect("a page"), path })
        .collect();
    assert!(pages.len() > 10, "the pages are found");
    pages
}

fn below(directory: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(root().join(directory)).expect("docs").flatten().collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = directory.join(entry.file_name());
        match entry.path().is_dir() {
            true => below(&path, found),
            false if path.extension().is_some_and(|extension| extension == "md") => found.push(path),
            false => {}
        }
    }
}

impl Page {
    /// Its fenced blocks.
    pub fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut open: Option<(Block, usize)> = None;
        let mut section = String::new();
        for (number, line) in self.text.lines().enumerate() {
            let indentation = line.len() - line.trim_start().len();
            let fence = line.trim_start().strip_prefix("```");
            match (&mut open, fence) {
                (None, Some(language)) => {
                    let (language, section) = (language.trim().to_owned(), section.clone());
                    open = Some((Block { language, line: number + 2, section, text: String::new() }, indentation));
                }
                (None, None) => {
                    if let Some(heading) = line.strip_prefix("## ") {
                        heading.clone_into(&mut section);
                    }
                }
                (Some(_), Some("")) => blocks.extend(open.take().map(|(block, _)| block)),
                (Some((block, indentation)), _) => {
                    block.text.push_str(line.get(*indentation..).unwrap_or_default());
                    block.text.push('\n');
                }
            }
        }
        assert!(open.is_none(), "{}: a block is not closed", self.path.display());
        blocks
    }

    /// Its blocks in a language.
    pub fn blocks_in(&self, language: &str) -> Vec<Block> {
        self.blocks().into_iter().filter(|block| block.language == language).collect()
    }
}
