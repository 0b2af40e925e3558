//! Whether a cache on the way would keep a response with its cookies, and give them to everybody (RFC 9111 §3, HAProxy
//! manual §4.2 "option checkcache").

use crate::http::Message;

use super::fetch::header::values;

/// Status codes that may be kept where nothing else is said (RFC 9110 §15.1), as HAProxy has them.
const KEPT: [u16; 11] = [200, 203, 204, 206, 300, 301, 404, 405, 410, 414, 501];
/// Methods whose responses may be kept.
const SAFE: [&[u8]; 4] = [b"GET", b"HEAD", b"OPTIONS", b"TRACE"];

/// What the fields of a response say to caches.
#[derive(Debug, Default)]
struct Said {
    forbids: bool,
    /// Only without its cookies.
    forbids_cookies: bool,
    is_public: bool,
    has_no_age: bool,
    is_fresh: bool,
}

impl Said {
    fn add(&mut self, directive: &[u8]) {
        let is = |name: &str| directive.eq_ignore_ascii_case(name.as_bytes());
        let begins =
            |name: &str| directive.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes()));
        if is("public") {
            // It takes back what stood before it.
            *self = Said { is_public: true, has_no_age: self.has_no_age, is_fresh: self.is_fresh, ..Said::default() };
        } else if is("max-age=0") {
            self.has_no_age = true;
        } else if is("no-cache=\"set-cookie\"") {
            self.forbids_cookies = true;
        } else if ["private", "no-cache", "no-store", "s-maxage=0"].iter().any(|name| is(name))
            || ["private=", "no-cache=", "no-store="].iter().any(|name| begins(name))
        {
            self.forbids = true;
        } else if begins("s-maxage") {
            (self.is_fresh, self.has_no_age) = (true, false);
        } else if begins("max-age") {
            self.is_fresh = true;
        }
    }
}

/// Whether the response has cookies and a cache may keep both. Without a request nothing is kept.
pub fn would_keep_cookies(request: Option<&Message<'_>>, response: &Message<'_>) -> bool {
    if response.value(b"set-cookie").is_none() {
        return false;
    }
    let is_safe = request.is_some_and(|request| SAFE.contains(&request.received_method()));
    let is_old_refusal = response.value(b"pragma").is_some_and(|value| value.eq_ignore_ascii_case(b"no-cache"));
    let mut said = Said::default();
    values(response, b"cache-control").for_each(|directive| said.add(directive));
    let may_keep = (is_safe && KEPT.contains(&response.status())) || said.is_public;
    if is_old_refusal || !may_keep || said.forbids || said.forbids_cookies || said.has_no_age {
        return false;
    }
    said.is_fresh || ["expires", "etag", "last-modified"].iter().any(|name| response.value(name.as_bytes()).is_some())
}
