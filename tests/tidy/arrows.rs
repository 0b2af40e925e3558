//! Who may use whom: the architecture as a table. A new arrow is a decision; it is made here, where a reviewer sees it.

use std::collections::BTreeSet;

use crate::source::{File, files, words};

/// Each module under `src/`, in the order of `lib.rs`, and the modules that it may use. Itself is understood.
const ALLOWED: &[(&str, &[&str])] = &[
    // Words.
    ("time", &[]),
    ("diag", &[]),
    ("wire", &[]),
    ("http", &[]),
    ("model", &["diag"]),
    ("state", &["time", "model"]),
    // Deciding.
    ("vrrp", &["time", "wire", "model", "state"]),
    ("track", &["model", "state", "vrrp"]),
    ("stick", &["time", "model"]),
    ("rule", &["time", "diag", "http", "model", "state", "stick"]),
    ("check", &["time", "http", "model", "state", "rule"]),
    ("balance", &["time", "model", "state", "rule"]),
    ("resolve", &["time", "wire", "model", "state", "balance"]),
    ("stats", &["time", "model", "state"]),
    ("config", &["diag", "wire", "model", "track", "stick", "rule", "check", "balance"]),
    // Doing.
    ("sys", &["time", "wire", "model", "vrrp"]),
    ("generation", &["time", "http", "model", "state", "stick", "balance", "rule", "stats"]),
    ("proxy", &["time", "wire", "http", "model", "state", "stick", "balance", "rule", "stats", "sys", "generation"]),
    ("admin", &["time", "wire", "model", "state", "stick", "rule", "stats", "sys", "generation"]),
    // Running.
    (
        "run",
        &[
            "time",
            "diag",
            "wire",
            "http",
            "model",
            "state",
            "vrrp",
            "track",
            "rule",
            "check",
            "resolve",
            "stats",
            "config",
            "sys",
            "generation",
            "proxy",
            "admin",
        ],
    ),
    ("cli", &["time", "diag", "model", "state", "rule", "config", "sys", "admin", "run"]),
];

/// Modules that decide: they compile without any I/O crate and touch neither kernel nor clock.
const PURE: &[&str] = &[
    "time", "diag", "wire", "http", "model", "state", "vrrp", "track", "stick", "rule", "check", "balance", "resolve",
    "stats", "config",
];

/// What a pure module does not name.
const IMPURE: &[&str] = &[
    "tokio",
    "nix",
    "libc",
    "socket2",
    "netlink_packet_route",
    "hyper",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "UnixStream",
    "UnixListener",
    "UnixDatagram",
    "SystemTime",
    "std::fs",
    "std::process",
    "std::thread",
    "std::env",
    "time::Instant::now",
];

fn modules_of_lib() -> Vec<String> {
    let lib = files("src").into_iter().find(|file| file.path.ends_with("lib.rs")).expect("lib.rs");
    let declared = |line: &str| line.trim().strip_prefix("pub mod ")?.strip_suffix(';').map(str::to_owned);
    lib.code().lines().filter_map(declared).collect()
}

/// Modules of this crate's root that a file names: `crate::x`, `crate::{x, y::z}` and as many `super::` as lead there.
fn named(file: &File, modules: &[String]) -> BTreeSet<String> {
    let code = file.code();
    let depth = file.module_path().len();
    let mut named = BTreeSet::new();
    let mut supers = 0;
    for (word, after) in words(&code) {
        supers = if word == "super" { supers + 1 } else { 0 };
        let is_root = (word == "crate" && !code_before(&code, after).ends_with("$crate")) || supers == depth;
        let Some(after) = after.strip_prefix("::").filter(|_| is_root) else { continue };
        let candidates = match after.strip_prefix('{') {
            Some(group) => heads_of_group(group),
            None => words(after).take(1).map(|(word, _)| word.to_owned()).collect(),
        };
        named.extend(candidates.into_iter().filter(|candidate| modules.contains(candidate)));
    }
    named
}

fn code_before<'a>(code: &'a str, after: &str) -> &'a str {
    &code[..code.len() - after.len()]
}

/// `a, b` of `{a::x, b::{c, d}}`, whose opening brace has gone.
fn heads_of_group(group: &str) -> Vec<String> {
    let mut depth = 1;
    let mut heads = vec![String::new()];
    for character in group.chars() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => heads.push(String::new()),
            _ => {}
        }
        if depth == 0 {
            break;
        }
        if let Some(head) = heads.last_mut() {
            head.push(character);
        }
    }
    heads.iter().filter_map(|head| words(head).next().map(|(word, _)| word.to_owned())).collect()
}

#[test]
fn table_lists_the_modules_of_lib_in_their_order() {
    let table: Vec<&str> = ALLOWED.iter().map(|row| row.0).collect();
    assert_eq!(table, modules_of_lib());
}

#[test]
fn arrows_of_the_table_point_upwards() {
    for (row, (module, allowed)) in ALLOWED.iter().enumerate() {
        for target in *allowed {
            let is_above = ALLOWED[..row].iter().any(|(above, _)| above == target);
            assert!(is_above, "{module} -> {target}: {target} does not stand above {module} in the table");
        }
    }
}

#[test]
fn modules_use_only_what_the_table_allows() {
    let modules = modules_of_lib();
    let mut wrong = Vec::new();
    for file in files("src") {
        let Some(module) = file.module() else { continue };
        let allowed = ALLOWED.iter().find(|(name, _)| *name == module).map_or(&[][..], |(_, allowed)| *allowed);
        for target in named(&file, &modules) {
            if target != module && !allowed.contains(&target.as_str()) {
                wrong.push(format!("{}: {module} -> {target}", file.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that the table does not allow:\n{}", wrong.join("\n"));
}

#[test]
fn deciding_modules_name_neither_kernel_nor_clock() {
    let mut wrong = Vec::new();
    for file in files("src") {
        let is_pure = file.module().is_some_and(|module| PURE.contains(&module.as_str()));
        if !is_pure || file.is_test() {
            continue;
        }
        let code = file.code_without_tests();
        for impure in IMPURE {
            let is_named =
                if impure.contains("::") { code.contains(impure) } else { words(&code).any(|word| word.0 == *impure) };
            if is_named {
                wrong.push(format!("{}: names {impure}", file.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "pure modules that are not:\n{}", wrong.join("\n"));
}

#[test]
fn every_way_to_name_a_module_is_seen() {
    let modules = ["wire", "model", "state", "time"].map(str::to_owned);
    let named_in = |text: &str| {
        let file = File { path: "src/check/deep.rs".into(), text: text.to_owned() };
        named(&file, &modules).into_iter().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(named_in("use crate::wire::vrrp;"), "wire");
    assert_eq!(named_in("use crate::{model::{self, track}, state};"), "model state");
    assert_eq!(named_in("fn f(at: crate::time::Instant) {}"), "time");
    assert_eq!(named_in("use super::super::wire;"), "wire");
    assert_eq!(named_in("use super::model;"), "");
    assert_eq!(named_in("//! [`crate::wire`]\nuse std::time::Duration;"), "");
}
