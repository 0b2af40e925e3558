//! Everything that a rule can see and change, for as long as it runs.

use std::cell::RefCell;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crate::http::{Head, Message, Parsed, parse_request};

use super::action::Scratch;
use super::asking::Asked;
use super::bandwidth::Bandwidth;
use super::facts::{Address, Facts};
use super::pattern::Registry;
use super::scope::Slots;
use super::stage::Stage;
use super::variable::Variables;
use crate::stick::Tracking;

/// Bytes of one direction: a message body, or what a TCP connection holds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Data<'a> {
    /// What has been received and not yet forwarded.
    pub bytes: &'a [u8],
    /// Whether no more can come before it is forwarded: the message or the connection ended, the buffer is full, or
    /// the time to wait is over.
    pub is_final: bool,
    /// Length of the whole body where it is announced.
    pub announced: Option<u64>,
}

/// Severities of syslog, and `silent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// 0 (emerg) to 7 (debug).
    Level(u8),
    /// No line at all.
    Silent,
}

/// What made a stream wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// The rule at a line of a file.
    Rule(Arc<str>, u32),
    /// `option http-buffer-request`
    Buffer,
}

/// What rules decided for the rest of the stream, beside the message. The proxy reads it after each rule set.
#[derive(Debug, Default)]
pub struct Effects {
    /// `set-log-level`
    pub log_level: Option<LogLevel>,
    /// `set-nice`: -1024 to 1024, lower runs sooner.
    pub nice: Option<i16>,
    /// `set-tos`, `set-fc-tos`: DSCP byte of the client connection.
    pub client_tos: Option<u8>,
    /// `set-mark`, `set-fc-mark`: firewall mark of the client connection.
    pub client_mark: Option<u32>,
    /// `set-bc-tos`
    pub server_tos: Option<u8>,
    /// `set-bc-mark`
    pub server_mark: Option<u32>,
    /// `set-src`, `set-src-port`: the client's address from here on.
    pub source: Option<SocketAddr>,
    /// `set-dst`, `set-dst-port`
    pub destination: Option<SocketAddr>,
    /// What `tcp-request connection` and `session` made of both: it holds for all streams.
    pub session_source: Option<SocketAddr>,
    /// The same of the destination.
    pub session_destination: Option<SocketAddr>,
    /// `expect-proxy`: the connection begins with a PROXY header.
    pub expects_header: bool,
    /// `set-timeout client`
    pub client_timeout: Option<Duration>,
    /// `set-timeout server`
    pub server_timeout: Option<Duration>,
    /// `set-timeout connect`
    pub connect_timeout: Option<Duration>,
    /// `set-timeout queue`
    pub queue_timeout: Option<Duration>,
    /// `set-timeout tarpit`
    pub tarpit_timeout: Option<Duration>,
    /// `set-timeout tunnel`
    pub tunnel_timeout: Option<Duration>,
    /// `set-retries`
    pub retries: Option<u32>,
    /// `set-priority-class`, -2047 to 2047.
    pub priority_class: Option<i32>,
    /// `set-priority-offset`, milliseconds, -524287 to 524287.
    pub priority_offset: Option<i32>,
    /// `disable-l7-retry`
    pub forbids_retry: bool,
    /// `early-hint`: fields of the 103 responses, one Vec per rule in a row, lines with their ends.
    pub early_hints: Vec<u8>,
    /// `set-bandwidth-limit`
    pub bandwidth: Bandwidth,
    /// Whether the stream is one of messages: its data are bodies, not bytes of a connection.
    pub is_message: bool,
    /// Whether the request is one to a proxy, to which clients prove who they are by other fields
    /// (`option http-use-proxy-header`).
    pub is_proxied: bool,
    /// Whether `inspect-delay` goes on in http mode, and rules about content may wait for more than they have.
    pub delays: bool,
    /// What waits or waited in vain, for `waiting_entity`.
    pub waiting: Option<Waiting>,
    /// `do-resolve`: the name whose address is waited for.
    pub asked: Option<Asked>,
    /// `track-sc`: what the session and the stream are counted in.
    pub tracking: Tracking,
    /// Whether rules of a backend run: what they track has not seen the request before.
    pub is_in_backend: bool,
    /// File and line of the rule that ended processing.
    pub last_rule: Option<(Arc<str>, u32)>,
    pub(super) scratch: Scratch,
}

impl Effects {
    /// The client's address as rules set it: for the stream, or for the session.
    pub fn source(&self) -> Option<SocketAddr> {
        self.source.or(self.session_source)
    }

    /// The address that the client connected to, as rules set it.
    pub fn destination(&self) -> Option<SocketAddr> {
        self.destination.or(self.session_destination)
    }

    /// Forgets everything but what the session has, tracks included, and keeps the storage, for the next stream. Field by
    /// field: to make an empty one and drop this costs 300 instructions more.
    pub fn clear(&mut self) {
        let Effects {
            log_level,
            nice,
            client_tos,
            client_mark,
            server_tos,
            server_mark,
            source,
            destination,
            session_source: _,
            session_destination: _,
            expects_header,
            client_timeout,
            server_timeout,
            connect_timeout,
            queue_timeout,
            tarpit_timeout,
            tunnel_timeout,
            retries,
            priority_class,
            priority_offset,
            forbids_retry,
            early_hints,
            bandwidth,
            is_message,
            is_proxied,
            delays,
            waiting,
            asked,
            tracking: _,
            is_in_backend,
            last_rule,
            scratch: _,
        } = self;
        (*log_level, *nice, *retries) = (None, None, None);
        (*client_tos, *client_mark, *server_tos, *server_mark) = (None, None, None, None);
        (*source, *destination) = (None, None);
        (*client_timeout, *server_timeout, *connect_timeout) = (None, None, None);
        (*queue_timeout, *tarpit_timeout, *tunnel_timeout) = (None, None, None);
        (*priority_class, *priority_offset) = (None, None);
        (*expects_header, *forbids_retry, *is_message) = (false, false, false);
        (*is_proxied, *delays, *is_in_backend) = (false, false, false);
        (*waiting, *asked, *last_rule) = (None, None, None);
        early_hints.clear();
        bandwidth.clear();
    }
}

