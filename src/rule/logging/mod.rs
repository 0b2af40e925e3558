//! What a frontend writes into its log and keeps for it: formats, captures, the unique id.
//!
//! Decides how lines look and what has to be remembered of a request for them; writes none: the proxy does, at the end of a
//! stream. The lines stand among the rules of their section, because captures count in their order with those of rules.
//! `lines.rs` reads them; [`Logging`] is what they add up to.

mod lines;
mod profile;

use std::cell::RefCell;

use crate::http::Message;

use super::facts::Number;
use super::fetch::{cookie_in, cookie_set_in};
use super::format::Format;
use super::transaction::{Captured, Captures};

pub use profile::{Look, Profile};

/// What a frontend logs. Nothing in it says where lines go.
#[derive(Clone, Debug, Default)]
pub struct Logging {
    /// Lines of sessions and requests; `None` is a line about each connection, as HAProxy writes it without a format.
    pub format: Option<Format>,
    /// Lines of connections that fail before there is a request (`error-log-format`); `None` is [`Logging::format`].
    pub error_format: Option<Format>,
    /// Structured data of RFC 5424 (`log-format-sd`).
    pub structured: Option<Format>,
    /// `unique-id-format`
    pub unique_id: Option<UniqueId>,
    /// `capture cookie`
    pub cookie: Option<CookieCapture>,
    /// `capture request header`
    pub request_fields: Vec<FieldCapture>,
    /// `capture response header`
    pub response_fields: Vec<FieldCapture>,
}

/// A number for every request.
#[derive(Clone, Debug, Default)]
pub struct UniqueId {
    /// How it is made; `None` makes none.
    pub format: Option<Format>,
    /// The field that tells the server (`unique-id-header`).
    pub header: Option<Box<[u8]>>,
}

/// A cookie that lines show.
#[derive(Clone, Debug)]
pub struct CookieCapture {
    /// Name, or what a name begins with.
    name: Box<[u8]>,
    /// Whether the name must be just that.
    is_exact: bool,
    /// Bytes of name, equals sign and value at most.
    length: usize,
}

/// A header field that lines show.
#[derive(Clone, Debug)]
pub struct FieldCapture {
    /// Its name.
    name: Box<[u8]>,
    /// Which slot keeps it.
    slot: usize,
}

impl Logging {
    /// Whether nothing is said about the log.
    pub fn is_empty(&self) -> bool {
        let formats = [self.format.as_ref(), self.error_format.as_ref(), self.structured.as_ref()];
        formats.iter().all(Option::is_none) && !self.looks_at_messages()
    }

    /// Whether something must be kept of a message beside its request line.
    pub fn looks_at_messages(&self) -> bool {
        let formats = [self.format.as_ref(), self.error_format.as_ref(), self.structured.as_ref()];
        self.unique_id.as_ref().is_some_and(|id| id.format.is_some())
            || self.cookie.is_some()
            || !self.request_fields.is_empty()
            || !self.response_fields.is_empty()
            || formats.into_iter().flatten().any(Format::looks_at_requests)
    }

    /// Whether something shows the number of the request in the process.
    pub fn shows_numbers(&self) -> bool {
        let id = self.unique_id.as_ref().and_then(|id| id.format.as_ref());
        let formats = [self.format.as_ref(), self.error_format.as_ref(), self.structured.as_ref(), id];
        formats.into_iter().flatten().any(|format| format.asks_for(Number::RequestNumber))
    }

    /// Whether lines show their own number.
    pub fn counts_lines(&self) -> bool {
        let formats = [self.format.as_ref(), self.error_format.as_ref(), self.structured.as_ref()];
        formats.into_iter().flatten().any(|format| format.asks_for(Number::LogNumber))
    }

    /// Keeps what lines will show of a request.
    pub fn capture_request(&self, message: &Message<'_>, captures: &Captures) {
        capture(&self.request_fields, message, &captures.request);
        if let Some(cookie) = &self.cookie {
            let found = cookie_in(message, &cookie.name, cookie.is_exact);
            keep(&captures.request_cookie, found, cookie.length);
        }
    }

    /// Keeps what lines will show of a response.
    pub fn capture_response(&self, message: &Message<'_>, captures: &Captures) {
        capture(&self.response_fields, message, &captures.response);
        if let Some(cookie) = &self.cookie {
            let found = cookie_set_in(message, &cookie.name, cookie.is_exact);
            keep(&captures.response_cookie, found, cookie.length);
        }
    }
}

/// The last field of a name counts.
fn capture(fields: &[FieldCapture], message: &Message<'_>, slots: &RefCell<Vec<Captured>>) {
    for wanted in fields {
        for value in message.values(&wanted.name) {
            Captures::store(slots, wanted.slot, value);
        }
    }
}

fn keep(slot: &RefCell<Captured>, found: Option<(&[u8], &[u8])>, length: usize) {
    if let Some((name, value)) = found {
        slot.borrow_mut().set_pair(name, value, length);
    }
}
