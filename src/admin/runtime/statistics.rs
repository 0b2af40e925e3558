//! Counters: `show stat`, `show info`, `show schema json`, `clear counters`. What they say is written by
//! [`stats`](crate::stats).

use crate::generation::Surroundings;
use crate::model::runtime::Level;
use crate::stats::{self, InfoRequest, Snapshot, StatRequest};
use crate::sys;

use super::servers::Chosen;
use super::table::Command;
use super::{Answer, Call, Severity};

pub const COMMANDS: &[Command] = &[
    Command::now(
        "show info",
        Level::User,
        "show info [desc|json|typed|float]*",
        "report information about the running process",
        |call| Answer::Text(stats::show_info(&snapshot(call), InfoRequest::of(&arguments(call)))),
    ),
    Command::now(
        "show stat",
        Level::User,
        "show stat [desc|json|no-maint|typed|up]*",
        "report counters for each proxy and server",
        show_stat,
    ),
    Command::now("dump stats-file", Level::User, "dump stats-file", "dump stats for restore", |call| {
        Answer::Text(stats::file::write(&snapshot(call)))
    }),
    Command::now("show schema json", Level::User, "show schema json", "report schema used for stats", |_| {
        Answer::Text(stats::show_schema())
    }),
    Command::now(
        "clear counters",
        Level::Operator,
        "clear counters [all]",
        "clear max statistics counters (or all counters)",
        clear,
    ),
    Command::now(
        "clear counters server",
        Level::Admin,
        "clear counters server <bk>/<srv> [force]",
        "clear all counters of a server",
        |call| match Chosen::find(call, 3) {
            Ok(chosen) => {
                chosen.server.counters.clear(sys::clock::now());
                Answer::info("Server counters cleared.")
            }
            Err(refusal) => refusal,
        },
    ),
];

/// What follows the two words that name the command.
fn arguments<'a>(call: &Call<'a>) -> Vec<&'a str> {
    call.words.iter().skip(2).map(String::as_str).collect()
}

/// Everything that is counted, now.
pub fn snapshot(call: &Call<'_>) -> Snapshot {
    let process = call.process;
    let around = Surroundings {
        now: sys::clock::now(),
        facts: &process.facts,
        sessions: &process.sessions,
        used: sys::clock::used(),
        idle: &*process.idle,
    };
    process.generation.load().snapshot(&around)
}

fn show_stat(call: &Call<'_>) -> Answer {
    let mut request = match StatRequest::read(&arguments(call)) {
        Ok(request) => request,
        Err(refusal) => return Answer::Message(Severity::Error, refusal.to_owned()),
    };
    request.is_discreet = call.session.level.get() < Level::Operator;
    match stats::show_stat(&snapshot(call), &request) {
        Ok(text) => Answer::Text(text),
        Err(refusal) => Answer::Message(Severity::Error, refusal.to_owned()),
    }
}

fn clear(call: &Call<'_>) -> Answer {
    let (process, now) = (call.process, sys::clock::now());
    let is_all = call.word(2) == "all";
    if is_all && call.session.level.get() < Level::Admin {
        return Answer::error("Permission denied");
    }
    let generation = process.generation.load();
    let frontends = generation.frontends.iter().map(|frontend| &frontend.counters);
    let sockets = generation.frontends.iter().flat_map(|frontend| &frontend.sockets).map(|socket| &socket.counters);
    let backends = generation.backends.iter().map(|backend| &backend.counters);
    let servers = generation.backends.iter().flat_map(|backend| &backend.state.servers).map(|server| &server.counters);
    for counters in frontends.chain(sockets).chain(backends).chain(servers).chain([&process.sessions.counters]) {
        if is_all {
            counters.clear(now);
        } else {
            counters.clear_maxima();
        }
    }
    Answer::Done
}
