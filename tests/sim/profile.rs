//! What kind of world a seed makes, and who lives in it.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use vipgate::model::vrrp::*;
use vipgate::model::{Priority, Vrid};

use crate::node::Node;
use crate::random::Random;

/// What kind of world it is.
#[derive(Clone, Copy, Debug)]
pub struct Profile {
    pub interval: Duration,
    /// Loss, one-way cuts, a client that is cut off.
    pub is_lossy: bool,
    /// Nothing but splits that heal: every winner is heard, so the client must be right without any refresh. Whoever
    /// dies or leaves while it is cut off leaves the client with a stale address, and only the refresh mends that.
    pub has_splits_only: bool,
    /// No `Preempt::Never` and no operator's failover: the best must win.
    pub is_fair: bool,
    /// A third host sends adverts that must be refused, faster than the Master.
    pub has_stranger: bool,
}

/// Draws a world: its kind, its nodes, and both in words.
pub fn draw(random: &mut Random) -> (Profile, Vec<Node>, String) {
    let count = 2 + random.index(3);
    let version = random.pick(&[Version::V2, Version::V3, Version::V3]);
    let interval = match version {
        Version::V2 => Duration::from_secs(1),
        Version::V3 => random.pick(&[Duration::from_secs(1), Duration::from_millis(100)]),
    };
    let weather = random.below(3);
    let profile = Profile {
        interval,
        is_lossy: weather == 0,
        has_splits_only: weather == 1,
        is_fair: !random.one_in(3),
        has_stranger: random.one_in(4),
    };
    let members = if random.one_in(4) { 2 } else { 1 };
    let preempt = if !profile.is_fair && random.one_in(2) {
        Preempt::Never
    } else {
        Preempt::After(random.pick(&[Duration::ZERO, Duration::ZERO, Duration::from_secs(5)]))
    };
    let nodes = (0..count).map(|number| node(random, number, &profile, version, preempt, members)).collect();
    let words = format!("{count} nodes, {members} instances, {version:?}, {preempt:?}, {profile:?}");
    (profile, nodes, words)
}

fn node(
    random: &mut Random,
    number: usize,
    profile: &Profile,
    version: Version,
    preempt: Preempt,
    members: usize,
) -> Node {
    let priority = if random.one_in(12) { 255 } else { random.pick(&[2, 50, 100, 100, 150, 200, 254]) };
    let lease = (profile.interval * 3).max(Duration::from_secs(2));
    let instances = (0..members).map(|member| Instance {
        name: format!("i{member}"),
        interface: "eth0".to_owned(),
        version,
        family: Family::V4,
        vrid: Vrid::new(51 + member as u8).expect("not zero"),
        priority: Priority::new(priority).expect("not zero"),
        advert_interval: profile.interval,
        down_adverts: 3,
        preempt,
        authentication: Authentication::None,
        transport: Transport::Multicast { group: Family::V4.multicast_group() },
        addresses: vec![VirtualAddress {
            name: None,
            address: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 250 + member as u8)),
            prefix: 32,
            interface: "eth0".to_owned(),
        }],
        announce: Announce {
            burst: 5,
            delay: Some(Duration::from_secs(5)),
            refresh: (!profile.has_splits_only).then_some(Duration::from_secs(10)),
        },
        lease: Some(lease),
        checksum: ChecksumForm::PseudoHeader,
        track: Vec::new(),
    });
    let groups = if members > 1 {
        vec![SyncGroup { name: "all".to_owned(), members: (0..members).collect() }]
    } else {
        Vec::new()
    };
    let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 10 + number as u8));
    let offset = random.below(1 << 40);
    let per_mille = 990 + random.below(21);
    Node::new(address, instances.collect(), groups, offset, per_mille)
}
