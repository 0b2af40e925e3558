//! Every ```yaml block is a configuration that `vipgate check` accepts on both nodes.
//!
//! A block is a whole file, or some of its top-level sections: the others are those of `configs/pair.yaml`.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::page::{pages, root};

/// What `check` may say of a configuration that is made for another machine than this.
const OTHER_MACHINE: [&str; 3] = ["W-NODE-ADDRESS", "W-INTERFACE", "W-VIP-NETWORK"];

/// A configuration text as its top-level sections: name and lines.
fn sections(text: &str) -> Vec<(String, String)> {
    let mut sections: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        let is_inside = line.is_empty() || line.starts_with([' ', '#']);
        match (line.split_once(':'), sections.last_mut()) {
            (Some((name, _)), _) if !is_inside => sections.push((name.to_owned(), format!("{line}\n"))),
            (_, Some((_, lines))) => lines.extend([line, "\n"]),
            (_, None) => {}
        }
    }
    sections
}

/// The block with the sections that it leaves out.
fn whole(block: &str) -> String {
    let own = sections(block);
    if own.iter().any(|(name, _)| name == "nodes") {
        return block.to_owned();
    }
    let pair = fs::read_to_string(root().join("configs/pair.yaml")).expect("configs/pair.yaml");
    let others = sections(&pair).into_iter().filter(|(name, _)| !own.iter().any(|(own, _)| own == name));
    own.iter().cloned().chain(others).map(|(_, lines)| lines).collect()
}

/// What `vipgate check` has against a file; `None` if it is fine.
fn complaint(file: &Path) -> Option<String> {
    for node in ["lb1", "lb2"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vipgate"));
        let output = command.args(["check", "--node", node, "-f"]).arg(file).output().expect("vipgate");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let is_warned = said
            .lines()
            .any(|line| line.contains(" warning[") && !OTHER_MACHINE.iter().any(|code| line.contains(code)));
        if !output.status.success() || is_warned {
            return Some(said);
        }
    }
    None
}

#[test]
fn every_configuration_in_the_documentation_is_valid() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let (mut count, mut wrong) = (0, Vec::new());
    for page in pages() {
        for block in page.blocks_in("yaml") {
            let file = directory.path().join("vipgate.yaml");
            fs::write(&file, whole(&block.text)).expect("file of the test");
            count += 1;
            if let Some(said) = complaint(&file) {
                wrong.push(format!("{}:{}\n{said}", page.path.display(), block.line));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 5, "{count} blocks");
}

#[test]
fn every_block_has_a_language_that_a_test_knows() {
    let mut wrong = Vec::new();
    for page in pages() {
        let place = |line: usize| format!("{}:{line}", page.path.display());
        for block in page.blocks() {
            if !["console", "yaml", "text"].contains(&block.language.as_str()) {
                wrong.push(format!("{}: `{}` is checked by no test", place(block.line), block.language));
            }
            let is_prompt = |line: &str| line.starts_with("$ ") || line.contains("# vipgate ");
            if block.language == "text" && block.text.lines().any(is_prompt) {
                wrong.push(format!("{}: commands belong into ```console", place(block.line)));
            }
        }
        for (number, line) in page.text.lines().enumerate() {
            if ["    vipgate ", "    ./dev ", "    $ ", "    cargo "].iter().any(|start| line.starts_with(start)) {
                wrong.push(format!("{}: commands belong into ```console", place(number + 1)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_bad_snippet_is_found() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let file = directory.path().join("vipgate.yaml");
    fs::write(&file, whole("log: {acess: off}\n")).expect("file of the test");
    assert!(complaint(&file).is_some_and(|said| said.contains("did you mean `access`?")));
}
