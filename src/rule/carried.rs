//! What of the language the proxy carries out so far. The engine knows more than this: whatever is missing here is refused
//! when rules are compiled for the proxy, so that no rule is taken that would do nothing.

use crate::model::proxy::Mode;

use super::action::ActionRow;
use super::error::Support;
use super::facts::{Address, Number, Words};
use super::fetch::{self, Run};
use super::format::Tag;
use super::stage::{Needs, Stage};

const LATER: &str = "the proxy does not carry it out yet";
const UNKNOWN: &str = "the proxy does not keep this value for rules yet";
const NO_HEAD: &str = "in tcp mode there are bytes, but no head of a request";
const NOT_OF_CHECK: &str = "health checks do not know it";

/// Actions that the proxy does not obey.
const WAITING: [&str; 3] = ["attach-srv", "do-log", "send-spoe-group"];

/// How far the proxy supports an action.
pub fn action(row: &ActionRow) -> Support {
    match row.name {
        _ if matches!(row.support, Support::Refused(_)) => row.support,
        name if WAITING.contains(&name) => Support::Refused(LATER),
        "set-method" => Support::Partial("500 where CONNECT would come or go: what follows it is no HTTP"),
        "switch-mode" => Support::Partial("http alone, without `proto`"),
        "silent-drop" => Support::Partial("a reset leaves that no router passes on, as HAProxy without CAP_NET_ADMIN"),
        _ => row.support,
    }
}

/// Why the proxy cannot answer a fetch in a section of that mode at that stage; `None` if it can.
pub fn fetch(row: &fetch::Row, mode: Mode, stage: Stage) -> Option<&'static str> {
    match (row.name, row.run) {
        _ if mode == Mode::Tcp && row.needs == Needs::RequestHead && stage != Stage::TcpRequest => Some(NO_HEAD),
        ("txn.sess_term_state", _) if stage != Stage::Log => Some(UNKNOWN),
        (_, Run::Number(question) | Run::Flag(question)) => number(question, stage),
        (_, Run::Address(end) | Run::Port(end)) => address(end, stage),
        _ => None,
    }
}

/// Why the proxy cannot write a tag into a message or, at [`Stage::Log`], a line; `None` if it can.
pub(super) fn tag(tag: Tag, stage: Stage) -> Option<&'static str> {
    match tag {
        Tag::Number(question) | Tag::Growing(question) | Tag::Counter(question) => number(question, stage),
        Tag::Address(end) | Tag::Port(end) => address(end, stage),
        Tag::Retries | Tag::Termination { .. } => (stage != Stage::Log).then_some(UNKNOWN),
        _ => None,
    }
}

/// Why a health check cannot answer a fetch; `None` if it can.
pub(super) fn fetch_of_check(row: &fetch::Row) -> Option<&'static str> {
    match row.run {
        Run::Number(question) | Run::Flag(question) => (!is_number_of_check(question)).then_some(NOT_OF_CHECK),
        Run::Words(question) => (!is_word_of_check(question)).then_some(NOT_OF_CHECK),
        Run::Address(_) | Run::Port(_) | Run::Measured(_) => Some(NOT_OF_CHECK),
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

/// Limits of the stream, as the configuration and rules set them.
fn is_limit(question: Number) -> bool {
    use Number::{
        BackendTarpitTimeout, BackendTunnelTimeout, ClientTimeout, ConnectTimeout, FrontendTarpitTimeout, QueueTimeout,
        Retries, ServerTimeout, TarpitTimeout, TunnelTimeout,
    };
    matches!(
        question,
        BackendTarpitTimeout
            | BackendTunnelTimeout
            | ClientTimeout
            | ConnectTimeout
            | FrontendTarpitTimeout
            | QueueTimeout
            | Retries
            | ServerTimeout
            | TarpitTimeout
            | TunnelTimeout
    )
}

/// What is known when the stream ends.
fn is_of_the_end(question: Number) -> bool {
    use Number::{
        ActiveTime, BytesFromClient, BytesToClient, ConnectRetries, ConnectTime, DataTime, HandshakeTime, IdleTime,
        IsCompressed, LogNumber, QueryTime, QueuedBeforeInBackend, QueuedBeforeInServer, RequestTime, ResponseTime,
        ServerStatus, Status, TotalTime, UserTime, WaitTime, WasRedispatched,
    };
    matches!(
        question,
        ActiveTime
            | BytesFromClient
            | BytesToClient
            | ConnectRetries
            | ConnectTime
            | DataTime
            | HandshakeTime
            | IdleTime
            | IsCompressed
            | LogNumber
            | QueryTime
            | QueuedBeforeInBackend
            | QueuedBeforeInServer
            | RequestTime
            | ResponseTime
            | ServerStatus
            | Status
            | TotalTime
            | UserTime
            | WaitTime
            | WasRedispatched
    )
}

fn number(question: Number, stage: Stage) -> Option<&'static str> {
    if is_limit(question) {
        return None;
    }
    use Number::{
        AcceptDate, BackendConnectTimeout, BackendId, BackendQueue, BackendQueueTimeout, BackendRetries,
        BackendServerTimeout, BackendSessions, ClientError, ClientHttpMajor, ClientIsTls, FrontendClientTimeout,
        FrontendId, FrontendSessions, IsFirstRequest, IsLoggedEarly, ListenerId, ProcessId, ProcessSessions,
        ReceivedProxyHeader, RequestDate, RequestNumber, ServerConnections, ServerHttpMajor, ServerId,
        ServerInitialWeight, ServerIsTls, ServerIsUp, ServerSessionRate, Stopping, Thread, UsableServers,
    };
    let is_known = matches!(
        question,
        AcceptDate
            | BackendConnectTimeout
            | BackendId
            | BackendQueue
            | BackendQueueTimeout
            | BackendRetries
            | BackendServerTimeout
            | BackendSessions
            | ClientHttpMajor
            | ClientIsTls
            | FrontendClientTimeout
            | FrontendId
            | FrontendSessions
            | IsFirstRequest
            | IsLoggedEarly
            | ListenerId
            | ProcessId
            | ProcessSessions
            | ReceivedProxyHeader
            | ClientError
            | RequestDate
            | RequestNumber
            | ServerConnections
            | ServerHttpMajor
            | ServerId
            | ServerSessionRate
            | ServerInitialWeight
            | ServerIsTls
            | ServerIsUp
            | Stopping
            | Thread
            | UsableServers
    );
    let is_known = is_known || stage == Stage::Log && is_of_the_end(question);
    (!is_known).then_some(UNKNOWN)
}

fn address(end: Address, stage: Stage) -> Option<&'static str> {
    let is_of_server = matches!(end, Address::ServerLocal | Address::ServerPeer);
    (is_of_server && stage != Stage::Log).then_some(UNKNOWN)
}
