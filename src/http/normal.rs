//! A request head in the one form in which rules, lines of log and servers see it: one space between the parts of its
//! line, no default port in its target and its Host field, and `/` for a path that is not written (RFC 3986 §6.2.3).

use super::head::{FieldKind, Head, Method};
use super::target::{absolute, default_ports, split_port};

/// The head in that form, without what follows it; `None` if it has it already, as nearly every one has.
pub fn normalized(bytes: &[u8], head: &Head) -> Option<Vec<u8>> {
    let (line, target) = (head.line.of(bytes), head.target.of(bytes));
    let method = memchr::memchr(b' ', line).map_or(line, |end| &line[..end]);
    // The version takes eight bytes.
    let is_single_spaced = line.len() == method.len() + target.len() + 10;
    let (target, host) = match target {
        [b'/' | b'*', ..] if is_single_spaced => return None,
        [b'/' | b'*', ..] => (target.to_vec(), None),
        _ => of_authority(bytes, head),
    };
    if is_single_spaced && host.is_none() && target == head.target.of(bytes) {
        return None;
    }
    let mut out = Vec::with_capacity(head.length);
    let version = &line[line.len() - 8..];
    for part in [method, b" ", &target, b" ", version, b"\r\n"] {
        out.extend_from_slice(part);
    }
    let mut at = head.fields.first().map_or(head.length, |field| field.line.start as usize);
    if let Some(host) = host {
        let fields = head.fields.iter();
        for field in fields.filter(|field| field.kind == FieldKind::Host) {
            out.extend_from_slice(bytes.get(at..field.value.start as usize).unwrap_or_default());
            out.extend_from_slice(host);
            at = field.value.end as usize;
        }
    }
    if head.fields.is_empty() {
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(bytes.get(at..head.length).unwrap_or_default());
    Some(out)
}

/// The target without its default port, and what stands in the Host field then.
fn of_authority<'b>(bytes: &'b [u8], head: &Head) -> (Vec<u8>, Option<&'b [u8]>) {
    let target = head.target.of(bytes);
    let host = head.value(FieldKind::Host, bytes);
    let split = host.map(split_port);
    if head.method == Method::Connect {
        let (_, port) = split_port(target);
        let is_default = |port: &[u8]| default_ports(head.method, b"").contains(&port);
        let same = split.filter(|(_, own)| *own == port && port.is_some_and(is_default));
        return (target.to_vec(), same.map(|(name, _)| name));
    }
    let Some((scheme, authority)) = absolute(target) else { return (target.to_vec(), None) };
    let (name, port) = split_port(authority);
    let is_default = port.is_some_and(|port| port.is_empty() || default_ports(head.method, scheme).contains(&port));
    let rest = &target[scheme.len() + 3 + authority.len()..];
    let authority = if is_default { name } else { authority };
    let path: &[u8] = if rest.is_empty() { b"/" } else { rest };
    // The same host was checked before: its port is the default one, or none.
    let host = split.filter(|(_, own)| is_default && own.is_some()).map(|(name, _)| name);
    ([scheme, b"://", authority, path].concat(), host)
}

#[cfg(test)]
mod tests {
    use super::super::parse_request;
    use super::*;

    fn normal(line: &str, host: &str) -> Option<(String, String)> {
        let text = format!("{line} HTTP/1.1\r\nA: b\r\nHost: {host}\r\nC: d\r\n\r\nbody");
        let mut head = Head::default();
        parse_request(text.as_bytes(), &mut head).expect("it is a request");
        let bytes = normalized(text.as_bytes(), &head)?;
        parse_request(&bytes, &mut head).expect("it still is");
        assert_eq!(head.length, bytes.len());
        assert_eq!(head.fields.len(), 3);
        let value = |kind| String::from_utf8_lossy(head.value(kind, &bytes).unwrap_or_default()).into_owned();
        let line = String::from_utf8_lossy(head.line.of(&bytes)).replace(" HTTP/1.1", "");
        Some((line, value(FieldKind::Host)))
    }

    #[test]
    fn default_ports_and_missing_paths_have_one_form() {
        for (line, host, expected_line, expected_host) in [
            ("GET http://u:p@a:80/x", "a:80", "GET http://u:p@a/x", "a"),
            ("GET https://a:443/x", "a", "GET https://a/x", "a"),
            ("GET http://a:/x", "a:80", "GET http://a/x", "a"),
            ("GET http://a:80/x", "a:", "GET http://a/x", "a"),
            ("GET http://:", ":80", "GET http:///", ""),
            ("GET http://a", "a", "GET http://a/", "a"),
            ("GET http://a:80?q", "a:80", "GET http://a?q", "a"),
            ("GET http://[::1]:80/", "[::1]", "GET http://[::1]/", "[::1]"),
            ("CONNECT a:443", "a:443", "CONNECT a:443", "a"),
            ("GET  /x ", "a", "GET /x", "a"),
        ] {
            let expected = Some((expected_line.to_owned(), expected_host.to_owned()));
            assert_eq!(normal(line, host), expected, "{line}, {host}");
        }
    }

    #[test]
    fn what_has_that_form_is_left_alone() {
        for (line, host) in [
            ("GET /", "a:80"),
            ("OPTIONS *", "a"),
            ("GET http://a/", "a:80"),
            ("GET http://a/", "a:"),
            ("GET https://a:80/", "a:80"),
            ("GET http://a?q", "a"),
            ("CONNECT a:80", "a:"),
            ("CONNECT a:8443", "a:8443"),
        ] {
            assert_eq!(normal(line, host), None, "{line}, {host}");
        }
    }
}
