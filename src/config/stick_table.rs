//! Stick tables as HAProxy's files write them, and YAML too: `type ip size 1m expire 30s store conn_rate(10s),gpc0`
//! (HAProxy manual §4.2, `stick-table`).

use std::time::Duration;

use crate::diag::nearest;
use crate::model::stick::{DataType, Form, KeyType, MAX_ARRAY, ServerKey, Stored, Table};
use crate::rule::argument;

/// HAProxy's longest time.
const MAX_TIME: Duration = Duration::from_millis(i32::MAX as u64);
/// Bytes of a text or of bytes where the table does not say; a text has one less, as in HAProxy.
const DEFAULT_LENGTH: usize = 32;

/// What is wrong with the words, and with which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Number of the word, 0-.
    pub at: usize,
    /// The complaint.
    pub what: String,
    /// What could be typed instead.
    pub hint: Option<String>,
}

/// A table, and what is worth a word about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// The table, without its name.
    pub table: Table,
    /// The word that names its peers.
    pub peers: Option<usize>,
    /// Words that say what an earlier one said already.
    pub repeated: Vec<(usize, String)>,
}

struct Words<'w> {
    words: &'w [&'w str],
    at: usize,
}

impl<'w> Words<'w> {
    fn next(&mut self) -> Option<&'w str> {
        let word = self.words.get(self.at).copied();
        self.at += 1;
        word
    }

    /// The argument of the word before.
    fn argument(&mut self, of: &str) -> Result<&'w str, Wrong> {
        self.next().ok_or_else(|| self.wrong(format!("stick-table: missing argument after '{of}'")))
    }

    /// About the word that was read last.
    fn wrong(&self, what: impl Into<String>) -> Wrong {
        Wrong { at: self.at.saturating_sub(1), what: what.into(), hint: None }
    }
}

/// A table of these words, those behind `stick-table`.
///
/// # Errors
/// The first thing that is wrong.
pub fn parse(words: &[&str]) -> Result<Parsed, Wrong> {
    let mut words = Words { words, at: 0 };
    let mut parsed = Parsed {
        table: Table {
            name: String::new(),
            key: KeyType::Ip,
            size: 0,
            expire: None,
            nopurge: false,
            server_key: ServerKey::Name,
            stores: Vec::new(),
            write_to: None,
            bytes_factor: 1,
        },
        peers: None,
        repeated: Vec::new(),
    };
    let (mut key, mut size) = (None, None);
    let table = &mut parsed.table;
    while let Some(word) = words.next() {
        match word {
            "type" => key = Some(key_type(&mut words)?),
            "size" => size = Some(self::size(&mut words)?),
            "expire" => table.expire = expire(&mut words)?,
            "nopurge" => table.nopurge = true,
            // It is about what peers send.
            "recv-only" => {}
            "peers" => {
                words.argument(word)?;
                parsed.peers = Some(words.at - 1);
            }
            "write-to" => table.write_to = Some(words.argument(word)?.to_owned()),
            "srvkey" => {
                table.server_key = match words.argument(word)? {
                    "name" => ServerKey::Name,
                    "addr" => ServerKey::Address,
                    other => return Err(words.wrong(format!("stick-table: unknown server key type '{other}'"))),
                }
            }
            "brates-factor" => {
                let text = words.argument(word)?;
                let wrong = || words.wrong("stick-table: 'brates-factor' takes a number from 1 to 1024");
                let factor = text.parse().ok().filter(|factor| (1..=1024).contains(factor));
                table.bytes_factor = factor.ok_or_else(wrong)?;
            }
            "store" => {
                // A list of nothing stores nothing.
                let list = words.next().unwrap_or_default();
                let at = words.at - 1;
                for text in split(list) {
                    let stored = self::stored(text).map_err(|(what, hint)| Wrong { at, what, hint })?;
                    if table.stores.iter().any(|known| known.what == stored.what) {
                        let what =
                            format!("stick-table: store option '{}' already enabled, ignored", stored.what.name());
                        parsed.repeated.push((at, what));
                    } else {
                        table.stores.push(stored);
                    }
                }
                contradiction(&table.stores).map_or(Ok(()), |what| Err(Wrong { at, what, hint: None }))?;
            }
            other => {
                let known = [
                    "type",
                    "size",
                    "expire",
                    "nopurge",
                    "peers",
                    "write-to",
                    "srvkey",
                    "brates-factor",
                    "store",
                    "recv-only",
                ];
                let hint = nearest(other, known).map(|known| format!("did you mean `{known}`?"));
                return Err(Wrong { hint, ..words.wrong(format!("stick-table: unknown argument '{other}'")) });
            }
        }
    }
    let missing = |what: &str, hint: &str| Wrong {
        at: words.words.len(),
        what: format!("stick-table: missing {what}"),
        hint: Some(hint.to_owned()),
    };
    table.size = size.ok_or_else(|| missing("size", "add 'size' and how many entries it has at most, such as 100k"))?;
    table.key = key.ok_or_else(|| missing("type", "add 'type' and ip, ipv6, integer, string or binary"))?;
    table.stores.sort_by_key(|stored| stored.what);
    Ok(parsed)
}

