//! Stick tables: of frontends and backends, and those that belong to neither.

use crate::config::draft::Table;
use crate::config::yaml::tree::Node;
use crate::config::yaml::value;
use crate::diag::Spanned;

/// Every table of the file.
pub fn tables(root: &Node) -> Vec<Table> {
    let of = |section: &str, key: Option<&str>| {
        let entries = root.value(section).map(Node::entries).unwrap_or_default();
        entries
            .iter()
            .filter_map(|entry| {
                let node = key.map_or(Some(&entry.value), |key| entry.value.value(key))?;
                let model = value::stick_table(node.text()?).ok()?;
                Some(Table { name: Spanned::new(entry.key.value.clone(), node.span), model, peers: None })
            })
            .collect::<Vec<_>>()
    };
    let key = Some("stick_table");
    [of("frontends", key), of("backends", key), of("stick_tables", None)].concat()
}
