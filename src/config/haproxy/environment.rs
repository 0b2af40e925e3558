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

    /// A text with `$NAME` and `${NAME}` replaced; what is not set is empty, and what is no variable stays.
    pub fn expand(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            out.push_str(before);
            let braced = after.strip_prefix('{').and_then(|inner| inner.split_once('}'));
            let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let (name, left) =
                braced.unwrap_or_else(|| after.split_at(after.find(|c| !is_name(c)).unwrap_or(after.len())));
            match name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.chars().all(is_name) {
                true => out.push_str(self.value(name).unwrap_or_default()),
                false => {
                    out.push('$');
                    rest = after;
                    continue;
                }
            }
            rest = left;
        }
        out + rest
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
    fn addresses_are_expanded_without_quotes() {
        let mut environment = Environment::default();
        environment.set("PORT", "80");
        for (text, expanded) in [
            (":$PORT", ":80"),
            ("a:${PORT}x", "a:80x"),
            ("a$", "a$"),
            ("${NOPE}:$1", ":$1"),
            ("${PORT", "${PORT"),
            ("a", "a"),
        ] {
            assert_eq!(environment.expand(text), expanded, "{text}");
        }
    }

    #[test]
    fn preset_keeps_what_is_set() {
        let mut environment = Environment::default();
        environment.preset("A", "1");
        environment.preset("A", "2");
        assert_eq!(environment.value("A"), Some("1"));
    }
}
