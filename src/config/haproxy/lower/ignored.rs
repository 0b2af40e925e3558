//! What words that do nothing here may be followed by: HAProxy refuses a file that has them wrong, and so does this.

use crate::config::haproxy::lex::Word;
use crate::config::haproxy::table::Row;
use crate::diag::Span;

use super::Context;
use super::usage;

/// Looks at what stands behind a word; the complaint is about the word of that number.
type Judge = fn(&[&str]) -> Result<(), (usize, String)>;

const JUDGES: [(&str, Judge); 5] = [
    ("cpu-map", cpu_map),
    ("master-worker", |words| match words {
        [] | ["no-exit-on-failure"] => Ok(()),
        _ => Err((0, "'master-worker' only supports 'no-exit-on-failure' option".to_owned())),
    }),
    ("profiling.tasks", |words| {
        let known = ["auto", "on", "off", "lock", "no-lock", "memory", "no-memory"];
        match words.iter().position(|word| !known.contains(word)) {
            Some(at) => {
                let what = format!("'profiling.tasks' expects either 'on', 'auto', or 'off' but got '{}'", words[at]);
                Err((at, what))
            }
            None => Ok(()),
        }
    }),
    ("ssl-default-bind-options", bind_options),
    ("thread", thread),
];

/// Threads that HAProxy can have in a group.
const MOST_THREADS: u32 = 64;

/// Reports what is wrong with the words behind a word that does nothing.
pub fn judge(row: &Row, words: &[Word], span: Span, context: &Context<'_>) {
    let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    let judged = match JUDGES.iter().find(|(name, _)| *name == row.name) {
        Some((_, judge)) => judge(&texts),
        None => usage::judge(row.name, row.usage, &texts),
    };
    if let Err((at, what)) = judged {
        context.error("E-VALUE", words.get(at).map_or(span, |word| word.span), what);
    }
}

/// `all`, `odd`, `even`, a number from 1 to `most` or a range of them.
fn is_set(text: &str, most: u32) -> bool {
    let number = |text: &str| text.parse().is_ok_and(|number: u32| (1..=most).contains(&number));
    matches!(text, "all" | "odd" | "even") || text.split('-').all(number) && text.matches('-').count() < 2
}

/// `cpu-map [auto:]<thread-group>[/<thread-set>] <cpu-set>[,...] [...]`.
fn cpu_map(words: &[&str]) -> Result<(), (usize, String)> {
    let what = || {
        format!(
            "cpu-map expects a process number ('all', 'odd', 'even', a number from 1 to {MOST_THREADS} or a range), \
             followed by a list of CPU ranges with numbers from 0 to 63"
        )
    };
    let [threads, cpus @ ..] = words else { return Err((0, what())) };
    let threads = threads.strip_prefix("auto:").unwrap_or(threads);
    if !threads.split('/').all(|part| is_set(part, MOST_THREADS)) {
        return Err((0, what()));
    }
    let is_cpu = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') && !text.is_empty();
    match cpus.iter().position(|list| !list.split(',').all(is_cpu)) {
        None if !cpus.is_empty() => Ok(()),
        at => Err((at.map_or(words.len(), |at| at + 1), what())),
    }
}

/// `thread [all|odd|even|[group/]number[-[number]]][,...]`.
fn thread(words: &[&str]) -> Result<(), (usize, String)> {
    let list = words.first().copied().unwrap_or_default();
    let is_range = |part: &str| is_set(part.strip_suffix('-').unwrap_or(part), MOST_THREADS);
    let is_part = |part: &str| match part.split_once('/') {
        Some((group, threads)) => group.parse::<u32>().is_ok() && is_range(threads),
        None => is_range(part),
    };
    match list.split(',').find(|part| !is_part(part)) {
        Some(part) => {
            let what = format!("'{part}' is not a valid number/range. It supports numbers from 1 to {MOST_THREADS}.");
            Err((0, what))
        }
        None => Ok(()),
    }
}

/// The options of `bind` that a default can be given for.
fn bind_options(words: &[&str]) -> Result<(), (usize, String)> {
    const VERSIONS: [&str; 5] = ["SSLv3", "TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"];
    const NAMES: [&str; 5] = ["no-strict-sni", "no-tls-tickets", "prefer-client-ciphers", "strict-sni", "tls-tickets"];
    let is_version = |name: &str| {
        let version = name.strip_prefix("no-").or_else(|| name.strip_prefix("force-"));
        version.is_some_and(|version| matches!(version, "sslv3" | "tlsv10" | "tlsv11" | "tlsv12" | "tlsv13"))
    };
    let mut at = 0;
    while let Some(word) = words.get(at) {
        match *word {
            "ssl-min-ver" | "ssl-max-ver" => {
                at += 1;
                if !words.get(at).is_some_and(|version| VERSIONS.contains(version)) {
                    return Err((at, format!("'{word}' expects one of {}", VERSIONS.join(", "))));
                }
            }
            name if NAMES.contains(&name) || is_version(name) => {}
            other => {
                let what = format!("unknown option '{other}' on global statement 'ssl-default-bind-options'");
                return Err((at, what));
            }
        }
        at += 1;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_haproxy_refuses_of_words_that_do_nothing_is_told_with_its_place() {
        let judge = |line: &str| {
            let words: Vec<&str> = line.split(' ').collect();
            JUDGES.iter().find(|(name, _)| *name == words[0]).expect("a known word").1(&words[1..])
        };
        for line in [
            "cpu-map 1 0",
            "cpu-map auto:1/1-4 0-3",
            "cpu-map odd 0,2",
            "master-worker",
            "master-worker no-exit-on-failure",
            "profiling.tasks on",
            "ssl-default-bind-options no-sslv3 ssl-min-ver TLSv1.2 force-tlsv12",
            "thread 1-4",
            "thread 1/odd,2/1-",
        ] {
            assert_eq!(judge(line), Ok(()), "{line}");
        }
        for (line, at) in [
            ("cpu-map", 0),
            ("cpu-map 1", 1),
            ("cpu-map x 0", 0),
            ("cpu-map 65 0", 0),
            ("cpu-map 1 0 x", 2),
            ("master-worker x", 0),
            ("profiling.tasks on nosuch", 1),
            ("ssl-default-bind-options no-sslv3 nosuch", 1),
            ("ssl-default-bind-options ssl-min-ver", 1),
            ("thread 999", 0),
            ("thread 1-2-3", 0),
        ] {
            assert_eq!(judge(line).map_err(|(at, _)| at), Err(at), "{line}");
        }
    }
}
