//! Commands about the connection itself.

use std::cell::Cell;
use std::time::Duration;

use crate::model::runtime::{Level, SeverityOutput};

use super::table::Command;
use super::{Answer, Call, help};

pub const COMMANDS: &[Command] = &[
    Command::now("help", Level::User, "help [<command>]", "list matching or all commands", help::help),
    Command::now("prompt", Level::User, "prompt", "toggle interactive mode with prompt", prompt),
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
    Command::now("show cli sockets", Level::Operator, "show cli sockets", "dump list of cli sockets", sockets),
    Command::now(
        "set severity-output",
        Level::User,
        "set severity-output [none|number|string]",
        "set presence of severity level in feedback information",
        severity,
    ),
    Command::now("set timeout", Level::User, "set timeout [cli] <delay>", "change a timeout setting", timeout),
];

fn prompt(call: &Call<'_>) -> Answer {
    let is_interactive = &call.session.is_interactive;
    is_interactive.set(!is_interactive.get());
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
