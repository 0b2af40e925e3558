//! A node's process: it starts, reads, asks for things, sleeps and wakes.

use std::time::Duration;

use vipgate::vrrp::io::{Input, Output};
use vipgate::vrrp::{Effective, Router};

use crate::judge;
use crate::node::Change;
use crate::world::{Event, World};

impl World {
    /// Starts a process: addresses of an earlier one are cleaned up first.
    pub fn start(&mut self, number: usize) {
        let now = self.now;
        let ready_after = self.random.duration(Duration::ZERO..Duration::from_secs(3));
        let node = &mut self.nodes[number];
        node.incarnation += 1;
        node.is_paused = false;
        node.is_in_maintenance = false;
        node.was_robbed = false;
        node.inbox.clear();
        node.kernel.addresses.clear();
        node.kernel.requests.iter_mut().for_each(|request| request.change = Change::Remove);
        node.router = Some(Router::new(node.local(now)));
        let incarnation = node.incarnation;
        let configure = Input::Configure { instances: node.instances.clone(), groups: node.groups.clone() };
        let link = Input::Link(node.link());
        self.note(format!("n{number} starts"));
        self.input(number, configure);
        self.input(number, link);
        self.tell_effective(number);
        self.after(ready_after, Event::Ready(number, incarnation));
    }

    pub fn tell_effective(&mut self, number: usize) {
        let effective = self.nodes[number].effective;
        for instance in 0..self.nodes[number].instances.len() {
            let down = if matches!(effective, Effective::Priority(_)) { vec![] } else { vec!["x".to_owned()] };
            self.input(number, Input::Effective { instance, effective, down });
        }
    }

    /// Something reaches a process, or waits until it wakes.
    pub fn input(&mut self, number: usize, input: Input) {
        let now = self.now;
        let node = &mut self.nodes[number];
        let local = node.local(now);
        match &mut node.router {
            None => return,
            Some(_) if node.is_paused => return node.queue(input),
            Some(router) => {
                router.handle_timeout(local);
                router.handle_input(local, input);
            }
        }
        self.drain(number);
    }

    pub fn wake(&mut self, number: usize) {
        let now = self.now;
        let node = &mut self.nodes[number];
        let local = node.local(now);
        if let (false, Some(router)) = (node.is_paused, &mut node.router) {
            router.handle_timeout(local);
            self.drain(number);
        }
    }

    pub fn drain(&mut self, number: usize) {
        while let Some(output) = self.nodes[number].router.as_mut().and_then(Router::poll_output) {
            self.perform(number, output);
        }
        let node = &mut self.nodes[number];
        node.wish += 1;
        let wish = node.wish;
        if let Some(next) = node.router.as_ref().and_then(Router::poll_timeout) {
            // A thread is woken a little late.
            let at = node.truth(next).max(self.now);
            let late = self.random.duration(Duration::from_micros(1)..Duration::from_millis(2));
            self.at(at + late.as_nanos() as u64, Event::Timer(number, wish));
        }
    }

    pub fn perform(&mut self, number: usize, output: Output) {
        match output {
            Output::Send(transmit) => self.transmit(number, &transmit),
            Output::AddAddresses { instance, addresses, lease, is_refresh } => {
                let lease = lease.unwrap_or(Duration::from_secs(1_000_000));
                let change = if is_refresh { Change::Refresh(lease) } else { Change::Add(lease) };
                self.ask_kernel(number, instance, change, addresses);
            }
            Output::Finish { instance, .. } => {
                let long = self.random.pick(&[5, 100, 400]);
                let takes = self.random.duration(Duration::from_micros(50)..Duration::from_millis(long));
                self.after(takes, Event::Finished(number, self.nodes[number].incarnation, instance));
            }
            Output::RemoveAddresses { instance, addresses } => {
                self.ask_kernel(number, instance, Change::Remove, addresses);
            }
            Output::Announce { addresses, repeat, .. } => self.announce(number, &addresses, repeat),
            Output::Probe { addresses } => self.probe(number, &addresses),
            Output::Transition(transition) => {
                let (from, to) = (transition.from.name(), transition.to.name());
                self.note(format!("n{number} {} {from} -> {to}: {}", transition.name, transition.reason));
                self.tally.transitions += 1;
                if self.is_still {
                    self.complain(format!("n{number} changes state long after the storm"));
                }
            }
            Output::Warn { message, .. } => self.note(format!("n{number} warns: {message}")),
            Output::Stopped => {
                self.note(format!("n{number} stopped"));
                self.nodes[number].router = None;
                // An order to stop that came just before the calm is over, like every other.
                if self.is_calm {
                    self.start(number);
                }
            }
        }
    }

    /// A process wakes: first it looks at the clock, then it reads what waited.
    pub fn resume(&mut self, number: usize) {
        if !std::mem::take(&mut self.nodes[number].is_paused) || self.nodes[number].router.is_none() {
            return;
        }
        self.tally.resumes += 1;
        self.wake(number);
        judge::just_after_waking(self, number).unwrap_or_else(|complaint| self.complain(complaint));
        while let Some(input) = self.nodes[number].inbox.pop_front() {
            self.input(number, input);
        }
        self.nodes[number].was_robbed = false;
    }
}
