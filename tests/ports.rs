//! Ports for programs that a test starts and that bind them by themselves. They lie below those that the kernel hands out
//! to clients, so that no connection of another test takes one between our look and the program's bind.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{self, UnixListener};
use std::sync::atomic::{AtomicU32, Ordering};

const FIRST: u32 = 10_000;
const END: u32 = 32_000;

/// An address on the loopback that nobody holds now. Tests run as processes beside each other: each starts its search
/// elsewhere, and none gets an address that another got.
pub fn free() -> SocketAddr {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    let start = std::process::id().wrapping_mul(37);
    loop {
        let number = start.wrapping_add(TAKEN.fetch_add(1, Ordering::Relaxed)) % (END - FIRST);
        let port = u16::try_from(FIRST + number).expect("below 65,536");
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if claim(port) && TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}

/// Keeps a port from the other tests as long as this process lives.
fn claim(port: u16) -> bool {
    let name = net::SocketAddr::from_abstract_name(format!("vipgate-test-port-{port}")).expect("a short name");
    UnixListener::bind_addr(&name).map(std::mem::forget).is_ok()
}
