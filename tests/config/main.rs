//! Configuration: each `cases/NAME.yaml` is loaded, and what is said about it must be `cases/NAME.txt`.
//!
//! A case may begin with `# node: lb2` and `# host: eth0 192.0.2.11/24` lines, which say what machine it is loaded on; one
//! whose name begins with `design-` or that has no `.txt` is a mistake. `UPDATE=1` writes the expected texts anew. A
//! `cases/NAME.cfg` is HAProxy's, its text `cases/NAME.cfg.txt`; `# env: A=b` and `# name: web 192.0.2.1` lines say what
//! variables and host names there are.

mod cases;
mod changes;
mod examples;
mod haproxy;
mod schema;
mod properties;

use vipgate::config::{HostFacts, Interface};
use vipgate::diag::Source;

/// A file of `configs/` or `tests/config/`.
fn read(path: &str) -> String {
    let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn on(node: &str) -> HostFacts {
    HostFacts { node: node.to_owned(), ..HostFacts::default() }
}

/// The machine that a text's first lines describe.
fn host(text: &str) -> HostFacts {
    let mut host = on("lb1");
    for line in text.lines().take_while(|line| line.starts_with('#')) {
        if let Some(node) = line.strip_prefix("# node: ") {
            host.node = node.to_owned();
        }
        if let Some((name, value)) = line.strip_prefix("# env: ").and_then(|variable| variable.split_once('=')) {
            host.environment.insert(name.to_owned(), value.to_owned());
        }
        if let Some((name, address)) = line.strip_prefix("# name: ").and_then(|name| name.split_once(' ')) {
            host.names.entry(name.to_owned()).or_default().push(address.parse().expect("an address"));
        }
        if let Some(interface) = line.strip_prefix("# host: ") {
            let mut words = interface.split_whitespace();
            let name = words.next().expect("an interface").to_owned();
            let address = |word: &str| {
                let (address, prefix) = word.split_once('/').expect("address/prefix");
                (address.parse().expect("an address"), prefix.parse().expect("a prefix"))
            };
            let addresses = words.map(address).collect();
            host.interfaces.get_or_insert_default().push(Interface { name, addresses });
        }
    }
    host
}

/// What is said about a text on its machine.
fn said(name: &str, text: &str) -> String {
    let host = host(text);
    let sources = [Source::new(name, text)];
    let loaded = vipgate::config::load(&sources, &host);
    let verdict = if loaded.model.is_some() { "fine\n" } else { "" };
    vipgate::config::render(&loaded.diagnostics, &sources, 1) + verdict
}
