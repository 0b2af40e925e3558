//! One connection: commands in, answers out.
//!
//! Without a prompt the connection ends as soon as everything that has arrived is answered, which is what scripts rely
//! on; several lines that arrive together are all answered. An answer is followed by an empty line, or by the prompt.

use std::io;
use std::os::fd::AsFd;
use std::sync::Weak;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::sys::{clock, handover};

use super::line::{self, LONGEST};
use super::master::Target;
use super::session::{Manner, Session};
use super::{Answer, Process, table};

/// Bytes that are read at once, at least: what was sent together is seen together.
const READ: usize = 16 * 1024;

/// Serves a connection until it ends.
///
/// # Errors
/// It broke.
pub async fn serve(mut stream: TcpStream, process: &Process, session: &Session) -> io::Result<()> {
    let mut input: Vec<u8> = Vec::new();
    // A command whose payload has not ended.
    let mut gathered: Option<Gathered> = None;
    loop {
        let next = if gathered.is_some() { line::line(&input) } else { line::command(&input) };
        let Some((length, end)) = next else {
            let held = input.len() + gathered.as_ref().map_or(0, |gathered| gathered.payload.len());
            if held > LONGEST || !read(&mut stream, &mut input, session).await? {
                break;
            }
            continue;
        };
        let text = String::from_utf8_lossy(input.get(..length).unwrap_or_default()).into_owned();
        let is_line = input.get(end - 1) == Some(&b'\n');
        input.drain(..end);
        let step = step(text, &mut gathered);
        let mut is_silent = false;
        let mut out = match &step {
            Step::Gather => String::new(),
            Step::Run(command, _) if command == handover::REQUEST && session.exposes_listeners => {
                return give_listeners(&stream, process).await;
            }
            Step::Run(command, payload) => {
                let answer = table::run(command, payload.as_deref(), process, session).await;
                match answer {
                    Answer::Quit => break,
                    Answer::Last(text) => {
                        tokio::time::timeout(session.timeout.get(), stream.write_all(text.as_bytes())).await??;
                        break;
                    }
                    Answer::Follow(follow) => {
                        follow.tell(&mut stream, process).await?;
                        String::new()
                    }
                    answer => {
                        is_silent = answer == Answer::Silent;
                        answer.render(session.severity.get())
                    }
                }
            }
        };
        match (session.manner.get(), gathered.is_some()) {
            (Manner::Prompt, true) => out.push_str("+ "),
            (Manner::Prompt, false) if session.target.get().is_some() => {
                let target = session.target.get().map(Target::name).unwrap_or_default();
                out.push_str(if is_silent { "" } else { "\n" });
                out.push_str(&format!("{target}> "));
            }
            (Manner::Single | Manner::Interactive, false) if is_silent => {}
            (Manner::Prompt, false) if session.is_timed.get() => out.push_str(&timed_prompt(process)),
            (Manner::Prompt, false) => out.push_str("\n> "),
            (Manner::Single | Manner::Interactive, true) => {}
            (Manner::Single | Manner::Interactive, false) => out.push('\n'),
        }
        tokio::time::timeout(session.timeout.get(), stream.write_all(out.as_bytes())).await??;
        if session.manner.get() == Manner::Single && is_line && input.is_empty() && gathered.is_none() {
            break;
        }
    }
    stream.shutdown().await
}

/// A prompt with the days, hours, minutes and seconds that the process has run.
fn timed_prompt(process: &Process) -> String {
    let seconds = clock::now().since(process.started).as_secs();
    let (hours, minutes) = (seconds / 3600 % 24, seconds / 60 % 60);
    format!("\n[{}:{hours:02}:{minutes:02}:{:02}]> ", seconds / 86_400, seconds % 60)
}

/// Gives the listening sockets to the process that takes the place of this one; the connection ends with that.
async fn give_listeners(stream: &TcpStream, process: &Process) -> io::Result<()> {
    let sockets: Vec<_> = process.listeners.load().iter().filter_map(Weak::upgrade).collect();
    let connection = stream.as_fd().try_clone_to_owned()?;
    let count = sockets.len();
    tokio::task::spawn_blocking(move || handover::give(connection.as_fd(), &sockets)).await??;
    tracing::info!(count, "listening sockets were given to another process");
    Ok(())
}

/// A command and what of its payload has arrived.
struct Gathered {
    command: String,
    /// The line that ends the payload.
    end: String,
    payload: String,
    /// Whether a line of it has come.
    has_begun: bool,
}

/// What a line asks for.
enum Step {
    /// More lines.
    Gather,
    /// A command, with its payload.
    Run(String, Option<String>),
}

fn step(text: String, gathered: &mut Option<Gathered>) -> Step {
    match gathered.take() {
        Some(done) if text == done.end => Step::Run(done.command, Some(done.payload)),
        Some(mut more) => {
            if more.has_begun {
                more.payload.push('\n');
            }
            more.has_begun = true;
            more.payload.push_str(&text);
            *gathered = Some(more);
            Step::Gather
        }
        None => match line::announces(&text) {
            Some((command, end)) => {
                let (command, end) = (command.to_owned(), end.to_owned());
                *gathered = Some(Gathered { command, end, payload: String::new(), has_begun: false });
                Step::Gather
            }
            None => Step::Run(text, None),
        },
    }
}

/// Reads more; `false` at the end of the client's lines, or when nothing has come for too long.
async fn read(stream: &mut TcpStream, input: &mut Vec<u8>, session: &Session) -> io::Result<bool> {
    input.reserve(READ);
    match tokio::time::timeout(session.timeout.get(), stream.read_buf(input)).await {
        Ok(count) => Ok(count? > 0),
        Err(_) => Ok(false),
    }
}
