//! Options of listening addresses: each sets something in [`BindOptions`], and each setting can be written as words.

use crate::model::bind::{BindOptions, SavedSyn};
use crate::model::runtime::Account;

use super::{Wrong, needed, number, time, time_text};

/// What an option does; the words begin with it. Returns how many words it took.
type Handler = fn(&mut BindOptions, &[&str]) -> Result<usize, Wrong>;

/// Every option.
pub const OPTIONS: &[(&str, Handler)] = &[
    ("accept-proxy", |options, _| {
        options.accepts_proxy = true;
        Ok(1)
    }),
    ("backlog", |options, words| {
        options.backlog = Some(number(words, 1, 1, u64::from(u32::MAX >> 1))? as u32);
        Ok(2)
    }),
    ("cc", |options, words| {
        options.congestion = Some(needed(words, 1, "the name of a congestion control algorithm")?.to_owned());
        Ok(2)
    }),
    ("defer-accept", |options, _| {
        options.defers_accept = true;
        Ok(1)
    }),
    ("gid", |options, words| {
        options.ownership.group = Some(Account::Id(number(words, 1, 0, u64::from(u32::MAX))? as u32));
        Ok(2)
    }),
    ("group", |options, words| {
        options.ownership.group = Some(Account::Name(needed(words, 1, "a group")?.to_owned()));
        Ok(2)
    }),
    ("guid", |options, words| {
        options.guid = Some(super::guid(words, 1)?);
        Ok(2)
    }),
    ("id", |options, words| {
        options.id = Some(number(words, 1, 1, u64::from(u32::MAX >> 1))? as u32);
        Ok(2)
    }),
    ("interface", |options, words| {
        options.interface = Some(needed(words, 1, "an interface")?.to_owned());
        Ok(2)
    }),
    ("maxconn", |options, words| {
        options.maxconn = Some(number(words, 1, 0, 10_000_000)? as usize).filter(|count| *count > 0);
        Ok(2)
    }),
    ("mode", |options, words| {
        let text = needed(words, 1, "a mode")?;
        let mode = u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o7777);
        let what = || Wrong::new(1, format!("'{text}' is no mode in octal digits, such as 660"));
        options.ownership.mode = Some(mode.ok_or_else(what)?);
        Ok(2)
    }),
    ("mss", |options, words| {
        if needed(words, 1, "a number")?.starts_with('-') {
            let why = "a size less than the kernel's own would cost a system call for each connection; write the size";
            return Err(Wrong::refused(1, "'mss' with a negative number", why));
        }
        options.mss = Some(number(words, 1, 1, 65_535)? as u16);
        Ok(2)
    }),
    ("name", |options, words| {
        options.name = Some(needed(words, 1, "a name")?.to_owned());
        Ok(2)
    }),
    ("namespace", |options, words| {
        options.namespace = Some(needed(words, 1, "the name of a network namespace")?.to_owned());
        Ok(2)
    }),
    ("tcp-md5sig", |options, words| {
        options.signature = Some(password(words)?.to_owned());
        Ok(2)
    }),
    ("tcp-ss", |options, words| {
        let mode = number(words, 1, 0, 2)?;
        options.saved_syn = [SavedSyn::Nothing, SavedSyn::Packet, SavedSyn::Frame][mode as usize];
        Ok(2)
    }),
    ("tcp-ut", |options, words| {
        options.user_timeout = Some(time(words, 1)?);
        Ok(2)
    }),
    ("tfo", |options, _| {
        options.fast_open = true;
        Ok(1)
    }),
    ("uid", |options, words| {
        options.ownership.user = Some(Account::Id(number(words, 1, 0, u64::from(u32::MAX))? as u32));
        Ok(2)
    }),
    ("user", |options, words| {
        options.ownership.user = Some(Account::Name(needed(words, 1, "a user")?.to_owned()));
        Ok(2)
    }),
    ("v4v6", |options, _| {
        // The other one counts for more.
        options.takes_ipv4 = options.takes_ipv4.or(Some(true));
        Ok(1)
    }),
    ("v6only", |options, _| {
        options.takes_ipv4 = Some(false);
        Ok(1)
    }),
];

/// The password of signed segments: the kernel takes 80 bytes.
pub(super) fn password<'w>(words: &[&'w str]) -> Result<&'w str, Wrong> {
    let password = needed(words, 1, "a password")?;
    match password.len() {
        1..=80 => Ok(password),
        _ => Err(Wrong::new(1, "a password of signed segments has 1 to 80 bytes")),
    }
}

