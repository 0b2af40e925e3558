//! Normal forms of request targets (`normalize-uri`, RFC 3986 §6.2.2).

use super::super::argument::hex;

/// A normalizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Normalizer {
    /// `#` becomes `%23`.
    FragmentEncode,
    /// `#` and what follows go.
    FragmentStrip,
    /// `//` becomes `/`.
    MergeSlashes,
    /// `/./` becomes `/`.
    StripDot,
    /// `/a/../` becomes `/`.
    StripDotdot {
        /// `/../` at the start goes, too.
        is_full: bool,
    },
    /// Percent-encoded unreserved characters become themselves.
    DecodeUnreserved {
        /// A broken percent sign is an error.
        is_strict: bool,
    },
    /// Percent-encoded bytes get upper-case digits.
    PercentToUppercase {
        /// A broken percent sign is an error.
        is_strict: bool,
    },
    /// Parameters of the query are sorted by name, those of one name keep their order.
    SortQuery,
}

impl Normalizer {
    /// By its words; the second may be `full` or `strict`.
    pub(super) fn by_words(name: &str, option: Option<&str>) -> Option<(Normalizer, usize)> {
        let (is_full, is_strict) = (option == Some("full"), option == Some("strict"));
        Some(match name {
            "fragment-encode" => (Normalizer::FragmentEncode, 1),
            "fragment-strip" => (Normalizer::FragmentStrip, 1),
            "path-merge-slashes" | "merge-slashes" => (Normalizer::MergeSlashes, 1),
            "path-strip-dot" => (Normalizer::StripDot, 1),
            "path-strip-dotdot" => (Normalizer::StripDotdot { is_full }, 1 + usize::from(is_full)),
            "percent-decode-unreserved" => (Normalizer::DecodeUnreserved { is_strict }, 1 + usize::from(is_strict)),
            "percent-to-uppercase" => (Normalizer::PercentToUppercase { is_strict }, 1 + usize::from(is_strict)),
            "query-sort-by-name" => (Normalizer::SortQuery, 1),
            _ => return None,
        })
    }

    /// The names, for suggestions.
    pub(super) const NAMES: [&'static str; 8] = [
        "fragment-encode",
        "fragment-strip",
        "path-merge-slashes",
        "path-strip-dot",
        "path-strip-dotdot",
        "percent-decode-unreserved",
        "percent-to-uppercase",
        "query-sort-by-name",
    ];

    /// The normal form of path and query; `None` if strictness forbids it.
    pub(super) fn apply(self, text: &[u8]) -> Option<Vec<u8>> {
        let mark = text.iter().position(|byte| *byte == b'?').unwrap_or(text.len());
        let (path, query) = text.split_at(mark);
        Some(match self {
            Normalizer::FragmentStrip => text.split(|byte| *byte == b'#').next().unwrap_or_default().to_vec(),
            Normalizer::FragmentEncode => text.split(|byte| *byte == b'#').collect::<Vec<_>>().join(&b"%23"[..]),
            Normalizer::MergeSlashes => [merge_slashes(path), query.to_vec()].concat(),
            Normalizer::StripDot => [strip_dot(path), query.to_vec()].concat(),
            Normalizer::StripDotdot { is_full } => [strip_dotdot(path, is_full), query.to_vec()].concat(),
            Normalizer::DecodeUnreserved { is_strict } => percent(text, is_strict, |out, byte, digits| {
                if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
                    out.push(byte);
                } else {
                    out.push(b'%');
                    out.extend_from_slice(digits);
                }
            })?,
            Normalizer::PercentToUppercase { is_strict } => percent(text, is_strict, |out, _, digits| {
                out.push(b'%');
                out.extend(digits.to_ascii_uppercase());
            })?,
            Normalizer::SortQuery => {
                let Some(query) = query.get(1..) else { return Some(text.to_vec()) };
                let mut parameters: Vec<&[u8]> = query.split(|byte| *byte == b'&').collect();
                parameters.sort_by_key(|parameter| parameter.split(|byte| *byte == b'=').next());
                [path, b"?", &parameters.join(&b'&')].concat()
            }
        })
    }
}

