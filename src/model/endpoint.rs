//! Where something listens.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Where a listener listens. It prints as HAProxy writes it: `192.0.2.1:80`, `fd@3`, `unix@/run/web.sock`, `abns@web`,
/// `abnsz@web`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Endpoint {
    /// TCP; a wildcard IPv6 address takes IPv4 too.
    Tcp(SocketAddr),
    /// A listening socket that the process was started with, by its descriptor.
    Inherited(u16),
    /// A Unix stream socket by its path.
    Unix(PathBuf),
    /// A Unix stream socket in the abstract namespace, whose address is padded with zeros as HAProxy's `abns@` is.
    Abstract(String),
    /// The same without padding, as other programs write it (HAProxy's `abnsz@`).
    AbstractExact(String),
}

impl Endpoint {
    /// The address, of a TCP listener that this process opens.
    pub fn tcp(&self) -> Option<SocketAddr> {
        match self {
            Endpoint::Tcp(address) => Some(*address),
            Endpoint::Inherited(_) | Endpoint::Unix(_) | Endpoint::Abstract(_) | Endpoint::AbstractExact(_) => None,
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Endpoint::Tcp(address) => write!(formatter, "{address}"),
            Endpoint::Inherited(descriptor) => write!(formatter, "fd@{descriptor}"),
            Endpoint::Unix(path) => write!(formatter, "unix@{}", path.display()),
            Endpoint::Abstract(name) => write!(formatter, "abns@{name}"),
            Endpoint::AbstractExact(name) => write!(formatter, "abnsz@{name}"),
        }
    }
}
