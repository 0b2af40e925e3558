//! The entrance: every virtual router of this node behind one sans-IO contract.

use std::collections::{BTreeMap, VecDeque};

use super::groups;
use super::instance::{Context, Instance};
use super::io::{Effective, Input, Link, Output, Received};
use crate::model::vrrp::{Family, Instance as Config, SyncGroup};
use crate::state::command::VrrpCommand;
use crate::state::vrrp::VrrpStatus;
use crate::time::Instant;

/// Every virtual router of this node.
///
/// The shell calls [`Router::handle_timeout`] with the present time before it reads any socket, then
/// [`Router::handle_input`] for each thing that happened, drains [`Router::poll_output`] in order, and sleeps until
/// [`Router::poll_timeout`]. Effects come back as inputs.
pub struct Router {
    instances: Vec<Instance>,
    groups: Vec<SyncGroup>,
    /// Last result of tracking, by instance number.
    tracked: Vec<(Effective, Vec<String>)>,
    links: BTreeMap<String, Link>,
    ready_since: Option<Instant>,
    is_in_maintenance: bool,
    stop: Stop,
    /// Messages that belong to no instance, by reason.
    rejected: BTreeMap<&'static str, u64>,
    outputs: VecDeque<Output>,
}

/// How far an order to stop has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    NotAsked,
    Asked,
    Reported,
}

impl Router {
    /// A router without instances; [`Input::Configure`] brings them.
    pub fn new(_now: Instant) -> Router {
        Router {
            instances: Vec::new(),
            groups: Vec::new(),
            tracked: Vec::new(),
            links: BTreeMap::new(),
            ready_since: None,
            is_in_maintenance: false,
            stop: Stop::NotAsked,
            rejected: BTreeMap::new(),
            outputs: VecDeque::new(),
        }
    }

    /// Takes something that happened. What is due by `now` is done first: a process that slept steps down before it
    /// hears anything.
    pub fn handle_input(&mut self, now: Instant, input: Input) {
        self.handle_timeout(now);
        match input {
            Input::Advert(received) => self.hear(now, &received),
            Input::Link(link) => {
                self.each(now, |instance, context| instance.follow_link(context, &link));
                self.links.insert(link.interface.clone(), link);
            }
            Input::Effective { instance, effective, down } => self.track(now, instance, effective, down),
            Input::Ready(is_ready) => {
                self.ready_since = is_ready.then(|| self.ready_since.unwrap_or(now));
            }
            Input::AddressesAdded { instance, result } => {
                self.one(now, instance, |instance, context| instance.addresses_added(context, result));
            }
            Input::Finished { instance } => self.one(now, instance, |instance, context| instance.finished(context)),
            Input::AddressRemoved { interface, address } => {
                self.each(now, |instance, context| instance.address_removed(context, &interface, address));
            }
            Input::AddressInUse { interface, address, by } => {
                self.each(now, |instance, context| instance.address_in_use(context, &interface, address, by));
            }
            Input::Command(command) => self.obey(now, command),
            Input::Configure { instances, groups } => self.configure(now, instances, groups),
        }
        self.settle(now);
    }

