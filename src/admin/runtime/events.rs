//! `show events`: the rings of the log, and the lines that they hold.

use std::fmt::Write;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::model::log::Ring;
use crate::model::runtime::Level;
use crate::state::log::Book;

use super::table::Command;
use super::{Answer, Call, Process, Severity};

/// Time between two looks for new lines.
const LOOK: Duration = Duration::from_millis(50);

pub const COMMANDS: &[Command] = &[
    Command::now("show events", Level::User, "show events [<sink>] [-w] [-n] [-0]", "show event sink state", events),
    Command::now("show ring", Level::User, "show ring [<sink>] [-w] [-n] [-0]", "show event sink state", events),
];

/// Sinks that keep nothing, and what each is.
const STREAMS: [(&str, &str); 2] = [("stdout", "standard output (fd#1)"), ("stderr", "standard output (fd#2)")];
/// The ring that is always there; HAProxy writes its traces into it.
const TRACES: &str = "buf0";

fn events(call: &Call<'_>) -> Answer {
    let generation = call.process.generation.load();
    let rings: Vec<Ring> = generation.model.rings().collect();
    let name = call.word(2);
    if name.is_empty() {
        return Answer::Text(list(&rings, &generation.book));
    }
    if call.session.level.get() < Level::Operator {
        return Answer::error("Permission denied");
    }
    if STREAMS.iter().any(|(stream, _)| *stream == name) {
        return Answer::error("Nothing to report for this sink");
    }
    if name != TRACES && !rings.iter().any(|ring| ring.name == name) {
        return Answer::error("No such event sink");
    }
    let (mut is_new_only, mut waits, mut end) = (false, false, b'\n');
    for option in call.words.iter().skip(3) {
        match option.as_str() {
            "-n" => is_new_only = true,
            "-w" => waits = true,
            "-nw" | "-wn" => (is_new_only, waits) = (true, true),
            "-0" => end = 0,
            _ => return Answer::Message(Severity::Error, "unknown option".to_owned()),
        }
    }
    let mut follow = Follow { ring: name.to_owned(), seen: 0, end };
    if is_new_only {
        follow.seen = generation.book.kept_since(name, u64::MAX).1;
    }
    match waits {
        true => Answer::Follow(follow),
        false => Answer::Text(String::from_utf8_lossy(&follow.next(&generation.book)).into_owned()),
    }
}

/// Whoever reads a ring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Follow {
    ring: String,
    /// Lines of the ring that came before the next one to tell.
    seen: u64,
    /// What stands behind each line.
    end: u8,
}

impl Follow {
    /// Lines that were not told yet.
    fn next(&mut self, book: &Book) -> Vec<u8> {
        let (lines, seen) = book.kept_since(&self.ring, self.seen);
        self.seen = seen;
        let mut out = Vec::new();
        for line in lines {
            out.extend_from_slice(line.strip_suffix(b"\n").unwrap_or(&line));
            out.push(self.end);
        }
        out
    }

    /// Tells lines as they come, until the client says something or ends. What it says is of no interest.
    ///
    /// # Errors
    /// The connection broke.
    pub async fn tell(mut self, stream: &mut TcpStream, process: &Process) -> io::Result<()> {
        let book = Arc::clone(&process.generation.load().book);
        loop {
            stream.write_all(&self.next(&book)).await?;
            if let Ok(count) = tokio::time::timeout(LOOK, stream.read(&mut [0; 512])).await {
                return count.map(drop);
            }
        }
    }
}

fn list(rings: &[Ring], book: &Book) -> String {
    let mut out =
        "Supported events sinks are listed below. Add -0(zero), -w(wait), -n(new). Any key to stop.\n".to_owned();
    // Writing to a String cannot fail.
    for (name, what) in STREAMS {
        let _ = writeln!(out, "    {name:<10} : type=fd, 0 dropped, {what}");
    }
    if !rings.iter().any(|ring| ring.name == TRACES) {
        let _ = writeln!(out, "    {TRACES:<10} : type=buffer, 0 dropped, in-memory ring buffer");
    }
    for ring in rings {
        let dropped = book.dropped_from(&ring.name);
        let text = ring.description.as_ref().unwrap_or(&ring.name);
        let _ = writeln!(out, "    {:<10} : type=buffer, {dropped} dropped, {text}", ring.name);
    }
    out
}
