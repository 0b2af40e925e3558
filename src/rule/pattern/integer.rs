//! Numbers, ranges and comparisons.

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

/// How a bound of a range is read, and the characters that may stand between two.
pub type Bounds<'c> = (fn(&str) -> Option<i64>, &'c [char]);

impl Range {
    /// Reads `5`, `5:7`, `5:` or `:7`, whose bounds one of these characters separates.
    pub fn parse(text: &str, operator: Operator, (number, separators): Bounds<'_>) -> Result<Range, String> {
        let wrong = || format!("'{text}' is neither a number nor a range");
        let bound = |text: &str| number(text).ok_or_else(wrong);
        let range = match text.split_once(separators) {
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
        Ok(match operator {
            Operator::Eq => range,
            Operator::Ge => Range { low: range.low, high: i64::MAX },
            Operator::Gt => Range { low: range.high.checked_add(1).ok_or_else(wrong)?, high: i64::MAX },
            Operator::Le => Range { low: i64::MIN, high: range.high },
            Operator::Lt => Range { low: i64::MIN, high: range.low.checked_sub(1).ok_or_else(wrong)? },
        })
    }

    /// Whether the value is in it.
    pub fn contains(self, value: i64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

/// A whole number.
pub(super) fn number(text: &str) -> Option<i64> {
    text.parse().ok()
}

/// `major.minor` as `major << 16 + minor`, HAProxy's form of TLS versions.
pub(super) fn version(text: &str) -> Option<i64> {
    let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
    Some((i64::from(major.parse::<u16>().ok()?) << 16) + i64::from(minor.parse::<u16>().ok()?))
}