/// As HAProxy writes it; without the name.
pub fn text(table: &Table) -> String {
    let kind = match table.key {
        KeyType::String(length) => format!("string len {length}"),
        KeyType::Binary(length) => format!("binary len {length}"),
        other => other.name().to_owned(),
    };
    let mut text = format!("type {kind} size {}", table.size);
    if let Some(expire) = table.expire {
        text += &format!(" expire {}ms", expire.as_millis());
    }
    if table.nopurge {
        text += " nopurge";
    }
    if table.server_key == ServerKey::Address {
        text += " srvkey addr";
    }
    if let Some(name) = &table.write_to {
        text += &format!(" write-to {name}");
    }
    if table.bytes_factor > 1 {
        text += &format!(" brates-factor {}", table.bytes_factor);
    }
    let stored = |stored: &Stored| {
        let (name, period) = (stored.what.name(), stored.period.as_millis());
        match (stored.what.is_array(), stored.what.form() == Form::Rate) {
            (true, true) => format!("{name}({},{period}ms)", stored.elements),
            (true, false) => format!("{name}({})", stored.elements),
            (false, true) => format!("{name}({period}ms)"),
            (false, false) => name.to_owned(),
        }
    };
    if !table.stores.is_empty() {
        text += " store ";
        text += &table.stores.iter().map(stored).collect::<Vec<_>>().join(",");
    }
    text
}

fn key_type(words: &mut Words<'_>) -> Result<KeyType, Wrong> {
    let word = words.argument("type")?;
    let mut length = || -> Result<Option<usize>, Wrong> {
        if words.words.get(words.at) != Some(&"len") {
            return Ok(None);
        }
        words.at += 1;
        let text = words.argument("len")?;
        let wrong = || words.wrong("stick-table: 'len' expects a positive integer argument");
        text.parse().ok().filter(|length| *length > 0).map(Some).ok_or_else(wrong)
    };
    Ok(match word {
        "ip" | "ipv4" => KeyType::Ip,
        "ipv6" => KeyType::Ipv6,
        "integer" => KeyType::Integer,
        "string" => KeyType::String(length()?.unwrap_or(DEFAULT_LENGTH - 1)),
        "binary" => KeyType::Binary(length()?.unwrap_or(DEFAULT_LENGTH)),
        other => {
            let hint = nearest(other, ["ip", "ipv6", "integer", "string", "binary"]);
            let hint = hint.map(|known| format!("did you mean `{known}`?"));
            return Err(Wrong { hint, ..words.wrong(format!("stick-table: unknown type '{other}'")) });
        }
    })
}

/// How many entries: a number of 32 bits.
fn size(words: &mut Words<'_>) -> Result<usize, Wrong> {
    let text = words.argument("size")?;
    let size = argument::size(text).filter(|size| *size > 0 && u32::try_from(*size).is_ok());
    size.ok_or_else(|| words.wrong(format!("stick-table: '{text}' is no size; write a number such as 100k")))
}

fn expire(words: &mut Words<'_>) -> Result<Option<Duration>, Wrong> {
    let text = words.argument("expire")?;
    let time = argument::duration(text);
    let wrong = || words.wrong(format!("stick-table: '{text}' is no time; write a number and a unit, such as 30s"));
    let time = time.ok_or_else(wrong)?;
    if time > MAX_TIME {
        return Err(words.wrong("stick-table: timer overflow, maximum value is 2147483647 ms (~24.8 days)"));
    }
    // Zero is for ever.
    Ok(Some(time).filter(|time| !time.is_zero()))
}

/// The parts between commas that are not inside parentheses.
fn split(list: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_u32;
    let parts = list.split(move |c| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    });
    parts.filter(|part| !part.is_empty())
}

