//! Every command: its words, who may give it, what help says, what it does.

use std::future::Future;
use std::pin::Pin;

use crate::model::runtime::Level;

use super::master::Target;
use super::session::Session;
use super::{
    Answer, Call, Process, absent, backends, cookies, dumps, dynamic, errors, events, help, insight, line, maps,
    master, own, probing, process, proxies, resolvers, servers, statistics, sticks, streams, wait,
};

/// A command.
pub struct Command {
    /// The words that name it.
    pub words: &'static str,
    /// Who may give it.
    pub level: Level,
    /// The words and what follows them, for `help`.
    pub usage: &'static str,
    /// What it does, for `help`.
    pub doc: &'static str,
    /// Carries it out.
    pub run: Run,
}

/// A command that awaits other threads.
pub type Later = for<'a> fn(&'a Call<'a>) -> Pin<Box<dyn Future<Output = Answer> + 'a>>;

/// How a command is carried out.
pub enum Run {
    /// At once.
    Now(fn(&Call<'_>) -> Answer),
    /// After other threads have answered.
    Later(Later),
}

impl Command {
    /// A command that is carried out at once.
    pub const fn now(
        words: &'static str,
        level: Level,
        usage: &'static str,
        doc: &'static str,
        run: fn(&Call<'_>) -> Answer,
    ) -> Command {
        Command { words, level, usage, doc, run: Run::Now(run) }
    }

    /// A command that awaits other threads.
    pub const fn later(
        words: &'static str,
        level: Level,
        usage: &'static str,
        doc: &'static str,
        run: Later,
    ) -> Command {
        Command { words, level, usage, doc, run: Run::Later(run) }
    }
}

/// The families, in the order of `help`.
const FAMILIES: [&[Command]; 18] = [
    statistics::COMMANDS,
    servers::COMMANDS,
    probing::COMMANDS,
    dumps::COMMANDS,
    resolvers::COMMANDS,
    errors::COMMANDS,
    dynamic::COMMANDS,
    maps::COMMANDS,
    sticks::COMMANDS,
    proxies::COMMANDS,
    backends::COMMANDS,
    cookies::COMMANDS,
    streams::COMMANDS,
    process::COMMANDS,
    insight::COMMANDS,
    events::COMMANDS,
    wait::COMMANDS,
    own::COMMANDS,
];

/// Every command.
pub fn commands() -> impl Iterator<Item = &'static Command> + Clone {
    FAMILIES.iter().copied().flatten()
}

/// Those that whoever is meant understands: the master has commands of its own and few of the worker's.
pub fn commands_of(target: Option<Target>) -> impl Iterator<Item = &'static Command> + Clone {
    let is_master = target == Some(Target::Master);
    let own: &[Command] = if is_master { master::COMMANDS } else { &[] };
    own.iter().chain(commands().filter(move |command| !is_master || master::SHARED.contains(&command.words)))
}

/// What is said of a command to whoever asks what there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Described {
    /// The words that name it.
    pub words: &'static str,
    /// The words and what follows them.
    pub usage: &'static str,
    /// What it does.
    pub doc: &'static str,
    /// Who may give it.
    pub level: Level,
}

/// What is said of every command.
pub fn described() -> impl Iterator<Item = Described> {
    commands().map(|&Command { words, usage, doc, level, .. }| Described { words, usage, doc, level })
}

/// The command that these words begin with: the one with the most words.
fn find(words: &[String], target: Option<Target>) -> Option<&'static Command> {
    let is_it = |command: &&Command| {
        let mut given = words.iter().map(String::as_str);
        command.words.split(' ').all(|word| given.next() == Some(word))
    };
    commands_of(target).filter(is_it).max_by_key(|command| command.words.split(' ').count())
}

/// Carries a line out.
pub async fn run(text: &str, payload: Option<&str>, process: &Process, session: &Session) -> Answer {
    let mut words = line::words(text);
    let mut target = session.target.get();
    let is_prefixed = target.is_some() && words.first().is_some_and(|word| word.starts_with('@'));
    if is_prefixed {
        let prefix = words.remove(0);
        target = Target::of(&prefix);
        if target.is_none() {
            return Answer::Last(format!("Can't find the target PID matching the prefix '{prefix}'\n"));
        }
        if words.is_empty() {
            session.target.set(target);
            return Answer::Silent;
        }
    }
    let Some(command) = find(&words, target) else {
        let level = session.level.get();
        return match target {
            Some(Target::Master) => help::unknown(&words, level, target),
            _ => absent::answer(&words, level).unwrap_or_else(|| help::unknown(&words, level, target)),
        };
    };
    if session.level.get() < command.level {
        return Answer::error("Permission denied");
    }
    let call = Call { words: &words, payload, process, session, target };
    let answer = match command.run {
        Run::Now(run) => run(&call),
        Run::Later(run) => run(&call).await,
    };
    let is_of_master_cli = target.is_some() && !is_prefixed && master::OF_THE_CONNECTION.contains(&command.words);
    if is_of_master_cli && answer == Answer::Done { Answer::Silent } else { answer }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_there_once_and_says_how_it_is_used() {
        let mut seen = std::collections::BTreeSet::new();
        for command in commands() {
            assert!(seen.insert(command.words), "{} is there twice", command.words);
            assert!(command.usage.starts_with(command.words), "{}", command.words);
            assert!(!command.doc.is_empty());
        }
    }

    #[test]
    fn the_command_with_the_most_words_counts() {
        let words = |text: &str| find(&line::words(text), None).map(|command| command.words);
        assert_eq!(words("set maxconn global 3"), Some("set maxconn global"));
        assert_eq!(words("set maxconn"), None);
        assert_eq!(words(""), None);
    }
}
