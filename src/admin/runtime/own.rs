//! Commands about the connection itself.

use std::cell::Cell;
use std::time::Duration;

use crate::model::runtime::{Level, SeverityOutput};

use super::session::{Manner, Session};
use super::table::Command;
use super::{Answer, Call, Severity, absent, help};

pub const COMMANDS: &[Command] = &[
    Command::now("help", Level::User, "help [<command>]", "list matching or all commands", help::help),
    Command::now(
        "prompt",
        Level::User,
        "prompt [help | n | i | p | timed ]*",
        "toggle interactive mode with prompt",
        prompt,
    ),
    Command::now(
        "show default-server",
        Level::User,
        "show default-server [<backend>]",
        "list default-server instances in all or a single backend",
        absent::default_servers,
    ),
    Command::now("quit", Level::User, "quit", "disconnect", |_| Answer::Quit),
    Command::now("user", Level::User, "user", "lower the level of the current CLI session to user", |call| {
        lower(call, Level::User)
    }),
    Command::now(
        "operator",
        Level::Operator,
        "operator",
        "lower the level of the current CLI session to operator",
        |call| lower(call, Level::Operator),
    ),
    Command::now(
        "expert-mode",
        Level::Admin,
        "expert-mode [on|off]",
        "set expert mode for the current CLI session",
        |call| toggle(call, &call.session.is_expert),
    ),
    Command::now(
        "experimental-mode",
        Level::Admin,
        "experimental-mode [on|off]",
        "set experimental mode for the current CLI session",
        |call| toggle(call, &call.session.is_experimental),
    ),
    Command::now(
        "show cli level",
        Level::User,
        "show cli level",
        "display the level of the current CLI session",
        |call| Answer::info(call.session.level.get().word()),
    ),
    Command::now("show cli sockets", Level::User, "show cli sockets", "dump list of cli sockets", sockets),
    Command::now(
        "set severity-output",
        Level::User,
        "set severity-output [none|number|string]",
        "set presence of severity level in feedback information",
        severity,
    ),
    Command::now("set timeout", Level::User, "set timeout [cli] <delay>", "change a timeout setting", timeout),
];

const PROMPT_USAGE: &str = "Usage: prompt [help | n | i | p | timed]*\n\
                            Changes the default prompt and interactive mode. Available options:\n\
                            \x20 help    display this help\n\
                            \x20 n       set to single-command mode (no prompt, single command)\n\
                            \x20 i       set to interactive mode only (no prompt, multi-command)\n\
                            \x20 p       set to prompt+interactive mode (prompt + multi-command)\n\
                            \x20 timed   toggle displaying the current date in the prompt\n\
                            Without any argument, toggles between n/i->p, p->n.\n";

fn prompt(call: &Call<'_>) -> Answer {
    let Session { manner, is_timed, .. } = call.session;
    let (mut wanted, mut toggles_time) = (None, false);
    for word in call.words.iter().skip(1) {
        match word.as_str() {
            "n" => wanted = Some(Manner::Single),
            "i" => wanted = Some(Manner::Interactive),
            "p" => wanted = Some(Manner::Prompt),
            "timed" => toggles_time = true,
            "help" => return Answer::Message(Severity::Info, PROMPT_USAGE.to_owned()),
            _ => return Answer::Message(Severity::Error, PROMPT_USAGE.to_owned()),
        }
    }
    if toggles_time {
        is_timed.set(!is_timed.get());
    }
    manner.set(match (wanted, manner.get()) {
        (Some(wanted), _) => wanted,
        (None, Manner::Prompt) if !toggles_time => Manner::Single,
        (None, _) => Manner::Prompt,
    });
    Answer::Done
}

fn lower(call: &Call<'_>, level: Level) -> Answer {
    call.session.level.set(level.min(call.session.level.get()));
    Answer::Done
}

/// Tells a mode, or switches it: what is not `on` is `off`, as for HAProxy.
fn toggle(call: &Call<'_>, mode: &Cell<bool>) -> Answer {
    let word = if mode.get() { "ON" } else { "OFF" };
    match call.word(1) {
        "" => Answer::info(format!("{} is {word}", call.word(0))),
        wanted => {
            mode.set(wanted == "on");
            Answer::Done
        }
    }
}

fn sockets(call: &Call<'_>) -> Answer {
    let mut out = "# socket lvl processes\n".to_owned();
    for (place, level) in &call.process.sockets {
        out.push_str(&format!("{place} {} all\n", level.word()));
    }
    Answer::Text(out)
}

fn severity(call: &Call<'_>) -> Answer {
    match SeverityOutput::WORDS.iter().find(|(word, _)| *word == call.word(2)) {
        Some((_, output)) => {
            call.session.severity.set(*output);
            Answer::Done
        }
        None => Answer::error("one of 'none', 'number', 'string' is a required argument"),
    }
}

fn timeout(call: &Call<'_>) -> Answer {
    if call.word(2) != "cli" {
        return Answer::error("'set timeout' only supports 'cli'.");
    }
    if call.word(3).is_empty() {
        return Answer::error("Expects an integer value.");
    }
    match delay(call.word(3)) {
        Some(delay) => {
            call.session.timeout.set(delay);
            Answer::Done
        }
        None => Answer::error("Invalid timeout value."),
    }
}

/// A time in HAProxy's notation; seconds are the default here.
fn delay(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok().filter(|number| *number > 0)?;
    let millis = match unit {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(millis).filter(|millis| *millis <= 2_147_483_647).map(Duration::from_millis)
}
