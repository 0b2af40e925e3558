//! What the lines of the process make of the environment: `setenv`, `presetenv`, `unsetenv`, `resetenv` (HAProxy manual §3.1).

use std::collections::BTreeMap;

use super::error::RuleError;

/// A line that changes variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// `setenv`: the variable has this value.
    Set(String, String),
    /// `presetenv`: it has this value if it had none.
    Preset(String, String),
    /// `unsetenv`: there are no variables of these names.
    Unset(Vec<String>),
    /// `resetenv`: there are none of other names.
    Reset(Vec<String>),
}

impl Change {
    /// The words of such a line; `None` if it is another one.
    pub fn read(words: &[&str]) -> Option<Result<Change, RuleError>> {
        let names = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Some(Ok(match words {
            [line @ ("setenv" | "presetenv"), name, _] if name.is_empty() || name.contains('=') => {
                return Some(Err(RuleError::new(1, format!("'{line}': '{name}' cannot be the name of a variable"))));
            }
            ["setenv", name, value] => Change::Set((*name).to_owned(), (*value).to_owned()),
            ["presetenv", name, value] => Change::Preset((*name).to_owned(), (*value).to_owned()),
            ["unsetenv"] => return Some(Err(RuleError::new(1, "'unsetenv' expects a name"))),
            ["unsetenv", rest @ ..] => Change::Unset(names(rest)),
            ["resetenv", rest @ ..] => Change::Reset(names(rest)),
            [line @ ("setenv" | "presetenv"), rest @ ..] => {
                return Some(Err(RuleError::new(
                    rest.len().min(2) + 1,
                    format!("'{line}' expects a name and a value"),
                )));
            }
            _ => return None,
        }))
    }

    /// Carries it out.
    pub fn apply(&self, variables: &mut BTreeMap<String, Vec<u8>>) {
        match self {
            Change::Set(name, value) => drop(variables.insert(name.clone(), value.clone().into_bytes())),
            Change::Preset(name, value) => {
                variables.entry(name.clone()).or_insert_with(|| value.clone().into_bytes());
            }
            Change::Unset(names) => names.iter().for_each(|name| drop(variables.remove(name))),
            Change::Reset(names) => variables.retain(|name, _| names.contains(name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_change_variables_one_after_the_other() {
        let mut variables =
            BTreeMap::from([("HOME".to_owned(), b"/root".to_vec()), ("LANG".to_owned(), b"C".to_vec())]);
        let after = |lines: &[&str], variables: &mut BTreeMap<String, Vec<u8>>| {
            for line in lines {
                let words: Vec<&str> = line.split(' ').collect();
                Change::read(&words).expect("one of them").expect("a whole one").apply(variables);
            }
            let shown = |(name, value): (&String, &Vec<u8>)| format!("{name}={}", String::from_utf8_lossy(value));
            variables.iter().map(shown).collect::<Vec<_>>().join(" ")
        };
        let lines = ["setenv A b", "setenv HOME /", "presetenv HOME /x", "presetenv B c"];
        assert_eq!(after(&lines, &mut variables), "A=b B=c HOME=/ LANG=C");
        assert_eq!(after(&["unsetenv A LANG"], &mut variables), "B=c HOME=/");
        assert_eq!(after(&["resetenv B NOPE"], &mut variables), "B=c");
    }

    #[test]
    fn a_variable_without_a_value_is_an_error_and_other_lines_are_none() {
        for line in ["setenv", "setenv A", "presetenv A", "setenv A b c", "setenv A=b c", "presetenv  c", "unsetenv"] {
            let words: Vec<&str> = line.split(' ').collect();
            assert!(Change::read(&words).expect("one of them").is_err(), "{line}");
        }
        assert!(Change::read(&["set-var", "proc.a", "int(1)"]).is_none());
    }
}
