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
        return if head.method == Method::Connect { Err(HeadError::Target) } else { Ok(()) };
    }
    let (authority, ports) = match absolute(target) {
        _ if head.method == Method::Connect => (target, default_ports(head.method, b"")),
        Some((scheme, authority)) => (authority, default_ports(head.method, scheme)),
        None => return Ok(()),
    };
    let (name, port) = split_port(authority.rsplit(|&byte| byte == b'@').next().unwrap_or(authority));
    if head.method == Method::Connect && (name.is_empty() || port.is_none_or(<[u8]>::is_empty)) {
        return Err(HeadError::Target);
    }
    let Some(host) = head.value(FieldKind::Host, bytes) else {
        return if name.is_empty() { Err(HeadError::Target) } else { Ok(()) };
    };
    let (host, host_port) = split_port(host);
    let are_same_ports = match (port.unwrap_or_default(), host_port.unwrap_or_default()) {
        (one, other) if one == other => true,
        (one, b"") | (b"", one) => ports.contains(&one),
        _ => false,
    };
    if name.eq_ignore_ascii_case(host) && are_same_ports { Ok(()) } else { Err(HeadError::OtherHost) }
}

/// Ports that need not be written.
pub(super) fn default_ports(method: Method, scheme: &[u8]) -> &'static [&'static [u8]] {
    match scheme {
        _ if method == Method::Connect => &[b"80", b"443"],
        scheme if scheme.eq_ignore_ascii_case(b"http") => &[b"80"],
        scheme if scheme.eq_ignore_ascii_case(b"https") => &[b"443"],
        _ => &[],
    }
}

/// A host and what stands behind the colon.
pub(super) fn split_port(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    // The colons of an IPv6 address stand in brackets.
    let colon = text.iter().rposition(|&byte| byte == b':').filter(|&at| !text[at..].contains(&b']'));
    colon.map_or((text, None), |at| (&text[..at], Some(&text[at + 1..])))
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
pub(super) fn absolute(target: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = target.iter().position(|&byte| !is_token(byte)).filter(|&at| at > 0)?;
    let rest = target[colon..].strip_prefix(b"://")?;
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
    Some((&target[..colon], &rest[..end]))
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
        for line in [
            "GET a",
            "GET htp:/a",
            "GET ://a",
            "CONNECT a",
            "CONNECT a:",
            "CONNECT /",
            "GET /a#b",
            "GET http://a/#",
            "GET ?a",
        ] {
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
            ("GET http://u:p@a:80/", "a:80"),
            ("GET http://a:/", "a"),
            ("GET http://:", ""),
            ("CONNECT a:443", "a"),
            ("CONNECT a:443", "a:"),
        ] {
            assert_eq!(judged(line, host), Ok(()), "{line}, {host}");
        }
        for (line, host) in [
            ("GET http://b/", "a"),
            ("GET http://a:81/", "a"),
            ("GET http://a:443/", "a"),
            ("GET http://a@b/", "a"),
            ("GET http://a/", ""),
            ("GET http:///", "a"),
            ("GET http://a:8080/", "a"),
            ("CONNECT a:80", "a:443"),
            ("CONNECT b:80", "a:80"),
        ] {
            assert_eq!(judged(line, host), Err(HeadError::OtherHost), "{line}, {host}");
        }
        assert!(parse_request(b"GET http://a/ HTTP/1.1\r\n\r\n", &mut Head::default()).is_ok());
        assert!(parse_request(b"GET http:/// HTTP/1.0\r\n\r\n", &mut Head::default()).is_err());
    }
}