/// A captured value. Its storage is kept from one stream to the next.
#[derive(Clone, Debug, Default)]
pub struct Captured {
    bytes: Vec<u8>,
    is_set: bool,
    /// Bytes at most.
    limit: usize,
}

impl Captured {
    /// Keeps a value.
    pub(super) fn set(&mut self, value: &[u8]) {
        self.bytes.clear();
        self.bytes.extend_from_slice(value);
        self.is_set = true;
    }

    /// Keeps a name and a value, with `=` between them, cut to so many bytes.
    pub(super) fn set_pair(&mut self, name: &[u8], value: &[u8], length: usize) {
        self.set(name);
        self.bytes.push(b'=');
        self.bytes.extend_from_slice(value);
        self.bytes.truncate(length);
    }

    /// What was captured; `None` if nothing was.
    pub fn value(&self) -> Option<&[u8]> {
        self.is_set.then_some(&self.bytes)
    }
}

/// Captured fields of a stream, in the order of their declarations.
#[derive(Debug, Default)]
pub struct Captures {
    /// Of the request; as many as are declared.
    pub request: RefCell<Vec<Captured>>,
    /// Of the response; as many as are declared.
    pub response: RefCell<Vec<Captured>>,
    /// The cookie of the request that lines show, as `name=value`.
    pub request_cookie: RefCell<Captured>,
    /// The same of the response.
    pub response_cookie: RefCell<Captured>,
}

impl Captures {
    /// Empties all slots and makes them as many, and as long, as the frontend declares.
    pub fn clear(&self, declared: &Slots) {
        for (slots, limits) in [(&self.request, &declared.request), (&self.response, &declared.response)] {
            let mut slots = slots.borrow_mut();
            slots.resize_with(limits.len(), Captured::default);
            slots.iter_mut().zip(limits).for_each(|(slot, limit)| (slot.is_set, slot.limit) = (false, *limit));
        }
        self.request_cookie.borrow_mut().is_set = false;
        self.response_cookie.borrow_mut().is_set = false;
    }

    /// Makes slots that the frontend declares and that are not there yet.
    #[cfg(test)]
    pub(super) fn declare(&self, declared: &Slots) {
        for (slots, limits) in [(&self.request, &declared.request), (&self.response, &declared.response)] {
            let mut slots = slots.borrow_mut();
            let missing =
                limits.iter().skip(slots.len()).map(|limit| Captured { limit: *limit, ..Captured::default() });
            slots.extend(missing.collect::<Vec<_>>());
        }
    }

    /// Keeps a value, cut to what its slot keeps. A slot that the frontend does not have keeps nothing.
    pub fn store(slots: &RefCell<Vec<Captured>>, at: usize, value: &[u8]) {
        if let Some(slot) = slots.borrow_mut().get_mut(at) {
            let length = value.len().min(slot.limit);
            slot.set(&value[..length]);
        }
    }
}

/// A rule's world. Built by the proxy before each rule set, from what it holds anyway.
pub struct Transaction<'a> {
    /// Which rule set runs.
    pub stage: Stage,
    /// Everything that is not here.
    pub facts: &'a dyn Facts,
    /// Request head with its edits; `None` in TCP mode, or when it is gone.
    pub request: Option<Message<'a>>,
    /// Response head with its edits.
    pub response: Option<Message<'a>>,
    /// Bytes from the client: the body after the head in HTTP mode.
    pub request_data: Data<'a>,
    /// Bytes from the server.
    pub response_data: Data<'a>,
    /// Variables in reach.
    pub variables: &'a Variables,
    /// Captured fields.
    pub captures: &'a Captures,
    /// Patterns that rules may change.
    pub patterns: &'a Registry,
    /// What rules decide.
    pub effects: &'a mut Effects,
}

impl Transaction<'_> {
    /// The client's address and port, as rules may have set it.
    pub fn source(&self) -> Option<SocketAddr> {
        self.effects.source().or_else(|| self.facts.address(Address::Source))
    }

    /// The address and port that the client connected to, as rules may have set it.
    pub fn destination(&self) -> Option<SocketAddr> {
        self.effects.destination().or_else(|| self.facts.address(Address::Destination))
    }

    /// The client's address without the mapping of IPv4 into IPv6.
    pub fn source_address(&self) -> Option<IpAddr> {
        self.source().map(|address| address.ip().to_canonical())
    }

    /// Bytes of the direction that the stage looks at.
    pub fn own_data(&self) -> Data<'_> {
        if self.stage.is_response() { self.response_data } else { self.request_data }
    }

    /// Whether there is a request's head, or in tcp mode what came so far begins with one; `None` while more may tell.
    pub fn is_request(&self) -> Option<bool> {
        if self.request.is_some() {
            return Some(true);
        }
        match parse_request(self.request_data.bytes, &mut Head::default()) {
            Ok(Parsed::Complete) => Some(true),
            Ok(Parsed::Partial) if !self.request_data.is_final => None,
            _ => Some(false),
        }
    }

    /// Whether rules of this stage are asked again when more data has come.
    pub fn may_wait(&self) -> bool {
        matches!(self.stage, Stage::TcpRequest | Stage::TcpResponse)
    }
}