/// Carries out the option that these words begin with; how many it took.
///
/// # Errors
/// What is wrong with which word.
pub fn read(options: &mut BindOptions, words: &[&str]) -> Result<usize, Wrong> {
    let name = words.first().copied().unwrap_or_default();
    match OPTIONS.iter().find(|(known, _)| *known == name) {
        Some((_, handler)) => handler(options, words),
        None => Err(Wrong::new(0, format!("'{name}' is no option of a listening address"))),
    }
}

/// Carries out all words.
///
/// # Errors
/// What is wrong with which word.
pub fn read_all(options: &mut BindOptions, words: &[&str]) -> Result<(), Wrong> {
    let mut at = 0;
    while at < words.len() {
        at += read(options, &words[at..]).map_err(|wrong| wrong.later(at))?;
    }
    Ok(())
}

/// The options that make these of the default.
pub fn texts(options: &BindOptions) -> Vec<String> {
    let mut texts = Vec::new();
    if options.accepts_proxy {
        texts.push("accept-proxy".to_owned());
    }
    texts.extend(options.backlog.map(|backlog| format!("backlog {backlog}")));
    texts.extend(options.defers_accept.then(|| "defer-accept".to_owned()));
    texts.extend(options.guid.as_ref().map(|guid| format!("guid {guid}")));
    texts.extend(options.id.map(|id| format!("id {id}")));
    texts.extend(options.name.as_ref().map(|name| crate::rule::join(["name", name].into_iter())));
    texts.extend(options.interface.as_ref().map(|name| crate::rule::join(["interface", name].into_iter())));
    texts.extend(options.mss.map(|mss| format!("mss {mss}")));
    texts.extend(options.user_timeout.map(|limit| format!("tcp-ut {}", time_text(limit))));
    texts.extend(options.fast_open.then(|| "tfo".to_owned()));
    texts.extend(options.maxconn.map(|count| format!("maxconn {count}")));
    let named = [("cc", &options.congestion), ("namespace", &options.namespace), ("tcp-md5sig", &options.signature)];
    for (name, value) in named {
        texts.extend(value.as_ref().map(|value| crate::rule::join([name, value].into_iter())));
    }
    texts.extend((options.saved_syn != SavedSyn::Nothing).then(|| format!("tcp-ss {}", options.saved_syn as u8)));
    texts.extend(options.takes_ipv4.map(|takes| if takes { "v4v6" } else { "v6only" }.to_owned()));
    let ownership = &options.ownership;
    texts.extend(ownership.mode.map(|mode| format!("mode {mode:o}")));
    for (account, by_name, by_number) in [(&ownership.user, "user", "uid"), (&ownership.group, "group", "gid")] {
        texts.extend(account.as_ref().map(|account| match account {
            Account::Name(name) => crate::rule::join([by_name, name].into_iter()),
            Account::Id(number) => format!("{by_number} {number}"),
        }));
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXTS: &[&str] = &[
        "accept-proxy",
        "backlog 100",
        "cc reno",
        "defer-accept",
        "guid web-0",
        "id 7",
        "interface eth0",
        "maxconn 20",
        "mss 1400",
        "name web",
        "namespace blue",
        "tcp-md5sig secret",
        "tcp-ss 2",
        "v4v6",
        "v6only",
        "tcp-ut 5000ms",
        "tfo",
        "mode 660",
        "user www",
        "uid 33",
        "group www",
        "gid 33",
    ];

    #[test]
    fn every_option_is_written_as_it_is_read() {
        let mut options = BindOptions::default();
        for text in TEXTS {
            let words: Vec<&str> = text.split(' ').collect();
            assert_eq!(read_all(&mut options, &words), Ok(()), "{text}");
            assert!(texts(&options).contains(&(*text).to_owned()), "{text}");
        }
        let mut again = BindOptions::default();
        for text in texts(&options) {
            read_all(&mut again, &text.split(' ').collect::<Vec<_>>()).expect("it was written by us");
        }
        assert_eq!(again, options);
    }

    #[test]
    fn every_option_is_among_the_tested() {
        for (name, _) in OPTIONS {
            assert!(TEXTS.iter().any(|text| text.split(' ').next() == Some(name)), "{name}");
        }
    }

    #[test]
    fn wrong_options_are_told_with_their_place() {
        for (text, at) in [
            ("id", 1),
            ("id 0", 1),
            ("guid a,b", 1),
            ("accept-proxy now", 1),
            ("name", 1),
            ("mss -40", 1),
            ("mode 9", 1),
            ("tcp-ss 3", 1),
            ("tcp-md5sig", 1),
        ] {
            let words: Vec<&str> = text.split(' ').collect();
            let result = read_all(&mut BindOptions::default(), &words);
            assert_eq!(result.map_err(|wrong| wrong.at), Err(at), "{text}");
        }
    }
}
