//! Commands about frontends and backends.

use std::sync::Arc;

use crate::generation::Frontend;
use crate::model::runtime::Level;

use super::table::Command;
use super::{Answer, Call};

pub const COMMANDS: &[Command] = &[
    Command::now("show backend", Level::User, "show backend", "list backends in the current running config", backends),
    Command::now(
        "set maxconn frontend",
        Level::Admin,
        "set maxconn frontend <frontend> <value>",
        "change a frontend's maxconn setting",
        maxconn,
    ),
];

fn backends(call: &Call<'_>) -> Answer {
    let mut out = "# name\n".to_owned();
    for backend in &call.process.generation.load().backends {
        out.push_str(&backend.model.name);
        out.push('\n');
    }
    Answer::Text(out)
}

/// The frontend that a word names.
fn frontend(call: &Call<'_>, number: usize) -> Result<Arc<Frontend>, Answer> {
    let name = call.word(number);
    if name.is_empty() {
        return Err(Answer::error("A frontend name is expected."));
    }
    let generation = call.process.generation.load();
    let found = generation.frontends.iter().find(|frontend| frontend.model.name == name);
    found.cloned().ok_or_else(|| Answer::error("No such frontend."))
}

fn maxconn(call: &Call<'_>) -> Answer {
    let frontend = match frontend(call, 3) {
        Ok(frontend) => frontend,
        Err(answer) => return answer,
    };
    let text = call.word(4);
    match text.parse::<i64>() {
        _ if text.is_empty() => Answer::error("Integer value expected."),
        Ok(count) => match usize::try_from(count) {
            Ok(count) => {
                frontend.sessions.set_limit((count > 0).then_some(count));
                Answer::Done
            }
            Err(_) => Answer::error("Value out of range."),
        },
        Err(_) => Answer::error("Integer value expected."),
    }
}
