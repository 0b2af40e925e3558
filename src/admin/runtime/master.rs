//! The master CLI (`-S`): HAProxy's master process tells its workers apart with `@1`. vipgate is one process, which answers
//! as both.

use std::fmt::Write;

use tokio::sync::oneshot;

use crate::admin::{Order, OrderKind};
use crate::model::runtime::Level;
use crate::sys;

use super::table::Command;
use super::{Answer, Call};

/// Commands of the master alone.
pub const COMMANDS: &[Command] = &[
    // How commands begin; `table` reads it before it looks for one.
    Command::now("@!<pid>", Level::User, "@!<pid>", "send a command to the <pid> process", |_| Answer::Done),
    Command::now(
        "@<relative pid>",
        Level::User,
        "@<relative pid>",
        "send a command to the <relative pid> process",
        |_| Answer::Done,
    ),
    Command::now("@master", Level::User, "@master", "send a command to the master process", |_| Answer::Done),
    Command::now("show proc", Level::User, "show proc", "show processes status", processes),
    Command::later("reload", Level::Admin, "reload", "reload haproxy", |call| Box::pin(reload(call))),
];

/// Commands of the worker that the master has too.
pub const SHARED: &[&str] = &[
    "experimental-mode",
    "expert-mode",
    "help",
    "operator",
    "prompt",
    "quit",
    "show cli level",
    "show cli sockets",
    "show env",
    "show startup-logs",
    "show version",
    "user",
];

/// Those of them that the master CLI carries out for whomever commands go to: they are about the connection.
pub const OF_THE_CONNECTION: &[&str] = &["experimental-mode", "expert-mode", "operator", "prompt", "quit", "user"];

/// Whom a command is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The master.
    Master,
    /// The worker: the process itself.
    Worker,
}

impl Target {
    /// What a prompt shows: `master`, or the worker's process.
    pub fn name(self) -> String {
        match self {
            Target::Master => "master".to_owned(),
            Target::Worker => std::process::id().to_string(),
        }
    }

    /// What `@1`, `@!PID`, `@0` or `@master` names; `None` if there is no such process.
    pub fn of(word: &str) -> Option<Target> {
        match word.strip_prefix('@')? {
            "0" | "master" => Some(Target::Master),
            "1" | "+1" => Some(Target::Worker),
            other => {
                let pid: u32 = other.strip_prefix('!')?.parse().ok()?;
                (pid == std::process::id()).then_some(Target::Worker)
            }
        }
    }
}

fn processes(call: &Call<'_>) -> Answer {
    let process = call.process;
    let seconds = sys::clock::now().since(process.started).as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    let uptime = format!("{days}d{hours:02}h{minutes:02}m{:02}s", seconds % 60);
    let reloads = process.generation.load().number.saturating_sub(1);
    let mut out = String::new();
    let mut row = |cells: [&str; 5]| {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{:<15} {:<15} {:<15} {:<15} {:<15}", cells[0], cells[1], cells[2], cells[3], cells[4]);
    };
    let (pid, reloads, version) = (std::process::id().to_string(), reloads.to_string(), process.version());
    row(["#<PID>", "<type>", "<reloads>", "<uptime>", "<version>"]);
    row([&pid, "master", &reloads, &uptime, &version]);
    let mut text = std::mem::take(&mut out);
    text.push_str("# workers\n");
    let _ = writeln!(text, "{pid:<15} {:<15} {:<15} {uptime:<15} {version:<15}", "worker", 0);
    text.push_str("# programs\n");
    Answer::Text(text)
}

/// As HAProxy since 2.7: whether it succeeded, then what was said meanwhile.
async fn reload(call: &Call<'_>) -> Answer {
    let (answer, answered) = oneshot::channel();
    let order = Order { kind: OrderKind::Reload, answer };
    if call.process.orders.send(order).await.is_err() {
        return Answer::error("The process is stopping.");
    }
    match answered.await {
        Ok(Ok(said)) => Answer::Text(format!("Success=1\n--\n{}\n", said.trim_end())),
        Ok(Err(said)) => Answer::Text(format!("Success=0\n--\n{}\n", said.trim_end())),
        Err(_) => Answer::error("The process is stopping."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_is_master_and_worker() {
        assert_eq!(Target::of("@1"), Some(Target::Worker));
        assert_eq!(Target::of(&format!("@!{}", std::process::id())), Some(Target::Worker));
        assert_eq!(Target::of("@master"), Some(Target::Master));
        assert_eq!(Target::of("@2"), None);
    }
}
