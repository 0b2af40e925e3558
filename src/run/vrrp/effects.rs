//! The router's outputs carried out, and the kernel's answers.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::net::IpAddr;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

use super::farewell;
use super::links::Links;
use super::notice::VrrpNotice;
use super::probes::{Answer, Probes};
use crate::model::vrrp::{Family, Instance, Transport, VirtualAddress};
use crate::sys::link_frame::LinkSender;
use crate::sys::netlink::{Installation, Kernel, held, installed_prefix};
use crate::sys::vrrp_socket::{LONGEST, VrrpSocket};
use crate::time::Instant;
use crate::vrrp::io::{Received, Transmit};
use crate::wire::{arp, ndisc};

/// Pause between two log lines about the same trouble.
const SILENCE: Duration = Duration::from_secs(10);

/// Two hops between threads, with room.
const PARTING: Duration = Duration::from_millis(5);

/// What the workers get to say goodbye on an address before it goes: a FIN can leave only while the address is here, and
/// without one an idle client learns from a reset, at its next request, that its connection is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parting {
    /// [`PARTING`].
    Short,
    /// They have said it.
    Over,
}

/// Everything that vg-vrrp has in its hands.
pub struct Effects {
    /// Requests to the kernel.
    pub kernel: Kernel,
    /// Interfaces and addresses.
    pub links: Links,
    frames: LinkSender,
    probes: Probes,
    sockets: Vec<(VrrpSocket, Vec<IpAddr>)>,
    held: HashMap<(String, IpAddr), Installation>,
    notices: UnboundedSender<VrrpNotice>,
    last_complaint: HashMap<(&'static str, String), Instant>,
    buffer: Vec<u8>,
}

impl Effects {
    /// Opens what does not depend on the configuration.
    pub fn open(notices: UnboundedSender<VrrpNotice>) -> io::Result<Effects> {
        Ok(Effects {
            kernel: Kernel::open()?,
            links: Links::default(),
            frames: LinkSender::open()?,
            probes: Probes::default(),
            sockets: Vec::new(),
            held: HashMap::new(),
            notices,
            last_complaint: HashMap::new(),
            buffer: vec![0; LONGEST],
        })
    }

    /// Has exactly the sockets that these instances need: one for each interface that exists and family. A socket of an
    /// interface that was deleted and made again is opened anew.
    pub fn arrange_sockets(&mut self, now: Instant, instances: &[Instance]) {
        let mut wanted: BTreeMap<(String, Family), BTreeSet<IpAddr>> = BTreeMap::new();
        for instance in instances {
            let groups = wanted.entry((instance.interface.clone(), instance.family)).or_default();
            if let Transport::Multicast { group } = instance.transport {
                groups.insert(group);
            }
        }
        let mut old = std::mem::take(&mut self.sockets);
        for ((interface, family), groups) in wanted {
            let Some(index) = self.links.interface(&interface).map(|interface| interface.index) else { continue };
            let groups: Vec<_> = groups.into_iter().collect();
            let is_same = |(socket, joined): &(VrrpSocket, Vec<IpAddr>)| {
                (socket.interface(), socket.index(), socket.family(), joined)
                    == (interface.as_str(), index, family, &groups)
            };
            if let Some(position) = old.iter().position(is_same) {
                self.sockets.push(old.swap_remove(position));
                continue;
            }
            match VrrpSocket::open(&interface, index, family, &groups) {
                Ok(socket) => self.sockets.push((socket, groups)),
                Err(error) => {
                    if self.may_complain(now, "socket", &interface) {
                        tracing::error!(interface, ?family, %error, "VRRP socket cannot be opened");
                    }
                }
            }
        }
    }

