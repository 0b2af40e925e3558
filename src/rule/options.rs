//! What lines about HTTP messages say that are no rules: `option http-buffer-request`, `monitor-uri`, `timeout tarpit`...
//!
//! They stand among the rules of their section because they speak the same language (`monitor fail if ...`) and are inherited
//! with them. The last line about a thing counts; `no` takes one back.

use std::time::Duration;

use crate::model::options::KeepAlive;

use super::argument;
use super::condition::Condition;
use super::error::RuleError;
use super::forwarding::Forwarding;
use super::scope::Scope;

/// What becomes of a request whose field names have other characters than letters, digits and hyphens (HAProxy manual §4.2
/// "option http-restrict-req-hdr-names").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OddNames {
    /// They are forwarded.
    #[default]
    Preserve,
    /// The fields are taken out.
    Delete,
    /// The request is refused with 403.
    Reject,
}

/// What becomes of connections after a request (HAProxy manual §4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Closing {
    /// They persist (`option http-keep-alive`).
    #[default]
    Neither,
    /// The server's closes (`option http-server-close`).
    Server,
    /// That of the side that says so closes (`option httpclose`).
    Own,
}

/// What a section says about messages.
#[derive(Clone, Debug, Default)]
pub struct HttpOptions {
    /// `option http-buffer-request`: rules run when the body is there.
    pub buffers_request: bool,
    /// `option accept-invalid-http-request`: targets may have bytes beyond ASCII, values of fields control characters.
    pub tolerates_odd_bytes: bool,
    /// `option http-restrict-req-hdr-names`.
    pub odd_names: OddNames,
    /// `timeout tarpit`: how long a client is held; `None` is `timeout connect`.
    pub tarpit: Option<Duration>,
    /// `monitor-uri`: a request for it is answered here.
    pub monitor: Option<Box<[u8]>>,
    /// `monitor fail`: the answer is 503 if one of them holds.
    pub monitor_fails: Vec<Condition>,
    /// What servers are told of the client's connection.
    pub forwarding: Forwarding,
    /// `option httpclose` and its like.
    pub closing: Closing,
    /// `option http-pretend-keepalive`: servers are not told that their connection will close.
    pub pretends: bool,
    /// `option abortonclose`: a request whose client leaves is given up.
    pub gives_up: bool,
    /// `option nolinger`: connections are closed with a reset.
    pub resets: bool,
    /// `option clitcpka`: connections of clients have TCP keep-alive.
    pub keeps_alive: bool,
    /// Its times (`clitcpka-idle` and its like).
    pub keep_alive: KeepAlive,
    /// `option checkcache`: a response whose cookies a cache would keep is a 502.
    pub checks_caching: bool,
    /// `option http-drop-request-trailers`: servers get no trailers.
    pub drops_request_trailers: bool,
    /// `option http-drop-response-trailers`: clients get none.
    pub drops_response_trailers: bool,
    /// `http-send-name-header`: the field that tells a server its name.
    pub name_field: Option<Box<[u8]>>,
}

impl HttpOptions {
    /// Whether a line is one of these, by its first two words without `no`.
    pub fn has_line(first: &str, second: &str) -> bool {
        match first {
            "monitor-uri" => true,
            "monitor" => second == "fail",
            "timeout" => second == "tarpit",
            "http-send-name-header" | "clitcpka-cnt" | "clitcpka-idle" | "clitcpka-intvl" => true,
            "option" => {
                matches!(second, "accept-invalid-http-request" | "accept-unsafe-violations-in-http-request")
                    || matches!(second, "http-buffer-request" | "http-restrict-req-hdr-names")
                    || matches!(second, "abortonclose" | "checkcache" | "http-pretend-keepalive" | "nolinger")
                    || matches!(second, "http-drop-request-trailers" | "http-drop-response-trailers")
                    || matches!(second, "clitcpka" | "tcpka")
                    || closing(second).is_some()
                    || Forwarding::has_option(second)
            }
            _ => false,
        }
    }

