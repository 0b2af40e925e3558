//! `show sess`, `shutdown session`, `shutdown sessions server`: the streams that workers have, each asked in turn.
//!
//! Of what HAProxy prints, what is an address of its memory, a flag of its channels or a time of its scheduler is left
//! out: there is no such thing here.

use std::fmt::Write;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::generation::Generation;
use crate::model::proxy::Mode;
use crate::model::runtime::Level;
use crate::state::streams::{StreamFacts, StreamOrder};
use crate::sys;
use crate::time::Instant;

use super::servers::{Chosen, find_backend};
use super::table::Command;
use super::{Answer, Call, Process};

pub const COMMANDS: &[Command] = &[
    Command::later(
        "show sess",
        Level::Operator,
        "show sess [<id> | all | help] [<options>*]",
        "report the list of current streams or dump this exact stream",
        |call| Box::pin(async move { show(call).await.unwrap_or_else(|refusal| refusal) }),
    ),
    Command::later("shutdown session", Level::Admin, "shutdown session [id]", "kill a specific session", |call| {
        Box::pin(shut(call))
    }),
    Command::now(
        "shutdown sessions server",
        Level::Admin,
        "shutdown sessions server <bk>/<srv>",
        "kill sessions on a server",
        |call| match Chosen::find(call, 3) {
            Ok(chosen) => {
                chosen.server.close_sessions();
                Answer::Done
            }
            Err(refusal) => refusal,
        },
    ),
];

const USAGE: &str = "Usage: show sess [<id> | all | help] [<options>*]\n\
                     Dumps active streams (formerly called 'sessions'). Available selectors:\n   \
                     <id>         dump only this stream identifier (0x...)\n   \
                     all          dump all streams in large format\n\
                     Available options:\n   \
                     backend <b>  only display streams attached to this backend\n   \
                     frontend <f> only display streams attached to this frontend\n   \
                     older <age>  only display streams older than <age> seconds\n   \
                     server <b/s> only show streams attached to this backend+server\n   \
                     susp         only show streams that hang for no reason: none is known of\n";

/// Which streams are shown, and how.
#[derive(Debug, Default)]
struct Wanted {
    id: Option<usize>,
    is_long: bool,
    /// Only streams that hang by a mistake of this program. It knows of none: one that panics is gone.
    is_suspicious: bool,
    older: Duration,
    frontend: Option<String>,
    backend: Option<String>,
    server: Option<(String, String)>,
}

impl Wanted {
    fn read(words: &[String], generation: &Generation) -> Result<Wanted, Answer> {
        let mut wanted = Wanted::default();
        let mut words = words.iter().map(String::as_str);
        while let Some(word) = words.next() {
            let mut value = || words.next().filter(|value| !value.is_empty());
            match word {
                "all" => wanted.is_long = true,
                "susp" => wanted.is_suspicious = true,
                "help" => return Err(Answer::Text(USAGE.to_owned())),
                "older" => {
                    let age = value().and_then(age).ok_or_else(|| Answer::error("Invalid age."))?;
                    wanted.older = age;
                }
                "frontend" => {
                    let name = value().ok_or_else(|| Answer::error("Missing frontend name."))?;
                    if !generation.frontends.iter().any(|known| known.model.name == name) {
                        return Err(Answer::error(format!("Unknown frontend name '{name}'.")));
                    }
                    wanted.frontend = Some(name.to_owned());
                }
                "backend" => {
                    let name = value().ok_or_else(|| Answer::error("Missing backend name."))?;
                    find_backend(generation, name)
                        .ok_or_else(|| Answer::error(format!("Unknown backend name '{name}'.")))?;
                    wanted.backend = Some(name.to_owned());
                }
                "server" => {
                    let name = value().ok_or_else(|| Answer::error("Missing server name (<backend>/<server>)."))?;
                    let unknown = || Answer::error(format!("No such server '{name}'."));
                    let (backend, server) = name.split_once('/').ok_or_else(unknown)?;
                    let known = find_backend(generation, backend).ok_or_else(unknown)?;
                    known.model.servers.iter().find(|one| one.name == server).ok_or_else(unknown)?;
                    wanted.server = Some((backend.to_owned(), server.to_owned()));
                }
                id => {
                    let digits = id.strip_prefix("0x").and_then(|digits| usize::from_str_radix(digits, 16).ok());
                    let unknown = || Answer::error(format!("Unsupported option '{id}', try 'help' for more info."));
                    wanted.id = Some(digits.ok_or_else(unknown)?);
                    wanted.is_long = true;
                }
            }
        }
        Ok(wanted)
    }

    fn is_meant(&self, stream: &StreamFacts, now: Instant) -> bool {
        let is = |wanted: &Option<String>, name: Option<&str>| wanted.is_none() || wanted.as_deref() == name;
        let is_with = |(backend, server): &(String, String)| {
            let name = stream.server.as_ref().map(|server| server.name.as_str());
            stream.backend.as_ref() == Some(backend) && name == Some(server)
        };
        !self.is_suspicious
            && self.id.is_none_or(|id| id == stream.id)
            && is(&self.frontend, Some(&stream.frontend))
            && is(&self.backend, stream.backend.as_deref())
            && self.server.as_ref().is_none_or(is_with)
            && now.since(stream.accepted) >= self.older
    }
}

/// A time whose default unit is seconds.
fn age(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..digits].parse().ok()?;
    let seconds = match &text[digits..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    number.checked_mul(seconds).map(Duration::from_secs)
}

