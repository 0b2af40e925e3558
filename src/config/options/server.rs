//! Options of servers: each sets something in [`ServerOptions`], and each setting can be written as words.

use crate::model::balance::HashKey;
use crate::model::options::ServerOptions;

use super::{Wrong, needed, number, time, time_text};

/// What an option does; the words begin with it. Returns how many words it took.
type Handler = fn(&mut ServerOptions, &[&str]) -> Result<usize, Wrong>;

const HASH_KEYS: [(&str, HashKey); 4] =
    [("id", HashKey::Id), ("id32", HashKey::Id32), ("addr", HashKey::Address), ("addr-port", HashKey::AddressAndPort)];

/// Every option.
pub const OPTIONS: &[(&str, Handler)] = &[
    ("cookie", |options, words| {
        options.cookie = Some(needed(words, 1, "<name>")?.to_owned());
        Ok(2)
    }),
    ("hash-key", |options, words| {
        let name = needed(words, 1, "id, id32, addr or addr-port")?;
        if name == "guid" {
            return Err(Wrong::refused(1, "'hash-key guid'", "servers have no guid; write id, addr or addr-port"));
        }
        let found = HASH_KEYS.iter().find(|(known, _)| *known == name);
        let what = || Wrong::new(1, format!("'hash-key' does not know '{name}'; write id, id32, addr or addr-port"));
        options.hash_key = found.ok_or_else(what)?.1;
        Ok(2)
    }),
    ("id", |options, words| {
        options.id = number(words, 1, 1, u64::from(u32::MAX))? as u32;
        Ok(2)
    }),
    ("max-reuse", |options, words| {
        options.max_uses = match needed(words, 1, "a count")? {
            "-1" => None,
            // The first use is none of a connection that was used before.
            _ => Some(number(words, 1, 0, u64::from(u32::MAX) - 1)? as u32 + 1),
        };
        Ok(2)
    }),
    ("maxqueue", |options, words| {
        options.maxqueue = Some(number(words, 1, 0, 10_000_000)? as usize).filter(|count| *count > 0);
        Ok(2)
    }),
    ("pool-max-conn", |options, words| {
        options.pool_max = match needed(words, 1, "a count")? {
            "-1" => None,
            _ => Some(number(words, 1, 0, 10_000_000)? as usize),
        };
        Ok(2)
    }),
    ("pool-purge-delay", |options, words| {
        options.pool_idle = Some(time(words, 1)?);
        Ok(2)
    }),
    ("minconn", |options, words| {
        options.minconn = Some(number(words, 1, 0, 10_000_000)? as usize).filter(|count| *count > 0);
        Ok(2)
    }),
    ("slowstart", |options, words| {
        options.slowstart = time(words, 1)?;
        Ok(2)
    }),
];

/// Carries out the option that these words begin with; how many it took.
///
/// # Errors
/// What is wrong with which word.
pub fn read(options: &mut ServerOptions, words: &[&str]) -> Result<usize, Wrong> {
    let name = words.first().copied().unwrap_or_default();
    // What stands in parentheses belongs to the word.
    let plain = name.split_once('(').map_or(name, |(plain, _)| plain);
    match OPTIONS.iter().find(|(known, _)| *known == plain) {
        Some((_, handler)) => handler(options, words),
        None => Err(Wrong::new(0, format!("'{name}' is no option of a server"))),
    }
}

/// Carries out all words.
///
/// # Errors
/// What is wrong with which word.
pub fn read_all(options: &mut ServerOptions, words: &[&str]) -> Result<(), Wrong> {
    let mut at = 0;
    while at < words.len() {
        at += read(options, &words[at..]).map_err(|wrong| wrong.later(at))?;
    }
    Ok(())
}

/// The options that make these of the default.
pub fn texts(options: &ServerOptions) -> Vec<String> {
    let mut texts = Vec::new();
    if options.id > 0 {
        texts.push(format!("id {}", options.id));
    }
    if options.hash_key != HashKey::default() {
        let name = HASH_KEYS.iter().find(|(_, key)| *key == options.hash_key).map_or("id", |(name, _)| name);
        texts.push(format!("hash-key {name}"));
    }
    texts.extend(options.cookie.as_ref().map(|value| crate::rule::join(["cookie", value].into_iter())));
    texts.extend(options.minconn.map(|count| format!("minconn {count}")));
    texts.extend(options.max_uses.map(|uses| format!("max-reuse {}", uses - 1)));
    texts.extend(options.maxqueue.map(|count| format!("maxqueue {count}")));
    texts.extend(options.pool_max.map(|count| format!("pool-max-conn {count}")));
    texts.extend(options.pool_idle.map(|time| format!("pool-purge-delay {}", time_text(time))));
    if !options.slowstart.is_zero() {
        texts.push(format!("slowstart {}", time_text(options.slowstart)));
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_is_written_as_it_is_read() {
        let mut options = ServerOptions::default();
        for text in [
            "id 7",
            "cookie a",
            "hash-key addr-port",
            "minconn 10",
            "slowstart 30000ms",
            "max-reuse 3",
            "maxqueue 9",
            "pool-max-conn 0",
            "pool-purge-delay 1000ms",
        ] {
            let words: Vec<&str> = text.split(' ').collect();
            assert_eq!(read_all(&mut options, &words), Ok(()), "{text}");
            assert!(texts(&options).contains(&text.to_owned()), "{text}");
        }
        let mut again = ServerOptions::default();
        for text in texts(&options) {
            read_all(&mut again, &text.split(' ').collect::<Vec<_>>()).expect("it was written by us");
        }
        assert_eq!(again, options);
    }

    #[test]
    fn wrong_options_are_told_with_their_place() {
        for (text, at) in [("id", 1), ("id 0", 1), ("id 1 x", 2), ("hash-key name", 1), ("slowstart soon", 1)] {
            let words: Vec<&str> = text.split(' ').collect();
            let result = read_all(&mut ServerOptions::default(), &words);
            assert_eq!(result.map_err(|wrong| wrong.at), Err(at), "{text}");
        }
    }
}
