//! `show events`: the rings of the log, and the lines that they hold.

use std::fmt::Write;

use crate::model::log::Ring;
use crate::model::runtime::Level;
use crate::state::log::Book;

use super::table::Command;
use super::{Answer, Call};

pub const COMMANDS: &[Command] = &[
    Command::now("show events", Level::User, "show events [<sink>] [-n] [-0]", "show event sink state", events),
    Command::now("show ring", Level::User, "show ring [<sink>] [-n] [-0]", "show event sink state", events),
];

fn events(call: &Call<'_>) -> Answer {
    let generation = call.process.generation.load();
    let rings = &generation.model.process.log.rings;
    let name = call.word(2);
    if name.is_empty() {
        return Answer::Text(list(rings, &generation.book));
    }
    if !rings.iter().any(|ring| ring.name == name) {
        return Answer::error("No such event sink");
    }
    let (mut is_new_only, mut end) = (false, b'\n');
    for option in call.words.iter().skip(3).filter_map(|word| word.strip_prefix('-')) {
        for letter in option.chars() {
            match letter {
                'n' => is_new_only = true,
                '0' => end = 0,
                'w' => return Answer::error("'-w' is not supported: ask again for what has come meanwhile."),
                _ => return Answer::error("Unknown option, '-n' and '-0' are known."),
            }
        }
    }
    let lines = if is_new_only { Vec::new() } else { generation.book.kept_since(name, 0).0 };
    let mut out = Vec::new();
    for line in lines {
        out.extend_from_slice(line.strip_suffix(b"\n").unwrap_or(&line));
        out.push(end);
    }
    Answer::Text(String::from_utf8_lossy(&out).into_owned())
}

fn list(rings: &[Ring], book: &Book) -> String {
    let mut out = "Supported events sinks are listed below. Add -n(new), -0(NUL after each event)\n".to_owned();
    for ring in rings {
        // Writing to a String cannot fail.
        let dropped = book.dropped_from(&ring.name);
        let text = ring.description.as_ref().unwrap_or(&ring.name);
        let _ = writeln!(out, "    {:<10} : type=buffer, {dropped} dropped, {text}", ring.name);
    }
    out
}
