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

impl OddNames {
    /// By the word of the manual.
    fn read(policy: &str) -> Result<OddNames, RuleError> {
        match policy {
            "preserve" => Ok(OddNames::Preserve),
            "delete" => Ok(OddNames::Delete),
            "reject" => Ok(OddNames::Reject),
            other => {
                let error = RuleError::new(2, format!("'{other}' is no policy for odd names of fields"));
                Err(error.hint("preserve, delete or reject"))
            }
        }
    }
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
    /// `option h1-case-adjust-bogus-client`: names of fields are as the process says, in what clients get.
    pub adjusts_names_for_clients: bool,
    /// `option h1-case-adjust-bogus-server`: likewise, in what servers get.
    pub adjusts_names_for_servers: bool,
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
    /// `option http-ignore-probes`: a connection that ends before its first byte leaves no answer, line or error.
    pub ignores_probes: bool,
    /// `option http-use-proxy-header`: requests whose targets are no paths prove who they are from as to a proxy.
    pub speaks_as_proxy: bool,
    /// `option idle-close-on-response`: a stop waits for the next request of idle connections.
    pub keeps_idle_at_stop: bool,
    /// `option independent-streams`: what a side is sent does not make it less silent.
    pub counts_reads_alone: bool,
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
                second == "http-restrict-req-hdr-names"
                    || HttpOptions::default().switch(second).is_some()
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
        let taken = match words {
            ["option", ..] => self.add_option(words, is_undone, scope)?,
            ["monitor", "fail", condition @ ..] => return self.add_failure(condition, scope),
            [name @ ("clitcpka-cnt" | "clitcpka-idle" | "clitcpka-intvl"), value, ..] => {
                self.add_keep_alive(name, value)?;
                2
            }
            ["monitor-uri", uri, ..] => {
                self.monitor = Some(uri.as_bytes().into());
                2
            }
            ["timeout", "tarpit", time, ..] => {
                let wrong = || RuleError::new(2, format!("'{time}' is not a time"));
                self.tarpit = Some(argument::duration(time).ok_or_else(wrong)?);
                3
            }
            ["http-send-name-header", name, ..] => {
                self.name_field = Some(name_field(name)?);
                if name.eq_ignore_ascii_case("host") {
                    // HAProxy 2.6 does it, 3.5 refuses it.
                    scope.warn(1, "servers are asked for their own names instead of the client's host".to_owned());
                }
                2
            }
            [name] => return Err(RuleError::new(1, format!("'{name}' expects {}", wanted(name)))),
            ["timeout", "tarpit"] => return Err(RuleError::new(2, "'timeout' expects a time")),
            _ => words.len(),
        };
        match words.get(taken) {
            Some(word) => Err(RuleError::new(taken, format!("unexpected '{word}'"))),
            None => Ok(()),
        }
    }

    /// Adds an `option` line and says how many of its words it takes.
    fn add_option(&mut self, words: &[&str], is_undone: bool, scope: &mut Scope<'_>) -> Result<usize, RuleError> {
        let name = words.get(1).copied().unwrap_or_default();
        if let Some(switch) = self.switch(name) {
            *switch = !is_undone;
            return Ok(2);
        }
        if let Some(wanted) = closing(name) {
            // `no` takes back its own only.
            if !is_undone || self.closing == wanted {
                self.closing = if is_undone { Closing::Neither } else { wanted };
            }
            return Ok(2);
        }
        match (name, words.get(2)) {
            ("http-restrict-req-hdr-names", _) if is_undone => self.odd_names = OddNames::Preserve,
            ("http-restrict-req-hdr-names", Some(policy)) => {
                self.odd_names = OddNames::read(policy)?;
                return Ok(3);
            }
            ("http-restrict-req-hdr-names", None) => {
                return Err(RuleError::new(2, "'option' expects preserve, delete or reject"));
            }
            _ if Forwarding::has_option(name) => self.forwarding.add(words, is_undone, scope)?,
            _ => {}
        }
        Ok(words.len())
    }

    /// What a word behind `option` turns on and `no` turns off.
    fn switch(&mut self, name: &str) -> Option<&mut bool> {
        Some(match name {
            "abortonclose" => &mut self.gives_up,
            "accept-invalid-http-request" | "accept-unsafe-violations-in-http-request" => &mut self.tolerates_odd_bytes,
            "checkcache" => &mut self.checks_caching,
            "clitcpka" | "tcpka" => &mut self.keeps_alive,
            "h1-case-adjust-bogus-client" => &mut self.adjusts_names_for_clients,
            "h1-case-adjust-bogus-server" => &mut self.adjusts_names_for_servers,
            "http-buffer-request" => &mut self.buffers_request,
            "http-drop-request-trailers" => &mut self.drops_request_trailers,
            "http-drop-response-trailers" => &mut self.drops_response_trailers,
            "http-ignore-probes" => &mut self.ignores_probes,
            "http-pretend-keepalive" => &mut self.pretends,
            "http-use-proxy-header" => &mut self.speaks_as_proxy,
            "idle-close-on-response" => &mut self.keeps_idle_at_stop,
            "independent-streams" => &mut self.counts_reads_alone,
            "nolinger" => &mut self.resets,
            _ => return None,
        })
    }

    /// `monitor fail {if|unless} CONDITION`.
    fn add_failure(&mut self, condition: &[&str], scope: &mut Scope<'_>) -> Result<(), RuleError> {
        if condition.is_empty() {
            return Err(RuleError::new(2, "'monitor fail' expects 'if' or 'unless' and a condition"));
        }
        self.monitor_fails.push(Condition::compile(condition, scope).map_err(|error| error.later(2))?);
        Ok(())
    }

    /// `clitcpka-cnt COUNT`, `clitcpka-idle TIME`, `clitcpka-intvl TIME`.
    fn add_keep_alive(&mut self, name: &str, value: &str) -> Result<(), RuleError> {
        if name == "clitcpka-cnt" {
            let wrong = || RuleError::new(1, format!("'{value}' is not a number of probes, 0 to 127"));
            let count: u32 = value.parse().ok().filter(|count| *count <= 127).ok_or_else(wrong)?;
            self.keep_alive.count = Some(count).filter(|count| *count > 0);
            return Ok(());
        }
        let wrong = || RuleError::new(1, format!("'{value}' is not a time"));
        let time = Some(argument::whole_seconds(value).ok_or_else(wrong)?).filter(|time| !time.is_zero());
        match name {
            "clitcpka-idle" => self.keep_alive.idle = time,
            _ => self.keep_alive.interval = time,
        }
        Ok(())
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
            && !self.ignores_probes
            && !self.speaks_as_proxy
            && !self.keeps_idle_at_stop
            && !self.counts_reads_alone
            && !self.adjusts_names_for_clients
            && !self.adjusts_names_for_servers
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

/// What stands behind a keyword.
fn wanted(name: &str) -> &'static str {
    match name {
        "monitor-uri" => "a URI",
        "http-send-name-header" => "a header string",
        "clitcpka-cnt" => "a number of probes",
        _ => "a time",
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
