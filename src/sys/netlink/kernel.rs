//! Requests to the kernel.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use netlink_packet_core::{NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_REPLACE, NLM_F_REQUEST};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::address::AddressMessage;
use netlink_packet_route::link::LinkMessage;

use super::address::{Address, Installation};
use super::link::Interface;
use super::socket::{RouteSocket, Waiting};

/// Asks the kernel for changes and reads its tables. Belongs to one thread.
#[derive(Debug)]
pub struct Kernel {
    socket: RouteSocket,
}

impl Kernel {
    /// Opens a socket in the calling thread's network namespace.
    pub fn open() -> io::Result<Kernel> {
        Ok(Kernel { socket: RouteSocket::open(0, Waiting::Blocking)? })
    }

    /// Netlink port: changes that were made through this object carry it in [`super::Event`].
    pub fn port(&self) -> u32 {
        self.socket.port()
    }

    /// Installs an address, or renews its lease and tag if it is there (RTM_NEWADDR with NLM_F_REPLACE).
    /// `Err` is the kernel's refusal: no such interface, not permitted...
    pub fn install(&mut self, installation: Installation, lease: Option<Duration>) -> io::Result<()> {
        let message = RouteNetlinkMessage::NewAddress(installation.to_install(lease));
        self.socket.request(&message, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE).map(drop)
    }

    /// Removes an address. One that is not there, or whose interface is gone, is removed already.
    pub fn remove(&mut self, installation: Installation) -> io::Result<()> {
        let message = RouteNetlinkMessage::DelAddress(installation.to_remove());
        match self.socket.request(&message, NLM_F_REQUEST | NLM_F_ACK) {
            Err(error) if matches!(error.raw_os_error(), Some(libc::EADDRNOTAVAIL | libc::ENODEV)) => Ok(()),
            other => other.map(drop),
        }
    }

    /// Removes every address of this value from an interface, whatever its prefix length, and tells how many there were.
    pub fn remove_any_prefix(&mut self, index: u32, address: IpAddr) -> io::Result<usize> {
        let found: Vec<_> =
            self.addresses()?.into_iter().filter(|found| found.index == index && found.address == address).collect();
        for found in &found {
            self.remove(found.into())?;
        }
        Ok(found.len())
    }

    /// Every IPv4 and IPv6 address of the network namespace, in the kernel's order for each interface and family.
    pub fn addresses(&mut self) -> io::Result<Vec<Address>> {
        let message = RouteNetlinkMessage::GetAddress(AddressMessage::default());
        let answer = self.socket.request(&message, NLM_F_REQUEST | NLM_F_DUMP)?;
        Ok(answer.iter().filter_map(|raw| Address::parse(&raw.payload)).collect())
    }

    /// Every interface of the network namespace.
    pub fn interfaces(&mut self) -> io::Result<Vec<Interface>> {
        let message = RouteNetlinkMessage::GetLink(LinkMessage::default());
        let answer = self.socket.request(&message, NLM_F_REQUEST | NLM_F_DUMP)?;
        Ok(answer.iter().filter_map(|raw| Interface::parse(&raw.payload)).collect())
    }
}
