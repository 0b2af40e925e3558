//! Commands about the states of servers, their checks and agents: vg-check, which alone writes these, carries them out, and
//! has told of it when the answer comes.

use tokio::sync::oneshot;

use crate::model::runtime::Level;
use crate::state::command::{Probing, ServerChange, ServerOrder};
use crate::state::servers::Prober;

use super::servers::Chosen;
use super::table::{Command, Later};
use super::{Answer, Call};

pub const COMMANDS: &[Command] = &[
    Command::later("enable health", Level::Admin, "enable health", "enable health checks", |call| {
        Box::pin(toggle(call, Prober::Check, Probing::Enable))
    }),
    Command::later("disable health", Level::Admin, "disable health", "disable health checks", |call| {
        Box::pin(toggle(call, Prober::Check, Probing::Disable))
    }),
    Command::later("enable agent", Level::Admin, "enable agent", "enable agent checks", |call| {
        Box::pin(toggle(call, Prober::Agent, Probing::Enable))
    }),
    Command::later("disable agent", Level::Admin, "disable agent", "disable agent checks", |call| {
        Box::pin(toggle(call, Prober::Agent, Probing::Disable))
    }),
];

/// Options of `set server` that vg-check carries out.
pub const OPTIONS: &[(&str, Later)] = &[
    ("agent", |call| Box::pin(force(call, Prober::Agent))),
    ("health", |call| Box::pin(force(call, Prober::Check))),
    ("state", |call| Box::pin(state(call))),
];

/// `enable server b/s`, `disable server b/s`
pub async fn put(call: &Call<'_>, change: ServerChange) -> Answer {
    match Chosen::find(call, 2) {
        Ok(chosen) => order(call, &chosen, change).await,
        Err(refusal) => refusal,
    }
}

/// `set server b/s state ready|drain|maint`
async fn state(call: &Call<'_>) -> Answer {
    let chosen = match Chosen::find(call, 2) {
        Ok(chosen) => chosen,
        Err(refusal) => return refusal,
    };
    match call.word(4) {
        "ready" => order(call, &chosen, ServerChange::Ready).await,
        "drain" => order(call, &chosen, ServerChange::Drain).await,
        "maint" => order(call, &chosen, ServerChange::Maintenance).await,
        _ => Answer::error("'set server <srv> state' expects 'ready', 'drain' and 'maint'."),
    }
}

/// Has vg-check change something, and waits until it has.
async fn order(call: &Call<'_>, chosen: &Chosen, change: ServerChange) -> Answer {
    let (done, is_done) = oneshot::channel();
    let done = Box::new(move || _ = done.send(()));
    let order = ServerOrder { server: chosen.server.clone(), change, whence: "CLI", done };
    match call.process.probing.send(order).await.is_ok() && is_done.await.is_ok() {
        true => Answer::Done,
        false => Answer::error("The process is stopping."),
    }
}

async fn toggle(call: &Call<'_>, prober: Prober, what: Probing) -> Answer {
    let chosen = match Chosen::find(call, 2) {
        Ok(chosen) => chosen,
        Err(refusal) => return refusal,
    };
    let change = ServerChange::Probing(prober, what);
    match (chosen.concerns(change), what, prober) {
        (true, ..) => order(call, &chosen, change).await,
        (false, Probing::Enable, Prober::Check) => {
            Answer::error("Health check was not configured on this server, cannot enable.")
        }
        (false, Probing::Enable, Prober::Agent) => {
            Answer::error("Agent was not configured on this server, cannot enable.")
        }
        // What does not ask cannot be told to be silent.
        (false, ..) => Answer::Done,
    }
}

/// `set server b/s health up|stopping|down`, `set server b/s agent up|down`
async fn force(call: &Call<'_>, prober: Prober) -> Answer {
    let chosen = match Chosen::find(call, 2) {
        Ok(chosen) => chosen,
        Err(refusal) => return refusal,
    };
    let words = [("up", Probing::Up), ("down", Probing::Down), ("stopping", Probing::Stopping)];
    let allowed = if prober == Prober::Agent { &words[..2] } else { &words };
    let what = allowed.iter().find(|(word, _)| *word == call.word(4)).map(|(_, what)| *what);
    let change = ServerChange::Probing(prober, what.unwrap_or(Probing::Up));
    match (chosen.concerns(change), what, prober) {
        (false, _, Prober::Check) => Answer::error("cannot change health on a tracking server."),
        (false, _, Prober::Agent) => Answer::error("agent checks are not enabled on this server."),
        (true, None, Prober::Check) => Answer::error("'set server <srv> health' expects 'up', 'stopping', or 'down'."),
        (true, None, Prober::Agent) => Answer::error("'set server <srv> agent' expects 'up' or 'down'."),
        (true, Some(_), _) => order(call, &chosen, change).await,
    }
}