fn stored(text: &str) -> Result<Stored, (String, Option<String>)> {
    let (name, arguments) = match text.split_once('(') {
        None => (text, Vec::new()),
        Some((name, rest)) => {
            let open = || (format!("stick-table: missing closing parenthesis after store option '{name}'"), None);
            (name, rest.strip_suffix(')').ok_or_else(open)?.split(',').collect())
        }
    };
    let unknown = || {
        let hint = nearest(name, DataType::ALL.iter().map(|(_, known, ..)| *known));
        let hint = hint.map(|known| format!("did you mean `{known}`?"));
        (format!("stick-table: unknown store option '{name}'"), hint)
    };
    let what = DataType::by_name(name).ok_or_else(unknown)?;
    let mut arguments = arguments.into_iter();
    let mut argument = || {
        let missing = || (format!("stick-table: missing argument to store option '{name}'"), None);
        arguments.next().ok_or_else(missing)
    };
    let mut elements = 1;
    if what.is_array() {
        let size = argument()?.parse().ok().filter(|size| (1..=MAX_ARRAY).contains(size));
        let wrong = || {
            let range = format!("stick-table: array size is out of allowed range (1-{MAX_ARRAY}) for store option");
            (format!("{range} '{name}'"), None)
        };
        elements = size.ok_or_else(wrong)?;
    }
    let mut period = Duration::ZERO;
    if what.form() == Form::Rate {
        let text = argument()?;
        let wrong = || (format!("stick-table: '{text}' is no time for store option '{name}'"), None);
        let known = argument::duration(text).filter(|time| (Duration::from_millis(1)..=MAX_TIME).contains(time));
        period = known.ok_or_else(wrong)?;
    }
    if arguments.next().is_some() {
        return Err((format!("stick-table: unexpected argument to store option '{name}'"), None));
    }
    Ok(Stored { what, elements, period })
}

/// Arrays stand for the single counters, so that a table has one of both.
fn contradiction(stores: &[Stored]) -> Option<String> {
    let has = |what: DataType| stores.iter().any(|stored| stored.what == what);
    let rules = [
        (DataType::Gpt, vec![DataType::Gpt0], "'gpt' and 'gpt0'", "'gpt' overrides 'gpt0'"),
        (DataType::Gpc, vec![DataType::Gpc0, DataType::Gpc1], "'gpc' and 'gpc[0/1]'", "'gpc' overrides 'gpc[0/1]'"),
        (
            DataType::GpcRate,
            vec![DataType::Gpc0Rate, DataType::Gpc1Rate],
            "'gpc_rate' and 'gpc[0/1]_rate'",
            "'gpc_rate' overrides 'gpc[0/1]_rate'",
        ),
    ];
    let broken = rules.into_iter().find(|(array, singles, ..)| has(*array) && singles.iter().any(|one| has(*one)));
    broken.map(|(_, _, what, why)| {
        format!("stick-table: simultaneous usage of {what} in a same table is not permitted as {why}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Parsed, Wrong> {
        parse(&text.split(' ').collect::<Vec<_>>())
    }

    #[test]
    fn tables_are_read_and_written() {
        for (line, written) in [
            ("type ip size 1m", "type ip size 1048576"),
            ("type string size 10k expire 30m", "type string len 31 size 10240 expire 1800000ms"),
            ("size 5 type string len 64", "type string len 64 size 5"),
            (
                "type ipv6 size 5 nopurge srvkey addr store gpc0,conn_rate(10s) store bytes_in_cnt",
                "type ipv6 size 5 nopurge srvkey addr store gpc0,conn_rate(10000ms),bytes_in_cnt",
            ),
            ("type integer size 5 store gpc(3),gpc_rate(3,1m)", "type integer size 5 store gpc(3),gpc_rate(3,60000ms)"),
        ] {
            let table = of(line).unwrap().table;
            assert_eq!(text(&table), written);
            assert_eq!(of(written).unwrap().table, table);
        }
    }

    #[test]
    fn wrong_tables_are_refused_at_the_word() {
        for (line, at, what) in [
            ("type ip", 2, "stick-table: missing size"),
            ("size 5", 2, "stick-table: missing type"),
            ("type ib size 5", 1, "stick-table: unknown type 'ib'"),
            ("type ip size 5 store gpc9", 5, "stick-table: unknown store option 'gpc9'"),
            ("type ip size 5 store conn_rate", 5, "stick-table: missing argument to store option 'conn_rate'"),
            ("type ip size 5 store gpc0(1)", 5, "stick-table: unexpected argument to store option 'gpc0'"),
            (
                "type ip size 5 store gpc0,gpc(2)",
                5,
                "stick-table: simultaneous usage of 'gpc' and 'gpc[0/1]' in a same table is not permitted as 'gpc' \
                 overrides 'gpc[0/1]'",
            ),
            ("type ip size 5 expire", 5, "stick-table: missing argument after 'expire'"),
            ("type ip size 5 nonsense", 4, "stick-table: unknown argument 'nonsense'"),
        ] {
            let wrong = of(line).unwrap_err();
            assert_eq!((wrong.at, wrong.what.as_str()), (at, what), "{line}");
        }
    }
}
