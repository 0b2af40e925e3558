//! The README's table of failover repeats rows of the measured one.

use std::fs;

use super::page::root;

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn failover_table_of_the_readme_is_part_of_the_measured_one() {
    let measured = read("docs/failover.md");
    let readme = read("README.md");
    let section = readme.split_once("\n## Failover, measured\n").expect("README has the table").1;
    let table: Vec<_> =
        section.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|')).collect();
    assert!(table.len() > 5, "{table:?}");
    for row in table {
        assert!(measured.lines().any(|line| line == row), "docs/failover.md does not have the row\n{row}");
    }
}
