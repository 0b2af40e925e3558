//! Values that rules compute with, and what may become of what (HAProxy manual §7.1, §7.3).

use std::borrow::Cow;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Deref;
use std::sync::Arc;

use crate::http::{write_address, write_number};

/// Bytes of a sample, borrowed as long as nothing had to be built.
#[derive(Clone, Debug)]
pub enum Text<'t> {
    /// From the message or the rule.
    Borrowed(&'t [u8]),
    /// From a variable.
    Shared(Arc<[u8]>),
    /// Built by a converter.
    Built(Vec<u8>),
}

impl Deref for Text<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Text::Borrowed(bytes) => bytes,
            Text::Shared(bytes) => bytes,
            Text::Built(bytes) => bytes,
        }
    }
}

impl<'t> Text<'t> {
    /// A part of it, without copying what is borrowed.
    pub fn part(self, start: usize, end: usize) -> Text<'t> {
        match self {
            Text::Borrowed(bytes) => Text::Borrowed(bytes.get(start..end).unwrap_or_default()),
            Text::Shared(bytes) => Text::Built(bytes.get(start..end).unwrap_or_default().to_vec()),
            Text::Built(mut bytes) => {
                bytes.truncate(end);
                bytes.drain(..start.min(bytes.len()));
                Text::Built(bytes)
            }
        }
    }

    /// The bytes, to be changed in place.
    pub fn into_vec(self) -> Vec<u8> {
        match self {
            Text::Built(bytes) => bytes,
            other => other.to_vec(),
        }
    }
}

/// A value: what a fetch returns and a converter changes.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub enum Sample<'t> {
    Bool(bool),
    Int(i64),
    Ipv4(Ipv4Addr),
    Ipv6(Ipv6Addr),
    Str(Text<'t>),
    Bin(Text<'t>),
    Method(Text<'t>),
}

/// The type of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Known only when it is there (a variable), or any is taken.
    Any,
    /// True or false.
    Bool,
    /// 64 bits, signed.
    Int,
    /// IPv4 or IPv6.
    Addr,
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
    /// Text.
    Str,
    /// Bytes.
    Bin,
    /// An HTTP method.
    Method,
}

impl Kind {
    /// The word of the manual.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Any => "any",
            Kind::Bool => "boolean",
            Kind::Int => "integer",
            Kind::Addr => "address",
            Kind::Ipv4 => "ipv4",
            Kind::Ipv6 => "ipv6",
            Kind::Str => "string",
            Kind::Bin => "binary",
            Kind::Method => "method",
        }
    }

    /// Whether a value of this type can be turned into one of the other.
    pub fn casts_to(self, to: Kind) -> bool {
        use Kind::{Addr, Any, Bin, Bool, Int, Ipv4, Ipv6, Method, Str};
        match (self, to) {
            (Any, _) | (_, Any) => true,
            (from, to) if from == to => true,
            (Bool, to) => matches!(to, Int | Str | Bin),
            (Int, to) => to != Method,
            (Addr, Method) | (Ipv4 | Ipv6, Method) => false,
            (Addr | Ipv4, Bool) | (Ipv6, Bool | Int | Ipv4) => false,
            (Addr | Ipv4 | Ipv6, _) => true,
            (Str, _) => true,
            (Bin, to) => to == Str,
            (Method, to) => to == Str || to == Bin,
        }
    }
}

impl<'t> Sample<'t> {
    /// Text that is part of the message or the rule.
    pub fn str(bytes: &'t [u8]) -> Sample<'t> {
        Sample::Str(Text::Borrowed(bytes))
    }

    /// Text that had to be built.
    pub fn built(bytes: impl Into<Vec<u8>>) -> Sample<'t> {
        Sample::Str(Text::Built(bytes.into()))
    }

