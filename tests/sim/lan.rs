//! Frames on their way: adverts, announcements, questions, and what a stranger sends.

use std::net::IpAddr;
use std::time::Duration;

use vipgate::model::vrrp::{Family, VirtualAddress};
use vipgate::vrrp::io::{Input, Received, Transmit};

use crate::world::{Event, World};

impl World {
    pub fn transmit(&mut self, number: usize, transmit: &Transmit) {
        self.note(format!("n{number} sends vrid {} priority {}", transmit.bytes[1], transmit.bytes[2]));
        if !self.nodes[number].link_is_up {
            return;
        }
        for to in 0..self.nodes.len() {
            if to == number || !self.passes(number, to) {
                continue;
            }
            let received = Received {
                interface: "eth0".to_owned(),
                source: transmit.source,
                destination: transmit.destination,
                ttl: Some(transmit.ttl),
                bytes: transmit.bytes.clone(),
            };
            let latency = self.latency();
            self.after(latency, Event::Deliver(to, received));
        }
    }

    /// Whether a frame gets through just now.
    pub fn passes(&mut self, from: usize, to: usize) -> bool {
        let is_reachable = self.nodes.get(to).is_none_or(|node| node.link_is_up) && !self.cut[from][to];
        is_reachable && !self.random.percent(self.loss)
    }

    pub fn latency(&mut self) -> Duration {
        let usual = self.random.duration(Duration::from_micros(50)..Duration::from_millis(2));
        if self.profile.is_lossy && self.loss > 0 && self.random.one_in(10) { usual * 20 } else { usual }
    }

    /// Reaches the client, and every node that looks out for it.
    pub fn announce(&mut self, number: usize, addresses: &[VirtualAddress], repeat: u32) {
        for address in addresses {
            self.tally.announcements += 1;
            self.note(format!("n{number} announces {} x{repeat}", address.address));
            let node = &self.nodes[number];
            // A theft during its sleep it cannot know before it has read its inbox.
            if !node.holds(address.address) && !node.was_robbed {
                self.complain(format!("n{number} announces {} and does not have it", address.address));
            }
            let client = self.nodes.len();
            for _ in 0..repeat {
                if self.nodes[number].link_is_up && self.passes(number, client) {
                    self.after(Duration::from_micros(100), Event::Announced(number, address.address));
                }
            }
            for to in (0..client).filter(|to| *to != number) {
                if self.nodes[number].link_is_up && self.passes(number, to) {
                    let latency = self.latency();
                    self.after(latency, Event::InUse(to, address.address, number));
                }
            }
        }
    }

    /// Every kernel that has the address answers, whatever its process does.
    pub fn probe(&mut self, number: usize, addresses: &[VirtualAddress]) {
        self.note(format!("n{number} asks who has its addresses"));
        for to in (0..self.nodes.len()).filter(|to| *to != number) {
            for address in addresses.iter().map(|virtual_ip| virtual_ip.address) {
                let may_ask = self.nodes[number].link_is_up && self.passes(number, to);
                if may_ask && self.nodes[to].holds(address) && self.passes(to, number) {
                    let latency = self.latency();
                    self.after(latency, Event::InUse(number, address, to));
                }
            }
        }
    }

    /// Noise that must be refused: wrong checksum, TTL, VRID.
    pub fn stranger_sends(&mut self) {
        use vipgate::wire::vrrp::{Advert, Body, Coverage};
        let source = IpAddr::from([192, 0, 2, 200]);
        let destination = Family::V4.multicast_group();
        let template = &self.nodes[0].instances[0];
        let addresses = vec![template.addresses[0].address];
        let kind = self.random.below(3);
        let vrid = template.vrid.value() + u8::from(kind == 2) * 100;
        let advert = Advert { vrid, priority: 254, addresses, body: Body::V3 { interval: 100 } };
        let mut bytes = advert.build(source, destination, Coverage::PseudoHeader);
        bytes[6] ^= u8::from(kind == 1);
        let ttl = Some(if kind == 0 { 254 } else { 255 });
        for to in 0..self.nodes.len() {
            let received = Received { interface: "eth0".to_owned(), source, destination, ttl, bytes: bytes.clone() };
            self.input(to, Input::Advert(received));
        }
        self.after(self.profile.interval / 3, Event::Stranger);
    }
}