    /// Adds what a line says; `is_undone` if `no` stood before it.
    ///
    /// # Errors
    /// The line is wrong.
    pub fn add(&mut self, words: &[&str], is_undone: bool, scope: &mut Scope<'_>) -> Result<(), RuleError> {
        let missing = |what: &str| RuleError::new(words.len(), format!("'{}' expects {what}", words[0]));
        let taken = match words {
            ["monitor-uri", uri, ..] => {
                self.monitor = Some(uri.as_bytes().into());
                2
            }
            ["monitor-uri"] => return Err(missing("a URI")),
            ["monitor", "fail", condition @ ..] => {
                if condition.is_empty() {
                    return Err(RuleError::new(2, "'monitor fail' expects 'if' or 'unless' and a condition"));
                }
                let condition = Condition::compile(condition, scope).map_err(|error| error.later(2))?;
                self.monitor_fails.push(condition);
                return Ok(());
            }
            ["timeout", "tarpit", time, ..] => {
                let wrong = || RuleError::new(2, format!("'{time}' is not a time"));
                self.tarpit = Some(argument::duration(time).ok_or_else(wrong)?);
                3
            }
            ["timeout", "tarpit"] => return Err(missing("a time")),
            ["http-send-name-header", name, ..] => {
                self.name_field = Some(name_field(name)?);
                if name.eq_ignore_ascii_case("host") {
                    // HAProxy 2.6 does it, 3.5 refuses it.
                    scope.warn(1, "servers are asked for their own names instead of the client's host".to_owned());
                }
                2
            }
            ["http-send-name-header"] => return Err(missing("a header string")),
            ["option", "abortonclose", ..] => {
                self.gives_up = !is_undone;
                2
            }
            ["option", "nolinger", ..] => {
                self.resets = !is_undone;
                2
            }
            ["option", "clitcpka" | "tcpka", ..] => {
                self.keeps_alive = !is_undone;
                2
            }
            ["clitcpka-cnt", count, ..] => {
                let wrong = || RuleError::new(1, format!("'{count}' is not a number of probes, 0 to 127"));
                let count: u32 = count.parse().ok().filter(|count| *count <= 127).ok_or_else(wrong)?;
                self.keep_alive.count = Some(count).filter(|count| *count > 0);
                2
            }
            [name @ ("clitcpka-idle" | "clitcpka-intvl"), time, ..] => {
                let wrong = || RuleError::new(1, format!("'{time}' is not a time"));
                let time = Some(argument::whole_seconds(time).ok_or_else(wrong)?).filter(|time| !time.is_zero());
                match *name {
                    "clitcpka-idle" => self.keep_alive.idle = time,
                    _ => self.keep_alive.interval = time,
                }
                2
            }
            ["clitcpka-cnt"] => return Err(missing("a number of probes")),
            ["clitcpka-idle" | "clitcpka-intvl"] => return Err(missing("a time")),
            ["option", "checkcache", ..] => {
                self.checks_caching = !is_undone;
                2
            }
            ["option", "http-drop-request-trailers", ..] => {
                self.drops_request_trailers = !is_undone;
                2
            }
            ["option", "http-drop-response-trailers", ..] => {
                self.drops_response_trailers = !is_undone;
                2
            }
            ["option", "http-pretend-keepalive", ..] => {
                self.pretends = !is_undone;
                2
            }
            ["option", name, ..] if closing(name).is_some() => {
                let wanted = closing(name).unwrap_or_default();
                // `no` takes back its own only.
                if !is_undone || self.closing == wanted {
                    self.closing = if is_undone { Closing::Neither } else { wanted };
                }
                2
            }
            ["option", name, ..] if Forwarding::has_option(name) => {
                self.forwarding.add(words, is_undone, scope)?;
                words.len()
            }
            ["option", "accept-invalid-http-request" | "accept-unsafe-violations-in-http-request", ..] => {
                self.tolerates_odd_bytes = !is_undone;
                2
            }
            ["option", "http-buffer-request", ..] => {
                self.buffers_request = !is_undone;
                2
            }
            ["option", "http-restrict-req-hdr-names", ..] if is_undone => {
                self.odd_names = OddNames::Preserve;
                words.len()
            }
            ["option", "http-restrict-req-hdr-names", policy, ..] => {
                self.odd_names = match *policy {
                    "preserve" => OddNames::Preserve,
                    "delete" => OddNames::Delete,
                    "reject" => OddNames::Reject,
                    other => {
                        let error = RuleError::new(2, format!("'{other}' is no policy for odd names of fields"));
                        return Err(error.hint("preserve, delete or reject"));
                    }
                };
                3
            }
            ["option", "http-restrict-req-hdr-names"] => return Err(missing("preserve, delete or reject")),
            _ => words.len(),
        };
        match words.get(taken) {
            Some(word) => Err(RuleError::new(taken, format!("unexpected '{word}'"))),
            None => Ok(()),
        }
    }

    /// Whether nothing is said that is not about single requests.
    pub fn is_empty(&self) -> bool {
        self.tarpit.is_none()
            && !self.tolerates_odd_bytes
            && self.forwarding.is_empty()
            && self.closing == Closing::Neither
            && !self.pretends
            && !self.gives_up
            && !self.resets
            && !self.drops_request_trailers
            && !self.drops_response_trailers
            && !self.keeps_alive
            && self.keep_alive == KeepAlive::default()
            && self.name_field.is_none()
            && !self.look_at_requests()
    }

    /// Whether requests have to be looked at for it.
    pub fn look_at_requests(&self) -> bool {
        self.buffers_request
            || self.checks_caching
            || self.monitor.is_some()
            || self.odd_names != OddNames::Preserve
            || self.forwarding.forwarded.is_some()
    }
}

/// What a word behind `option` makes of connections.
fn closing(name: &str) -> Option<Closing> {
    match name {
        "http-keep-alive" => Some(Closing::Neither),
        "http-server-close" => Some(Closing::Server),
        "httpclose" | "forceclose" => Some(Closing::Own),
        _ => None,
    }
}

/// The name of a field that may be put into requests without making them other ones.
fn name_field(name: &str) -> Result<Box<[u8]>, RuleError> {
    let is_special = |known: &str| known.eq_ignore_ascii_case(name);
    if ["connection", "content-length", "transfer-encoding", "upgrade"].iter().any(|known| is_special(known)) {
        return Err(RuleError::new(1, format!("'{name}' cannot carry the name of a server")));
    }
    match crate::http::is_token(name.as_bytes()) {
        true => Ok(name.as_bytes().into()),
        false => Err(RuleError::new(1, format!("'{name}' is no name of a field"))),
    }
}