    /// Bytes that had to be built.
    pub fn bin(bytes: impl Into<Vec<u8>>) -> Sample<'t> {
        Sample::Bin(Text::Built(bytes.into()))
    }

    /// An address.
    pub fn address(address: IpAddr) -> Sample<'t> {
        match address {
            IpAddr::V4(address) => Sample::Ipv4(address),
            IpAddr::V6(address) => Sample::Ipv6(address),
        }
    }

    /// Its type.
    pub fn kind(&self) -> Kind {
        match self {
            Sample::Bool(_) => Kind::Bool,
            Sample::Int(_) => Kind::Int,
            Sample::Ipv4(_) => Kind::Ipv4,
            Sample::Ipv6(_) => Kind::Ipv6,
            Sample::Str(_) => Kind::Str,
            Sample::Bin(_) => Kind::Bin,
            Sample::Method(_) => Kind::Method,
        }
    }

    /// The same as another type; `None` if this value has no such form.
    #[inline]
    pub fn cast(self, to: Kind) -> Option<Sample<'t>> {
        if self.kind() == to { Some(self) } else { self.converted(to) }
    }

    fn converted(self, to: Kind) -> Option<Sample<'t>> {
        match to {
            Kind::Any => Some(self),
            // An address is a number, but no boolean.
            Kind::Bool if matches!(self, Sample::Ipv4(_)) => None,
            Kind::Bool => self.to_int().map(|value| Sample::Bool(value != 0)),
            Kind::Int => self.to_int().map(Sample::Int),
            Kind::Addr => self.to_address().map(Sample::address),
            Kind::Ipv4 => match self.to_address()? {
                IpAddr::V4(address) => Some(Sample::Ipv4(address)),
                IpAddr::V6(address) => address.to_ipv4_mapped().map(Sample::Ipv4),
            },
            Kind::Ipv6 => match self.to_address()? {
                IpAddr::V4(address) => Some(Sample::Ipv6(address.to_ipv6_mapped())),
                IpAddr::V6(address) => Some(Sample::Ipv6(address)),
            },
            Kind::Str => Some(Sample::Str(match self {
                // A string ends at a NUL.
                Sample::Bin(text) => {
                    let end = memchr::memchr(0, &text).unwrap_or(text.len());
                    if end == text.len() { text } else { text.part(0, end) }
                }
                other => other.into_text(),
            })),
            Kind::Bin => Some(Sample::Bin(match self {
                Sample::Bool(value) => Text::Built(i64::from(value).to_be_bytes().into()),
                Sample::Int(value) => Text::Built(value.to_be_bytes().into()),
                Sample::Ipv4(address) => Text::Built(address.octets().into()),
                Sample::Ipv6(address) => Text::Built(address.octets().into()),
                Sample::Str(text) | Sample::Bin(text) | Sample::Method(text) => text,
            })),
            Kind::Method => match self {
                Sample::Str(text) | Sample::Method(text) => Some(Sample::Method(text)),
                _ => None,
            },
        }
    }

    /// As a number.
    pub fn to_int(&self) -> Option<i64> {
        match self {
            Sample::Bool(value) => Some(i64::from(*value)),
            Sample::Int(value) => Some(*value),
            Sample::Ipv4(address) => Some(i64::from(address.to_bits())),
            Sample::Str(text) => (!text.is_empty()).then(|| leading_int(text)),
            Sample::Ipv6(_) | Sample::Bin(_) | Sample::Method(_) => None,
        }
    }

    /// As an address.
    pub fn to_address(&self) -> Option<IpAddr> {
        match self {
            Sample::Ipv4(address) => Some(IpAddr::V4(*address)),
            Sample::Ipv6(address) => Some(IpAddr::V6(*address)),
            // The low 32 bits, as HAProxy takes them.
            Sample::Int(value) => Some(IpAddr::V4(Ipv4Addr::from_bits(*value as u32))),
            Sample::Str(text) => std::str::from_utf8(text).ok()?.parse().ok(),
            Sample::Bool(_) | Sample::Bin(_) | Sample::Method(_) => None,
        }
    }

    /// As text, binary bytes as they are.
    pub fn into_text(self) -> Text<'t> {
        match self {
            Sample::Str(text) | Sample::Bin(text) | Sample::Method(text) => text,
            other => {
                let mut out = Vec::with_capacity(24);
                other.write(&mut out);
                Text::Built(out)
            }
        }
    }

    /// The text of it, without copying where it is text.
    pub fn text(&self) -> Cow<'_, [u8]> {
        match self {
            Sample::Str(text) | Sample::Bin(text) | Sample::Method(text) => Cow::Borrowed(text),
            other => {
                let mut out = Vec::with_capacity(24);
                other.write(&mut out);
                Cow::Owned(out)
            }
        }
    }

    /// Appends it as text.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Sample::Bool(value) => write_number(out, i64::from(*value)),
            Sample::Int(value) => write_number(out, *value),
            Sample::Ipv4(address) => write_address(out, IpAddr::V4(*address)),
            // Writing to a Vec cannot fail. One that is mapped stays IPv6, and `::a.b.c.d` is written as inet_ntop does.
            Sample::Ipv6(address) => match address.to_bits() {
                low @ 0x1_0000..=0xffff_ffff => _ = write!(out, "::{}", Ipv4Addr::from_bits(low as u32)),
                _ => _ = write!(out, "{address}"),
            },
            Sample::Str(text) | Sample::Bin(text) | Sample::Method(text) => out.extend_from_slice(text),
        }
    }
}

/// The number that a text starts with; 0 if there is none. Saturates.
pub fn leading_int(text: &[u8]) -> i64 {
    let (is_negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let digits = digits.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0_i64, |value, digit| {
        let digit = i64::from(digit - b'0');
        let value = value.saturating_mul(10);
        if is_negative { value.saturating_sub(digit) } else { value.saturating_add(digit) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn casts_that_are_announced_exist() {
        let samples = [
            Sample::Bool(true),
            Sample::Int(7),
            Sample::Ipv4(Ipv4Addr::new(127, 0, 0, 1)),
            Sample::Ipv6(Ipv4Addr::LOCALHOST.to_ipv6_mapped()),
            Sample::str(b"192.0.2.1"),
            Sample::Bin(Text::Borrowed(b"x")),
            Sample::Method(Text::Borrowed(b"GET")),
        ];
        let kinds =
            [Kind::Bool, Kind::Int, Kind::Addr, Kind::Ipv4, Kind::Ipv6, Kind::Str, Kind::Bin, Kind::Method, Kind::Any];
        for sample in samples {
            for to in kinds.into_iter().filter(|to| sample.kind().casts_to(*to)) {
                assert!(sample.clone().cast(to).is_some(), "{:?} to {to:?}", sample.kind());
            }
        }
    }

    #[test]
    fn numbers_are_read_as_far_as_they_go() {
        assert_eq!(leading_int(b"12abc"), 12);
        assert_eq!(leading_int(b"-12"), -12);
        assert_eq!(leading_int(b"abc"), 0);
        assert_eq!(leading_int(b"0x10"), 0);
        assert_eq!(leading_int(b"99999999999999999999"), i64::MAX);
        assert_eq!(leading_int(b"-99999999999999999999"), i64::MIN);
    }
}
