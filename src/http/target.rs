//! The request target: its forms (RFC 9112 §3.2), and whether it names the same host as the Host field.

use super::grammar::{are_visible, is_token};
use super::head::{FieldKind, Head, Method};
use super::parse::HeadError;

/// Refuses what is no request target. A fragment is part of none: a server that cuts it off serves another path than
/// the one that was judged here.
pub(super) fn check(target: &[u8], method: Method, may_be_odd: bool) -> Result<(), HeadError> {
    let has_form = match target {
        [b'/', ..] | b"*" => true,
        [] => false,
        _ => method == Method::Connect || absolute(target).is_some(),
    };
    let are_good = are_visible(target) || may_be_odd && target.iter().all(|byte| *byte > 0x20 && *byte != 0x7f);
    if has_form && are_good && !target.contains(&b'#') { Ok(()) } else { Err(HeadError::Target) }
}

/// Refuses a target that names another host than the Host field: servers take the target's (RFC 9112 §3.2.2), rules
/// look at the field.
pub(super) fn check_host(bytes: &[u8], head: &Head) -> Result<(), HeadError> {
    let target = head.target.of(bytes);
    if matches!(target, [b'/', ..] | b"*") {
        return Ok(());
    }
    let (authority, ports): (_, &[&[u8]]) = match absolute(target) {
        _ if head.method == Method::Connect => (target, &[b":80", b":443"]),
        Some((scheme, authority)) if scheme.eq_ignore_ascii_case(b"http") => (authority, &[b":80"]),
        Some((scheme, authority)) if scheme.eq_ignore_ascii_case(b"https") => (authority, &[b":443"]),
        Some((_, authority)) => (authority, &[]),
        None => return Ok(()),
    };
    let Some(host) = head.value(FieldKind::Host, bytes) else { return Ok(()) };
    let name = |host| ports.iter().find_map(|port| <[u8]>::strip_suffix(host, *port)).unwrap_or(host);
    if name(authority).eq_ignore_ascii_case(name(host)) { Ok(()) } else { Err(HeadError::OtherHost) }
}

/// Path and query of a request target; `None` where it has no path.
pub fn path_and_query(target: &[u8]) -> Option<&[u8]> {
    if target.first() == Some(&b'/') {
        return Some(target);
    }
    let (scheme, authority) = absolute(target)?;
    target.get(scheme.len() + 3 + authority.len()..).filter(|rest| rest.first() == Some(&b'/'))
}

/// Scheme and authority of a target in absolute form.
fn absolute(target: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = target.iter().position(|&byte| !is_token(byte)).filter(|&at| at > 0)?;
    let rest = target[colon..].strip_prefix(b"://")?;
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
    (end > 0).then(|| (&target[..colon], &rest[..end]))
}

#[cfg(test)]
mod tests {
    use super::super::parse_request;
    use super::*;

    fn judged(line: &str, host: &str) -> Result<(), HeadError> {
        let text = format!("{line} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        parse_request(text.as_bytes(), &mut Head::default()).map(drop)
    }

    #[test]
    fn a_target_has_one_of_four_forms_and_no_fragment() {
        for line in ["GET /", "GET /a?b://c", "OPTIONS *", "GET http://a", "GET http://a?b", "CONNECT a:80"] {
            assert_eq!(judged(line, if line.starts_with('C') { "a:80" } else { "a" }), Ok(()), "{line}");
        }
        for line in ["GET a", "GET htp:/a", "GET ://a", "GET http:///a", "GET /a#b", "GET http://a/#", "GET ?a"] {
            assert_eq!(judged(line, "a"), Err(HeadError::Target), "{line}");
        }
    }

    #[test]
    fn target_and_host_field_name_the_same_host() {
        for (line, host) in [
            ("GET http://A/x", "a"),
            ("GET http://a:80/", "a"),
            ("GET http://a/", "a:80"),
            ("GET https://a:443/", "a"),
            ("GET http://[::1]:8080/", "[::1]:8080"),
            ("CONNECT a:443", "a"),
        ] {
            assert_eq!(judged(line, host), Ok(()), "{line}, {host}");
        }
        for (line, host) in [
            ("GET http://b/", "a"),
            ("GET http://a:81/", "a"),
            ("GET http://a:443/", "a"),
            ("GET http://a@b/", "a"),
            ("GET http://a/", ""),
            ("CONNECT b:80", "a:80"),
        ] {
            assert_eq!(judged(line, host), Err(HeadError::OtherHost), "{line}, {host}");
        }
        assert!(parse_request(b"GET http://a/ HTTP/1.1\r\n\r\n", &mut Head::default()).is_ok());
    }
}
