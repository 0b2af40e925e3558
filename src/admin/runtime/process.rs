//! Commands about the process.

use std::fmt::Write;

use crate::model::runtime::Level;
use crate::rule::value::{self, Written};
use crate::rule::variable::{Stored, VariableName, VariableScope};
use crate::state::sessions::Paced;
use crate::sys::environment;

use super::alone::Alone;
use super::servers::refused;
use super::table::Command;
use super::{Answer, Call, Severity};

pub const COMMANDS: &[Command] = &[
    Command::now("show version", Level::User, "show version", "show version of the current process", |call| {
        Answer::info(call.process.version())
    }),
    Command::now(
        "show env",
        Level::Operator,
        "show env [var]",
        "dump environment variables known to the process",
        environment,
    ),
    Command::now(
        "get var",
        Level::Operator,
        "get var <name>",
        "retrieve contents of a process-wide variable",
        variable,
    ),
    Command::now(
        "set var",
        Level::Operator,
        "set var <name> [fmt|expr] {<fmt>|<expr>}",
        "set variable from an expression/format",
        set_variable,
    ),
    Command::now(
        "set maxconn global",
        Level::Admin,
        "set maxconn global <value>",
        "change the per-process maxconn setting",
        maxconn,
    ),
    Command::now(
        "set rate-limit",
        Level::Admin,
        "set rate-limit <setting> <value>",
        "change a rate limiting value",
        rate_limit,
    ),
];

/// `set rate-limit connections|sessions global RATE`. Nothing is spoken or compressed that the others would limit.
fn rate_limit(call: &Call<'_>) -> Answer {
    let what = match (call.word(2), call.word(3)) {
        ("connections", "global") => Paced::Connections,
        ("sessions", "global") => Paced::Sessions,
        (kind @ ("ssl-sessions" | "http-compression"), "global") => {
            return Answer::error(format!("'{kind}' cannot be limited: there is none of it in this version."));
        }
        _ => {
            return Answer::error(
                "'set rate-limit' only supports :\n   - 'connections global' to set the per-process maximum connection \
                 rate\n   - 'sessions global' to set the per-process maximum session rate",
            );
        }
    };
    match call.word(4).parse::<i64>() {
        _ if call.word(4).is_empty() => Answer::error("Expects an integer value."),
        Err(_) => Answer::error("Expects an integer value."),
        Ok(rate) => match u32::try_from(rate) {
            Ok(rate) => {
                call.process.sessions.set_rate(what, Some(rate).filter(|rate| *rate > 0));
                Answer::Done
            }
            Err(_) => Answer::error("Value out of range."),
        },
    }
}

fn environment(call: &Call<'_>) -> Answer {
    let wanted = call.word(2);
    let mut out = String::new();
    for (name, value) in environment::variables().iter().filter(|(name, _)| wanted.is_empty() || *name == wanted) {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{name}={}", String::from_utf8_lossy(value));
    }
    match out.is_empty() && !wanted.is_empty() {
        true => Answer::error("Variable not found"),
        false => Answer::Text(out),
    }
}

fn variable(call: &Call<'_>) -> Answer {
    let name = call.word(2);
    if name.is_empty() {
        return Answer::error("Missing process-wide variable identifier.");
    }
    let generation = call.process.generation.load();
    let found = name.strip_prefix("proc.").and_then(|name| generation.rules.variables.find(name));
    let Some(value) = found else { return Answer::error("Variable not found.") };
    let sample = value.sample();
    let kind = match &value {
        Stored::Bool(_) => "bool",
        Stored::Int(_) => "sint",
        Stored::Ipv4(_) => "ipv4",
        Stored::Ipv6(_) => "ipv6",
        Stored::Str(_) => "str",
        Stored::Bin(_) => "bin",
        Stored::Method(_) => "meth",
    };
    let mut text = Vec::new();
    match &value {
        Stored::Bin(bytes) => text.extend_from_slice(bytes),
        _ => sample.write(&mut text),
    }
    let text = format!("{name}: type={kind} value=<{}>", String::from_utf8_lossy(&text));
    Answer::Message(Severity::Info, text)
}

fn set_variable(call: &Call<'_>) -> Answer {
    if !call.session.is_experimental.get() {
        return Answer::error("This command is restricted to experimental mode only.");
    }
    let name = call.word(2);
    let words: Vec<&str> = call.words.iter().skip(3).map(String::as_str).collect();
    let written = match words.as_slice() {
        [] => return Answer::error("Missing either 'expr', 'fmt' or expression."),
        ["fmt", text, ..] => Written::Format(text),
        ["expr", words @ ..] if !words.is_empty() => Written::Expression(words),
        words => Written::Expression(words),
    };
    let variable = match VariableName::parse(name) {
        Ok(variable) if variable.scope == VariableScope::Process => variable,
        Ok(_) => {
            return refused(&format!("'set var': cannot set variable '{name}', only scope 'proc' is permitted here."));
        }
        Err(_) => {
            return refused(&format!(
                "invalid variable name '{name}'. A variable name must be start by its scope. The scope can be 'proc', \
                 'sess', 'txn', 'req', 'res' or 'check'"
            ));
        }
    };
    let variables = &call.process.generation.load().rules.variables;
    match value::evaluate(written, variables, &Alone) {
        Ok(value) => {
            variables.store(&variable.name, value);
            Answer::Done
        }
        Err(error) => refused(&error.what),
    }
}

fn maxconn(call: &Call<'_>) -> Answer {
    let text = call.word(3);
    if text.is_empty() {
        return Answer::error("Expects an integer value.");
    }
    match text.parse::<usize>() {
        // Zero asks for what the process began with, as everything that is no number does in HAProxy.
        Ok(0) => set_maxconn(call, call.process.most_sessions),
        Ok(count) if count <= call.process.most_sessions => set_maxconn(call, count),
        Ok(_) => Answer::error("Value out of range."),
        Err(_) => Answer::error("Expects an integer value."),
    }
}

fn set_maxconn(call: &Call<'_>, count: usize) -> Answer {
    call.process.sessions.set_limit(Some(count));
    Answer::Done
}
