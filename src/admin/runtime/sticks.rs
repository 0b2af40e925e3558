//! Stick tables: looked at and changed while sessions count in them.

use std::net::IpAddr;

use crate::model::runtime::Level;
use crate::model::stick::{DataType, Form, KeyType};
use crate::stick::table::View;
use crate::stick::{Table, Tables, show};
use crate::sys::clock;
use crate::time::Instant;

use super::table::Command;
use super::{Answer, Call};

/// Filters that one command takes.
const MOST_FILTERS: usize = 4;

pub const COMMANDS: &[Command] = &[
    Command::now(
        "clear table",
        Level::Operator,
        "clear table <table> [<filter>]*",
        "remove an entry from a table (filter: data/key)",
        |call| of_call(call, Deed::Clear),
    ),
    Command::now(
        "set table",
        Level::Operator,
        "set table <table> key <k> [data.* <v>]*",
        "update or create a table entry's data",
        |call| of_call(call, Deed::Set),
    ),
    Command::now(
        "show table",
        Level::User,
        "show table <table> [<filter>]*",
        "report table usage stats or dump this table's contents (filter: data/key)",
        |call| of_call(call, Deed::Show),
    ),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    Show,
    Clear,
    Set,
}

/// A condition on what an entry holds.
#[derive(Clone, Copy, Debug)]
struct Filter {
    what: DataType,
    element: usize,
    holds: fn(&i64, &i64) -> bool,
    value: i64,
}

fn of_call(call: &Call<'_>, deed: Deed) -> Answer {
    let generation = call.process.generation.load();
    let words = call.words.get(2..).unwrap_or_default();
    let may_see_entries = call.session.level.get() >= Level::Operator;
    run(&generation.rules.tables, words, deed, may_see_entries, clock::now()).unwrap_or_else(|refusal| refusal)
}

/// Carries a command out; the words are those behind its name.
fn run(tables: &Tables, words: &[String], deed: Deed, may_see_entries: bool, now: Instant) -> Result<Answer, Answer> {
    let word = |number: usize| words.get(number).map_or("", String::as_str);
    if word(0).is_empty() {
        if deed != Deed::Show {
            return Err(usage(deed));
        }
        let mut out = String::new();
        tables.iter().for_each(|table| show::head(table, now, &mut out));
        return Ok(Answer::Text(out));
    }
    let table = tables.find(word(0)).ok_or_else(|| Answer::error("No such table"))?;
    match word(1) {
        "key" => of_key(table, words, deed, may_see_entries, now),
        "" if deed == Deed::Set => Ok(Answer::Done),
        first if first.is_empty() || first.starts_with("data.") => {
            let filters = if first.is_empty() { Vec::new() } else { filters(table, &words[1..], deed)? };
            of_all(table, &filters, deed, may_see_entries, now)
        }
        _ => Err(usage(deed)),
    }
}

fn usage(deed: Deed) -> Answer {
    Answer::error(match deed {
        Deed::Show => "Optional argument only supports \"data.<store_data_type>\" <operator> <value> and key <key>",
        Deed::Clear => "Required arguments: <table> \"data.<store_data_type>\" <operator> <value> or <table> key <key>",
        Deed::Set => "Required arguments: <table> key <key> [data.<store_data_type> <value>]*",
    })
}

/// A type as `data.` names it, and the element of an array: `gpc1_rate` may be one of `gpc_rate`.
fn data_type(table: &Table, name: &str) -> Option<(DataType, usize)> {
    let known = DataType::by_name(name).map(|what| (what, 0));
    let digits: String = name.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    let of_array = || Some((DataType::by_name(&name.replacen(&digits, "", 1))?, digits.parse().ok()?));
    match known {
        Some((what, _)) if table.layout().stored(what).is_some() => known,
        _ if digits.is_empty() => known,
        _ => of_array().filter(|(what, _): &(DataType, usize)| what.is_array()).or(known),
    }
}

