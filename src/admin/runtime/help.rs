//! `help`, and what an unknown command is answered.

use std::fmt::Write;

use strsim::levenshtein;

use crate::model::runtime::Level;

use super::master::Target;
use super::table::{self, Command};
use super::{Answer, Call};

/// Characters of an unknown command that are compared: none has as many.
const LONGEST: usize = 64;

/// Suggestions for an unknown command, at most.
const SUGGESTIONS: usize = 5;

/// `help [<command>]`.
pub fn help(call: &Call<'_>) -> Answer {
    list(call.words.get(1..).unwrap_or_default(), call.session.level.get(), call.target)
}

/// The commands that begin with these words, or those that are like them; all without words.
fn list(words: &[String], level: Level, target: Option<Target>) -> Answer {
    let may = |command: &&Command| command.level <= level;
    let found = match words {
        [] => table::commands_of(target).filter(may).collect(),
        words => nearest(words, level, target),
    };
    Answer::Text(render("The following commands are valid at this level:", &sorted(found.into_iter())))
}

/// The commands that begin with these words, or else those that are most like them; then what ends every list.
fn nearest(words: &[String], level: Level, target: Option<Target>) -> Vec<&'static Command> {
    let may = |command: &&Command| command.level <= level;
    let commands = table::commands_of(target);
    let mut found: Vec<&Command> = commands.clone().filter(may).filter(|command| begins(command, words)).collect();
    if found.is_empty() {
        let typed: String = words.join(" ").chars().take(LONGEST).collect();
        let cut = |command: &Command| -> String { command.words.chars().take(typed.chars().count()).collect() };
        found = commands.clone().filter(may).collect();
        found.sort_by_key(|command| levenshtein(&cut(command), &typed).min(levenshtein(command.words, &typed)));
        found.truncate(SUGGESTIONS);
    }
    found.extend(commands.filter(may).filter(is_always_told));
    found
}

/// What is near to an unknown command, or everything.
pub fn unknown(words: &[String], level: Level, target: Option<Target>) -> Answer {
    if words.is_empty() {
        return list(words, level, target);
    }
    let head = "Unknown command, but maybe one of the following ones is a better match:";
    Answer::Message(super::Severity::Error, render(head, &sorted(nearest(words, level, target).into_iter())))
}

/// Whether a command's words begin with those that were typed.
fn begins(command: &Command, typed: &[String]) -> bool {
    let mut known = command.words.split(' ');
    typed.iter().all(|word| known.next().is_some_and(|known| known.starts_with(word.as_str())))
}

/// What ends every list.
fn is_always_told(command: &&Command) -> bool {
    ["help", "prompt", "quit"].contains(&command.words)
}

fn sorted<'a>(commands: impl Iterator<Item = &'a Command>) -> Vec<&'a Command> {
    let mut commands: Vec<&Command> = commands.collect();
    commands.sort_by_key(|command| (is_always_told(command), command.words));
    commands.dedup_by_key(|command| command.words);
    commands
}

fn render(head: &str, commands: &[&Command]) -> String {
    let mut out = format!("{head}\n");
    for command in commands {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "  {:<40}: {}", command.usage, command.doc);
    }
    out
}