    /// Does what is due by `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.each(now, |instance, context| instance.tick(context));
        self.settle(now);
    }

    /// When [`Router::handle_timeout`] has something to do; `None` is never.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.instances.iter().filter_map(Instance::next).min()
    }

    /// The next thing to do, in order.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// A snapshot.
    pub fn status(&self, _now: Instant) -> VrrpStatus {
        VrrpStatus {
            instances: self.instances.iter().map(Instance::status).collect(),
            maintenance: self.is_in_maintenance,
            ready: self.ready_since.is_some(),
            rejected: self.rejected.clone(),
        }
    }

    fn each(&mut self, now: Instant, mut action: impl FnMut(&mut Instance, &mut Context<'_>)) {
        let mut context = Context { now, ready_since: self.ready_since, outputs: &mut self.outputs };
        for instance in &mut self.instances {
            action(instance, &mut context);
        }
    }

    fn one(&mut self, now: Instant, number: usize, action: impl FnOnce(&mut Instance, &mut Context<'_>)) {
        let mut context = Context { now, ready_since: self.ready_since, outputs: &mut self.outputs };
        if let Some(instance) = self.instances.get_mut(number) {
            action(instance, &mut context);
        }
    }

    fn settle(&mut self, now: Instant) {
        let mut context = Context { now, ready_since: self.ready_since, outputs: &mut self.outputs };
        groups::settle(&self.groups, &mut self.instances, &mut context);
        if self.stop == Stop::Asked && self.instances.iter().all(Instance::is_stopped) {
            self.stop = Stop::Reported;
            self.outputs.push_back(Output::Stopped);
        }
    }

    /// Finds the instance that a message is for. A stranger's VRID costs a counter.
    fn hear(&mut self, now: Instant, received: &Received) {
        let Some(&vrid) = received.bytes.get(1) else {
            return *self.rejected.entry("too_short").or_default() += 1;
        };
        let family = Family::of(received.source);
        let is_for = |instance: &Instance| {
            let config = instance.config();
            config.vrid.value() == vrid && config.family == family && config.interface == received.interface
        };
        match self.instances.iter().position(is_for) {
            Some(number) => self.one(now, number, |instance, context| instance.hear(context, received)),
            None => *self.rejected.entry("unknown_vrid").or_default() += 1,
        }
    }

    fn track(&mut self, now: Instant, number: usize, effective: Effective, down: Vec<String>) {
        let Some(slot) = self.tracked.get_mut(number) else { return };
        *slot = (effective, down);
        let alone = vec![number];
        let members = self.members(number).unwrap_or(alone);
        let results: Vec<_> = members.iter().map(|member| self.tracked[*member].clone()).collect();
        for (position, member) in members.iter().enumerate() {
            let (effective, down) = groups::share(&results, position);
            self.one(now, *member, |instance, context| instance.track(context, effective, down));
        }
    }

    /// The members of an instance's sync group, itself included.
    fn members(&self, number: usize) -> Option<Vec<usize>> {
        let group = self.groups.iter().find(|group| group.members.contains(&number))?;
        Some(group.members.iter().copied().filter(|member| *member < self.instances.len()).collect())
    }

    fn obey(&mut self, now: Instant, command: VrrpCommand) {
        match command {
            VrrpCommand::Failover { instance: None } => self.each(now, |instance, context| instance.fail_over(context)),
            VrrpCommand::Failover { instance: Some(name) } => {
                let Some(number) = self.instances.iter().position(|instance| instance.config().name == name) else {
                    return;
                };
                for member in self.members(number).unwrap_or(vec![number]) {
                    self.one(now, member, |instance, context| instance.fail_over(context));
                }
            }
            VrrpCommand::Maintenance(is_on) => {
                self.is_in_maintenance = is_on;
                self.each(now, |instance, context| instance.maintain(context, is_on));
            }
            VrrpCommand::Stop => {
                if self.stop == Stop::NotAsked {
                    self.stop = Stop::Asked;
                }
                self.each(now, |instance, context| instance.stop(context));
            }
        }
    }

    /// Runs a new configuration: instances that are still the same virtual router keep their state.
    fn configure(&mut self, now: Instant, configs: Vec<Config>, groups: Vec<SyncGroup>) {
        let mut old = std::mem::take(&mut self.instances);
        let mut context = Context { now, ready_since: self.ready_since, outputs: &mut self.outputs };
        let mut kept = Vec::with_capacity(configs.len());
        for (number, config) in configs.into_iter().enumerate() {
            let position = old.iter().position(|instance| instance.is_same_router(&config));
            kept.push((number, config, position.map(|position| old.swap_remove(position))));
        }
        // Leave before anything new is claimed: the same address may move from one to the other.
        for instance in &mut old {
            instance.retire(&mut context);
        }
        for (number, config, instance) in kept {
            let is_grouped = groups.iter().any(|group| group.members.contains(&number));
            let mut instance = match instance {
                Some(mut instance) => {
                    instance.reconfigure(&mut context, number, config);
                    instance
                }
                None => Instance::new(number, config, now),
            };
            instance.join_group(is_grouped);
            instance.maintain(&mut context, self.is_in_maintenance);
            if self.stop != Stop::NotAsked {
                instance.stop(&mut context);
            }
            if let Some(link) = self.links.get(&instance.config().interface) {
                instance.follow_link(&mut context, link);
            }
            self.instances.push(instance);
        }
        self.tracked = self.instances.iter().map(Instance::tracked).collect();
        self.groups = groups;
    }
}
