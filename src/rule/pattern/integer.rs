//! Numbers, ranges and comparisons.

use super::method::Method;

/// A comparison before the values of an ACL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// Equal, or within the range.
    Eq,
    /// Greater than or equal.
    Ge,
    /// Greater.
    Gt,
    /// Less than or equal.
    Le,
    /// Less.
    Lt,
}

impl Operator {
    /// By its word.
    pub fn by_name(name: &str) -> Option<Operator> {
        Some(match name {
            "eq" => Operator::Eq,
            "ge" => Operator::Ge,
            "gt" => Operator::Gt,
            "le" => Operator::Le,
            "lt" => Operator::Lt,
            _ => return None,
        })
    }
}

/// From the lower to the upper bound, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// Least.
    pub low: i64,
    /// Most.
    pub high: i64,
}

/// How a bound of a range is read.
pub(super) type Number = fn(&str) -> Option<i64>;

/// What stands between the bounds of a range.
const SEPARATORS: [char; 2] = [':', '-'];

impl Range {
    /// Reads `5`, `5:7`, `5-7`, `5:` or `:7`. A sign in front is a separator, too: `-7` is `:7`.
    pub(super) fn parse(text: &str, number: Number) -> Result<Range, String> {
        let wrong = || format!("'{text}' is neither a number nor a range");
        let bound = |text: &str| number(text).ok_or_else(wrong);
        let range = match text.split_once(SEPARATORS) {
            None => {
                let value = bound(text)?;
                Range { low: value, high: value }
            }
            Some(("", "")) => return Err(wrong()),
            Some((low, "")) => Range { low: bound(low)?, high: i64::MAX },
            Some(("", high)) => Range { low: i64::MIN, high: bound(high)? },
            Some((low, high)) => Range { low: bound(low)?, high: bound(high)? },
        };
        if range.low > range.high {
            return Err(format!("'{text}' is an empty range: the lower bound comes first"));
        }
        Ok(range)
    }

    /// Whether the value is in it.
    pub fn contains(self, value: i64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

/// A whole number.
pub(super) fn number(text: &str) -> Option<i64> {
    (!text.starts_with('+')).then(|| text.parse().ok()).flatten()
}

/// `major.minor` as `major << 16 + minor`, HAProxy's form of TLS versions.
pub(super) fn version(text: &str) -> Option<i64> {
    let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
    Some((i64::from(major.parse::<u16>().ok()?) << 16) + i64::from(minor.parse::<u16>().ok()?))
}

/// The range that a number behind an operator is, written as one: `gt 5` is `6:`. A range stays what it is.
///
/// # Errors
/// The text is no number.
pub fn compared(text: &str, operator: Operator, method: Method) -> Result<String, String> {
    if operator == Operator::Eq || text.contains(SEPARATORS) {
        return Ok(text.to_owned());
    }
    let is_version = method == Method::Version;
    let value = if is_version { version(text) } else { number(text) };
    let bound = value.and_then(|value| match operator {
        Operator::Gt => value.checked_add(1),
        Operator::Lt => value.checked_sub(1),
        Operator::Eq | Operator::Ge | Operator::Le => Some(value),
    });
    let bound = bound.ok_or_else(|| format!("'{text}' is neither a number nor an operator"))?;
    let shown = if is_version { format!("{}.{}", bound >> 16, bound & 0xffff) } else { bound.to_string() };
    Ok(match operator {
        Operator::Gt | Operator::Ge => format!("{shown}:"),
        Operator::Eq | Operator::Le | Operator::Lt => format!(":{shown}"),
    })
}
