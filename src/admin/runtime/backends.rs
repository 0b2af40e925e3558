//! Commands about the list of backends: which there are, which come and go, which frontends may use.

use std::sync::atomic::Ordering;

use tokio::sync::oneshot;

use crate::admin::{BackendEdit, Order, OrderKind};
use crate::generation::Generation;
use crate::model::proxy::{Backend, Mode};
use crate::model::runtime::Level;

use super::servers::find_backend;
use super::table::Command;
use super::wait::Removal;
use super::{Answer, Call, dynamic};

pub const COMMANDS: &[Command] = &[
    Command::now("show backend", Level::User, "show backend", "list backends in the current running config", |call| {
        let generation = call.process.generation.load();
        list("# name\n", generation.backends.iter().map(|backend| &backend.model))
    }),
    Command::now("show defaults", Level::User, "show defaults", "list all proxies defaults sections", |call| {
        let generation = call.process.generation.load();
        list("", generation.model.templates.iter().map(|template| &template.backend))
    }),
    Command::later("add backend", Level::Admin, "add backend <backend>", "add a new backend", |call| {
        Box::pin(async move { add(call).await.unwrap_or_else(|refusal| refusal) })
    }),
    Command::later("del backend", Level::Admin, "del backend <backend>", "delete a backend", |call| {
        Box::pin(async move { delete(call).await.unwrap_or_else(|refusal| refusal) })
    }),
    Command::later(
        "publish backend",
        Level::Admin,
        "publish backend <backend>",
        "mark backend as ready for traffic",
        |call| Box::pin(async move { publish(call, true).await.unwrap_or_else(|refusal| refusal) }),
    ),
    Command::later(
        "unpublish backend",
        Level::Admin,
        "unpublish backend <backend>",
        "remove backend for traffic processing",
        |call| Box::pin(async move { publish(call, false).await.unwrap_or_else(|refusal| refusal) }),
    ),
];

fn list<'a>(head: &str, backends: impl Iterator<Item = &'a Backend>) -> Answer {
    let mut out = head.to_owned();
    for backend in backends {
        out.push_str(&backend.name);
        out.push('\n');
    }
    Answer::Text(out)
}

/// Has main change a backend or the list of them.
pub async fn order(call: &Call<'_>, name: &str, edit: BackendEdit) -> Result<(), Answer> {
    let (answer, answered) = oneshot::channel();
    let kind = OrderKind::Backend { name: name.to_owned(), edit };
    let gone = || Answer::error("The process is stopping.");
    call.process.orders.send(Order { kind, answer }).await.map_err(|_| gone())?;
    answered.await.map_err(|_| gone())?.map(drop).map_err(Answer::error)
}

/// `add backend NAME from TEMPLATE [mode MODE]`.
async fn add(call: &Call<'_>) -> Result<Answer, Answer> {
    let name = call.word(2);
    if name.is_empty() {
        return Err(Answer::error("Require backend name."));
    }
    let is_allowed = |c: &char| c.is_ascii_alphanumeric() || "-_.:".contains(*c);
    if let Some(wrong) = name.chars().find(|c| !is_allowed(c)) {
        return Err(Answer::error(format!("Invalid character '{wrong}' in backend name.")));
    }
    let template = call.word(4);
    if call.word(3) != "from" || template.is_empty() {
        return Err(Answer::error("Usage: add backend <name> from <defproxy>."));
    }
    let mode = match (call.words.get(5..).unwrap_or_default(), call.word(6)) {
        ([], _) => None,
        ([word, _], "http") if word == "mode" => Some(Mode::Http),
        ([word, _], "tcp") if word == "mode" => Some(Mode::Tcp),
        ([word, _], "log" | "spop") if word == "mode" => {
            return Err(Answer::error("Dynamic backends are compatible with only TCP or HTTP mode."));
        }
        ([word, _], _) if word == "mode" => return Err(Answer::error("Unknown proxy mode.")),
        _ => return Err(Answer::error("Usage: add backend <name> from <defproxy> [mode <px_mode>].")),
    };
    {
        let generation = call.process.generation.load();
        let mut known = generation.model.templates.iter();
        let found = known.find(|known| known.backend.name == template);
        let found = found.ok_or_else(|| Answer::error(format!("Cannot find default proxy '{template}'.")))?;
        if !found.has_mode && mode.is_none() {
            return Err(Answer::error(format!(
                "Mode is required as '{template}' default proxy does not explicitly defines it."
            )));
        }
    }
    order(call, name, BackendEdit::Add { template: template.to_owned(), mode }).await?;
    Ok(Answer::info("New backend registered."))
}

/// `del backend NAME`.
async fn delete(call: &Call<'_>) -> Result<Answer, Answer> {
    if !call.word(3).is_empty() {
        return Err(Answer::error("Usage: del backend <name>."));
    }
    let name = call.word(2);
    match removal(&call.process.generation.load_full(), name) {
        Removal::Later(refusal) | Removal::Never(refusal) => Err(Answer::error(refusal)),
        Removal::Now => {
            order(call, name, BackendEdit::Delete).await?;
            Ok(Answer::info("Backend deleted."))
        }
    }
}

/// Whether a backend may be deleted, with HAProxy's reasons why not, in its order.
pub fn removal(generation: &Generation, name: &str) -> Removal {
    let Some(backend) = find_backend(generation, name) else { return Removal::Never("No such backend.") };
    let model = &generation.model;
    let refusal = if model.frontends.iter().any(|frontend| frontend.name == name) {
        Some("Cannot delete a listen section.")
    } else if model.rules.tables.iter().any(|table| table.name == name) {
        Some("Cannot remove a backend with stick-table.")
    } else if dynamic::is_backend_used(generation, name) {
        Some("This proxy cannot be removed at runtime due to other configuration elements pointing to it.")
    } else if backend.model.mode == Mode::Log {
        Some("Only TCP or HTTP proxies can be removed at runtime.")
    } else if !backend.model.options.is_unpublished {
        Some("Backend must be unpublished prior to its deletion.")
    } else if !backend.model.servers.is_empty() {
        Some("Only a backend without server can be deleted.")
    } else {
        None
    };
    match refusal {
        Some(why) => Removal::Never(why),
        None if backend.current.load(Ordering::Relaxed) > 0 => {
            Removal::Later("Backend still has attached streams on it.")
        }
        None => Removal::Now,
    }
}

async fn publish(call: &Call<'_>, is_published: bool) -> Result<Answer, Answer> {
    let name = call.word(2);
    find_backend(&call.process.generation.load(), name).ok_or_else(|| Answer::error("No such backend."))?;
    order(call, name, BackendEdit::Publish(is_published)).await?;
    Ok(Answer::info(if is_published { "Backend published." } else { "Backend unpublished." }))
}
