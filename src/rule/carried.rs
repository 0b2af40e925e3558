//! What of the language the proxy carries out so far. The engine knows more than this: whatever is missing here is refused
//! when rules are compiled for the proxy, so that no rule is taken that would do nothing.

use super::action::ActionRow;
use super::error::Support;
use super::facts::{Number, Words};
use super::fetch::{self, Run};
use super::format::Tag;

const LATER: &str = "the proxy does not carry it out yet";
const NOT_OF_CHECK: &str = "health checks do not know it";

/// Actions that the proxy does not obey.
const WAITING: [&str; 2] = ["attach-srv", "send-spoe-group"];

/// How far the proxy supports an action.
pub fn action(row: &ActionRow) -> Support {
    match row.name {
        _ if matches!(row.support, Support::Refused(_)) => row.support,
        name if WAITING.contains(&name) => Support::Refused(LATER),
        "set-method" => Support::Partial("500 where CONNECT would come or go: what follows it is no HTTP"),
        "switch-mode" => Support::Partial("http alone, without `proto`"),
        "silent-drop" => Support::Partial(
            "without CAP_NET_ADMIN at the start a reset leaves that no router passes on, as with HAProxy",
        ),
        _ => row.support,
    }
}

/// Why a health check cannot answer a fetch; `None` if it can.
pub(super) fn fetch_of_check(row: &fetch::Row) -> Option<&'static str> {
    match row.run {
        Run::Number(question) | Run::Flag(question) => (!is_number_of_check(question)).then_some(NOT_OF_CHECK),
        Run::Words(question) => (!is_word_of_check(question)).then_some(NOT_OF_CHECK),
        // There is no client, so that its addresses have no value.
        Run::Measured(_) => Some(NOT_OF_CHECK),
        _ => None,
    }
}

/// Why a health check cannot write a tag; `None` if it can.
pub(super) fn tag_of_check(tag: Tag) -> Option<&'static str> {
    match tag {
        Tag::Number(question) if is_number_of_check(question) => None,
        Tag::Name(question) if is_word_of_check(question) => None,
        Tag::Options => None,
        _ => Some(NOT_OF_CHECK),
    }
}

/// What a health check knows: its backend, its server and the process.
fn is_number_of_check(question: Number) -> bool {
    matches!(
        question,
        Number::ProcessId | Number::UsableServers | Number::ServerConnections | Number::ServerIsUp | Number::ServerId
    )
}

fn is_word_of_check(question: Words) -> bool {
    matches!(question, Words::Hostname | Words::Backend | Words::Server)
}
