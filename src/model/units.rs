//! Numbers with a range.

use std::fmt;
use std::num::NonZeroU8;

use serde::Serialize;

/// VRRP priority of a running router: 1-254, or 255 for the address owner (RFC 9568 §5.2.4). Zero exists on the wire
/// only, where it means that the Master leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Priority(NonZeroU8);

impl Priority {
    /// The address owner.
    pub const OWNER: Priority = Priority(NonZeroU8::MAX);
    /// The least a router can offer; a degraded node offers this.
    pub const LOWEST: Priority = Priority(NonZeroU8::MIN);

    /// `None` for zero.
    pub const fn new(priority: u8) -> Option<Priority> {
        match NonZeroU8::new(priority) {
            Some(priority) => Some(Priority(priority)),
            None => None,
        }
    }

    /// 1-255.
    pub const fn value(self) -> u8 {
        self.0.get()
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Virtual router identifier, 1-255 (RFC 9568 §5.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Vrid(NonZeroU8);

impl Vrid {
    /// `None` for zero.
    pub const fn new(vrid: u8) -> Option<Vrid> {
        match NonZeroU8::new(vrid) {
            Some(vrid) => Some(Vrid(vrid)),
            None => None,
        }
    }

    /// 1-255.
    pub const fn value(self) -> u8 {
        self.0.get()
    }
}

impl fmt::Display for Vrid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Share of a server in its backend, 0-256 (HAProxy's `weight`); zero receives no new sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Weight(u16);

impl Weight {
    /// HAProxy's default.
    pub const DEFAULT: Weight = Weight(1);

    /// `None` above 256.
    pub const fn new(weight: u16) -> Option<Weight> {
        if weight <= 256 { Some(Weight(weight)) } else { None }
    }

    /// 0-256.
    pub const fn value(self) -> u16 {
        self.0
    }
}
