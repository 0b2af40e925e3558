//! `show resolvers`: what name servers answered.

use std::fmt::Write;

use crate::model::runtime::Level;
use crate::state::naming::{Section, Tally};

use super::table::Command;
use super::{Answer, Call};

pub const COMMANDS: &[Command] = &[Command::now(
    "show resolvers",
    Level::User,
    "show resolvers [id]",
    "dumps counters from all resolvers section and associated name servers",
    show,
)];

fn show(call: &Call<'_>) -> Answer {
    let generation = call.process.generation.load();
    let wanted = call.word(2);
    let sections = &generation.resolvers;
    if sections.is_empty() && wanted.is_empty() {
        return Answer::Text("No resolvers found\n".to_owned());
    }
    let mut shown = sections.iter().filter(|section| wanted.is_empty() || section.name == wanted).peekable();
    if shown.peek().is_none() {
        return Answer::error("Can't find that resolvers section");
    }
    let mut out = String::new();
    shown.for_each(|section| self::section(&mut out, section));
    Answer::Text(out)
}

// Writing to a String cannot fail.
fn section(out: &mut String, section: &Section) {
    let _ = writeln!(out, "Resolvers section {}", section.name);
    for (name, tallies) in &section.servers {
        let _ = writeln!(out, " nameserver {name}:");
        for (tally, word, _) in Tally::ALL {
            let _ = writeln!(out, "  {:<12} {}", format!("{word}:"), tallies.get(tally));
        }
    }
}
