//! The table of actions: where each is allowed, and how far it is supported.

use super::super::error::Support::{self, Full, Partial, Refused};
use super::super::stage::Stage::{
    self, HttpAfterResponse as Aft, HttpRequest as Req, HttpResponse as Res, TcpConnection as Con, TcpRequest as Cnt,
    TcpResponse as RsC, TcpSession as Ses,
};

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct ActionRow {
    /// The word, without arguments in parentheses.
    pub name: &'static str,
    /// What stands behind it.
    pub usage: &'static str,
    /// Where it is allowed.
    pub stages: &'static [Stage],
    /// How far it is supported.
    pub support: Support,
    /// What it does: a sentence.
    pub doc: &'static str,
}

const fn row(
    name: &'static str,
    usage: &'static str,
    stages: &'static [Stage],
    support: Support,
    doc: &'static str,
) -> ActionRow {
    ActionRow { name, usage, stages, support, doc }
}

const HTTP: &[Stage] = &[Req, Res, Aft];
const MESSAGES: &[Stage] = &[Req, Res];
const TCP: &[Stage] = &[Con, Ses, Cnt, RsC];
const ALL: &[Stage] = &[Con, Ses, Cnt, RsC, Req, Res, Aft];
const ALL_AND_CHECKS: &[Stage] = &[Con, Ses, Cnt, RsC, Req, Res, Aft, Stage::Check];
const STREAM: &[Stage] = &[Cnt, RsC, Req, Res, Aft];
const CLIENT: &[Stage] = &[Con, Ses, Cnt, Req];
const TRACKING: &[Stage] = &[Con, Ses, Cnt, Req, Res];
const LOWER: &[Stage] = &[Con, Ses, Cnt, RsC, Req, Res];
const CHOICE: &[Stage] = &[Cnt, Req];

const CACHE: Support = Refused("vipgate has no cache");
const QUIC: Support = Refused("vipgate does not speak QUIC");

