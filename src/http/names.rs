//! The letter case in which names of fields are written to those who insist on one (HAProxy's `h1-case-adjust`).

use std::collections::BTreeMap;

/// Names of fields as they are written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameCases {
    /// By their form in small letters.
    names: BTreeMap<Box<[u8]>, Box<[u8]>>,
}

impl NameCases {
    /// Whether all names stay as they are.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Adds a name. `false` if it has one already.
    pub fn add(&mut self, name: &str) -> bool {
        self.names.insert(name.to_ascii_lowercase().into_bytes().into(), name.as_bytes().into()).is_none()
    }

    /// Writes the names of a head, or of what begins with one, over those that it has: the rest stays where it is.
    pub fn write_over(&self, head: &mut [u8]) {
        let mut rest = head;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            rest = &mut rest[end + 1..];
            // The empty line has none.
            let Some(colon) = rest.iter().position(|byte| matches!(byte, b':' | b'\r' | b'\n')) else { return };
            if colon == 0 {
                return;
            }
            let name = &mut rest[..colon];
            let known = self.names.iter().find(|(small, _)| small.eq_ignore_ascii_case(name));
            if let Some((_, name_as_written)) = known {
                name.copy_from_slice(name_as_written);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_a_head_are_written_over_and_nothing_else() {
        let mut cases = NameCases::default();
        assert!(cases.is_empty() && cases.add("X-ODD") && cases.add("Host") && !cases.add("host"));
        for (before, after) in [
            ("GET /host: HTTP/1.1\r\nhost: host\r\nx-odd:x-odd\r\nx-oddly: 1\r\n\r\nhost: body\r\n", {
                "GET /host: HTTP/1.1\r\nhost: host\r\nX-ODD:x-odd\r\nx-oddly: 1\r\n\r\nhost: body\r\n"
            }),
            ("HTTP/1.1 200 OK\r\n\r\nhost: body\r\n", "HTTP/1.1 200 OK\r\n\r\nhost: body\r\n"),
            ("x-odd: 1", "x-odd: 1"),
            ("x\nx-odd", "x\nx-odd"),
        ] {
            let mut bytes = before.as_bytes().to_vec();
            cases.write_over(&mut bytes);
            assert_eq!(String::from_utf8_lossy(&bytes), after);
        }
    }
}
