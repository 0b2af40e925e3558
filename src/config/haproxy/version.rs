//! HAProxy's version numbers: `2.4`, `v3.0.5`, `3.5-dev4`.

use std::fmt;

/// A version. A development version comes before the release that it leads to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    major: u32,
    minor: u32,
    /// Number of the development version; releases are above all of them.
    development: u32,
    patch: u32,
}

/// The version whose language is read here: the newest in the keyword table.
pub const SPOKEN: Version = Version { major: 3, minor: 5, development: u32::MAX, patch: 0 };

impl Version {
    /// What is missing or no number counts as zero.
    pub fn read(text: &str) -> Version {
        let text = text.trim_start_matches('v');
        let (numbers, suffix) = text.split_once('-').unwrap_or((text, ""));
        let mut numbers = numbers.split('.').map(|part| part.parse().unwrap_or(0));
        let development = suffix.strip_prefix("dev").map(|rest| {
            let digits = rest.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
            digits.parse().unwrap_or(0)
        });
        Version {
            major: numbers.next().unwrap_or(0),
            minor: numbers.next().unwrap_or(0),
            development: development.unwrap_or(u32::MAX),
            patch: numbers.next().unwrap_or(0),
        }
    }

    /// `3.5`.
    pub fn branch(&self) -> String {
        format!("{}.{}", self.major, self.minor)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)?;
        match self.development {
            u32::MAX => write!(f, ".{}", self.patch),
            number => write!(f, "-dev{number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn development_comes_before_its_release() {
        let order = ["1.8", "2.4-dev19", "2.4.0", "2.4.11", "2.10", "3.5-dev4", "3.5-dev12-99", "v3.5"];
        for pair in order.windows(2) {
            assert!(Version::read(pair[0]) < Version::read(pair[1]), "{pair:?}");
        }
    }

    #[test]
    fn version_prints_as_it_is_written() {
        for text in ["3.5.0", "2.4-dev19"] {
            assert_eq!(Version::read(text).to_string(), text);
        }
    }
}
