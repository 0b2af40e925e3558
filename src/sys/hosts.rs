//! What the configuration wants to know about this host: its name, its interfaces and their addresses.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::LazyLock;

use nix::ifaddrs::getifaddrs;
use nix::unistd::gethostname;

/// An interface and its addresses with prefix lengths, as they are now (virtual IPs of a running vipgate included).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interface {
    /// Name.
    pub name: String,
    /// Address and prefix length.
    pub addresses: Vec<(IpAddr, u8)>,
}

/// The host's name up to the first dot.
pub fn short_hostname() -> io::Result<String> {
    let name = gethostname()?.to_string_lossy().into_owned();
    Ok(name.split('.').next().unwrap_or_default().to_owned())
}

/// [`short_hostname`] as it was when somebody asked first; empty if the kernel does not tell.
pub fn hostname() -> &'static str {
    static NAME: LazyLock<String> = LazyLock::new(|| short_hostname().unwrap_or_default());
    &NAME
}

/// Every interface of the current network namespace, by name.
pub fn interfaces() -> io::Result<Vec<Interface>> {
    let mut found: BTreeMap<String, Interface> = BTreeMap::new();
    for entry in getifaddrs()? {
        let interface = found.entry(entry.interface_name.clone()).or_default();
        interface.name = entry.interface_name;
        let ip = |storage: Option<nix::sys::socket::SockaddrStorage>| -> Option<IpAddr> {
            let storage = storage?;
            let v4 = storage.as_sockaddr_in().map(|address| IpAddr::V4(address.ip()));
            v4.or_else(|| storage.as_sockaddr_in6().map(|address| IpAddr::V6(address.ip())))
        };
        if let Some(address) = ip(entry.address) {
            let prefix = match ip(entry.netmask) {
                Some(IpAddr::V4(mask)) => mask.to_bits().count_ones(),
                Some(IpAddr::V6(mask)) => mask.to_bits().count_ones(),
                None if address.is_ipv4() => 32,
                None => 128,
            };
            interface.addresses.push((address, prefix as u8));
        }
    }
    Ok(found.into_values().collect())
}

/// Whether an address is one of this machine, so that a socket can be bound to it; `None` if nobody can tell.
pub fn is_own(address: IpAddr) -> Option<bool> {
    match UdpSocket::bind((address, 0)).and_then(|socket| socket.connect((address, 9))) {
        Ok(()) => Some(true),
        Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => Some(false),
        Err(_) => None,
    }
}

/// Whether the machine has a way to IPv6 addresses: the kernel is asked for the route of one that nobody has, and nothing is
/// sent.
pub fn has_ipv6_route() -> bool {
    const NOBODY: SocketAddr = SocketAddr::new(IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)), 53);
    let socket = UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0));
    socket.and_then(|socket| socket.connect(NOBODY)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_has_a_name_and_a_loopback_interface() {
        assert!(!short_hostname().unwrap().contains('.'));
        assert!(interfaces().unwrap().iter().any(|interface| interface.name == "lo"));
    }
}
