//! Bandwidth limits: `filter bwlim-in`, `filter bwlim-out` and what `set-bandwidth-limit` makes of them (HAProxy manual
//! §9.7).
//!
//! A filter is declared in a section and does nothing until a rule of it sets it for a stream. From then on the stream has a
//! [`Limit`]: of its own, or one that all streams share whose key is the same, in an entry of a stick table. The proxy asks
//! [`Bandwidth::allows`] before it forwards bytes of a body (in tcp mode any byte) and tells [`Bandwidth::take`] what went.

use std::sync::Arc;
use std::time::Duration;

use super::action::{Time, Value, check_key};
use super::argument;
use super::error::RuleError;
use super::expression::Expression;
use super::key;
use super::scope::Scope;
use super::transaction::Transaction;
use crate::model::stick::DataType;
use crate::stick::{Entry, Grant, Quota, Rate, Table};
use crate::time::Instant;

/// Which bytes of a stream are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the client to the server.
    In,
    /// From the server to the client.
    Out,
}

impl Way {
    fn rate(self) -> DataType {
        match self {
            Way::In => DataType::BytesInRate,
            Way::Out => DataType::BytesOutRate,
        }
    }
}

/// A `filter bwlim-in` or `filter bwlim-out` line.
#[derive(Clone, Debug)]
pub struct Filter {
    /// What rules call it.
    pub name: Box<str>,
    /// Which bytes it limits.
    pub way: Way,
    /// Bytes that are forwarded at once at least, unless they are the last.
    least: u64,
    /// Bytes in a period.
    limit: u64,
    share: Share,
}

#[derive(Clone, Debug)]
enum Share {
    /// Each stream has the limit for itself.
    Stream { period: Duration },
    /// Streams with the same key have it together; the period is the table's.
    Table { key: Expression, table: Arc<Table> },
}

/// What a rule sets: a filter, and the stream's own limit and period where it has its own.
#[derive(Clone, Debug)]
pub struct Setting {
    pub(super) filter: Arc<Filter>,
    pub(super) limit: Option<Value>,
    pub(super) period: Option<Time>,
}

impl Filter {
    /// Whether a line is one, by its first two words.
    pub fn has_line(first: &str, second: &str) -> bool {
        first == "filter" && matches!(second, "bwlim-in" | "bwlim-out")
    }

    /// Compiles a line.
    ///
    /// # Errors
    /// The line is wrong, or names a table that does not keep the rate.
    pub fn compile(words: &[&str], scope: &mut Scope<'_>) -> Result<Filter, RuleError> {
        let way = if words.get(1) == Some(&"bwlim-in") { Way::In } else { Way::Out };
        let missing = |what: &str| RuleError::new(1, format!("'{}' needs {what}", words[1]));
        let name = *words.get(2).ok_or_else(|| missing("a name"))?;
        if scope.filters.iter().any(|filter| *filter.name == *name) {
            return Err(RuleError::new(2, format!("there is a bandwidth limit '{name}' already")));
        }
        let (mut own, mut shared) = (None, None);
        let (mut limit, mut period, mut key, mut table, mut least) = (None, None, None, None, 0);
        let mut at = 3;
        while let Some(word) = words.get(at).copied() {
            let argument = words.get(at + 1).copied();
            let needed = || argument.ok_or_else(|| RuleError::new(at, format!("'{word}' needs a value")));
            let mut taken = 2;
            match word {
                "default-limit" | "limit" => limit = Some(size(needed()?, at + 1)?),
                "default-period" => {
                    let text = needed()?;
                    let wrong = || RuleError::new(at + 1, format!("'{text}' is not a time"));
                    period = Some(argument::duration(text).ok_or_else(wrong)?);
                }
                "min-size" => least = size(needed()?, at + 1)?,
                "key" => {
                    needed()?;
                    let compiled = Expression::compile_words(&words[at + 1..], scope);
                    let (expression, words) = compiled.map_err(|error| error.later(at + 1))?;
                    (key, taken) = (Some((expression, at + 1)), words + 1);
                }
                "table" => table = Some((needed()?, at + 1)),
                other => {
                    let error = RuleError::new(at, format!("unexpected '{other}'"));
                    return Err(error.hint("default-limit and default-period, or limit, key and table; min-size"));
                }
            }
            match word {
                "default-limit" | "default-period" => own = own.or(Some(at)),
                "min-size" => {}
                _ => shared = shared.or(Some(at)),
            }
            at += taken;
        }
        if let (Some(one), Some(other)) = (own, shared) {
            let what = format!(
                "'{}' and '{}' exclude each other: a limit is shared, or each stream's own",
                words[one], words[other]
            );
            return Err(RuleError::new(one.max(other), what));
        }
        let limit = limit.filter(|limit| *limit > 0);
        let share = if shared.is_some() {
            let (key, place) = key.ok_or_else(|| missing("'key' and an expression"))?;
            let table = match table {
                Some((name, at)) => scope.table(name).map_err(|error| error.later(at))?,
                None => scope.own_table()?,
            };
            check_key(&key, &table).map_err(|error| error.later(place))?;
            if table.layout().stored(way.rate()).is_none() {
                let rate = if way == Way::In { "bytes_in_rate" } else { "bytes_out_rate" };
                return Err(RuleError::new(1, format!("stick table '{}' does not store '{rate}'", table.name)));
            }
            limit.ok_or_else(|| missing("'limit' and a size above 0"))?;
            Share::Table { key, table }
        } else {
            let period = period.filter(|period| !period.is_zero());
            let period = period.ok_or_else(|| missing("'default-period' and a time above 0"))?;
            Share::Stream { period }
        };
        let limit = limit.ok_or_else(|| missing("'default-limit' and a size above 0"))?;
        Ok(Filter { name: name.into(), way, least, limit, share })
    }

