//! What of a request is hashed: bytes of its target, its query, its body or one of its fields.

use crate::model::balance::UriPart;

/// The part of a request target that `balance uri` hashes.
pub fn of_target<'t>(part: &UriPart, target: &'t [u8]) -> &'t [u8] {
    let text = if part.is_path_only { path(target) } else { target };
    let text = part.length.map_or(text, |length| &text[..text.len().min(length as usize)]);
    // The first slash is no directory, so a depth of one ends at the second.
    let last = part.depth.map_or(usize::MAX, |depth| depth as usize + 1);
    let mut slashes = 0;
    let ends = |byte: &u8| {
        slashes += usize::from(*byte == b'/');
        (*byte == b'/' && slashes == last) || (*byte == b'?' && !part.is_whole)
    };
    let end = text.iter().position(ends).unwrap_or(text.len());
    &text[..end]
}

/// Path and query of a target; empty where it has none.
fn path(target: &[u8]) -> &[u8] {
    if target.first() == Some(&b'/') {
        return target;
    }
    let Some(after_scheme) = memchr::memmem::find(target, b"://").map(|at| &target[at + 3..]) else { return b"" };
    memchr::memchr(b'/', after_scheme).map_or(b"", |at| &after_scheme[at..])
}

/// The value of a parameter of a target's query string.
pub fn of_query<'t>(name: &str, target: &'t [u8]) -> Option<&'t [u8]> {
    let at = memchr::memchr(b'?', target)?;
    parameter(name, &target[at + 1..])
}

/// The value of a parameter in the part of a form that is there; `None` too if its bytes are no form's.
pub fn of_form<'b>(name: &str, body: &'b [u8]) -> Option<&'b [u8]> {
    let value = parameter(name, body)?;
    // A blank or the end of a line ends a value of uncertain length; anything else that is no token is binary.
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    match value.iter().position(|byte| !is_token(*byte)) {
        None => Some(value),
        Some(at) if matches!(value[at], b' ' | b'\t' | b'\r' | b'\n') => Some(&value[..at]),
        Some(_) => None,
    }
}

fn parameter<'b>(name: &str, parameters: &'b [u8]) -> Option<&'b [u8]> {
    let mut pairs = parameters.split(|byte| *byte == b'&');
    pairs.find_map(|pair| pair.strip_prefix(name.as_bytes())?.strip_prefix(b"="))
}

/// The first of the values of a field, or of a host name in it the part that names the organisation.
pub fn of_field(value: &[u8], is_domain_only: bool) -> Option<&[u8]> {
    let first = value.split(|byte| *byte == b',').next().unwrap_or_default().trim_ascii();
    if first.is_empty() {
        return None;
    }
    Some(if is_domain_only { domain(first) } else { first })
}

/// From the dot before the last one, or the beginning, to the last dot: `example` of `www.example.com`.
fn domain(host: &[u8]) -> &[u8] {
    // A dot at the very beginning is not looked at.
    let Some(end) = host.iter().skip(1).rposition(|byte| *byte == b'.').map(|at| at + 1) else { return host };
    let start = host[..end.saturating_sub(1)].iter().rposition(|byte| *byte == b'.').map_or(0, |at| at + 1);
    &host[start..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(part: UriPart, text: &str) -> String {
        String::from_utf8_lossy(of_target(&part, text.as_bytes())).into_owned()
    }

    #[test]
    fn a_target_ends_at_its_query_length_or_depth() {
        let any = UriPart::default();
        assert_eq!(target(any, "/a/b?c"), "/a/b");
        assert_eq!(target(UriPart { is_whole: true, ..any }, "/a/b?c"), "/a/b?c");
        assert_eq!(target(UriPart { length: Some(3), ..any }, "/abcdef"), "/ab");
        assert_eq!(target(UriPart { depth: Some(1), ..any }, "/a/b/c"), "/a");
        assert_eq!(target(UriPart { depth: Some(2), ..any }, "/a/b/c"), "/a/b");
        assert_eq!(target(UriPart { is_path_only: true, ..any }, "http://host/x?y"), "/x");
        assert_eq!(target(UriPart { is_path_only: true, ..any }, "*"), "");
        assert_eq!(target(any, "http://host/x?y"), "http://host/x");
    }

    #[test]
    fn a_parameter_is_found_by_its_whole_name() {
        assert_eq!(of_query("id", b"/x?aid=1&id=2&id=3"), Some(b"2".as_slice()));
        assert_eq!(of_query("id", b"/x?id="), Some(b"".as_slice()));
        assert_eq!(of_query("id", b"/id=1"), None);
        assert_eq!(of_query("id", b"/x?id"), None);
    }

    #[test]
    fn a_body_that_is_no_form_has_no_parameters() {
        assert_eq!(of_form("id", b"a=1&id=22"), Some(b"22".as_slice()));
        assert_eq!(of_form("id", b"id=22\r\n"), Some(b"22".as_slice()));
        assert_eq!(of_form("id", b"id=2\x002"), None);
    }

    #[test]
    fn a_domain_is_what_stands_before_the_last_dot() {
        let field = |value: &'static str, only| {
            of_field(value.as_bytes(), only).map(|key| String::from_utf8_lossy(key).into_owned())
        };
        assert_eq!(field("www.example.com", true).as_deref(), Some("example"));
        assert_eq!(field("example.com", true).as_deref(), Some("example"));
        assert_eq!(field("localhost", true).as_deref(), Some("localhost"));
        assert_eq!(field(" a , b", false).as_deref(), Some("a"));
        assert_eq!(field("", false), None);
    }
}