fn filters(table: &Table, words: &[String], deed: Deed) -> Result<Vec<Filter>, Answer> {
    if deed == Deed::Set {
        let what = "content-based lookup is only supported with the \"show\" and \"clear\" actions";
        return Err(Answer::error(what));
    }
    let (taken, rest) = words.split_at(words.len().min(3 * MOST_FILTERS));
    let mut found = Vec::new();
    for (number, words) in taken.chunks(3).enumerate() {
        let word = |at: usize| words.get(at).map_or("", String::as_str);
        let wrong = |what: &str| Answer::error(format!("Filter entry #{}: {what}", number + 1));
        let name = word(0).strip_prefix("data.").unwrap_or_default();
        let (what, element) = data_type(table, name).ok_or_else(|| wrong("Unknown data type"))?;
        if table.layout().stored(what).is_none_or(|stored| element >= stored.elements) {
            return Err(wrong("Data type not stored in this table"));
        }
        let holds: fn(&i64, &i64) -> bool = match word(1) {
            "eq" => i64::eq,
            "ne" => i64::ne,
            "le" => i64::le,
            "ge" => i64::ge,
            "lt" => i64::lt,
            "gt" => i64::gt,
            _ => {
                let operators = "\"eq\", \"ne\", \"le\", \"ge\", \"lt\", \"gt\"";
                return Err(wrong(&format!("Require and operator among {operators}")));
            }
        };
        let value = word(2).parse().map_err(|_| wrong("Require a valid integer value to compare against"))?;
        found.push(Filter { what, element, holds, value });
    }
    if let Some(before) = taken.last().filter(|_| !rest.is_empty()) {
        let place = 4 + taken.len();
        let what = format!("Detected extra data in filter, {place}th word of input, after '{before}'");
        return Err(Answer::error(what));
    }
    Ok(found)
}

fn of_all(
    table: &Table,
    filters: &[Filter],
    deed: Deed,
    may_see_entries: bool,
    now: Instant,
) -> Result<Answer, Answer> {
    let mut out = String::new();
    if deed == Deed::Show {
        show::head(table, now, &mut out);
        if !may_see_entries {
            out.push_str("# contents not dumped due to insufficient privileges\n");
            return Ok(Answer::Text(out));
        }
    }
    let passes = |view: &View<'_>| {
        let read = |filter: &Filter| view.number(filter.what, filter.element).map(|number| number as i64);
        filters.iter().all(|filter| read(filter).is_some_and(|number| (filter.holds)(&number, &filter.value)))
    };
    let mut keys = table.keys(now);
    keys.sort();
    for (key, number) in keys {
        let is_it = table.look(&key, now, |view| {
            let passes = passes(view);
            if passes && deed == Deed::Show {
                show::entry(table, view, handle(number), &mut out);
            }
            passes
        });
        if is_it == Some(true) && deed == Deed::Clear {
            // One that somebody counts in stays.
            table.remove(&key, now);
        }
    }
    Ok(if deed == Deed::Show { Answer::Text(out) } else { Answer::Done })
}

/// What stands for an entry: HAProxy's is an address.
fn handle(number: u64) -> u64 {
    0x1000_0000 + number * 0x40
}

fn of_key(table: &Table, words: &[String], deed: Deed, may_see_entries: bool, now: Instant) -> Result<Answer, Answer> {
    let Some(written) = words.get(2).filter(|word| !word.is_empty()) else {
        return Err(Answer::error("Key value expected"));
    };
    if deed == Deed::Show && !may_see_entries {
        return Err(Answer::error("Permission denied"));
    }
    let key = key(table.key, written, deed)?;
    match deed {
        Deed::Clear if table.remove(&key, now) => Ok(Answer::Done),
        Deed::Clear => Err(Answer::error("Entry currently in use, cannot remove")),
        Deed::Show => {
            let mut out = String::new();
            if let Some(number) = table.number_of(&key, now) {
                show::head(table, now, &mut out);
                table.look(&key, now, |view| show::entry(table, view, handle(number), &mut out));
            }
            Ok(Answer::Text(out))
        }
        Deed::Set => {
            let full = || Answer::error("Unable to allocate a new entry");
            let changed = table.change_or_add(&key, now, |view| set(table, view, words.get(3..).unwrap_or_default()));
            changed.ok_or_else(full)?.map(|()| Answer::Done)
        }
    }
}

fn set(table: &Table, view: &mut View<'_>, words: &[String]) -> Result<(), Answer> {
    for pair in words.chunks(2) {
        let Some(name) = pair[0].strip_prefix("data.") else {
            return Err(Answer::error("\"data.<type>\" followed by a value expected"));
        };
        let (what, element) = data_type(table, name).ok_or_else(|| Answer::error("Unknown data type"))?;
        let Some(stored) = table.layout().stored(what) else {
            return Err(Answer::error("Data type not stored in this table"));
        };
        let value = pair.get(1).and_then(|value| value.parse::<i64>().ok());
        let value = value.ok_or_else(|| Answer::error("Require a valid integer value to store"))?;
        if element >= stored.elements {
            return Err(Answer::error("index out of range in this data array"));
        }
        if what.form() != Form::Text {
            view.set(what, element, value as u64);
        }
    }
    Ok(())
}

