//! VRRP messages: version 2 (RFC 3768, with the authentication data of RFC 2338) and version 3 (RFC 9568).
//!
//! [`Message`] borrows the bytes and answers one question at a time, so that a receiver can put its own checks between
//! them; [`parse`] asks all of them. [`Advert::build`] is the way back.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::checksum::{self, Sum};

/// Type field of the only message there is.
const ADVERTISEMENT: u8 = 1;
/// Fixed part, bytes.
const HEADER: usize = 8;
/// Authentication data at the end of a version 2 message, bytes; always present.
const AUTHENTICATION: usize = 8;
/// Addresses that the one-byte count can announce.
pub const MAX_ADDRESSES: usize = 255;
/// Largest version 3 interval, centiseconds.
pub const MAX_INTERVAL: u16 = 0x0fff;

/// An advertisement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advert {
    /// Virtual router identifier; 1-255 from [`parse`].
    pub vrid: u8,
    /// 1-254, 255 for the owner, 0 when the Master leaves.
    pub priority: u8,
    /// Virtual addresses, all of the family of the IP header; at most 255.
    pub addresses: Vec<IpAddr>,
    /// What the versions disagree about.
    pub body: Body,
}

/// The part of an advert that depends on the version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// Version 2, IPv4 only.
    V2 {
        /// Advertisement interval, seconds, 1-255.
        interval: u8,
        /// Authentication.
        authentication: Authentication,
    },
    /// Version 3.
    V3 {
        /// Max Advertise Interval, centiseconds, 1-4095.
        interval: u16,
    },
}

/// Authentication of a version 2 message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authentication {
    /// Type 0. The data is not looked at.
    None,
    /// Type 1: clear text.
    Pass([u8; 8]),
    /// Any other type (2 is the IP authentication header).
    Other {
        /// Type field.
        kind: u8,
        /// Data field.
        data: [u8; 8],
    },
}

impl Authentication {
    fn parts(self) -> (u8, [u8; 8]) {
        match self {
            Authentication::None => (0, [0; 8]),
            Authentication::Pass(data) => (1, data),
            Authentication::Other { kind, data } => (kind, data),
        }
    }
}

/// Which bytes the checksum covers (version 3 over IPv4; the other messages have one form each).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Coverage {
    /// Pseudo-header and message: keepalived, FRR; IPv6 always.
    PseudoHeader,
    /// The message alone: RFC 9568 §5.2.8; version 2 always.
    MessageOnly,
    /// As the first, but the pseudo-header says 224.0.0.18 whatever the destination: keepalived up to 1.3.6.
    PseudoHeaderMulticast,
}

/// Why bytes are not an advert. The peer (or whoever poses as one) is to blame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Malformed {
    /// Shorter than its header says.
    #[error("message is shorter than its header says")]
    TooShort,
    /// Longer than its header says (an authentication trailer, perhaps).
    #[error("message is longer than its header says")]
    TrailingBytes,
    /// Neither version 2 nor 3, or version 2 over IPv6.
    #[error("version is not known here")]
    Version,
    /// VRID 0.
    #[error("virtual router identifier is zero")]
    Vrid,
    /// No form of the checksum fits.
    #[error("checksum is wrong")]
    Checksum,
    /// Not an advertisement.
    #[error("type is not advertisement")]
    Type,
    /// Interval 0 (RFC 9568 erratum 8301).
    #[error("advertisement interval is zero")]
    Interval,
}

impl Malformed {
    /// Name of the counter.
    pub const fn counter(self) -> &'static str {
        match self {
            Malformed::TooShort => "too_short",
            Malformed::TrailingBytes => "trailing_bytes",
            Malformed::Version => "version",
            Malformed::Vrid => "vrid_zero",
            Malformed::Checksum => "checksum",
            Malformed::Type => "type",
            Malformed::Interval => "interval_zero",
        }
    }
}

/// Bytes whose version and length are right.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    bytes: &'a [u8],
    is_v2: bool,
    source: IpAddr,
    destination: IpAddr,
}

