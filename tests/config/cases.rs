//! What is said about the cases.

use std::path::Path;

use crate::said;

/// File names of all cases, in order.
pub fn names() -> Vec<String> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config/cases");
    let mut names: Vec<_> = std::fs::read_dir(directory)
        .expect("cases")
        .map(|entry| entry.expect("case").file_name().into_string().expect("utf-8"))
        .filter(|name| name.ends_with(".yaml") || name.ends_with(".cfg"))
        .collect();
    names.sort();
    names
}

#[test]
fn every_case_says_what_is_expected() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config/cases");
    let is_update = std::env::var_os("UPDATE").is_some();
    let names = names();
    assert!(names.len() > 20, "cases are missing");
    let mut wrong = String::new();
    for name in names {
        let path = directory.join(&name);
        let said = said(&name, &std::fs::read_to_string(&path).expect("case"));
        let expected = match path.extension().is_some_and(|extension| extension == "cfg") {
            true => path.with_extension("cfg.txt"),
            false => path.with_extension("txt"),
        };
        if is_update {
            std::fs::write(&expected, said).expect("writable");
        } else if std::fs::read_to_string(&expected).expect("an expected text") != said {
            wrong += &format!("--- {name} says now:\n{said}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
