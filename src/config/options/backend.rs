//! Lines of backends: each sets something in [`BackendOptions`], and each setting can be written as a line.

use std::time::Duration;

use crate::model::balance::Affinity;
use crate::model::options::{BackendOptions, Interval, Reuse, StateSource};

use crate::config::haproxy;

use super::{Wrong, balance, cookie, needed, no_more, number, retry_on, time_text};

/// What a line does to the options; the words are all of its words.
type Handler = fn(&mut BackendOptions, &[&str], Switch) -> Result<(), Wrong>;

/// Whether a line begins with `no`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// It does not.
    On,
    /// It does.
    Off,
}

impl Switch {
    fn is_on(self) -> bool {
        self == Switch::On
    }
}

/// Every line, by the words that begin it.
pub const LINES: &[(&str, Handler)] = &[
    ("cookie", |options, words, _| {
        options.cookie = Some(cookie::read(words)?);
        Ok(())
    }),
    ("description", |options, words, _| {
        needed(words, 1, "a text")?;
        options.description = Some(words[1..].join(" "));
        Ok(())
    }),
    ("dynamic-cookie-key", |options, words, _| {
        options.dynamic_cookie_key = Some(needed(words, 1, "a key")?.to_owned());
        no_more(words, 2)
    }),
    ("fullconn", |options, words, _| {
        options.fullconn = Some(number(words, 1, 1, 10_000_000)? as usize);
        no_more(words, 2)
    }),
    ("guid", |options, words, _| {
        options.guid = Some(super::guid(words, 1)?);
        no_more(words, 2)
    }),
    ("hash-balance-factor", |options, words, _| {
        let factor = number(words, 1, 0, 65_535)?;
        if (1..=100).contains(&factor) {
            return Err(Wrong::new(1, "'hash-balance-factor' must be 0 or greater than 100"));
        }
        options.hashing.balance_factor = Some(factor as u32).filter(|factor| *factor > 0);
        no_more(words, 2)
    }),
    ("hash-preserve-affinity", |options, words, _| {
        let name = needed(words, 1, "'always', 'maxconn' or 'maxqueue'")?;
        let found = AFFINITIES.iter().find(|(known, _)| *known == name);
        let what = || {
            Wrong::new(1, format!("'hash-preserve-affinity' expects 'always', 'maxconn' or 'maxqueue', not '{name}'"))
        };
        options.hashing.affinity = found.ok_or_else(what)?.1;
        no_more(words, 2)
    }),
    ("hash-type", |options, words, _| balance::hash_type(&mut options.hashing, words)),
    ("http-reuse", |options, words, _| {
        let name = needed(words, 1, "'never', 'safe', 'aggressive' or 'always'")?;
        let found = REUSES.iter().find(|(known, _)| *known == name);
        let what = || Wrong::new(1, "'http-reuse' only supports 'never', 'safe', 'aggressive', 'always'");
        options.reuse = found.ok_or_else(what)?.1;
        no_more(words, 2)
    }),
    ("load-server-state-from-file", |options, words, _| {
        let name = needed(words, 1, "'global', 'local' or 'none'")?;
        let found = STATE_SOURCES.iter().find(|(known, _)| *known == name);
        let what = || format!("'load-server-state-from-file' expects 'global', 'local' or 'none'. Got '{name}'");
        options.state_source = found.ok_or_else(|| Wrong::new(1, what()))?.1;
        no_more(words, 2)
    }),
    ("server-state-file-name", |options, words, _| {
        options.state_file = words.get(1).filter(|name| **name != "use-backend-name").map(|name| (*name).to_owned());
        no_more(words, 2)
    }),
    ("max-keep-alive-queue", |options, words, _| {
        options.keep_alive_queue = match needed(words, 1, "a count")? {
            "-1" => None,
            _ => Some(number(words, 1, 0, 10_000_000)? as usize),
        };
        no_more(words, 2)
    }),
    ("option prefer-last-server", |options, words, switch| {
        options.prefers_last = switch.is_on();
        no_more(words, 2)
    }),
    ("retry-on", |options, words, _| {
        options.retry_on = retry_on::read(words)?;
        Ok(())
    }),
    ("option srvtcpka", |options, words, switch| {
        options.keeps_alive = switch.is_on();
        no_more(words, 2)
    }),
    ("srvtcpka-cnt", |options, words, _| {
        options.keep_alive.count = Some(number(words, 1, 0, 127)? as u32).filter(|count| *count > 0);
        no_more(words, 2)
    }),
    ("srvtcpka-idle", |options, words, _| {
        options.keep_alive.idle = seconds(words)?;
        no_more(words, 2)
    }),
    ("srvtcpka-intvl", |options, words, _| {
        options.keep_alive.interval = seconds(words)?;
        no_more(words, 2)
    }),
    ("option allbackups", |options, words, switch| {
        options.all_backups = switch.is_on();
        no_more(words, 2)
    }),
    ("option redispatch", |options, words, _| {
        let word = needed(words, 2, "an interval")?;
        let digits = word.strip_prefix('-');
        let count = number(&[digits.unwrap_or(word)], 0, 1, 100).map_err(|wrong| wrong.later(2))? as u32;
        options.redispatch_interval =
            if digits.is_some() { Interval::BeforeLast(count) } else { Interval::Every(count) };
        no_more(words, 3)
    }),
    ("be-unpublished", |options, words, _| {
        options.is_unpublished = true;
        no_more(words, 1)
    }),
    ("persist rdp-cookie", |options, words, _| {
        let word = needed(words, 1, "'rdp-cookie'")?;
        options.rdp_cookie = Some(balance::rdp_cookie(word, 1, "msts")?.to_owned());
        no_more(words, 2)
    }),
    ("option persist", |options, words, switch| {
        options.persists = switch.is_on();
        no_more(words, 2)
    }),
];