impl<'a> Message<'a> {
    /// Checks version and length of an IP payload that went from `source` to `destination`.
    ///
    /// # Errors
    /// [`Malformed::TooShort`], [`Malformed::TrailingBytes`] or [`Malformed::Version`].
    pub fn new(bytes: &'a [u8], source: IpAddr, destination: IpAddr) -> Result<Message<'a>, Malformed> {
        let [first, _, _, count, ..] = *bytes else { return Err(Malformed::TooShort) };
        if bytes.len() < HEADER {
            return Err(Malformed::TooShort);
        }
        let is_v2 = match (first >> 4, source, destination) {
            (2, IpAddr::V4(_), IpAddr::V4(_)) => true,
            (3, IpAddr::V4(_), IpAddr::V4(_)) | (3, IpAddr::V6(_), IpAddr::V6(_)) => false,
            _ => return Err(Malformed::Version),
        };
        let each = if source.is_ipv4() { 4 } else { 16 };
        let expected = HEADER + usize::from(count) * each + if is_v2 { AUTHENTICATION } else { 0 };
        match bytes.len().cmp(&expected) {
            std::cmp::Ordering::Less => Err(Malformed::TooShort),
            std::cmp::Ordering::Greater => Err(Malformed::TrailingBytes),
            std::cmp::Ordering::Equal => Ok(Message { bytes, is_v2, source, destination }),
        }
    }

    /// 2 or 3.
    pub fn version(&self) -> u8 {
        if self.is_v2 { 2 } else { 3 }
    }

    /// Virtual router identifier, 0 too.
    pub fn vrid(&self) -> u8 {
        self.bytes[1]
    }

    /// Authentication of a version 2 message, `None` for version 3.
    pub fn authentication(&self) -> Option<Authentication> {
        if !self.is_v2 {
            return None;
        }
        let data = *self.bytes.last_chunk::<AUTHENTICATION>()?;
        Some(match self.bytes[4] {
            0 => Authentication::None,
            1 => Authentication::Pass(data),
            kind => Authentication::Other { kind, data },
        })
    }

    /// The first form under which the checksum is right.
    ///
    /// # Errors
    /// [`Malformed::Checksum`] if there is none.
    pub fn coverage(&self) -> Result<Coverage, Malformed> {
        let forms: &[Coverage] = match (self.is_v2, self.source) {
            (true, _) => &[Coverage::MessageOnly],
            (false, IpAddr::V6(_)) => &[Coverage::PseudoHeader],
            (false, IpAddr::V4(_)) => &[Coverage::PseudoHeader, Coverage::MessageOnly, Coverage::PseudoHeaderMulticast],
        };
        forms
            .iter()
            .copied()
            .find(|form| start(*form, self.source, self.destination, self.bytes.len()).over(self.bytes).finish() == 0)
            .ok_or(Malformed::Checksum)
    }

    /// The advert, without a look at the checksum.
    ///
    /// # Errors
    /// [`Malformed::Vrid`], [`Malformed::Type`] or [`Malformed::Interval`].
    pub fn advert(&self) -> Result<Advert, Malformed> {
        if self.vrid() == 0 {
            return Err(Malformed::Vrid);
        }
        if self.bytes[0] & 0x0f != ADVERTISEMENT {
            return Err(Malformed::Type);
        }
        let body = match self.authentication() {
            Some(authentication) => Body::V2 { interval: self.bytes[5], authentication },
            None => Body::V3 { interval: u16::from_be_bytes([self.bytes[4], self.bytes[5]]) & MAX_INTERVAL },
        };
        if matches!(body, Body::V2 { interval: 0, .. } | Body::V3 { interval: 0 }) {
            return Err(Malformed::Interval);
        }
        let end = self.bytes.len() - if self.is_v2 { AUTHENTICATION } else { 0 };
        let list = &self.bytes[HEADER..end];
        let addresses = if self.source.is_ipv4() {
            list.as_chunks::<4>().0.iter().map(|octets| IpAddr::V4(Ipv4Addr::from(*octets))).collect()
        } else {
            list.as_chunks::<16>().0.iter().map(|octets| IpAddr::V6(Ipv6Addr::from(*octets))).collect()
        };
        Ok(Advert { vrid: self.vrid(), priority: self.bytes[2], addresses, body })
    }
}

/// Reads an IP payload that went from `source` to `destination`, and says which form its checksum has.
///
/// # Errors
/// The first thing that is wrong, in the order length, version, checksum, VRID, type, interval.
pub fn parse(bytes: &[u8], source: IpAddr, destination: IpAddr) -> Result<(Advert, Coverage), Malformed> {
    let message = Message::new(bytes, source, destination)?;
    let coverage = message.coverage()?;
    Ok((message.advert()?, coverage))
}

impl Advert {
    /// The message for the way from `source` to `destination`. `coverage` counts for version 3 over IPv4 only.
    /// Addresses of another family than `source` and those after the 255th are left out.
    pub fn build(&self, source: IpAddr, destination: IpAddr, coverage: Coverage) -> Vec<u8> {
        let fitting = || self.addresses.iter().filter(|address| address.is_ipv4() == source.is_ipv4());
        let count = fitting().count().min(MAX_ADDRESSES);
        let mut bytes = Vec::with_capacity(HEADER + count * 16 + AUTHENTICATION);
        let (version, fourth, fifth) = match self.body {
            Body::V2 { interval, authentication } => (2, authentication.parts().0, interval),
            Body::V3 { interval } => {
                let [high, low] = interval.min(MAX_INTERVAL).to_be_bytes();
                (3, high, low)
            }
        };
        bytes.extend([version << 4 | ADVERTISEMENT, self.vrid, self.priority, count as u8, fourth, fifth, 0, 0]);
        for address in fitting().take(MAX_ADDRESSES) {
            match address {
                IpAddr::V4(address) => bytes.extend(address.octets()),
                IpAddr::V6(address) => bytes.extend(address.octets()),
            }
        }
        let coverage = match (self.body, source) {
            (Body::V2 { authentication, .. }, _) => {
                bytes.extend(authentication.parts().1);
                Coverage::MessageOnly
            }
            (Body::V3 { .. }, IpAddr::V6(_)) => Coverage::PseudoHeader,
            (Body::V3 { .. }, IpAddr::V4(_)) => coverage,
        };
        let sum = start(coverage, source, destination, bytes.len()).over(&bytes).finish();
        bytes[6..8].copy_from_slice(&sum.to_be_bytes());
        bytes
    }
}

/// What is summed before the message.
fn start(coverage: Coverage, source: IpAddr, destination: IpAddr, length: usize) -> Sum {
    match coverage {
        Coverage::MessageOnly => Sum::default(),
        Coverage::PseudoHeader => checksum::pseudo(source, destination, length).unwrap_or_default(),
        Coverage::PseudoHeaderMulticast => {
            let group = IpAddr::V4(Ipv4Addr::new(224, 0, 0, 18));
            checksum::pseudo(source, group, length).unwrap_or_default()
        }
    }
}
