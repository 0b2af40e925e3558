//! Environment variables as a configuration sees and changes them.

use std::collections::BTreeMap;

/// The variables that `"$NAME"` expands. `setenv` and its relatives change this copy, never the process's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    variables: BTreeMap<String, String>,
}

impl Environment {
    /// What the process was started with, plus what HAProxy sets itself (manual §2.3).
    pub fn new(inherited: &BTreeMap<String, String>, own: impl IntoIterator<Item = (String, String)>) -> Environment {
        let mut variables = inherited.clone();
        variables.extend(own);
        Environment { variables }
    }

    /// `None` if it is not set.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// `setenv`: overwrites.
    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    /// `presetenv`: keeps what is there.
    pub fn preset(&mut self, name: &str, value: &str) {
        self.variables.entry(name.to_owned()).or_insert_with(|| value.to_owned());
    }

    /// `unsetenv`.
    pub fn unset(&mut self, name: &str) {
        self.variables.remove(name);
    }

    /// `resetenv`: nothing stays but these.
    pub fn reset(&mut self, kept: &[&str]) {
        self.variables.retain(|name, _| kept.contains(&name.as_str()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reset_keeps_only_what_is_named() {
        let inherited = BTreeMap::from([("A".to_owned(), "1".to_owned()), ("B".to_owned(), "2".to_owned())]);
        let mut environment = Environment::new(&inherited, [("C".to_owned(), "3".to_owned())]);
        environment.set("A", "9");
        environment.reset(&["A"]);
        assert_eq!((environment.value("A"), environment.value("B"), environment.value("C")), (Some("9"), None, None));
    }

    #[test]
    fn preset_keeps_what_is_set() {
        let mut environment = Environment::default();
        environment.preset("A", "1");
        environment.preset("A", "2");
        assert_eq!(environment.value("A"), Some("1"));
    }
}
