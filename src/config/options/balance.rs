//! `balance` and `hash-type`.

use crate::diag::nearest;
use crate::model::balance::{Balance, HashFunction, HashMethod, Hashing, UriPart};

use super::{Wrong, needed, no_more, number};

const ALGORITHMS: [&str; 13] = [
    "roundrobin",
    "static-rr",
    "leastconn",
    "source",
    "random",
    "first",
    "uri",
    "url_param",
    "hdr",
    "hash",
    "rdp-cookie",
    "log-hash",
    "sticky",
];

const METHODS: [(&str, HashMethod); 2] = [("map-based", HashMethod::MapBased), ("consistent", HashMethod::Consistent)];

const FUNCTIONS: [(&str, HashFunction); 5] = [
    ("sdbm", HashFunction::Sdbm),
    ("djb2", HashFunction::Djb2),
    ("wt6", HashFunction::Wt6),
    ("crc32", HashFunction::Crc32),
    ("none", HashFunction::None),
];

/// The algorithm of the words behind `balance`.
///
/// # Errors
/// What is wrong with which word.
pub fn read(words: &[&str]) -> Result<Balance, Wrong> {
    // HAProxy takes its default.
    let Some(word) = words.first() else { return Ok(Balance::RoundRobin) };
    let (name, inside) = match word.split_once('(') {
        Some((name, rest)) => (name, Some(rest.strip_suffix(')').unwrap_or(rest))),
        None => (*word, None),
    };
    let (balance, taken) = match name {
        "roundrobin" => (Balance::RoundRobin, 1),
        "static-rr" => (Balance::StaticRr, 1),
        "leastconn" => (Balance::LeastConn, 1),
        "source" => (Balance::Source, 1),
        "first" => (Balance::First, 1),
        "random" => {
            let draws = inside.map_or(Ok(2), |draws| number(&[draws], 0, 1, 64))?;
            (Balance::Random { draws: u32::try_from(draws).unwrap_or(u32::MAX) }, 1)
        }
        "uri" => return uri(words),
        "url_param" => return url_param(words),
        "hdr" => {
            let field = inside.filter(|field| !field.is_empty());
            let field = field.ok_or_else(|| Wrong::new(0, "'balance hdr(name)' requires an http header field name"))?;
            let is_domain_only = words.get(1) == Some(&"use_domain_only");
            (Balance::Header { name: field.to_owned(), is_domain_only }, 1 + usize::from(is_domain_only))
        }
        "hash" => (Balance::Expression(needed(words, 1, "a sample expression")?.to_owned()), 2),
        "rdp-cookie" => (Balance::RdpCookie { name: rdp_cookie(word, 0, "mstshash")?.to_owned() }, 1),
        "log-hash" => (Balance::LogHash(needed(words, 1, "a converter list")?.to_owned()), 2),
        "sticky" => (Balance::Sticky, 1),
        _ => {
            let hint = nearest(name, ALGORITHMS).map(|known| format!("did you mean `{known}`?"));
            return Err(Wrong { hint, ..Wrong::new(0, format!("unknown algorithm '{name}' of 'balance'")) });
        }
    };
    no_more(words, taken)?;
    Ok(balance)
}

/// The name of the cookie in `rdp-cookie(name)`, the word of this number; without parentheses another one.
pub(super) fn rdp_cookie<'w>(word: &'w str, at: usize, otherwise: &'w str) -> Result<&'w str, Wrong> {
    let Some((_, inside)) = word.split_once('(') else { return Ok(otherwise) };
    let name = inside.split_once(')').map(|(name, _)| name).filter(|name| !name.is_empty());
    name.ok_or_else(|| Wrong::new(at, "'rdp-cookie(name)' requires an rdp cookie name"))
}

fn uri(words: &[&str]) -> Result<Balance, Wrong> {
    let mut part = UriPart::default();
    let mut at = 1;
    while let Some(word) = words.get(at) {
        let length = |at| number(words, at, 1, 1 << 30).map(|count| u32::try_from(count).unwrap_or(u32::MAX));
        match *word {
            "len" => part.length = Some(length(at + 1)?),
            "depth" => part.depth = Some(length(at + 1)?),
            "whole" => part.is_whole = true,
            "path-only" => part.is_path_only = true,
            other => {
                let what = "'balance uri' only accepts parameters 'len', 'depth', 'path-only', and 'whole'";
                return Err(Wrong::new(at, format!("{what} (got '{other}')")));
            }
        }
        at += if matches!(*word, "len" | "depth") { 2 } else { 1 };
    }
    Ok(Balance::Uri(part))
}

fn url_param(words: &[&str]) -> Result<Balance, Wrong> {
    let name = needed(words, 1, "an URL parameter name")?;
    // The body of a POST is looked at in any case, as HAProxy does.
    match words.get(2..).unwrap_or_default() {
        [] | ["check_post"] => {}
        ["check_post", _] => {
            number(words, 3, 0, 1 << 31)?;
        }
        ["check_post", ..] => no_more(words, 4)?,
        _ => no_more(words, 2)?,
    }
    Ok(Balance::UrlParam { name: name.to_owned() })
}