/// Every action of the manual (2.4 to 3.5).
#[rustfmt::skip]
pub const ACTIONS: &[ActionRow] = &[
    row("accept", "", TCP, Full, "ends the rules of this set"),
    row("allow", "", HTTP, Full, "ends the rules of this set"),
    row("add-acl", "(<file>) <key fmt>", MESSAGES, Full, "adds an entry to the patterns of a file"),
    row("add-header", "<name> <fmt>", HTTP, Full, "appends a header field"),
    row("add-headers-bin", "<expr> [prefix <text>]", HTTP, Full, "appends header fields of a list in binary form (req.hdrs_bin)"),
    row("attach-srv", "<srv>", &[Ses], Refused("vipgate does not take connections from servers"), "gives the connection to a server"),
    row("auth", "[realm <realm>]", &[Req], Full, "answers 401 and asks for a password"),
    row("cache-store", "<name>", &[Res], CACHE, "stores the response"),
    row("cache-use", "<name>", &[Req], CACHE, "answers from the cache"),
    row("capture", "<sample> [len <length> | id <id>]", &[Cnt, Req, Res, Aft], Full, "keeps a value in a capture slot"),
    row("close", "", &[RsC], Full, "closes the connection to the server"),
    row("del-acl", "(<file>) <key fmt>", MESSAGES, Full, "takes an entry out of the patterns of a file"),
    row("del-header", "<name> [-m <method>]", HTTP, Full, "removes header fields"),
    row("del-headers-bin", "<expr> [-m <method>]", HTTP, Full, "removes header fields of a list in binary form (req.hdrs_bin)"),
    row("del-map", "(<file>) <key fmt>", HTTP, Full, "takes an entry out of a map"),
    row("deny", "[status <code>] [content-type <type>] [...]", MESSAGES, Full, "answers with an error page, 403 by default (502 for responses)"),
    row("dgram-drop", "", &[], QUIC, "drops the datagram"),
    row("disable-l7-retry", "", &[Req], Full, "sends the request to one server only"),
    row("do-log", "[profile <log_profile>]", ALL, Full, "writes a log line now"),
    row("do-resolve", "(<var>,<resolvers>[,ipv4|ipv6]) <expr>", CHOICE, Full, "asks name servers for an address"),
    row("early-hint", "<name> <fmt>", &[Req], Full, "sends a 103 (Early Hints) response with the field"),
    row("expect-netscaler-cip", "layer4", &[Con], Refused("vipgate does not read NetScaler's client IP header"), "reads a NetScaler header first"),
    row("expect-proxy", "layer4", &[Con], Full, "reads a PROXY header first"),
    row("normalize-uri", "<normalizer>", &[Req], Full, "brings the request target into a normal form"),
    row("pause", "<timeout> | <expr>", MESSAGES, Full, "waits"),
    row("redirect", "location|prefix|scheme <fmt> [code <code>] [...]", MESSAGES, Full, "answers with a redirect"),
    row("reject", "", &[Con, Ses, Cnt, RsC, Req], Full, "closes the connection"),
    row("replace-header", "<name> <regex> <fmt>", HTTP, Full, "replaces the whole value of fields that match"),
    row("replace-path", "<regex> <fmt>", &[Req], Full, "replaces the path if it matches"),
    row("replace-pathq", "<regex> <fmt>", &[Req], Full, "replaces path and query if they match"),
    row("replace-uri", "<regex> <fmt>", &[Req], Full, "replaces the request target if it matches"),
    row("replace-value", "<name> <regex> <fmt>", HTTP, Full, "replaces each value between commas that matches"),
    row("return", "[status <code>] [content-type <type>] [...]", MESSAGES, Full, "answers, with 200 by default"),
    row("sc-add-gpc", "(<idx>,<sc-id>) <int>|<expr>", ALL, Full, "adds to a general counter"),
    row("sc-inc-gpc", "(<idx>,<sc-id>)", ALL, Full, "adds one to a general counter"),
    row("sc-inc-gpc0", "(<sc-id>)", ALL, Full, "adds one to the first general counter"),
    row("sc-inc-gpc1", "(<sc-id>)", ALL, Full, "adds one to the second general counter"),
    row("sc-set-gpt", "(<idx>,<sc-id>) <int>|<expr>", ALL, Full, "sets a general tag"),
    row("sc-set-gpt0", "(<sc-id>) <int>|<expr>", ALL, Full, "sets the first general tag"),
    row("send-retry", "", &[], QUIC, "asks the client to prove its address"),
    row("send-spoe-group", "<engine> <group>", &[Cnt, RsC, Req, Res, Aft], Refused("vipgate does not speak SPOE"), "asks an agent"),
    row("set-bandwidth-limit", "<name> [limit <size>|<expr>] [period <time>|<expr>]", &[Cnt, RsC, Req, Res], Full, "limits how fast bytes of the stream go, as a filter of the section says"),
    row("set-bc-mark", "<mark>|<expr>", CHOICE, Full, "sets the firewall mark of the server connection"),
    row("set-bc-tos", "<tos>|<expr>", CHOICE, Full, "sets the type of service of the server connection"),
    row("set-dst", "<expr>", CLIENT, Full, "changes the destination address"),
    row("set-dst-port", "<expr>", CLIENT, Full, "changes the destination port"),
    row("set-fc-mark", "<mark>|<expr>", LOWER, Full, "sets the firewall mark of the client connection"),
    row("set-fc-tos", "<tos>|<expr>", LOWER, Full, "sets the type of service of the client connection"),
    row("set-header", "<name> <fmt>", HTTP, Full, "replaces all fields of a name by one"),
    row("set-headers-bin", "<expr> [prefix <text>]", HTTP, Full, "replaces header fields of a list in binary form (req.hdrs_bin)"),
    row("set-log-level", "<level>", STREAM, Full, "sets the level of the log line, or silences it"),
    row("set-map", "(<file>) <key fmt> <value fmt>", HTTP, Full, "sets or adds an entry of a map"),
    row("set-mark", "<mark>", LOWER, Full, "sets the firewall mark of the client connection"),
    row("set-method", "<fmt>", &[Req], Full, "changes the method"),
    row("set-nice", "<nice>", &[Cnt, RsC, Req, Res], Partial("it is recorded; streams of one worker take turns"), "sets how soon the stream runs, -1024 to 1024"),
    row("set-path", "<fmt>", &[Req], Full, "changes the path and keeps the query"),
    row("set-pathq", "<fmt>", &[Req], Full, "changes path and query"),
    row("set-priority-class", "<expr>", CHOICE, Full, "sets the class of the stream in queues, -2047 to 2047"),
    row("set-priority-offset", "<expr>", CHOICE, Full, "sets the offset of the stream in queues, in ms"),
    row("set-query", "<fmt>", &[Req], Full, "changes the query"),
    row("set-retries", "<int>|<expr>", CHOICE, Full, "sets how often a connection is tried again"),
    row("set-src", "<expr>", CLIENT, Full, "changes the client's address"),
    row("set-src-port", "<expr>", CLIENT, Full, "changes the client's port"),
    row("set-status", "<status> [reason <text>]", &[Res, Aft], Full, "changes the status code"),
    row("set-timeout", "client|server|connect|queue|tarpit|tunnel <timeout>|<expr>", MESSAGES, Full, "changes a timeout of the stream"),
    row("set-tos", "<tos>", LOWER, Full, "sets the type of service of the client connection"),
    row("set-uri", "<fmt>", &[Req], Full, "changes the request target"),
    row("set-var", "(<var>[,<cond>...]) <expr>", ALL_AND_CHECKS, Full, "sets a variable"),
    row("set-var-fmt", "(<var>[,<cond>...]) <fmt>", ALL_AND_CHECKS, Full, "sets a variable to a text"),
    row("silent-drop", "[rst-ttl <ttl>]", LOWER, Full, "forgets the connection without telling the client"),
    row("strict-mode", "on|off", HTTP, Full, "whether a rewrite that is not possible is an error"),
    row("switch-mode", "http", &[Cnt], Full, "goes on as HTTP"),
    row("tarpit", "[status <code>] [...]", &[Req], Full, "holds the client for timeout tarpit and answers with 500"),
    row("track-sc0", "<key> [table <table>]", TRACKING, Full, "counts in the entry of a key, by counter 0"),
    row("track-sc1", "<key> [table <table>]", TRACKING, Full, "counts in the entry of a key, by counter 1"),
    row("track-sc2", "<key> [table <table>]", TRACKING, Full, "counts in the entry of a key, by counter 2"),
    row("unset-var", "(<var>)", ALL_AND_CHECKS, Full, "unsets a variable"),
    row("use-service", "<service>", &[Req], Partial("prometheus-exporter is the only service there is"), "answers with a service of the process"),
    row("wait-for-body", "time <time> [at-least <bytes>]", MESSAGES, Full, "waits for the body"),
    row("wait-for-handshake", "", &[Req], Full, "waits for the end of the TLS handshake"),
];

/// The action of that name.
pub fn by_name(name: &str) -> Option<&'static ActionRow> {
    // Further counters are written as the ones that have a row.
    let is_track = name.strip_prefix("track-sc").is_some_and(|number| number.parse::<u8>().is_ok());
    let name = if is_track { "track-sc0" } else { name };
    ACTIONS.iter().find(|row| row.name == name)
}
