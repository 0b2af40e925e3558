//! What the process tells HAProxy's tools of itself: which HAProxy it speaks like, and the node's name and description.

use std::fmt;

/// A version of HAProxy: `2.4`, `v3.0.5`, `3.5-dev4`. A development version comes before the release that it leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    major: u32,
    minor: u32,
    /// Number of the development version; releases are above all of them.
    development: u32,
    patch: u32,
}

/// The newest version in the keyword table: what is spoken where a file declares no version.
pub const SPOKEN: Version = Version { major: 3, minor: 5, development: u32::MAX, patch: 0 };

/// Days on which branches were first released; newer ones have that of the newest.
const RELEASED: [(&str, &str); 12] = [
    ("2.2", "2020/07/07"),
    ("2.3", "2020/11/05"),
    ("2.4", "2021/05/14"),
    ("2.5", "2021/11/23"),
    ("2.6", "2022/05/31"),
    ("2.7", "2022/12/01"),
    ("2.8", "2023/05/31"),
    ("2.9", "2023/12/05"),
    ("3.0", "2024/05/29"),
    ("3.1", "2024/11/26"),
    ("3.2", "2025/05/28"),
    ("3.3", "2025/11/26"),
];

impl Version {
    /// A branch (`2.6`) or a release (`2.6.12`), as people declare it; `None` if it is neither.
    pub fn declared(text: &str) -> Option<Version> {
        let parts: Vec<&str> = text.split('.').collect();
        let is_number = |part: &&str| !part.is_empty() && part.len() < 4 && part.bytes().all(|c| c.is_ascii_digit());
        (matches!(parts.len(), 2 | 3) && parts.iter().all(is_number)).then(|| Version::read(text))
    }

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

    /// As `-v`, `show info`, `show version` and the statistics page print it: vipgate's own version follows, so that
    /// nobody takes one for the other.
    pub fn told(&self) -> String {
        format!("{self}-vipgate{}", crate::VERSION)
    }

    /// The day of its branch, as tools expect one: `2022/05/31`.
    pub fn date(&self) -> &'static str {
        let known = RELEASED.iter().take_while(|(branch, _)| Version::read(branch).is_not_after(self)).last();
        known.map_or(RELEASED[0].1, |(_, date)| date)
    }

    /// Whether this branch is that of `other` or an earlier one.
    pub fn is_not_after(&self, other: &Version) -> bool {
        (self.major, self.minor) <= (other.major, other.minor)
    }
}

impl Default for Version {
    fn default() -> Version {
        SPOKEN
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

/// What `show info`, the statistics page and metrics call this process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The version of HAProxy that it speaks like.
    pub version: Version,
    /// HAProxy's `node`; `None` is the name of this node.
    pub node: Option<String>,
    /// HAProxy's `description`.
    pub description: Option<String>,
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

    #[test]
    fn a_version_has_the_day_of_its_branch() {
        for (version, date) in [("1.8", "2020/07/07"), ("2.6.12", "2022/05/31"), ("3.5", "2025/11/26")] {
            assert_eq!(Version::read(version).date(), date, "{version}");
        }
    }
}