const AFFINITIES: [(&str, Affinity); 3] =
    [("always", Affinity::Always), ("maxconn", Affinity::MaxConn), ("maxqueue", Affinity::MaxQueue)];

const STATE_SOURCES: [(&str, StateSource); 3] =
    [("none", StateSource::Nothing), ("global", StateSource::Global), ("local", StateSource::Local)];

/// A time that the kernel counts in whole seconds; a number without a unit is seconds, and 0 leaves it to the kernel.
fn seconds(words: &[&str]) -> Result<Option<Duration>, Wrong> {
    Ok(super::seconds(words, 1)?.map(|seconds| Duration::from_secs(seconds.into())))
}

const REUSES: [(&str, Reuse); 4] =
    [("never", Reuse::Never), ("safe", Reuse::Safe), ("aggressive", Reuse::Aggressive), ("always", Reuse::Always)];

/// Carries out a line of this name.
///
/// # Errors
/// What is wrong with which word.
pub fn read(options: &mut BackendOptions, name: &str, words: &[&str], switch: Switch) -> Result<(), Wrong> {
    match LINES.iter().find(|(known, _)| *known == name) {
        Some((_, handler)) => handler(options, words, switch),
        None => Err(Wrong::new(0, format!("'{name}' is no option of a backend"))),
    }
}

/// Carries out a line as YAML has it, where the cookie has a key of its own.
///
/// # Errors
/// What is wrong with which word.
pub fn read_line(options: &mut BackendOptions, words: &[&str]) -> Result<(), Wrong> {
    let first = words.first().copied().unwrap_or_default();
    let name = LINES.iter().map(|(name, _)| *name).find(|name| match name.split_once(' ') {
        Some((family, second)) => {
            family == first && words.get(1).is_some_and(|word| haproxy::table::plain(word) == second)
        }
        None => *name == first,
    });
    match name {
        Some("cookie") => {
            Err(Wrong::new(0, "a cookie stands under `cookie`, as in `cookie: {name: SRV, mode: insert}`"))
        }
        Some(name) => read(options, name, words, Switch::On),
        None => Err(Wrong::new(0, format!("'{}' is no option of a backend", words.join(" ")))),
    }
}

