//! `wait` and `echo`: what scripts of commands need between two others.

use std::time::Duration;

use crate::model::runtime::Level;

use super::table::Command;
use super::{Answer, Call, Severity, backends, dynamic};

pub const COMMANDS: &[Command] = &[
    Command::now("echo", Level::User, "echo <text>", "print text to the output", echo),
    Command::later(
        "wait",
        Level::Admin,
        "wait {-h|<delay_ms>} cond [args...]",
        "wait the specified delay or condition (-h to see list)",
        |call| Box::pin(wait(call)),
    ),
];

const USAGE: &str = "Usage: wait {-h|<duration>} [condition [args...]]\n\
                     \x20 - '-h' displays this help\n\
                     \x20 - <duration> is the maximum wait time, optionally suffixed by the unit among\n\
                     \x20   'us', 'ms', 's', 'm', 'h', and 'd'. ; the default unit is milliseconds.\n\
                     \x20 - <condition> indicates what to wait for, no longer than the specified\n\
                     \x20   duration. Supported conditions are:\n\
                     \x20   - <none> : by default, just sleep for the specified duration.\n\
                     \x20   - srv-removable <px>/<sv> : wait for this server to become removable.\n\
                     \x20   - be-removable <px> : wait for this backend to become removable.\n";

/// Whether something may be taken out of the configuration that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// It may.
    Now,
    /// Not before what still uses it is over.
    Later(&'static str),
    /// Not unless somebody does something about it.
    Never(&'static str),
}

/// What is waited for.
enum Condition<'a> {
    /// The delay alone.
    Nothing,
    Server(&'a str, &'a str),
    Backend(&'a str),
}

fn echo(call: &Call<'_>) -> Answer {
    Answer::info(call.words.get(1..).unwrap_or_default().join(" "))
}

async fn wait(call: &Call<'_>) -> Answer {
    let most = match call.word(1) {
        "" => return Answer::error("Expects a duration in milliseconds."),
        "-h" => return Answer::Message(Severity::Info, USAGE.to_owned()),
        text => match delay(text) {
            Some(delay) => delay,
            None => return Answer::error("Invalid duration."),
        },
    };
    let condition = match (call.word(2), call.word(3)) {
        ("", _) => Condition::Nothing,
        ("srv-removable", "") => return Answer::error("Missing server name (<backend>/<server>)."),
        ("srv-removable", name) => match name.split_once('/').filter(|(_, server)| !server.is_empty()) {
            Some((backend, server)) => Condition::Server(backend, server),
            None => return Answer::error("Require 'backend/server'."),
        },
        ("be-removable", "") => return Answer::error("Missing backend name."),
        ("be-removable", name) => Condition::Backend(name),
        ("-h", _) => return Answer::Message(Severity::Info, USAGE.to_owned()),
        _ => return Answer::Message(Severity::Error, USAGE.to_owned()),
    };
    // Often at first, then at every tenth of the delay, as HAProxy looks.
    let (mut waited, coarsest) = (Duration::ZERO, (most / 10).max(Duration::from_millis(1)));
    loop {
        let generation = call.process.generation.load_full();
        let removal = match condition {
            Condition::Nothing => Removal::Later(""),
            Condition::Server(backend, server) => dynamic::removal(&generation, backend, server),
            Condition::Backend(name) => backends::removal(&generation, name),
        };
        let left = most.saturating_sub(waited);
        match removal {
            Removal::Now => return Answer::info("Done."),
            Removal::Never(why) => return Answer::error(format!("Failed. {why}")),
            Removal::Later("") if left.is_zero() => return Answer::info("Done."),
            Removal::Later(why) if left.is_zero() => return Answer::error(format!("Wait delay expired. {why}")),
            Removal::Later(_) => {}
        }
        let pause = match condition {
            Condition::Nothing => left,
            _ => (waited / 2 + Duration::from_millis(1)).min(coarsest).min(left),
        };
        tokio::time::sleep(pause).await;
        waited += pause;
    }
}

/// A time in HAProxy's notation, at least a millisecond; milliseconds are the default.
fn delay(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let millis = match unit {
        // Rounded up.
        "us" => number.div_ceil(1_000),
        "" | "ms" => number,
        "s" => number.checked_mul(1_000)?,
        "m" => number.checked_mul(60_000)?,
        "h" => number.checked_mul(3_600_000)?,
        "d" => number.checked_mul(86_400_000)?,
        _ => return None,
    };
    (1..=2_147_483_647).contains(&millis).then(|| Duration::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_milliseconds_unless_they_say_otherwise() {
        let read = |text| delay(text).map(|delay| delay.as_millis());
        assert_eq!(
            [read("10"), read("2s"), read("1500us"), read("1m")],
            [Some(10), Some(2_000), Some(2), Some(60_000)]
        );
        assert_eq!([read("0"), read("x"), read("5y"), read("30d")], [None; 4]);
    }
}