/// A key as it was typed.
fn key(kind: KeyType, written: &str, deed: Deed) -> Result<Vec<u8>, Answer> {
    let invalid = || Answer::error("Invalid key");
    let address = || written.parse::<IpAddr>().map_err(|_| invalid());
    Ok(match kind {
        KeyType::Ip => match address()? {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.to_ipv4_mapped().ok_or_else(invalid)?.octets().to_vec(),
        },
        KeyType::Ipv6 => match address()? {
            IpAddr::V4(address) => address.to_ipv6_mapped().octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        },
        KeyType::Integer => (crate::rule::sample::leading_int(written.as_bytes()) as u32).to_le_bytes().to_vec(),
        KeyType::String(length) => written.as_bytes()[..written.len().min(length)].to_vec(),
        KeyType::Binary(_) => {
            let what = match deed {
                Deed::Show => "Showing keys from",
                Deed::Clear => "Removing keys from",
                Deed::Set => "Inserting keys into",
            };
            let rest = "tables of type other than ip, ipv6, string and integer is not supported";
            return Err(Answer::error(format!("{what} {rest}")));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::stick::{ServerKey, Stored, Table as Model};
    use std::time::Duration;

    fn tables() -> Tables {
        let types = [(DataType::Gpc0, 0), (DataType::ConnRate, 30_000), (DataType::BytesInCnt, 0)];
        let stored =
            |(what, period): (DataType, u64)| Stored { what, elements: 1, period: Duration::from_millis(period) };
        Tables::resolve(
            &[Model {
                name: "t1".to_owned(),
                key: KeyType::Ip,
                size: 100,
                expire: Some(Duration::from_secs(60)),
                nopurge: false,
                server_key: ServerKey::Name,
                stores: types.map(stored).to_vec(),
                write_to: None,
                bytes_factor: 1,
            }],
            None,
        )
    }

    fn said(tables: &Tables, line: &str) -> String {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let deed = match words[0].as_str() {
            "show" => Deed::Show,
            "clear" => Deed::Clear,
            _ => Deed::Set,
        };
        let now = Instant::from_nanos(1_000_000_000_000);
        let answer = run(tables, &words[2..], deed, true, now).unwrap_or_else(|refusal| refusal);
        answer.render(crate::model::runtime::SeverityOutput::None)
    }

    /// What haproxy 2.6.12 says to the same lines, addresses of entries aside. It takes a key that is no address, where
    /// later versions say that it is invalid.
    #[test]
    fn tables_are_set_shown_and_cleared_in_haproxys_words() {
        let tables = tables();
        for (line, expected) in [
            ("show table", "# table: t1, type: ip, size:100, used:0\n"),
            ("show table none", "No such table\n"),
            ("set table t1 key 10.0.0.1 data.gpc0 5 data.conn_rate 7", ""),
            ("set table t1 key 10.0.0.2 data.gpc0 1", ""),
            (
                "show table t1",
                "# table: t1, type: ip, size:100, used:2\n\
                 0x10000000: key=10.0.0.1 use=0 exp=60000 gpc0=5 conn_rate(30000)=7 bytes_in_cnt=0\n\
                 0x10004000: key=10.0.0.2 use=0 exp=60000 gpc0=1 conn_rate(30000)=0 bytes_in_cnt=0\n",
            ),
            (
                "show table t1 data.gpc0 gt 2",
                "# table: t1, type: ip, size:100, used:2\n\
                 0x10000000: key=10.0.0.1 use=0 exp=60000 gpc0=5 conn_rate(30000)=7 bytes_in_cnt=0\n",
            ),
            ("show table t1 data.gpt0 gt 2", "Filter entry #1: Data type not stored in this table\n"),
            ("show table t1 data.none gt 2", "Filter entry #1: Unknown data type\n"),
            ("show table t1 data.gpc0 gt x", "Filter entry #1: Require a valid integer value to compare against\n"),
            (
                "show table t1 data.gpc0 is 2",
                "Filter entry #1: Require and operator among \"eq\", \"ne\", \"le\", \"ge\", \"lt\", \"gt\"\n",
            ),
            ("set table t1 key nonsense data.gpc0 1", "Invalid key\n"),
            ("set table t1 key 10.0.0.1 gpc0 1", "\"data.<type>\" followed by a value expected\n"),
            ("clear table t1 key 10.0.0.1", ""),
            ("clear table t1 data.gpc0 eq 1", ""),
            ("show table t1", "# table: t1, type: ip, size:100, used:0\n"),
            ("show table t1 key 10.0.0.1", ""),
        ] {
            assert_eq!(said(&tables, line), expected, "{line}");
        }
    }

    #[test]
    fn what_is_tracked_is_not_removed() {
        let tables = tables();
        let table = tables.find("t1").expect("it was made");
        let entry = table.hold(&[10, 0, 0, 1], Instant::from_nanos(1_000_000_000_000));
        assert_eq!(said(&tables, "clear table t1 key 10.0.0.1"), "Entry currently in use, cannot remove\n");
        drop(entry);
        assert_eq!(said(&tables, "clear table t1 key 10.0.0.1"), "");
    }
}
