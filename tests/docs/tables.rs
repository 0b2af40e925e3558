//! Tables say what is so: the README's of failover repeats rows of the measured one, that of haproxy.cfg's sections what the
//! table of keywords has.

use std::fs;

use vipgate::config::haproxy::table;

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

#[test]
fn table_of_sections_is_that_of_the_keywords() {
    let page = read("docs/operations/haproxy.md");
    let section = page.split_once("\n## Sections\n").expect("the page has the table").1;
    let rows: Vec<(&str, &str)> =
        section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | ")).collect();
    for name in table::sections() {
        let shown = rows.iter().find(|(names, _)| names.split("`, `").any(|known| known == name));
        let (_, said) = shown.unwrap_or_else(|| panic!("{name} is missing"));
        let known = table::lookup(name)
            .into_iter()
            .find(|row| row.places.iter().any(|place| place == table::Place::Top))
            .expect("a section");
        let word = said.split([':', ' ']).next();
        assert_eq!(word, Some(known.support.name()), "{name}");
    }
}
