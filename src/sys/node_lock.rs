//! One holder of virtual IPs for each node.
//!
//! The lock is the name of an abstract Unix socket: it belongs to a network namespace, as addresses do, and is free again
//! the moment the process is gone, however it went (unix(7)).

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

const NAME: &str = "vipgate/virtual-addresses";

/// Held as long as it lives.
#[derive(Debug)]
pub struct NodeLock {
    _socket: UnixDatagram,
}

impl NodeLock {
    /// Takes the lock of this network namespace.
    ///
    /// # Errors
    /// `AddrInUse`: another process has it.
    pub fn take() -> io::Result<NodeLock> {
        Ok(NodeLock { _socket: UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(NAME)?)? })
    }
}