/// The words behind `balance`.
pub fn text(balance: &Balance) -> String {
    match balance {
        Balance::RoundRobin => "roundrobin".to_owned(),
        Balance::StaticRr => "static-rr".to_owned(),
        Balance::LeastConn => "leastconn".to_owned(),
        Balance::Source => "source".to_owned(),
        Balance::First => "first".to_owned(),
        Balance::Random { draws } => format!("random({draws})"),
        Balance::UrlParam { name } => format!("url_param {name}"),
        Balance::Header { name, is_domain_only: false } => format!("hdr({name})"),
        Balance::Header { name, is_domain_only: true } => format!("hdr({name}) use_domain_only"),
        Balance::RdpCookie { name } => format!("rdp-cookie({name})"),
        Balance::Expression(expression) => format!("hash {}", crate::rule::join(std::iter::once(expression.as_str()))),
        Balance::LogHash(list) => format!("log-hash {}", crate::rule::join(std::iter::once(list.as_str()))),
        Balance::Sticky => "sticky".to_owned(),
        Balance::Uri(part) => {
            let mut text = "uri".to_owned();
            let counts = [("len", part.length), ("depth", part.depth)];
            for (name, count) in counts.into_iter().filter_map(|(name, count)| Some((name, count?))) {
                text.push_str(&format!(" {name} {count}"));
            }
            for (name, _) in [("whole", part.is_whole), ("path-only", part.is_path_only)].iter().filter(|(_, is)| *is) {
                text.push_str(&format!(" {name}"));
            }
            text
        }
    }
}

/// What the words behind `hash-type` make of a hash.
pub(super) fn hash_type(hashing: &mut Hashing, words: &[&str]) -> Result<(), Wrong> {
    let method = needed(words, 1, "'consistent' or 'map-based'")?;
    let find = |name: &str| METHODS.iter().find(|(known, _)| *known == name).map(|(_, method)| *method);
    let what = || Wrong::new(1, format!("'hash-type' only supports 'consistent' and 'map-based', not '{method}'"));
    let method = find(method).ok_or_else(what)?;
    let (function, has_avalanche) = match words.get(2).copied() {
        // Without a function, as in HAProxy, consistent hashes are mixed.
        None => (HashFunction::Sdbm, method == HashMethod::Consistent),
        Some(name) => {
            let found = FUNCTIONS.iter().find(|(known, _)| *known == name).map(|(_, function)| *function);
            let what =
                || Wrong::new(2, format!("unknown hash function '{name}'; write sdbm, djb2, wt6, crc32 or none"));
            let function = found.ok_or_else(what)?;
            match words.get(3).copied() {
                None => (function, false),
                Some("avalanche") => (function, true),
                Some(other) => return Err(Wrong::new(3, format!("'{other}' is no modifier; write avalanche"))),
            }
        }
    };
    no_more(words, 4)?;
    *hashing = Hashing { method, function, has_avalanche, ..*hashing };
    Ok(())
}

/// The line that says the same.
pub(super) fn hash_type_text(hashing: &Hashing) -> String {
    let name = |names: &mut dyn Iterator<Item = &'static str>| names.next().unwrap_or_default();
    let method = name(&mut METHODS.iter().filter(|(_, method)| *method == hashing.method).map(|(name, _)| *name));
    let of = |function: &HashFunction| *function == hashing.function;
    let function = name(&mut FUNCTIONS.iter().filter(|(_, function)| of(function)).map(|(name, _)| *name));
    format!("hash-type {method} {function}{}", if hashing.has_avalanche { " avalanche" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_algorithm_is_written_as_it_is_read() {
        for text in [
            "roundrobin",
            "static-rr",
            "leastconn",
            "source",
            "first",
            "random(3)",
            "uri",
            "uri len 12 depth 3 whole path-only",
            "url_param id",
            "hdr(host)",
            "rdp-cookie(user)",
            "hdr(host) use_domain_only",
        ] {
            let words: Vec<&str> = text.split(' ').collect();
            assert_eq!(read(&words).map(|balance| super::text(&balance)), Ok(text.to_owned()));
        }
        let expression = read(&["hash", "req.hdr(x)"]).map(|balance| super::text(&balance));
        assert_eq!(expression, Ok("hash \"req.hdr(x)\"".to_owned()));
    }

    #[test]
    fn rdp_cookies_have_a_name_of_their_own() {
        assert_eq!(read(&["rdp-cookie"]), Ok(Balance::RdpCookie { name: "mstshash".to_owned() }));
    }

    #[test]
    fn wrong_words_are_told_with_their_place() {
        for (text, at) in [
            ("roundrobin x", 1),
            ("roundrobbin", 0),
            ("uri len", 2),
            ("uri short", 1),
            ("url_param", 1),
            ("url_param a b", 2),
            ("url_param a check_post x", 3),
            ("hdr", 0),
            ("rdp-cookie()", 0),
            ("rdp-cookie(a", 0),
            ("random(0)", 0),
            ("hash", 1),
            ("log-hash", 1),
            ("sticky x", 1),
        ] {
            let words: Vec<&str> = text.split(' ').collect();
            assert_eq!(read(&words).map_err(|wrong| (wrong.at, wrong.refused)), Err((at, None)), "{text}");
        }
    }
}
