//! Bytes to values and back, nothing else.
//!
//! Decides whether bytes are well formed, never whether a message is welcome (that is `vrrp`), and does no I/O.
//! Every function takes hostile bytes without panicking. Start with [`vrrp`]; [`frame`] is the small IP reader that
//! recordings and tests need.

pub mod checksum;
pub mod vrrp;
pub mod arp;
pub mod ndisc;
pub mod tcp;
pub mod proxy_protocol;
pub mod socks4;
pub mod syslog;
pub mod dns;
pub mod frame;

/// A hardware address as it stands in an Ethernet header.
pub type Mac = [u8; 6];