    /// What its entries are found by, where it is shared.
    pub(super) fn key(&self) -> Option<&Expression> {
        match &self.share {
            Share::Stream { .. } => None,
            Share::Table { key, .. } => Some(key),
        }
    }
}

fn size(text: &str, at: usize) -> Result<u64, RuleError> {
    let size = argument::size(text).and_then(|size| u64::try_from(size).ok());
    size.ok_or_else(|| RuleError::new(at, format!("'{text}' is not a size")))
}

/// A limit that a stream has.
#[derive(Debug)]
struct Limit {
    filter: Arc<Filter>,
    pace: Pace,
}

#[derive(Debug)]
enum Pace {
    Own { rate: Rate, limit: u64, period: Duration },
    Shared(Entry),
}

fn milliseconds(at: Instant) -> u64 {
    at.as_nanos() / 1_000_000
}

fn period_of(period: Duration) -> u64 {
    u64::try_from(period.as_millis()).unwrap_or(u64::MAX).max(1)
}

/// The limits of a stream.
#[derive(Debug, Default)]
pub struct Bandwidth(Vec<Limit>);

impl Bandwidth {
    /// Gives up all of them.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Whether there is one of that way.
    pub fn limits(&self, way: Way) -> bool {
        self.0.iter().any(|limit| limit.filter.way == way)
    }

    /// How many of the wanted bytes, at least one, may be forwarded; they have to be told to [`Bandwidth::take`].
    pub fn allows(&self, way: Way, now: Instant, wanted: u64) -> Grant {
        let limits = self.0.iter().filter(|limit| limit.filter.way == way);
        limits.fold(Grant::Now(wanted), |grant, limit| grant.and(limit.allows(now, wanted)))
    }

    /// So many bytes are forwarded.
    pub fn take(&mut self, way: Way, now: Instant, bytes: u64) {
        for Limit { filter, pace } in self.0.iter_mut().filter(|limit| limit.filter.way == way) {
            match pace {
                Pace::Own { rate, period, .. } => rate.add(milliseconds(now), period_of(*period), bytes),
                Pace::Shared(entry) => drop(entry.change(now, |view| view.add(filter.way.rate(), 0, bytes))),
            }
        }
    }
}

impl Limit {
    fn allows(&self, now: Instant, wanted: u64) -> Grant {
        let Filter { least, limit, way, .. } = *self.filter;
        match &self.pace {
            Pace::Own { rate, limit, period } => {
                let quota = Quota { limit: *limit, period: *period, users: 1, least };
                rate.allows(milliseconds(now), quota, wanted)
            }
            Pace::Shared(entry) => {
                let quota = Quota { limit, period: Duration::ZERO, users: 1, least };
                let allowed = entry.look(now, |view| view.allows(way.rate(), quota, wanted));
                allowed.flatten().unwrap_or(Grant::Now(wanted))
            }
        }
    }
}

/// Sets a limit for the stream, anew if it has it already. A key or a value that is not there leaves all as it was, or the
/// filter's own value, as in HAProxy.
pub(super) fn set(setting: &Setting, transaction: &mut Transaction<'_>) {
    let Setting { filter, limit, period } = setting;
    let pace = match &filter.share {
        Share::Stream { period: default } => {
            let limit = limit.as_ref().and_then(|limit| super::action::number_of(limit, transaction));
            let limit = limit.and_then(|limit| u64::try_from(limit).ok()).filter(|limit| *limit > 0);
            let period = period.as_ref().and_then(|period| super::action::time_of(period, transaction));
            let period = period.filter(|period| !period.is_zero()).unwrap_or(*default);
            Pace::Own { rate: Rate::default(), limit: limit.unwrap_or(filter.limit), period }
        }
        Share::Table { key: expression, table } => {
            let Some(sample) = expression.value(transaction) else { return };
            let now = transaction.facts.now();
            let entry = key::with_key(sample, table.key, |key| table.hold(key, now)).flatten();
            let Some(entry) = entry else { return };
            Pace::Shared(entry)
        }
    };
    let limits = &mut transaction.effects.bandwidth.0;
    limits.retain(|known| !Arc::ptr_eq(&known.filter, filter));
    limits.push(Limit { filter: Arc::clone(filter), pace });
}
