//! Whether a cache on the way would keep a response, and give it to everybody (RFC 9111 §3): HAProxy's judgement, for
//! `option checkcache` and `cookie ... nocache` (HAProxy manual §4.2).

use crate::http::Message;

use super::fetch::header::split_values;

/// Status codes that may be kept where nothing else is said (RFC 9110 §15.1), as HAProxy has them.
const KEPT: [u16; 11] = [200, 203, 204, 206, 300, 301, 404, 405, 410, 414, 501];
/// Methods whose responses may be kept.
const SAFE: [&[u8]; 4] = [b"GET", b"HEAD", b"OPTIONS", b"TRACE"];

/// What a response says to caches, field by field.
#[derive(Debug)]
pub struct Caching {
    /// It may be kept by its method and status, or because it is public.
    may: bool,
    forbids: bool,
    /// Only without its cookies.
    forbids_cookies: bool,
    /// `pragma: no-cache`
    is_old_refusal: bool,
    has_no_age: bool,
    /// It says how long it is fresh, or how to ask whether it still is.
    is_dated: bool,
}

impl Caching {
    /// A response of this status to a request of this method.
    pub fn new(method: &[u8], status: u16) -> Caching {
        Caching {
            may: SAFE.contains(&method) && KEPT.contains(&status),
            forbids: false,
            forbids_cookies: false,
            is_old_refusal: false,
            has_no_age: false,
            is_dated: false,
        }
    }

    /// Whether a field whose name begins with this letter may say something.
    pub fn may_ask(first: u8) -> bool {
        matches!(first.to_ascii_lowercase(), b'c' | b'p' | b'e' | b'l')
    }

    /// Looks at a field.
    pub fn field(&mut self, name: &[u8], value: &[u8]) {
        let is = |known: &[u8]| name.eq_ignore_ascii_case(known);
        if is(b"cache-control") {
            split_values(value).for_each(|directive| self.directive(directive));
        } else if is(b"pragma") {
            self.is_old_refusal |= value.eq_ignore_ascii_case(b"no-cache");
        } else if is(b"expires") || is(b"etag") || is(b"last-modified") {
            self.is_dated = true;
        }
    }

    fn directive(&mut self, directive: &[u8]) {
        let is = |name: &str| directive.eq_ignore_ascii_case(name.as_bytes());
        let begins =
            |name: &str| directive.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes()));
        if is("public") {
            // It takes back what stood before it.
            (self.may, self.forbids, self.forbids_cookies) = (true, false, false);
        } else if is("max-age=0") {
            self.has_no_age = true;
        } else if is("no-cache=\"set-cookie\"") {
            self.forbids_cookies = true;
        } else if ["private", "no-cache", "no-store", "s-maxage=0"].iter().any(|name| is(name))
            || ["private=", "no-cache=", "no-store="].iter().any(|name| begins(name))
        {
            self.forbids = true;
        } else if begins("s-maxage") {
            (self.is_dated, self.has_no_age) = (true, false);
        } else if begins("max-age") {
            self.is_dated = true;
        }
    }

    /// Whether a cache may keep it, with its cookies or without.
    pub fn keeps(&self) -> bool {
        self.may && self.is_dated && !self.forbids && !self.is_old_refusal && !self.has_no_age
    }
}

/// Whether the response has cookies and a cache may keep both. Without a request nothing is kept.
pub fn would_keep_cookies(request: Option<&Message<'_>>, response: &Message<'_>) -> bool {
    if response.value(b"set-cookie").is_none() {
        return false;
    }
    let method = request.map_or(&b""[..], |request| request.received_method());
    let mut caching = Caching::new(method, response.status());
    response.fields().for_each(|field| caching.field(field.name, field.value));
    caching.keeps() && !caching.forbids_cookies
}
