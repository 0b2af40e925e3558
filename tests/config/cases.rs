//! What is said about the cases.

use std::path::Path;

use crate::said;

#[test]
fn every_case_says_what_is_expected() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config/cases");
    let is_update = std::env::var_os("UPDATE").is_some();
    let mut names: Vec<_> = std::fs::read_dir(&directory)
        .expect("cases")
        .map(|entry| entry.expect("case").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml" || extension == "cfg"))
        .collect();
    names.sort();
    assert!(names.len() > 20, "cases are missing");
    let mut wrong = String::new();
    for path in names {
        let name = path.file_name().expect("name").to_string_lossy().into_owned();
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
