//! `ring` sections: buffers of lines with syslog servers that read them (manual §3.9).

use std::path::PathBuf;
use std::time::Duration;

use crate::config::draft::{Draft, LogTarget};
use crate::config::haproxy::section::{Line, Section};
use crate::config::haproxy::table::Place;
use crate::diag::Spanned;
use crate::model::Endpoint;
use crate::model::log::{BUFFER, Destination, Form, Framing, LENGTH, Ring, RingServer};

use super::value;
use super::{Context, log};

/// The ring that is always there, for HAProxy's traces.
const TRACES: &str = "buf0";
/// Its bytes.
const TRACES_SIZE: usize = 1 << 20;
/// The largest ring.
const LARGEST: u64 = 1 << 30;

/// Options of servers that bring nothing here, as in HAProxy: nobody chooses among the servers of a ring, and none is checked.
const IDLE: [&str; 10] =
    ["backup", "check", "downinter", "fall", "fastinter", "inter", "log-bufsize", "maxconn", "rise", "weight"];

/// A section.
pub fn read(section: &Section, context: &Context<'_>) -> Option<Spanned<Ring>> {
    let name = context.argument(&section.head, 1, "a name")?;
    context.no_more(&section.head, 2);
    let mut ring = empty(&name.text);
    for line in &section.lines {
        let Some((row, _)) = context.find(Place::Ring, Place::Ring, line) else { continue };
        match row.name {
            "description" => {
                let words: Vec<&str> = line.from(1).iter().map(|word| word.text.as_str()).collect();
                ring.description = Some(words.join(" "));
            }
            "format" => {
                let word = context.argument(line, 1, "a format");
                ring.form = word.and_then(|word| log::form(word, context)).or(ring.form);
            }
            "maxlen" => ring.line_length = number(line, context, 80, 65_535).unwrap_or(ring.line_length),
            "size" if ring.file.is_some() => {
                let message = "cannot resize an already mapped file, please specify 'size' before 'backing-file'";
                context.error("E-VALUE", line.span_of(1), message);
            }
            "size" => ring.size = number(line, context, 1, LARGEST).unwrap_or(ring.size),
            "backing-file" => backing_file(&mut ring, line, context),
            "server" => ring.servers.extend(server(line, context)),
            "timeout connect" => ring.connect_timeout = limit(line, context),
            "timeout server" => ring.send_timeout = limit(line, context),
            _ => {}
        }
    }
    Some(Spanned::new(ring, name.span))
}

/// Adds the ring that HAProxy has without being told, where a log names it.
pub fn add_traces(draft: &mut Draft) {
    let names_it = |target: &LogTarget| matches!(&target.target.destination, Destination::Ring(name) if name == TRACES);
    let proxies = draft.frontends.iter().map(|one| &one.log).chain(draft.backends.iter().map(|one| &one.log));
    let logs = proxies.chain(draft.log.relays.iter().map(|relay| &relay.log));
    let mut targets = logs.flat_map(|log| &log.targets).chain(draft.log.targets.iter().flatten());
    let Some(place) = targets.find(|target| names_it(target)).map(|target| target.span) else { return };
    if draft.log.rings.iter().any(|ring| ring.value.name == TRACES) {
        return;
    }
    let ring = Ring {
        description: Some("in-memory ring buffer".to_owned()),
        form: Some(Form::Timed),
        line_length: BUFFER,
        size: TRACES_SIZE,
        ..empty(TRACES)
    };
    draft.log.rings.insert(0, Spanned::new(ring, place));
}

fn empty(name: &str) -> Ring {
    Ring {
        name: name.to_owned(),
        description: None,
        form: None,
        line_length: LENGTH,
        size: BUFFER,
        file: None,
        servers: Vec::new(),
        connect_timeout: None,
        send_timeout: None,
    }
}

/// `backing-file PATH`.
fn backing_file(ring: &mut Ring, line: &Line, context: &Context<'_>) {
    let Some(word) = context.argument(line, 1, "the path of a file") else { return };
    context.no_more(line, 2);
    if let Some(before) = &ring.file {
        let message = format!("'backing-file' already specified for ring '{}' (was '{}')", ring.name, before.display());
        return context.error("E-DUPLICATE", line.span_of(1), message);
    }
    ring.file = Some(PathBuf::from(&word.text));
}

/// A limit of time; zero is none.
fn limit(line: &Line, context: &Context<'_>) -> Option<Duration> {
    let word = context.argument(line, 2, "a time")?;
    context.no_more(line, 3);
    context.value(word, value::time(&word.text)).map(|time| time.value).filter(|time| !time.is_zero())
}

fn number(line: &Line, context: &Context<'_>, least: u64, most: u64) -> Option<usize> {
    let word = context.argument(line, 1, "a number of bytes")?;
    context.no_more(line, 2);
    let number = context.value(word, value::number(&word.text, least, most))?;
    usize::try_from(number.value).ok()
}

/// `server NAME ADDRESS [log-proto legacy|octet-count]`.
fn server(line: &Line, context: &Context<'_>) -> Option<RingServer> {
    let name = context.argument(line, 1, "a name and an address")?;
    let word = context.argument(line, 2, "an address")?;
    let endpoint = match context.server_socket(word) {
        Some(socket) => socket?,
        None => Endpoint::Tcp(log::endpoint(&word.text, word, context)?),
    };
    let mut framing = Framing::Lines;
    let (words, mut at) = (line.from(3), 0);
    while let Some(word) = words.get(at) {
        let row = super::server::row(Place::Server, word, context)?;
        let (count, argument) = super::server::argument(row, words, at, context)?;
        match (row.name, argument.map_or("", |word| word.text.as_str())) {
            ("log-proto", name) => match Framing::by_word(name) {
                Some(known) => framing = known,
                None => {
                    let message = format!("'log-proto' is legacy or octet-count, not '{name}'");
                    context.error("E-VALUE", argument.map_or(word.span, |word| word.span), message);
                    return None;
                }
            },
            (name, _) if IDLE.contains(&name) => {
                let message = format!("'{name}' does nothing for a server of a ring");
                context.warning("W-VALUE", word.span, message, "every server of a ring gets every line");
            }
            (name, _) => {
                let why = "of the options of servers, log-proto is known there";
                context.refuse(word.span, &format!("'server ... {name}' in a ring"), why);
                return None;
            }
        }
        at += count;
    }
    Some(RingServer { name: name.text.clone(), endpoint, framing })
}
