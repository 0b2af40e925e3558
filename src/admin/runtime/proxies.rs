//! Commands about frontends and backends.

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::admin::{FrontendChange, Order, OrderKind};
use crate::generation::Frontend;
use crate::model::runtime::Level;
use crate::state::sessions::Door;

use super::table::Command;
use super::{Answer, Call, Severity};

pub const COMMANDS: &[Command] = &[
    Command::later(
        "disable frontend",
        Level::Admin,
        "disable frontend <frontend>",
        "temporarily disable specific frontend",
        |call| Box::pin(halt(call, FrontendChange::Pause)),
    ),
    Command::later(
        "enable frontend",
        Level::Admin,
        "enable frontend <frontend>",
        "re-enable specific frontend",
        |call| Box::pin(halt(call, FrontendChange::Resume)),
    ),
    Command::later(
        "shutdown frontend",
        Level::Admin,
        "shutdown frontend <frontend>",
        "stop a specific frontend",
        |call| Box::pin(halt(call, FrontendChange::Shutdown)),
    ),
    Command::now(
        "set maxconn frontend",
        Level::Admin,
        "set maxconn frontend <frontend> <value>",
        "change a frontend's maxconn setting",
        maxconn,
    ),
];

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

/// Has main pause, resume or close the sockets of a frontend.
async fn halt(call: &Call<'_>, change: FrontendChange) -> Answer {
    let frontend = match frontend(call, 2) {
        Ok(frontend) => frontend,
        Err(answer) => return answer,
    };
    let notice = |text: &str| Answer::Message(Severity::Notice, format!("{text}\n"));
    match (frontend.sessions.door(), change) {
        (Door::Closed, FrontendChange::Shutdown) => return notice("Frontend was already shut down."),
        (Door::Closed, FrontendChange::Pause) => return notice("Frontend was previously shut down, cannot disable."),
        (Door::Closed, FrontendChange::Resume) => {
            return Answer::error("Frontend was previously shut down, cannot enable.");
        }
        (Door::Paused, FrontendChange::Pause) => return notice("All sockets are already disabled."),
        (Door::Open, FrontendChange::Resume) => return notice("All sockets are already enabled."),
        (Door::Paused, FrontendChange::Shutdown | FrontendChange::Resume)
        | (Door::Open, FrontendChange::Pause | FrontendChange::Shutdown) => {}
    }
    let (answer, answered) = oneshot::channel();
    let kind = OrderKind::Frontend { name: frontend.model.name.clone(), change };
    let gone = "The process is stopping.";
    match call.process.orders.send(Order { kind, answer }).await {
        Err(_) => Answer::error(gone),
        Ok(()) => match answered.await {
            Ok(Ok(_)) => Answer::Done,
            Ok(Err(why)) => Answer::error(why),
            Err(_) => Answer::error(gone),
        },
    }
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
