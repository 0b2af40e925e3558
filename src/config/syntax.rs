//! Which language a file is written in.

use crate::diag::Source;

use super::haproxy::table;

/// A language of configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// vipgate's own.
    Yaml,
    /// HAProxy's.
    Haproxy,
}

impl Syntax {
    /// By the name of the file where it says so: `.yaml` and `.yml` are YAML, `.cfg` is HAProxy's. Otherwise by its first
    /// line that is neither blank nor a comment: the keyword of a section of HAProxy's without a colon, or a directive such
    /// as `.if`, makes it HAProxy's; anything else is YAML.
    pub fn of(source: &Source) -> Syntax {
        match source.name.rsplit_once('.').map(|(_, extension)| extension) {
            Some("yaml" | "yml") => return Syntax::Yaml,
            Some("cfg") => return Syntax::Haproxy,
            _ => {}
        }
        let is_content = |line: &&str| !line.is_empty() && !line.starts_with('#');
        let first = source.text.lines().map(str::trim).find(is_content).unwrap_or_default();
        let word = first.split_whitespace().next().unwrap_or_default();
        match word.starts_with('.') || table::sections().any(|section| section == word) {
            true => Syntax::Haproxy,
            false => Syntax::Yaml,
        }
    }

    /// The sources of this language with their numbers.
    pub fn among(self, sources: &[Source]) -> Vec<(usize, &Source)> {
        sources.iter().enumerate().filter(|(_, source)| Syntax::of(source) == self).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_decides_and_content_where_it_does_not() {
        for (name, text, syntax) in [
            ("a.yaml", "global\n", Syntax::Yaml),
            ("a.cfg", "nodes:\n", Syntax::Haproxy),
            ("cfg", "# x\n\n  global # y\n", Syntax::Haproxy),
            ("a.conf", ".if 1\n", Syntax::Haproxy),
            ("a.conf", "frontend web\n", Syntax::Haproxy),
            ("a", "nodes: {}\n", Syntax::Yaml),
            ("a", "global: {}\n", Syntax::Yaml),
            ("a", "", Syntax::Yaml),
        ] {
            assert_eq!(Syntax::of(&Source::new(name, text)), syntax, "{name} {text}");
        }
    }
}
