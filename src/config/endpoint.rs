//! Listening places that are no TCP address, written the same in every syntax: `fd@3`, `unix@/run/web.sock`, `abns@web`.

use std::path::PathBuf;

use crate::model::Endpoint;

/// What to write.
pub const FORMS: &str = "write ADDRESS:PORT, *:PORT, fd@NUMBER, unix@PATH, abns@NAME or abnsz@NAME";

/// What stands before the address of a server that takes datagrams.
pub const DATAGRAMS: &str = "udp@";

/// The place that a text names; `None` if it has the form of an address and a port.
///
/// # Errors
/// It begins like one of the forms, but is none.
pub fn special(text: &str) -> Option<Result<Endpoint, String>> {
    let text = text.strip_prefix("stream+").unwrap_or(text);
    if text.starts_with('/') {
        return Some(unix(text));
    }
    let (kind, rest) = text.split_once('@')?;
    match kind {
        "fd" => Some(match rest.parse() {
            Ok(descriptor) => Ok(Endpoint::Inherited(descriptor)),
            Err(_) => Err(format!("'{rest}' is not the number of a descriptor")),
        }),
        "unix" | "uxst" => Some(unix(rest)),
        "abns" | "abnsz" => Some(match (rest.len(), kind) {
            (1..=107, "abns") => Ok(Endpoint::Abstract(rest.to_owned())),
            (1..=107, _) => Ok(Endpoint::AbstractExact(rest.to_owned())),
            _ => Err("the name of an abstract socket has 1 to 107 bytes".to_owned()),
        }),
        _ => None,
    }
}

/// A Unix socket that a server listens on.
///
/// # Errors
/// As [`special`], or it is inherited: nobody can connect to that.
pub fn server(text: &str) -> Option<Result<Endpoint, String>> {
    special(text).map(|parsed| match parsed {
        Ok(Endpoint::Inherited(_)) => Err("a server has an address or a Unix socket".to_owned()),
        parsed => parsed,
    })
}

fn unix(path: &str) -> Result<Endpoint, String> {
    match path.len() {
        1..=97 => Ok(Endpoint::Unix(PathBuf::from(path))),
        0 => Err("a Unix socket needs a path".to_owned()),
        // A name beside it, with a process id, must fit into the 107 bytes that the kernel has.
        length => Err(format!("the path of a Unix socket has 97 bytes at most, this one has {length}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_beside_tcp_have_their_forms() {
        let unix = |path: &str| Endpoint::Unix(PathBuf::from(path));
        for (text, endpoint) in [
            ("fd@3", Endpoint::Inherited(3)),
            ("stream+fd@12", Endpoint::Inherited(12)),
            ("/run/a.sock", unix("/run/a.sock")),
            ("unix@a.sock", unix("a.sock")),
            ("abns@web", Endpoint::Abstract("web".to_owned())),
            ("abnsz@web", Endpoint::AbstractExact("web".to_owned())),
        ] {
            assert_eq!(special(text), Some(Ok(endpoint)), "{text}");
        }
        for text in ["fd@", "fd@x", "unix@", "abns@"] {
            assert!(special(text).is_some_and(|parsed| parsed.is_err()), "{text}");
        }
        assert_eq!(special("127.0.0.1:80"), None);
    }
}
