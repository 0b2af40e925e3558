//! Commands about the persistence cookies of backends whose values are made of the servers' addresses (`dynamic`).

use crate::admin::BackendEdit;
use crate::model::runtime::Level;

use super::backends::order;
use super::servers::find_backend;
use super::table::Command;
use super::{Answer, Call};

pub const COMMANDS: &[Command] = &[
    Command::later(
        "enable dynamic-cookie backend",
        Level::Admin,
        "enable dynamic-cookie backend <bk>",
        "enable dynamic cookies on a specific backend",
        |call| Box::pin(change(call, BackendEdit::DynamicCookie(true))),
    ),
    Command::later(
        "disable dynamic-cookie backend",
        Level::Admin,
        "disable dynamic-cookie backend <bk>",
        "disable dynamic cookies on a specific backend",
        |call| Box::pin(change(call, BackendEdit::DynamicCookie(false))),
    ),
    Command::later(
        "set dynamic-cookie-key backend",
        Level::Admin,
        "set dynamic-cookie-key backend <bk> <k>",
        "change a backend secret key for dynamic cookies",
        |call| Box::pin(change(call, BackendEdit::CookieKey(call.word(4).to_owned()))),
    ),
];

async fn change(call: &Call<'_>, edit: BackendEdit) -> Answer {
    let name = call.word(3);
    if name.is_empty() {
        return Answer::error("A backend name is expected.");
    }
    if find_backend(&call.process.generation.load(), name).is_none() {
        return Answer::error("No such backend.");
    }
    if matches!(&edit, BackendEdit::CookieKey(key) if key.is_empty()) {
        return Answer::error("String value expected.");
    }
    match order(call, name, edit).await {
        Ok(()) => Answer::Done,
        Err(refusal) => refusal,
    }
}