fn merge_slashes(path: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::with_capacity(path.len());
    for &byte in path {
        if byte != b'/' || out.last() != Some(&b'/') {
            out.push(byte);
        }
    }
    out
}

fn strip_dot(path: &[u8]) -> Vec<u8> {
    let segments: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
    let last = segments.len().saturating_sub(1);
    let kept = segments.iter().enumerate().filter(|(at, segment)| **segment != b"." || *at == 0);
    let mut out: Vec<&[u8]> = kept.map(|(_, segment)| *segment).collect();
    if last > 0 && segments[last] == b"." {
        out.push(b"");
    }
    out.join(&b'/')
}

fn strip_dotdot(path: &[u8], is_full: bool) -> Vec<u8> {
    let mut out: Vec<&[u8]> = Vec::new();
    let segments: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
    let last = segments.len().saturating_sub(1);
    for (at, segment) in segments.iter().enumerate() {
        if *segment != b".." {
            out.push(segment);
            continue;
        }
        let can_go_up = out.len() > 1 && out.last().is_some_and(|previous| *previous != b"..");
        if can_go_up {
            out.pop();
        } else if !is_full {
            out.push(segment);
            continue;
        }
        // `/a/..` is the directory: its slash stays.
        if at == last {
            out.push(b"");
        }
    }
    out.join(&b'/')
}

fn percent(text: &[u8], is_strict: bool, mut write: impl FnMut(&mut Vec<u8>, u8, &[u8])) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let digits = text.get(at..at + 2);
        match digits.and_then(|digits| Some((digits, *hex(digits)?.first()?))) {
            Some((digits, byte)) => {
                write(&mut out, byte, digits);
                at += 2;
            }
            None if is_strict => return None,
            None => out.push(b'%'),
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::Normalizer;

    #[test]
    fn normal_forms_are_those_of_the_manual() {
        let full = Normalizer::StripDotdot { is_full: true };
        let dotdot = Normalizer::StripDotdot { is_full: false };
        let decode = Normalizer::DecodeUnreserved { is_strict: false };
        for (normalizer, from, to) in [
            (Normalizer::FragmentEncode, "/#foo", "/%23foo"),
            (Normalizer::FragmentStrip, "/#foo", "/"),
            (Normalizer::StripDot, "/.", "/"),
            (Normalizer::StripDot, "/./bar/", "/bar/"),
            (Normalizer::StripDot, "/a/./a", "/a/a"),
            (Normalizer::StripDot, "/.well-known/", "/.well-known/"),
            (dotdot, "/foo/../", "/"),
            (dotdot, "/foo/../bar/", "/bar/"),
            (dotdot, "/foo/bar/../", "/foo/"),
            (dotdot, "/../bar/", "/../bar/"),
            (dotdot, "/bar/../../", "/../"),
            (dotdot, "/foo//../", "/foo/"),
            (dotdot, "/foo/%2E%2E/", "/foo/%2E%2E/"),
            (full, "/../bar/", "/bar/"),
            (full, "/bar/../../", "/"),
            (Normalizer::MergeSlashes, "//", "/"),
            (Normalizer::MergeSlashes, "/foo//bar?a//b", "/foo/bar?a//b"),
            (decode, "/%61dmin", "/admin"),
            (decode, "/foo%3Fbar=baz", "/foo%3Fbar=baz"),
            (decode, "/%%36%36", "/%66"),
            (decode, "/%ZZ", "/%ZZ"),
            (Normalizer::PercentToUppercase { is_strict: false }, "/%6f", "/%6F"),
            (Normalizer::SortQuery, "/?c=3&a=1&b=2", "/?a=1&b=2&c=3"),
            (Normalizer::SortQuery, "/?aaa=3&a=1&aa=2&a=0", "/?a=1&a=0&aa=2&aaa=3"),
        ] {
            let found = normalizer.apply(from.as_bytes()).map(|out| String::from_utf8(out).unwrap());
            assert_eq!(found.as_deref(), Some(to), "{normalizer:?} {from}");
        }
        assert_eq!(Normalizer::DecodeUnreserved { is_strict: true }.apply(b"/%ZZ"), None);
        assert_eq!(Normalizer::PercentToUppercase { is_strict: true }.apply(b"/%%36"), None);
    }
}
