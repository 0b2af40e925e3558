//! What must be true.

use std::net::IpAddr;

use vipgate::state::vrrp::State;

use crate::world::World;

/// Nobody that is awake holds an address unless its state allows it (or the removal is on its way to the kernel).
/// That nobody announces what it lacks is judged where it announces.
pub fn after_every_step(world: &World) -> Result<(), String> {
    for (number, node) in world.nodes.iter().enumerate().filter(|(_, node)| node.is_awake()) {
        for (instance, config) in node.instances.iter().enumerate() {
            for address in config.addresses.iter().map(|virtual_ip| virtual_ip.address) {
                let is_here = node.holds(address) && !node.is_removing(address);
                let state = is_here.then(|| node.state(instance, world.now)).flatten();
                if let Some(state) = state.filter(|state| !state.may_hold()) {
                    return Err(format!("n{number} holds {address} as {}", state.name()));
                }
            }
        }
    }
    Ok(())
}

/// A process that slept until its lease was over is no holder any more, before it has read anything.
pub fn just_after_waking(world: &World, number: usize) -> Result<(), String> {
    let node = &world.nodes[number];
    for (instance, config) in node.instances.iter().enumerate() {
        let address = config.addresses[0].address;
        let believes = node.router.as_ref().is_some_and(|router| {
            router.status(node.local(world.now)).instances.get(instance).is_some_and(|status| status.holds_addresses)
        });
        // What a thief took while it slept is for the inbox to tell.
        if believes && !node.holds(address) && !node.was_robbed {
            return Err(format!("n{number} woke, its {address} is gone, and it still believes to hold it"));
        }
    }
    Ok(())
}

/// Exactly one Master, the best there is where the rules are fair, with the addresses; nobody else has them; the client
/// knows it.
pub fn in_the_end(world: &World) -> Result<(), String> {
    let first = &world.nodes[0];
    let mut masters = Vec::new();
    for (instance, config) in first.instances.iter().enumerate() {
        let master = only_master(world, instance)?;
        for address in config.addresses.iter().map(|virtual_ip| virtual_ip.address) {
            only_holder(world, master, address)?;
        }
        masters.push(master);
    }
    if masters.iter().any(|master| *master != masters[0]) {
        return Err(format!("a sync group is torn apart: {masters:?}"));
    }
    best(world, masters[0])
}

fn only_master(world: &World, instance: usize) -> Result<usize, String> {
    let states: Vec<State> =
        world.nodes.iter().map(|node| node.state(instance, world.now).unwrap_or(State::Initialize)).collect();
    let masters: Vec<usize> = (0..states.len()).filter(|number| states[*number] == State::Master).collect();
    match masters[..] {
        [master] if !states.contains(&State::Releasing) => Ok(master),
        _ => Err(format!("after calm the states are {:?}", states.map_names())),
    }
}

fn only_holder(world: &World, master: usize, address: IpAddr) -> Result<(), String> {
    let holders: Vec<usize> = (0..world.nodes.len()).filter(|number| world.nodes[*number].holds(address)).collect();
    if holders != [master] {
        return Err(format!("n{master} is Master, {address} is on {holders:?}"));
    }
    match world.client.get(&address) {
        Some(number) if *number == master => Ok(()),
        other => Err(format!("n{master} is Master, the client sends {address} to {other:?}")),
    }
}

fn best(world: &World, master: usize) -> Result<(), String> {
    let priorities: Vec<Option<u8>> = world.nodes.iter().map(|node| node.effective_priority()).collect();
    let own = priorities[master].unwrap_or(0);
    let best = priorities.iter().flatten().copied().max().unwrap_or(0);
    let is_good_enough = if world.profile.is_fair { own == best } else { own > 1 || best == 1 };
    if is_good_enough { Ok(()) } else { Err(format!("n{master} is Master among priorities {priorities:?}")) }
}

trait Names {
    fn map_names(&self) -> Vec<&'static str>;
}

impl Names for Vec<State> {
    fn map_names(&self) -> Vec<&'static str> {
        self.iter().map(|state| state.name()).collect()
    }
}
