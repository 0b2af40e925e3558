//! Questions to the link who has an address, and the sockets on which the answers and announcements come.
//!
//! A socket is open only while one may come, so that a busy link wakes vg-vrrp for nothing else.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::task::{Context, Poll};
use std::time::Duration;

use super::links::Links;
use crate::model::vrrp::{Family, VirtualAddress};
use crate::sys::link_frame::{LinkReceiver, LinkSender};
use crate::time::Instant;
use crate::wire::{Mac, arp, ndisc};

/// How long answers are listened for: a host that is there answers within milliseconds.
const LISTEN: Duration = Duration::from_secs(1);
/// Frames read in one turn.
const BUDGET: usize = 64;

/// Somebody has an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Interface that it came in on.
    pub interface: String,
    /// The address.
    pub address: IpAddr,
    /// Who has it.
    pub by: Mac,
}

/// Questions that wait for an answer.
#[derive(Default)]
pub struct Probes {
    open: BTreeMap<(String, Family), Listening>,
}

struct Listening {
    socket: LinkReceiver,
    own: Mac,
    until: Instant,
}

impl Probes {
    /// Asks on the interface of each address. `Err` is the first refusal: without an answer the address counts as free.
    pub fn ask(
        &mut self,
        now: Instant,
        links: &Links,
        frames: &LinkSender,
        addresses: &[VirtualAddress],
    ) -> io::Result<()> {
        let mut result = Ok(());
        for vip in addresses {
            result = result.and(self.ask_for(now, links, frames, vip));
        }
        result
    }

    fn ask_for(&mut self, now: Instant, links: &Links, frames: &LinkSender, vip: &VirtualAddress) -> io::Result<()> {
        // What is no Ethernet interface has nobody to ask.
        let Some(interface) = links.interface(&vip.interface) else { return Ok(()) };
        let Some(mac) = interface.mac else { return Ok(()) };
        let question = match vip.address {
            IpAddr::V4(address) => arp::probe(mac, address),
            IpAddr::V6(address) => {
                let own = links.own_addresses(interface.index);
                let link_local = own.into_iter().find_map(|(own, _)| match own {
                    IpAddr::V6(own) if own.is_unicast_link_local() => Some(own),
                    _ => None,
                });
                let Some(source) = link_local else { return Ok(()) };
                ndisc::solicitation(mac, source, address)
            }
        };
        // The socket first: an answer must not be faster.
        self.listen_for(now, links, vip)?;
        frames.send(interface.index, &question)
    }

    /// Listens to who says that it has an address, asked or not.
    pub fn listen_for(&mut self, now: Instant, links: &Links, vip: &VirtualAddress) -> io::Result<()> {
        let Some(interface) = links.interface(&vip.interface) else { return Ok(()) };
        let Some(own) = interface.mac else { return Ok(()) };
        let family = Family::of(vip.address);
        let key = (vip.interface.clone(), family);
        let until = now + LISTEN;
        match self.open.get_mut(&key) {
            Some(listening) if listening.socket.index() == interface.index => listening.until = until,
            _ => {
                let socket = LinkReceiver::open(interface.index, family)?;
                self.open.insert(key, Listening { socket, own, until });
            }
        }
        Ok(())
    }

    /// Ready when an answer may have come.
    pub fn poll_ready(&self, context: &mut Context<'_>) -> Poll<()> {
        let ready = self.open.values().filter(|listening| listening.socket.poll_ready(context).is_ready()).count();
        if ready > 0 { Poll::Ready(()) } else { Poll::Pending }
    }

    /// What was answered since the last time; sockets that have listened long enough are closed.
    pub fn answers(&mut self, now: Instant) -> Vec<Answer> {
        let mut answers = Vec::new();
        self.open.retain(|(interface, family), listening| {
            for _ in 0..BUDGET {
                let Ok(frame) = listening.socket.receive() else { break };
                let claim = match family {
                    Family::V4 => arp::sender(&frame).map(|(by, address)| (by, IpAddr::V4(address))),
                    Family::V6 => ndisc::advertised(&frame).map(|(by, address)| (by, IpAddr::V6(address))),
                };
                if let Some((by, address)) = claim.filter(|(by, _)| *by != listening.own) {
                    answers.push(Answer { interface: interface.clone(), address, by });
                }
            }
            now < listening.until
        });
        answers
    }
}