/// The lines that make these options of the default; that of the cookie is not among them.
pub fn lines(options: &BackendOptions) -> Vec<String> {
    let mut lines = Vec::new();
    let plain = BackendOptions::default();
    lines.extend(options.guid.as_ref().map(|guid| format!("guid {guid}")));
    let line = |words: [&str; 2]| crate::rule::join(words.into_iter());
    lines.extend(options.description.as_ref().map(|text| line(["description", text])));
    let (hashing, none) = (options.hashing, plain.hashing);
    if (hashing.method, hashing.function, hashing.has_avalanche) != (none.method, none.function, none.has_avalanche) {
        lines.push(balance::hash_type_text(&hashing));
    }
    lines.extend(hashing.balance_factor.map(|factor| format!("hash-balance-factor {factor}")));
    if hashing.affinity != Affinity::default() {
        let name = AFFINITIES.iter().find(|(_, one)| *one == hashing.affinity).map_or("always", |(name, _)| name);
        lines.push(format!("hash-preserve-affinity {name}"));
    }
    lines.extend(options.fullconn.map(|count| format!("fullconn {count}")));
    lines.extend(options.all_backups.then(|| "option allbackups".to_owned()));
    lines.extend(options.dynamic_cookie_key.as_ref().map(|key| line(["dynamic-cookie-key", key])));
    lines.extend((options.redispatch_interval != Interval::default()).then(|| match options.redispatch_interval {
        Interval::Every(count) => format!("option redispatch {count}"),
        Interval::BeforeLast(count) => format!("option redispatch -{count}"),
    }));
    lines.extend(options.keeps_alive.then(|| "option srvtcpka".to_owned()));
    let times = &options.keep_alive;
    lines.extend(times.count.map(|count| format!("srvtcpka-cnt {count}")));
    lines.extend(times.idle.map(|time| format!("srvtcpka-idle {}", time_text(time))));
    lines.extend(times.interval.map(|time| format!("srvtcpka-intvl {}", time_text(time))));
    lines.extend(options.persists.then(|| "option persist".to_owned()));
    lines.extend(options.rdp_cookie.as_ref().map(|name| format!("persist rdp-cookie({name})")));
    lines.extend(retry_on::text(&options.retry_on));
    if options.reuse != Reuse::default() {
        let name = REUSES.iter().find(|(_, reuse)| *reuse == options.reuse).map_or("safe", |(name, _)| name);
        lines.push(format!("http-reuse {name}"));
    }
    lines.extend(options.prefers_last.then(|| "option prefer-last-server".to_owned()));
    lines.extend(options.keep_alive_queue.map(|count| format!("max-keep-alive-queue {count}")));
    if options.state_source != StateSource::default() {
        let name =
            STATE_SOURCES.iter().find(|(_, source)| *source == options.state_source).map_or("none", |(name, _)| name);
        lines.push(format!("load-server-state-from-file {name}"));
    }
    lines.extend(options.state_file.as_ref().map(|file| line(["server-state-file-name", file])));
    lines.extend(options.is_unpublished.then(|| "be-unpublished".to_owned()));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_written_as_it_is_read() {
        let mut options = BackendOptions::default();
        for line in [
            "hash-type consistent wt6 avalanche",
            "hash-balance-factor 150",
            "hash-preserve-affinity maxqueue",
            "persist rdp-cookie(user)",
            "fullconn 100",
            "guid app.1",
            "description shop",
            "option allbackups",
            "be-unpublished",
            "load-server-state-from-file local",
            "server-state-file-name /var/lib/a",
            "option srvtcpka",
            "srvtcpka-cnt 5",
            "srvtcpka-idle 20000ms",
            "srvtcpka-intvl 3000ms",
            "dynamic-cookie-key k",
            "option persist",
            "option redispatch 2",
            "http-reuse never",
            "retry-on conn-failure response-timeout 503",
            "option prefer-last-server",
            "max-keep-alive-queue 5",
        ] {
            let words: Vec<&str> = line.split(' ').collect();
            assert_eq!(read_line(&mut options, &words), Ok(()), "{line}");
            assert!(lines(&options).contains(&line.to_owned()), "{line}");
        }
        let mut again = BackendOptions::default();
        for line in lines(&options) {
            read_line(&mut again, &line.split(' ').collect::<Vec<_>>()).expect("it was written by us");
        }
        assert_eq!(again, options);
    }

    #[test]
    fn wrong_lines_are_told_with_their_place() {
        for (line, at) in [
            ("hash-type", 1),
            ("hash-type random", 1),
            ("hash-type consistent avalanche", 2),
            ("hash-type consistent sdbm flood", 3),
            ("hash-balance-factor 50", 1),
            ("fullconn 0", 1),
            ("hash-preserve-affinity never", 1),
            ("persist rdp-cookie()", 1),
            ("guid", 1),
            ("description", 1),
            ("option allbackups now", 2),
            ("srvtcpka-idle soon", 1),
            ("srvtcpka-cnt 128", 1),
            ("http-reuse often", 1),
            ("retry-on", 1),
            ("retry-on none 503", 1),
            ("retry-on 503 418", 2),
            ("max-keep-alive-queue few", 1),
            ("nothing", 0),
            ("cookie S insert", 0),
        ] {
            let words: Vec<&str> = line.split(' ').collect();
            let result = read_line(&mut BackendOptions::default(), &words);
            assert_eq!(result.map_err(|wrong| wrong.at), Err(at), "{line}");
        }
    }
}
