//! Commands of HAProxy's about things that vipgate does not have: a list of nothing is empty, as HAProxy's is without such
//! things; everything else says in one line why there is nothing to do. `help` leaves them out.

use crate::model::runtime::Level;

use super::Answer;
use super::servers::find_backend;
use super::{Call, Process};

/// What is answered.
#[derive(Clone, Copy, Debug)]
enum Said {
    /// A list with this head and nothing in it; a name in it is refused for that reason.
    Empty(&'static str, &'static str),
    /// Why there is nothing to do.
    Why(&'static str),
    /// Nothing: it is so already.
    Done,
}

const NO_TLS: &str = "vipgate has no TLS yet: there are no certificates, keys and lists of them.";
const NO_CACHE: &str = "vipgate has no cache: every request goes to its server.";
const NO_CLIENT: &str = "vipgate has no HTTP client of its own: ask with curl.";
const NO_TRACES: &str = "vipgate has no trace sources: 'show sess', 'show errors' and the log tell what happens.";
const NO_TASKS: &str =
    "vipgate's scheduler does not list its tasks: see 'show sess', 'show threads' and 'show activity'.";
const NO_DEBUG: &str = "There are no commands and counters for HAProxy's developers.";
const NO_ANON: &str = "vipgate does not anonymize its answers: there is no key.";
const NO_QUIC: &str = "vipgate does not speak QUIC.";
const NO_ACME: &str = "vipgate asks no authority for certificates.";

/// The head of the list of trace sources.
const TRACES: &str = "Supported trace sources and states (.=stopped, w=waiting, R=running) :\n";

/// Every one, by the words that it begins with.
const COMMANDS: &[(&str, Level, Said)] = &[
    ("abort ssl", Level::Admin, Said::Why(NO_TLS)),
    ("acme", Level::Admin, Said::Why(NO_ACME)),
    ("add ssl", Level::Admin, Said::Why(NO_TLS)),
    ("commit ssl", Level::Admin, Said::Why(NO_TLS)),
    ("debug", Level::Admin, Said::Why(NO_DEBUG)),
    ("del ssl", Level::Admin, Said::Why(NO_TLS)),
    ("dump ssl", Level::User, Said::Why(NO_TLS)),
    ("httpclient", Level::Admin, Said::Why(NO_CLIENT)),
    ("new ssl", Level::Admin, Said::Why(NO_TLS)),
    ("set anon global-key", Level::Admin, Said::Why(NO_ANON)),
    ("set anon off", Level::User, Said::Done),
    ("set anon on", Level::User, Said::Why(NO_ANON)),
    ("set ssl", Level::Admin, Said::Why(NO_TLS)),
    ("show anon", Level::User, Said::Empty("Anonymized mode disabled\n", NO_ANON)),
    ("show cache", Level::Admin, Said::Empty("", NO_CACHE)),
    ("show dev", Level::User, Said::Why("The inside of vipgate: see 'show info', 'show libs' and 'show threads'.")),
    ("show peers", Level::User, Said::Empty("", "No such peers")),
    ("show quic", Level::Operator, Said::Why(NO_QUIC)),
    ("show ssl ca-file", Level::User, Said::Empty("# filename\n", NO_TLS)),
    ("show ssl cert", Level::User, Said::Empty("", NO_TLS)),
    ("show ssl crl-file", Level::User, Said::Empty("# filename\n", NO_TLS)),
    ("show ssl crt-list", Level::Admin, Said::Empty("", NO_TLS)),
    ("show ssl jwt", Level::User, Said::Empty("", NO_TLS)),
    ("show ssl ocsp-response", Level::Admin, Said::Empty("", NO_TLS)),
    ("show ssl ocsp-updates", Level::Admin, Said::Empty("", NO_TLS)),
    ("show ssl providers", Level::User, Said::Empty("Loaded providers : \n", NO_TLS)),
    ("show ssl", Level::Admin, Said::Why(NO_TLS)),
    ("show tasks", Level::User, Said::Why(NO_TASKS)),
    ("show tls-keys", Level::Admin, Said::Empty("# id (file)\n", NO_TLS)),
    ("show trace", Level::User, Said::Empty(TRACES, NO_TRACES)),
    ("trace", Level::User, Said::Empty(TRACES, NO_TRACES)),
    ("update ssl", Level::Admin, Said::Why(NO_TLS)),
];

/// What is answered to words that are no command here; `None` if they are none of HAProxy's either.
pub fn answer(words: &[String], level: Level) -> Option<Answer> {
    let begins = |command: &str| {
        let mut given = words.iter().map(String::as_str);
        command.split(' ').all(|word| given.next() == Some(word))
    };
    let (command, least, said) = COMMANDS.iter().find(|(command, ..)| begins(command))?;
    if level < *least {
        return Some(Answer::error("Permission denied"));
    }
    let is_named = words.len() > command.split(' ').count();
    Some(match said {
        Said::Empty(_, why) if is_named => Answer::error(*why),
        Said::Empty(head, _) => Answer::Text((*head).to_owned()),
        Said::Why(why) => Answer::error(*why),
        Said::Done => Answer::Done,
    })
}

/// `show default-server [<backend>]`: what a `default-server` line says has become a part of its servers.
pub fn default_servers(call: &Call<'_>) -> Answer {
    let process: &Process = call.process;
    match call.word(2) {
        "" => Answer::Done,
        name if find_backend(&process.generation.load(), name).is_some() => Answer::Done,
        _ => Answer::error("Can't find backend."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str, level: Level) -> Option<Answer> {
        answer(&super::super::line::words(text), level)
    }

    #[test]
    fn longer_commands_stand_before_those_that_they_begin_with() {
        for (number, (command, ..)) in COMMANDS.iter().enumerate() {
            let shadow = COMMANDS[..number].iter().find(|(other, ..)| command.starts_with(&format!("{other} ")));
            assert!(shadow.is_none(), "{command}");
        }
    }

    #[test]
    fn a_list_is_empty_and_a_name_in_it_is_refused() {
        assert_eq!(said("show ssl cert", Level::Admin), Some(Answer::Text(String::new())));
        assert_eq!(said("show ssl cert a.pem", Level::Admin), Some(Answer::error(NO_TLS)));
        assert_eq!(said("set ssl cert", Level::User), Some(Answer::error("Permission denied")));
        assert_eq!(said("show cache", Level::Operator), Some(Answer::error("Permission denied")));
        assert_eq!(said("set anon off", Level::User), Some(Answer::Done));
        assert_eq!(said("show nothing", Level::Admin), None);
    }
}
