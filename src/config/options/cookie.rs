//! `cookie` lines.

use std::net::SocketAddr;

use crate::balance::cookie::dynamic_value;
use crate::model::cookie::{Cookie, CookieMode};
use crate::model::options::BackendOptions;

use super::{Wrong, needed, seconds};

/// The cookie of a line: `cookie NAME OPTION...`.
pub(super) fn read(words: &[&str]) -> Result<Cookie, Wrong> {
    let name = needed(words, 1, "<cookie_name> as argument")?;
    let mut cookie = Cookie { name: name.to_owned(), ..Cookie::default() };
    read_options(&mut cookie, words, 2)?;
    match conflict(&cookie) {
        Some(what) => Err(Wrong::new(0, what)),
        None => Ok(cookie),
    }
}

/// The value that a server at this address has if it has none of its own; `None` where values are not made (`dynamic`).
pub fn made(options: &BackendOptions, address: SocketAddr) -> Option<String> {
    let is_dynamic = options.cookie.as_ref().is_some_and(|cookie| cookie.is_dynamic);
    options.dynamic_cookie_key.as_ref().filter(|_| is_dynamic).map(|key| dynamic_value(key, address))
}

/// Sets options, all in the words of the line from one of them on.
///
/// # Errors
/// What is wrong with which word.
pub fn read_options(cookie: &mut Cookie, words: &[&str], from: usize) -> Result<(), Wrong> {
    let mut at = from;
    while let Some(word) = words.get(at) {
        let argument = |what: &str| needed(&words[at..], 1, what).map_err(|wrong| wrong.later(at));
        let mut taken = 1;
        match *word {
            "rewrite" => mode(cookie, CookieMode::Rewrite, at)?,
            "insert" => mode(cookie, CookieMode::Insert, at)?,
            "prefix" => mode(cookie, CookieMode::Prefix, at)?,
            "indirect" => cookie.is_indirect = true,
            "nocache" => cookie.is_private = true,
            "postonly" => cookie.is_post_only = true,
            "preserve" => cookie.preserves = true,
            "httponly" => cookie.is_http_only = true,
            "secure" => cookie.is_secure = true,
            "dynamic" => cookie.is_dynamic = true,
            "domain" => {
                let domain = argument("<domain> as argument")?;
                let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
                if let Some(c) = domain.chars().find(|c| !is_allowed(*c)) {
                    let what = format!("character '{c}' is not permitted in domain name '{domain}'");
                    return Err(Wrong::new(at + 1, what));
                }
                cookie.domains.push(domain.to_owned());
                taken = 2;
            }
            "maxidle" => {
                cookie.max_idle = seconds(words, at + 1)?;
                taken = 2;
            }
            "maxlife" => {
                cookie.max_life = seconds(words, at + 1)?;
                taken = 2;
            }
            "attr" => {
                let value = argument("<value> as argument")?;
                if let Some(c) = value.chars().find(|c| c.is_control() || *c == ';') {
                    let what = format!("character '{}' is not permitted in attribute value", c.escape_default());
                    return Err(Wrong::new(at + 1, what));
                }
                cookie.attributes.push(value.to_owned());
                taken = 2;
            }
            other => {
                let known = "'rewrite', 'insert', 'prefix', 'indirect', 'nocache', 'postonly', 'preserve', 'httponly', \
                             'secure', 'domain', 'maxidle', 'dynamic', 'maxlife' and 'attr'";
                return Err(Wrong::new(at, format!("'cookie' supports {known} options, not '{other}'")));
            }
        }
        at += taken;
    }
    Ok(())
}

/// Why its options do not go together.
pub fn conflict(cookie: &Cookie) -> Option<&'static str> {
    if cookie.mode == CookieMode::Rewrite && cookie.is_indirect {
        return Some("cookie 'rewrite' and 'indirect' modes are incompatible");
    }
    let needs_more = cookie.preserves && cookie.mode != CookieMode::Insert && !cookie.is_indirect;
    needs_more.then_some("cookie 'preserve' requires at least 'insert' or 'indirect'")
}

/// Words of the modes; without one the server makes the cookie and knows its value.
pub const MODES: &[(&str, CookieMode)] =
    &[("rewrite", CookieMode::Rewrite), ("insert", CookieMode::Insert), ("prefix", CookieMode::Prefix)];

fn mode(cookie: &mut Cookie, mode: CookieMode, at: usize) -> Result<(), Wrong> {
    if cookie.mode != CookieMode::Passive && cookie.mode != mode {
        return Err(Wrong::new(at, "cookie 'rewrite', 'insert' and 'prefix' modes are incompatible"));
    }
    cookie.mode = mode;
    Ok(())
}

/// The options that make it of a cookie of its name and mode, each with its argument.
pub fn texts(cookie: &Cookie) -> Vec<String> {
    let flags = [
        ("indirect", cookie.is_indirect),
        ("nocache", cookie.is_private),
        ("postonly", cookie.is_post_only),
        ("preserve", cookie.preserves),
        ("httponly", cookie.is_http_only),
        ("secure", cookie.is_secure),
        ("dynamic", cookie.is_dynamic),
    ];
    let mut texts: Vec<String> = flags.iter().filter(|flag| flag.1).map(|(name, _)| (*name).to_owned()).collect();
    let mut pair = |name: &str, value: &str| texts.push(crate::rule::join([name, value].into_iter()));
    cookie.domains.iter().for_each(|domain| pair("domain", domain));
    cookie.max_idle.into_iter().for_each(|idle| pair("maxidle", &format!("{idle}s")));
    cookie.max_life.into_iter().for_each(|life| pair("maxlife", &format!("{life}s")));
    cookie.attributes.iter().for_each(|value| pair("attr", value));
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cookie_is_written_as_it_is_read() {
        for line in [
            "cookie A",
            "cookie A rewrite nocache",
            "cookie A prefix",
            "cookie A insert indirect nocache postonly preserve httponly secure dynamic domain .a.example domain .b.example \
             maxidle 30s maxlife 3600s attr SameSite=None attr Partitioned",
        ] {
            let words: Vec<&str> = line.split_whitespace().collect();
            let cookie = read(&words).expect("it is right");
            let mode = MODES.iter().find(|(_, mode)| *mode == cookie.mode).map(|(name, _)| (*name).to_owned());
            let again: Vec<String> = ["cookie A".to_owned()].into_iter().chain(mode).chain(texts(&cookie)).collect();
            assert_eq!(again.join(" "), line);
        }
        let bare = read(&["cookie", "A", "insert", "maxidle", "30", "maxlife", "2m"]).expect("it is right");
        assert_eq!((bare.max_idle, bare.max_life), (Some(30), Some(120)));
    }

    #[test]
    fn wrong_cookies_are_told_with_their_place() {
        for (line, at) in [
            ("cookie", 1),
            ("cookie A insert rewrite", 3),
            ("cookie A rewrite indirect", 0),
            ("cookie A preserve", 0),
            ("cookie A domain", 3),
            ("cookie A domain a/b", 3),
            ("cookie A maxidle soon", 3),
            ("cookie A attr a;b", 3),
            ("cookie A inserted", 2),
        ] {
            let words: Vec<&str> = line.split(' ').collect();
            assert_eq!(read(&words).map_err(|wrong| wrong.at), Err(at), "{line}");
        }
    }
}
