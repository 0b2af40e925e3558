//! Properties: `apply(a, diff(a, b)) == b`; hostile text never panics.

use proptest::prelude::*;

use vipgate::config::load;
use vipgate::diag::{Severity, Source, render};
use vipgate::model::Model;
use vipgate::model::diff::{Change, apply, diff};

use crate::examples::{self, FILES, model};
use crate::{on, read};

/// A valid file made of choices, so that two of them differ in many places.
fn file() -> impl Strategy<Value = String> {
    let router = (1u8..5, 0usize..2, 1u8..4, any::<bool>());
    let backend = (prop::collection::btree_map("[ab]", 1u8..200, 1..3), any::<bool>(), 1u8..5);
    (
        prop::collection::btree_map("[pqr]", router, 0..4),
        prop::collection::btree_map("[xyz]", backend, 1..4),
        prop::collection::btree_map("[fgh]", (80u16..84, any::<prop::sample::Index>(), any::<bool>()), 0..4),
        any::<bool>(),
    )
        .prop_map(|(routers, backends, frontends, is_reversed)| {
            let mut text = "nodes:\n  lb1: {address: 192.0.2.11, priority: 200}\nvrrp:\n".to_owned();
            for (number, (name, (vrid, interface, seconds, has_two))) in routers.iter().enumerate() {
                let second = if *has_two { format!(", \"2001:db8::{number}\"") } else { String::new() };
                text += &format!(
                    "  {name}: {{virtual_router_id: {}, interface: eth{interface}, advert_interval: {seconds}s, \
                     virtual_addresses: {{v{name}: [192.0.2.{}{second}]}}}}\n",
                    usize::from(*vrid) * 10 + number,
                    100 + number
                );
            }
            text += "backends:\n";
            let mut lines: Vec<_> = backends
                .iter()
                .map(|(name, (servers, is_checked, retries))| {
                    let servers: Vec<_> = servers.iter().map(|(s, host)| format!("{s}: 192.0.2.{host}:80")).collect();
                    let check = if *is_checked { ", check: {tcp: true}" } else { "" };
                    format!("  {name}: {{servers: {{{}}}, retries: {retries}{check}}}\n", servers.join(", "))
                })
                .collect();
            if is_reversed {
                lines.reverse();
            }
            text += &lines.concat();
            text += "frontends:\n";
            for (number, (name, (port, backend, is_logged))) in frontends.iter().enumerate() {
                let backend = backend.get(&backends.keys().collect::<Vec<_>>()).to_string();
                let address = match routers.keys().nth(number) {
                    Some(router) => format!("vip@v{router}"),
                    None => format!("192.0.2.{}", 50 + number),
                };
                text += &format!(
                    "  {name}: {{bind: \"{address}:{port}\", default_backend: {backend}, log: {is_logged}}}\n"
                );
            }
            text
        })
}

fn loaded(text: &str) -> Model {
    examples::model(text, "lb1")
}

/// There is a model exactly where there is no error.
fn is_consistent(sources: &[Source]) {
    let loaded = load(sources, &on("lb1"));
    let has_errors = loaded.diagnostics.iter().any(|problem| problem.severity == Severity::Error);
    assert_eq!(loaded.model.is_some(), !has_errors, "{}", render(&loaded.diagnostics, sources));
}

proptest! {
    #[test]
    fn applying_a_difference_makes_the_other_model(a in file(), b in file()) {
        let (a, b) = (loaded(&a), loaded(&b));
        prop_assert_eq!(apply(&a, &diff(&a, &b)), b.clone());
        prop_assert!(diff(&b, &b).is_empty());
    }

    #[test]
    fn a_broken_example_never_panics(file in 0usize..4, cut in any::<prop::sample::Index>(), put in "\\PC{0,8}|[\\x00-\\x1f:{}\\[\\]*&!|>'\"#\n -]{0,6}", drop in 0usize..20) {
        let mut text = read(FILES[file]);
        let at = cut.index(text.len());
        let end = (at + drop).min(text.len());
        if text.is_char_boundary(at) && text.is_char_boundary(end) {
            text.replace_range(at..end, &put);
        }
        let sources = [Source::new("broken.yaml", text)];
        is_consistent(&sources);
    }

    #[test]
    fn a_broken_haproxy_cfg_never_panics(
        file in 0usize..3,
        cut in any::<prop::sample::Index>(),
        put in "\\PC{0,8}|[\\x00-\\x1f\"'$\\{\\}\\[\\]*\\\\# :.,()!&|-]{0,8}",
        drop in 0usize..20,
    ) {
        let files = ["balancer", "unknown", "conditions"];
        let mut text = read(&format!("tests/config/cases/haproxy-{}.cfg", files[file]));
        let at = cut.index(text.len());
        let end = (at + drop).min(text.len());
        if text.is_char_boundary(at) && text.is_char_boundary(end) {
            text.replace_range(at..end, &put);
        }
        is_consistent(&[Source::new("broken.cfg", text)]);
    }

    #[test]
    fn any_text_never_panics(text in "\\PC{0,200}") {
        let sources = [Source::new("any.yaml", text)];
        is_consistent(&sources);
    }
}

#[test]
fn moved_backend_is_no_change_of_its_frontend() {
    let text = read("configs/pair.yaml");
    let before = model(&text, "lb1");
    let after = model(&text.replace("backends:\n", "backends:\n  first: {servers: {a: 192.0.2.31:80}}\n"), "lb1");
    let diff = diff(&before, &after);
    assert!(diff.frontends.items.iter().all(|change| matches!(change, Change::Same { to: Some(_), .. })));
    assert!(diff.instances.items.iter().all(|change| matches!(change, Change::Same { .. })));
    assert_eq!(diff.servers_added, [("first".to_owned(), "a".to_owned())]);
    assert!(diff.binds_added.is_empty() && diff.binds_removed.is_empty());
}

#[test]
fn new_router_id_recreates_a_router_and_a_new_priority_does_not() {
    let text = read("configs/pair.yaml");
    let before = model(&text, "lb1");
    let change = |from: &str, to: &str| diff(&before, &model(&text.replace(from, to), "lb1")).instances.items;
    assert!(matches!(change("id: 51", "id: 52")[0], Change::Recreated { from: 0, .. }));
    assert!(matches!(change("priority: 200", "priority: 210")[0], Change::Changed { from: 0, .. }));
}
