//! Interfaces and addresses as the kernel has them, and what the router is told of them.
//!
//! Levels, not events: an event only says that it is time to look again, so a lost or reordered one does no harm.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::IpAddr;

use crate::model::Priority;
use crate::model::vrrp::Instance;
use crate::sys::netlink::{Address, Event, Interface, Kernel};
use crate::vrrp::io::Link;

/// The present tables and what was last reported of them.
#[derive(Debug, Default)]
pub struct Links {
    interfaces: BTreeMap<u32, Interface>,
    addresses: Vec<Address>,
    /// Interfaces that carry adverts.
    watched: BTreeSet<String>,
    /// Virtual IPs of the model, those of an address owner (priority 255) excepted: they are its own.
    virtual_ips: BTreeSet<IpAddr>,
    reported: BTreeMap<String, Link>,
}

/// What an event asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Consequence {
    /// Nothing that concerns us.
    None,
    /// Interfaces have changed; report.
    Report,
    /// Read the addresses again, then report.
    Reread,
    /// An address was removed, not by us.
    Removed(Address),
    /// Events were lost: read everything again and look for what was removed.
    Resync,
}

impl Links {
    /// Watches the interfaces of these instances from now on, and reports all of them again.
    pub fn watch(&mut self, instances: &[Instance]) {
        self.watched = instances.iter().map(|instance| instance.interface.clone()).collect();
        let others = instances.iter().filter(|instance| instance.priority != Priority::OWNER);
        self.virtual_ips = others.flat_map(|instance| &instance.addresses).map(|vip| vip.address).collect();
        self.reported.clear();
    }

    /// Reads both tables.
    pub fn resync(&mut self, kernel: &mut Kernel) -> io::Result<()> {
        self.interfaces = kernel.interfaces()?.into_iter().map(|interface| (interface.index, interface)).collect();
        self.reread(kernel)
    }

    /// Reads the addresses.
    pub fn reread(&mut self, kernel: &mut Kernel) -> io::Result<()> {
        self.addresses = kernel.addresses()?;
        Ok(())
    }

    /// Takes note of an event. `own_port` is that of our requests: their echo is no news.
    pub fn follow(&mut self, event: Event, own_port: u32) -> Consequence {
        match event {
            Event::Link(interface) => {
                self.interfaces.insert(interface.index, interface);
                Consequence::Report
            }
            Event::LinkGone(interface) => {
                self.interfaces.remove(&interface.index);
                Consequence::Report
            }
            Event::Address { by, .. } | Event::AddressGone { by, .. } if by == own_port => Consequence::None,
            // The lifetime of a virtual IP: nobody's source, so nothing to report.
            Event::Address { address, .. } if address.is_tagged => Consequence::None,
            Event::Address { .. } => Consequence::Reread,
            Event::AddressGone { address, .. } => Consequence::Removed(address),
            Event::Lost => Consequence::Resync,
        }
    }

    /// What differs from the last report.
    pub fn changes(&mut self) -> Vec<Link> {
        let links: Vec<_> = self.watched.iter().map(|name| self.link(name)).collect();
        let is_new = |link: &Link| self.reported.get(&link.interface) != Some(link);
        let changed: Vec<_> = links.into_iter().filter(is_new).collect();
        self.reported.extend(changed.iter().map(|link| (link.interface.clone(), link.clone())));
        changed
    }

    fn link(&self, name: &str) -> Link {
        let interface = self.interface(name);
        let own = interface.map_or(Vec::new(), |interface| self.own_addresses(interface.index));
        Link {
            interface: name.to_owned(),
            is_there: interface.is_some(),
            is_up: interface.is_some_and(|interface| interface.is_up),
            addresses: own.into_iter().map(|(address, _)| address).collect(),
        }
    }

    /// The node's own addresses on an interface, in the kernel's order: neither tagged, nor virtual IPs of the model (a
    /// kernel before 5.18 has no tags), nor still under duplicate address detection.
    pub fn own_addresses(&self, index: u32) -> Vec<(IpAddr, u8)> {
        let is_own = |address: &&Address| {
            address.index == index
                && address.is_settled
                && !address.is_tagged
                && !self.virtual_ips.contains(&address.address)
        };
        self.addresses.iter().filter(is_own).map(|address| (address.address, address.prefix)).collect()
    }

    /// Whether an address was there when the table was last read.
    pub fn has(&self, index: u32, address: IpAddr) -> bool {
        self.addresses.iter().any(|found| found.index == index && found.address == address)
    }

    /// An interface by name.
    pub fn interface(&self, name: &str) -> Option<&Interface> {
        self.interfaces.values().find(|interface| interface.name == name)
    }

    /// Whether an interface exists, is administratively up and has carrier.
    pub fn is_up(&self, name: &str) -> bool {
        self.interface(name).is_some_and(|interface| interface.is_up)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: u32 = 77;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn address(text: &str, is_tagged: bool) -> Address {
        Address { index: 2, address: ip(text), prefix: 24, is_tagged, is_settled: true, lifetime: None }
    }

    fn eth0(is_up: bool) -> Interface {
        Interface { index: 2, name: "eth0".into(), is_up, mac: Some([2; 6]) }
    }

    fn links() -> Links {
        Links {
            watched: BTreeSet::from(["eth0".to_owned()]),
            virtual_ips: BTreeSet::from([ip("192.0.2.252")]),
            ..Links::default()
        }
    }

    #[test]
    fn missing_interface_is_reported_once() {
        let mut links = links();
        assert_eq!(
            links.changes(),
            [Link { interface: "eth0".into(), is_there: false, is_up: false, addresses: vec![] }]
        );
        assert!(links.changes().is_empty());
    }

    #[test]
    fn virtual_ips_are_never_own_addresses() {
        let mut links = links();
        links.follow(Event::Link(eth0(true)), OWN);
        links.addresses =
            vec![address("192.0.2.252", false), address("192.0.2.253", true), address("192.0.2.11", false)];
        assert_eq!(links.changes()[0].addresses, [ip("192.0.2.11")]);
    }

    #[test]
    fn address_under_duplicate_detection_is_no_source() {
        let mut links = links();
        links.follow(Event::Link(eth0(true)), OWN);
        links.addresses = vec![Address { is_settled: false, ..address("fe80::1", false) }];
        assert!(links.changes()[0].addresses.is_empty());
    }

    #[test]
    fn own_changes_are_no_news_and_lost_events_ask_for_everything() {
        let mut links = links();
        let gone = |by| Event::AddressGone { address: address("192.0.2.253", true), by };
        assert_eq!(links.follow(gone(OWN), OWN), Consequence::None);
        assert_eq!(links.follow(gone(0), OWN), Consequence::Removed(address("192.0.2.253", true)));
        let renewed = Event::Address { address: address("192.0.2.253", true), by: OWN };
        assert_eq!(links.follow(renewed, OWN), Consequence::None);
        assert_eq!(links.follow(Event::Lost, OWN), Consequence::Resync);
    }

    #[test]
    fn carrier_loss_is_reported() {
        let mut links = links();
        links.follow(Event::Link(eth0(true)), OWN);
        assert!(links.changes()[0].is_up && links.is_up("eth0"));
        links.follow(Event::Link(eth0(false)), OWN);
        assert!(!links.changes()[0].is_up && !links.is_up("eth0"));
    }
}