async fn show(call: &Call<'_>) -> Result<Answer, Answer> {
    let generation = call.process.generation.load_full();
    let wanted = Wanted::read(call.words.get(2..).unwrap_or_default(), &generation)?;
    let streams = streams(call.process).await;
    let now = sys::clock::now();
    let mut out = String::new();
    for stream in streams.iter().filter(|stream| wanted.is_meant(stream, now)) {
        match wanted.is_long {
            true => long(&mut out, stream, &generation, now),
            false => short(&mut out, stream, now),
        }
    }
    if out.is_empty() && wanted.id.is_some() {
        out.push_str("Session not found.\n");
    }
    Ok(Answer::Text(out))
}

/// What every worker has.
async fn streams(process: &Process) -> Vec<StreamFacts> {
    let mut all = Vec::new();
    for order in &process.streams {
        let (answer, answered) = oneshot::channel();
        // Nobody hears the answer any more if the operator has left.
        order(StreamOrder::List(Box::new(move |streams| _ = answer.send(streams))));
        // A worker that has ended has no streams.
        all.extend(answered.await.unwrap_or_default());
    }
    all.sort_by_key(|stream| stream.accepted);
    all
}

// Writing to a String cannot fail.
fn short(out: &mut String, stream: &StreamFacts, now: Instant) {
    let backend = stream.backend.as_deref().unwrap_or("<NONE>");
    let server = stream.server.as_ref().map_or("<none>", |server| &server.name);
    let _ = writeln!(
        out,
        "{:#x}: proto={} src={} fe={} be={backend} srv={server} age={} exp={}",
        stream.id,
        protocol(stream),
        source(stream),
        stream.frontend,
        human(now.since(stream.accepted)),
        remaining(stream, now).map(human).unwrap_or_default(),
    );
}

fn long(out: &mut String, stream: &StreamFacts, generation: &Generation, now: Instant) {
    let at = sys::clock::wall().saturating_sub(now.since(stream.accepted));
    let mode = if stream.mode == Mode::Http { "http" } else { "tcp" };
    let number = |name: &str| generation.number_of(name).map_or(-1, i64::from);
    let _ = writeln!(
        out,
        "{:#x}: [{}.{:06}] proto={} source={}",
        stream.id,
        sys::localtime::local(at).dated(),
        at.subsec_micros(),
        protocol(stream),
        source(stream),
    );
    let local = stream.local.map_or_else(|| "unix:1".to_owned(), |local| local.to_string());
    let frontend = &stream.frontend;
    let _ = writeln!(out, "  frontend={frontend} (id={} mode={mode}) addr={local}", number(frontend));
    let _ = match &stream.backend {
        Some(name) => {
            let mode = find_backend(generation, name).map_or("-", |backend| match backend.model.mode {
                Mode::Http => "http",
                Mode::Tcp | Mode::Log => "tcp",
            });
            writeln!(out, "  backend={name} (id={} mode={mode})", number(name))
        }
        None => writeln!(out, "  backend=<NONE> (id=-1 mode=-)"),
    };
    let place = stream.backend.as_ref().and_then(|name| find_backend(generation, name)).zip(stream.server.as_ref());
    let found = place.and_then(|(backend, server)| {
        let known = backend.model.servers.iter().find(|known| known.name == server.name)?;
        Some((known.options.id, known.address))
    });
    let _ = match (&stream.server, found) {
        (Some(server), Some((id, address))) => writeln!(out, "  server={} (id={id}) addr={address}", server.name),
        // It is of an older configuration.
        (Some(server), None) => writeln!(out, "  server={} (id=-1)", server.name),
        (None, _) => writeln!(out, "  server=<NONE> (id=-1)"),
    };
    let left = remaining(stream, now).map_or_else(|| "<NEVER>".to_owned(), human);
    let _ = writeln!(out, "  worker={} exp={left} age={}", stream.worker, human(now.since(stream.accepted)));
}

fn protocol(stream: &StreamFacts) -> &'static str {
    match stream.peer {
        Some(peer) if peer.is_ipv4() => "tcpv4",
        Some(_) => "tcpv6",
        None => "unix_stream",
    }
}

fn source(stream: &StreamFacts) -> String {
    stream.peer.map_or_else(|| "unix:1".to_owned(), |peer| format!("{}:{}", peer.ip(), peer.port()))
}

fn remaining(stream: &StreamFacts, now: Instant) -> Option<Duration> {
    (stream.deadline != Instant::FAR_FUTURE).then(|| stream.deadline.since(now))
}

/// A time as HAProxy tells people: its two largest units, `4d12h`, `3m7s`, `42s`.
fn human(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        86_400.. => format!("{}d{}h", seconds / 86_400, seconds % 86_400 / 3_600),
        3_600.. => format!("{}h{}m", seconds / 3_600, seconds % 3_600 / 60),
        60.. => format!("{}m{}s", seconds / 60, seconds % 60),
        _ => format!("{seconds}s"),
    }
}

/// `shutdown session <id>`
async fn shut(call: &Call<'_>) -> Answer {
    if call.word(2).is_empty() {
        return Answer::error("Session pointer expected (use 'show sess').");
    }
    let digits = call.word(2).strip_prefix("0x").unwrap_or(call.word(2));
    if let Ok(id) = usize::from_str_radix(digits, 16) {
        for order in &call.process.streams {
            let (answer, answered) = oneshot::channel();
            order(StreamOrder::Close(id, Box::new(move |is_closed| _ = answer.send(is_closed))));
            if answered.await == Ok(true) {
                return Answer::Done;
            }
        }
    }
    Answer::error("No such session (use 'show sess').")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_their_two_largest_units() {
        let told = [0, 59, 61, 3_600, 90_000].map(|seconds| human(Duration::from_secs(seconds)));
        assert_eq!(told, ["0s", "59s", "1m1s", "1h0m", "1d1h"]);
    }
}
