//! Reading pages, commands and shapes, by example.

use std::path::PathBuf;

use super::console::{Host, steps};
use super::page::{Block, Page};
use super::shape::difference;

fn page(text: &str) -> Page {
    Page { path: PathBuf::from("page.md"), text: text.to_owned() }
}

#[test]
fn a_block_knows_its_language_place_and_section() {
    let page = page("# Page\n\n## One\n\n- item:\n\n  ```yaml\n  a: b\n    c\n  ```\n");
    let block = |text: &str| Block { language: "yaml".into(), line: 8, section: "One".into(), text: text.into() };
    assert_eq!(page.blocks(), [block("a: b\n  c\n")]);
}

#[test]
fn a_prompt_begins_a_step_and_other_lines_are_its_output() {
    let page = page("```console\nlb1# vipgate failover      # hands over\nhanded over in 31 ms\n\n$ ls\n```\n");
    let steps = steps(&page);
    assert_eq!(steps.len(), 2);
    assert_eq!((steps[0].host, steps[0].command.as_str()), (Host::Lb1, "vipgate failover"));
    assert_eq!(steps[0].output, ["handed over in 31 ms"]);
    assert_eq!((steps[1].host, steps[1].place.as_str()), (Host::Here, "page.md:5"));
}

fn differs(shown: &[&str], printed: &str) -> bool {
    difference(&shown.iter().map(ToString::to_string).collect::<Vec<_>>(), printed).is_some()
}

#[test]
fn numbers_and_durations_may_vary() {
    assert!(!differs(&["up 3.2s, 2 workers, (was 4)"], "up 4m05s,   16 workers, (was 9)\n"));
    assert!(!differs(&["2026-01-01T00:00:00Z INFO pid=1"], "2026-11-21T16:52:34.991638Z  INFO pid=94"));
    let line = |text: &str| format!("{text} web app/web01 0/0/0/0/1 200");
    let printed = line("192.0.2.50:53070 [21/Nov/2026:16:52:35.712]");
    assert!(!differs(&[&line("192.0.2.50:40812 [01/Jan/2026:00:00:00.001]")], &printed));
}

#[test]
fn names_addresses_and_facts_may_not() {
    assert!(differs(&["web01 UP"], "web02 UP"));
    assert!(differs(&["192.0.2.11 here"], "192.0.2.12 here"));
    assert!(differs(&["2 sessions"], "2 requests"));
    assert!(differs(&["1 of 2 servers"], "2 of 2 servers"));
    assert!(differs(&["priority 200"], "priority 100"));
    assert!(differs(&["web app/web01 0/0/1"], "web app/<NOSRV> 0/0/1"));
}

#[test]
fn three_dots_stand_for_any_lines_and_nothing_else_does() {
    assert!(!differs(&["first", "...", "last"], "first\nsecond\nthird\nlast\n"));
    assert!(!differs(&["...", "last"], "last"));
    assert!(differs(&["first"], "first\nsecond"));
    assert!(differs(&["first", "..."], "second"));
    assert!(!differs(&["refused: ... `apq`"], "refused: no backend is called `apq`"));
}
