//! The nodes' kernels: requests that take time, and lifetimes that end.

use std::net::IpAddr;
use std::time::Duration;

use vipgate::model::vrrp::VirtualAddress;
use vipgate::vrrp::io::Input;

use crate::node::{Change, Request};
use crate::world::{Event, World};

/// Kernel timers drop an address this late at most.
const LEASE_SLACK: Duration = Duration::from_millis(700);

impl World {
    pub fn ask_kernel(&mut self, number: usize, instance: usize, change: Change, addresses: Vec<VirtualAddress>) {
        let is_slow = self.nodes[number].kernel.is_slow;
        let longest = if is_slow { Duration::from_millis(1500) } else { Duration::from_millis(3) };
        let work = self.random.duration(Duration::from_micros(20)..longest);
        let node = &mut self.nodes[number];
        let done = node.kernel.busy_until.max(self.now) + work.as_nanos() as u64;
        node.kernel.busy_until = done;
        node.kernel.requests.push_back(Request { incarnation: node.incarnation, instance, change, addresses });
        self.at(done, Event::Kernel(number));
    }

    pub fn kernel_answers(&mut self, number: usize) {
        let slack = self.random.duration(Duration::ZERO..LEASE_SLACK).as_nanos() as u64;
        let now = self.now;
        let node = &mut self.nodes[number];
        let Some(request) = node.kernel.requests.pop_front() else { return };
        let refuses = node.kernel.refuses;
        match request.change {
            Change::Remove => request.addresses.iter().for_each(|gone| {
                node.kernel.addresses.remove(&gone.address);
            }),
            Change::Add(_) if refuses => {}
            Change::Add(lease) | Change::Refresh(lease) => {
                let until = now + node.true_duration(lease) + slack;
                for added in &request.addresses {
                    node.kernel.addresses.insert(added.address, until);
                }
                self.at(until, Event::Expiry(number));
            }
        }
        let is_current = self.nodes[number].incarnation == request.incarnation;
        if let (true, Change::Add(_)) = (is_current, request.change) {
            let result = if refuses { Err("refused by the weather".to_owned()) } else { Ok(()) };
            self.tally.refusals += u64::from(refuses);
            self.input(number, Input::AddressesAdded { instance: request.instance, result });
        }
    }

    pub fn expire(&mut self, number: usize) {
        let now = self.now;
        let addresses = &mut self.nodes[number].kernel.addresses;
        let gone: Vec<IpAddr> = addresses.iter().filter(|(_, until)| **until <= now).map(|(at, _)| *at).collect();
        addresses.retain(|_, until| *until > now);
        for address in gone {
            self.tally.expiries += 1;
            self.note(format!("n{number}: the kernel drops {address}, its lease is over"));
            self.input(number, Input::AddressRemoved { interface: "eth0".to_owned(), address });
        }
    }
}
