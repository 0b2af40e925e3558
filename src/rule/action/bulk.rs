//! Fields in binary form (`req.hdrs_bin`): lengths as SPOE's varints, each with its bytes.

use super::super::sample::{Sample, Text};
use crate::http::Message;

/// What is done with each field of the list.
#[derive(Clone, Debug)]
pub enum Bulk {
    /// Appends it.
    Add,
    /// Replaces all of its name.
    Set,
    /// Removes those whose names match one of the list, which has names alone.
    Delete(Likeness),
}

/// How a name of the list is compared with that of a field, whatever the case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// All of it.
    Same,
    /// The field's begins with it.
    Beginning,
    /// The field's ends with it.
    End,
    /// The field's contains it.
    Part,
}

impl Likeness {
    /// By the method's name; `None` for those that are not known here.
    pub(super) fn by_name(name: &str) -> Option<Likeness> {
        Some(match name {
            "str" => Likeness::Same,
            "beg" => Likeness::Beginning,
            "end" => Likeness::End,
            "sub" => Likeness::Part,
            _ => return None,
        })
    }

    fn holds(self, field: &[u8], wanted: &[u8]) -> bool {
        let mut parts = field.windows(wanted.len());
        let is_it = |part: Option<&[u8]>| part.is_some_and(|part| part.eq_ignore_ascii_case(wanted));
        match self {
            Likeness::Same => field.eq_ignore_ascii_case(wanted),
            Likeness::Beginning => is_it(field.get(..wanted.len())),
            Likeness::End => is_it(field.len().checked_sub(wanted.len()).and_then(|start| field.get(start..))),
            Likeness::Part => parts.any(|part| part.eq_ignore_ascii_case(wanted)),
        }
    }
}

/// Fields that delimit messages or belong to one connection: no list changes them.
fn is_fixed(name: &[u8]) -> bool {
    let fixed: [&[u8]; 8] = [
        b"connection",
        b"content-length",
        b"expect",
        b"keep-alive",
        b"proxy-connection",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    ];
    fixed.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// The varint at the start of the bytes, and what stands behind it.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (first, mut rest) = bytes.split_first()?;
    let mut value = u64::from(*first);
    if *first < 0xf0 {
        return Some((value, rest));
    }
    let mut shift = 4;
    loop {
        let (byte, after) = rest.split_first()?;
        rest = after;
        value = value.checked_add(u64::from(*byte).checked_shl(shift).filter(|_| shift < 57)?)?;
        shift += 7;
        if *byte < 0x80 {
            return Some((value, rest));
        }
    }
}

/// A text behind its length.
fn text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = varint(bytes)?;
    rest.split_at_checked(usize::try_from(length).ok()?)
}

/// The pairs up to the empty one that ends them; `None` if the list is broken or does not end.
fn pairs(mut bytes: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    let mut found = Vec::new();
    loop {
        let (name, rest) = text(bytes)?;
        let (value, rest) = text(rest)?;
        match (name, value) {
            (b"", b"") => return Some(found),
            (b"", _) => return None,
            _ => found.push((name, value)),
        }
        bytes = rest;
    }
}

/// The names up to the empty one that ends them.
fn names(mut bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let mut found = Vec::new();
    loop {
        let (name, rest) = text(bytes)?;
        if name.is_empty() {
            return Some(found);
        }
        found.push(name);
        bytes = rest;
    }
}

/// Changes the message; `false` if the list is broken, or has a name that is none.
pub(super) fn apply(message: &mut Message<'_>, what: &Bulk, prefix: &[u8], list: &[u8]) -> bool {
    if let Bulk::Delete(likeness) = what {
        let Some(names) = names(list) else { return false };
        for name in names.into_iter().filter(|name| !is_fixed(name)) {
            message.remove(|field, _| likeness.holds(field, name));
        }
        return true;
    }
    let Some(pairs) = pairs(list) else { return false };
    let wanted = |name: &[u8]| name.starts_with(prefix) && !is_fixed(name);
    pairs.into_iter().filter(|(name, _)| wanted(name)).all(|(name, value)| {
        if matches!(what, Bulk::Set) {
            message.remove(|field, _| field.eq_ignore_ascii_case(name));
        }
        message.add(name, value)
    })
}

/// The list that a value is; a copy, because the message that it may be part of changes.
pub(super) fn list(sample: Sample<'_>) -> Option<Vec<u8>> {
    match sample.cast(super::super::sample::Kind::Bin)? {
        Sample::Bin(text) => Some(Text::into_vec(text)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_spoes() {
        assert_eq!(varint(&[0xef]), Some((239, &[][..])));
        assert_eq!(varint(&[0xf0, 0x00, 7]), Some((240, &[7][..])));
        assert_eq!(varint(&[0xff, 0x7f]), Some((2287, &[][..])));
        assert_eq!(varint(&[0xf0, 0x80, 0x00]), Some((2288, &[][..])));
        assert_eq!(varint(&[0xf0, 0x80]), None);
        assert_eq!(varint(&[0xff; 20]), None);
    }

    #[test]
    fn a_list_without_its_end_is_broken() {
        assert_eq!(pairs(b"\x01a\x01b\x00\x00"), Some(vec![(&b"a"[..], &b"b"[..])]));
        assert_eq!(pairs(b"\x01a\x01b"), None);
        assert_eq!(pairs(b"\x01a\x09b\x00\x00"), None);
        assert_eq!(names(b"\x01a\x02bc\x00"), Some(vec![&b"a"[..], b"bc"]));
    }
}
