//! The tables of a configuration, by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::stick;

use super::Table;

/// Tables by name.
#[derive(Clone, Debug, Default)]
pub struct Tables(BTreeMap<String, (stick::Table, Arc<Table>)>);

impl Tables {
    /// No tables.
    pub const NONE: Tables = Tables(BTreeMap::new());

    /// The tables that are asked for. One that was there before, with the same keys and data, keeps its entries, whatever
    /// became of its size and its times.
    pub fn resolve(models: &[stick::Table], before: Option<&Tables>) -> Tables {
        let one = |model: &stick::Table| {
            let kept =
                before.and_then(|before| before.0.get(&model.name)).filter(|(known, _)| is_same_kind(known, model));
            let table = match kept {
                Some((_, table)) => {
                    table.adjust(model);
                    Arc::clone(table)
                }
                None => Arc::new(Table::new(model)),
            };
            (model.name.clone(), (model.clone(), table))
        };
        Tables(models.iter().map(one).collect())
    }

    /// The table of a name.
    pub fn find(&self, name: &str) -> Option<&Arc<Table>> {
        self.0.get(name).map(|(_, table)| table)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Table>> {
        self.0.values().map(|(_, table)| table)
    }
}

fn is_same_kind(a: &stick::Table, b: &stick::Table) -> bool {
    (a.key, a.server_key, &a.stores, a.bytes_factor) == (b.key, b.server_key, &b.stores, b.bytes_factor)
}