    /// Ready when a socket may have something.
    pub fn poll_ready(&self, context: &mut Context<'_>) -> Poll<()> {
        // Every socket has to be asked, so that each of them wakes this task.
        let ready = self.sockets.iter().filter(|(socket, _)| socket.poll_ready(context).is_ready()).count();
        let is_answer = self.probes.poll_ready(context).is_ready();
        if ready > 0 || is_answer { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Asks the link who has these addresses.
    pub fn probe(&mut self, now: Instant, addresses: &[VirtualAddress]) {
        let asked = self.probes.ask(now, &self.links, &self.frames, addresses);
        let Some(VirtualAddress { address, interface, .. }) = addresses.first() else { return };
        if let Err(error) = asked
            && self.may_complain(now, "probe", interface)
        {
            tracing::warn!(%address, interface, %error, "cannot ask who has a virtual IP: it counts as free");
        }
    }

    /// Looks out for somebody else who announces these addresses.
    pub fn watch_for_others(&mut self, now: Instant, addresses: &[VirtualAddress]) {
        for vip in addresses {
            if let Err(error) = self.probes.listen_for(now, &self.links, vip)
                && self.may_complain(now, "probe", &vip.interface)
            {
                let VirtualAddress { address, interface, .. } = vip;
                tracing::warn!(%address, interface, %error, "cannot see when the new Master has announced itself");
            }
        }
    }

    /// Who has answered or announced since the last time.
    pub fn answers(&mut self, now: Instant) -> Vec<Answer> {
        self.probes.answers(now)
    }

    /// Reads up to `budget` messages, taking turns between the sockets, and tells whether the budget was used up.
    pub fn receive(&mut self, budget: usize, mut each: impl FnMut(Received)) -> bool {
        let mut left = budget;
        let mut is_busy = true;
        while is_busy && left > 0 {
            is_busy = false;
            for (socket, _) in &self.sockets {
                if left == 0 {
                    break;
                }
                match socket.receive(&mut self.buffer) {
                    Ok(message) => {
                        left -= 1;
                        is_busy = true;
                        message.into_iter().for_each(&mut each);
                    }
                    // ENETDOWN is reported once when the interface goes; the link event tells the rest.
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(_) => left -= 1,
                }
            }
        }
        left == 0
    }

    /// Sends an advert.
    pub fn send(&mut self, now: Instant, message: &Transmit) {
        let family = Family::of(message.destination);
        let socket = self
            .sockets
            .iter()
            .find(|(socket, _)| socket.interface() == message.interface && socket.family() == family);
        let result = match socket {
            Some((socket, _)) => {
                farewell::remember(socket.index(), message);
                socket.send(message)
            }
            None => Err(io::Error::other("no socket on this interface")),
        };
        if let Err(error) = result
            && self.may_complain(now, "send", &message.interface)
        {
            let Transmit { interface, destination, .. } = message;
            tracing::warn!(interface, %destination, %error, "advert cannot be sent");
        }
    }

    /// Installs addresses, all or none; `Err` is what the router is told.
    pub fn add(&mut self, addresses: &[VirtualAddress], lease: Option<Duration>) -> Result<(), String> {
        for (number, vip) in addresses.iter().enumerate() {
            if let Err(error) = self.install(vip, lease) {
                self.remove(&addresses[..number], Parting::Over);
                return Err(format!("cannot add {} to {}: {error}", vip.address, vip.interface));
            }
            let _ = self.notices.send(VrrpNotice::VipArrived(vip.address));
        }
        Ok(())
    }

    /// Renews the lease of addresses that are there.
    pub fn renew(&mut self, now: Instant, addresses: &[VirtualAddress], lease: Option<Duration>) {
        for vip in addresses {
            if let Err(error) = self.install(vip, lease)
                && self.may_complain(now, "renew", &vip.interface)
            {
                let VirtualAddress { address, interface, .. } = vip;
                tracing::error!(%address, interface, %error, "lease of a virtual IP cannot be renewed");
            }
        }
    }

    fn install(&mut self, vip: &VirtualAddress, lease: Option<Duration>) -> io::Result<()> {
        let missing = || io::Error::from_raw_os_error(libc::ENODEV);
        let index = self.links.interface(&vip.interface).ok_or_else(missing)?.index;
        let key = (vip.interface.clone(), vip.address);
        let installation = match self.held.get(&key) {
            Some(held) if held.index == index => *held,
            _ => {
                let prefix = installed_prefix(vip.address, vip.prefix, self.links.own_addresses(index));
                Installation { index, address: vip.address, prefix }
            }
        };
        held::note(installation);
        let result = self.kernel.install(installation, lease);
        match result {
            Ok(()) => drop(self.held.insert(key, installation)),
            Err(_) if !self.held.contains_key(&key) => held::forget(installation),
            Err(_) => {}
        }
        result
    }

    /// Removes addresses; one that is not held is passed over.
    pub fn remove(&mut self, addresses: &[VirtualAddress], parting: Parting) {
        let keys = addresses.iter().map(|vip| (vip.interface.clone(), vip.address));
        let leaving: Vec<_> = keys.filter_map(|key| self.held.remove_entry(&key)).collect();
        self.give_up(leaving, parting);
    }

    /// Removes every address that is still held.
    pub fn remove_all(&mut self) {
        let leaving = self.held.drain().collect();
        self.give_up(leaving, Parting::Short);
    }

    fn give_up(&mut self, leaving: Vec<((String, IpAddr), Installation)>, parting: Parting) {
        for ((_, address), _) in &leaving {
            let _ = self.notices.send(VrrpNotice::VipLeft(*address));
        }
        if parting == Parting::Short && !leaving.is_empty() {
            part();
        }
        for ((interface, address), installation) in leaving {
            match self.kernel.remove(installation) {
                Ok(()) => held::forget(installation),
                // It stays noted for the panic hook and `release-vips`; its lease ends by itself.
                Err(error) => tracing::error!(%address, interface, %error, "virtual IP cannot be removed"),
            }
        }
    }

    /// Sends `repeat` gratuitous ARPs or neighbour advertisements for each address, taking turns between the addresses.
    pub fn announce(&mut self, now: Instant, addresses: &[VirtualAddress], repeat: u32) {
        let frames: Vec<_> = addresses
            .iter()
            .filter_map(|vip| {
                let interface = self.links.interface(&vip.interface)?;
                let mac = interface.mac?;
                let frame = match vip.address {
                    IpAddr::V4(address) => arp::gratuitous(mac, address),
                    IpAddr::V6(address) => ndisc::unsolicited(mac, address),
                };
                Some((interface.index, vip, frame))
            })
            .collect();
        let mut refusal = None;
        for _ in 0..repeat {
            for (index, vip, frame) in &frames {
                if let Err(error) = self.frames.send(*index, frame) {
                    refusal = Some((*vip, error));
                }
            }
        }
        if let Some((VirtualAddress { address, interface, .. }, error)) = refusal
            && self.may_complain(now, "announce", interface)
        {
            tracing::warn!(%address, interface, %error, "virtual IP cannot be announced");
        }
    }

    /// Those of these addresses that are held, with the number of their interface.
    pub fn places(&self, addresses: &[VirtualAddress]) -> Vec<(IpAddr, u32)> {
        let place = |vip: &VirtualAddress| self.held.get(&(vip.interface.clone(), vip.address));
        addresses.iter().filter_map(|vip| Some((vip.address, place(vip)?.index))).collect()
    }

    /// The interface's name and the address, if an address that somebody removed is held by us.
    pub fn held_on(&self, index: u32, address: IpAddr) -> Option<(String, IpAddr)> {
        let mut held = self.held.iter();
        held.find(|(key, held)| held.index == index && key.1 == address).map(|(key, _)| key.clone())
    }

    /// Held addresses that were not there when the tables were last read.
    pub fn missing(&self) -> Vec<(String, IpAddr)> {
        let is_missing = |held: &&Installation| !self.links.has(held.index, held.address);
        let mut missing: Vec<_> =
            self.held.iter().filter(|(_, held)| is_missing(held)).map(|(key, _)| key.clone()).collect();
        missing.sort();
        missing
    }

    /// Whether this trouble has been silent long enough to be logged again.
    pub fn may_complain(&mut self, now: Instant, trouble: &'static str, about: &str) -> bool {
        let last = self.last_complaint.entry((trouble, about.to_owned())).or_insert(Instant::ZERO);
        let may = *last == Instant::ZERO || now.since(*last) >= SILENCE;
        if may {
            *last = now;
        }
        may
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "nothing tells when the workers have said goodbye; the bound is the point"
)]
fn part() {
    std::thread::sleep(PARTING);
}
