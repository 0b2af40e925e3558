//! The state table of RFC 9568 §6.4 and RFC 3768 §6.4, and who wins.

use super::rig::*;
use crate::model::Priority;
use crate::model::vrrp::{Family, Preempt, Transport, Version};
use crate::state::vrrp::State;
use crate::vrrp::Input;
use crate::vrrp::Output;

#[test]
fn best_backup_takes_over_alone() {
    let mut rig = Rig::backup_of(config(), 200);
    rig.pass(ms(3609));
    assert_eq!(rig.state(), State::Backup);
    rig.pass(ms(1));
    assert_eq!(rig.state(), State::Master);
}

#[test]
fn an_owner_is_master_at_once() {
    let mut config = config();
    config.priority = Priority::OWNER;
    let rig = Rig::new(config);
    assert_eq!(rig.state(), State::Master);
}

#[test]
fn two_owners_are_decided_by_address_and_reported() {
    let mut config = config();
    config.priority = Priority::OWNER;
    let mut rig = Rig::new(config);
    rig.hear_from("192.0.2.1", 255);
    assert_eq!(rig.state(), State::Master);
    assert!(rig.has_output("owner"));
    rig.hear_from("192.0.2.20", 255);
    assert_eq!(rig.state(), State::Backup);
}

#[test]
fn priority_0_is_followed_after_the_skew() {
    let mut rig = Rig::backup_of(config(), 200);
    rig.hear(0);
    rig.pass(ms(609));
    assert_eq!(rig.state(), State::Backup);
    rig.pass(ms(1));
    assert_eq!(rig.state(), State::Master);
}

#[test]
fn a_repeated_priority_0_does_not_put_the_takeover_off() {
    let mut rig = Rig::backup_of(config(), 200);
    for _ in 0..7 {
        rig.hear(0);
        rig.pass(ms(90));
    }
    assert_eq!(rig.state(), State::Master);
}

#[test]
fn a_master_answers_priority_0_at_once() {
    let mut rig = Rig::master(config());
    rig.hear(0);
    assert_eq!(rig.take(), ["send 100", "announce 192.0.2.253 x5"]);
}

#[test]
fn a_higher_priority_wins_and_the_loser_says_so_once_more() {
    let mut rig = Rig::master(config());
    rig.hear(101);
    assert_eq!(rig.take()[0], "send 100");
    assert_eq!(rig.state(), State::Backup);
}

#[test]
fn a_tie_between_masters_goes_to_the_higher_address() {
    let mut rig = Rig::master(config());
    rig.hear_from("192.0.2.9", 100);
    assert_eq!(rig.state(), State::Master);
    rig.hear_from("192.0.2.20", 100);
    assert_eq!(rig.state(), State::Backup);
}

#[test]
fn a_tie_leaves_a_backup_in_place_whatever_the_address() {
    let mut rig = Rig::new(config());
    for _ in 0..10 {
        rig.hear_from("192.0.2.1", 100);
        rig.pass(ms(1000));
    }
    assert_eq!(rig.state(), State::Backup);
}

#[test]
fn a_winner_answers_and_announces_again() {
    let mut rig = Rig::master(config());
    rig.hear(99);
    assert_eq!(rig.take(), ["send 100", "announce 192.0.2.253 x5"]);
}

#[test]
fn without_preemption_a_worse_master_stays() {
    let mut config = config();
    config.preempt = Preempt::Never;
    let mut rig = Rig::new(config);
    for _ in 0..20 {
        rig.hear(50);
        rig.pass(ms(1000));
    }
    assert_eq!(rig.state(), State::Backup);
}

#[test]
fn without_preemption_two_masters_still_settle_by_priority() {
    let mut config = config();
    config.preempt = Preempt::Never;
    let mut rig = Rig::master(config);
    rig.hear(50);
    assert_eq!(rig.state(), State::Master);
    rig.hear(150);
    assert_eq!(rig.state(), State::Backup);
}

#[test]
fn unicast_sends_a_copy_to_each_peer_with_a_checksum_of_its_own() {
    let mut config = config();
    let peers = vec![ip("192.0.2.1"), ip("192.0.2.2")];
    config.transport = Transport::Unicast { source: None, peers, min_ttl: 255, check_source: true };
    let mut rig = Rig::master(config);
    rig.pass(ms(1000));
    let copies: Vec<_> = rig
        .outputs
        .iter()
        .filter_map(|output| match output {
            Output::Send(transmit) => Some((transmit.destination, transmit.bytes.clone())),
            _ => None,
        })
        .collect();
    assert_eq!(copies.len(), 2);
    assert_ne!(copies[0], copies[1]);
    assert_eq!(rig.sent(), [100, 100]);
}

#[test]
fn ipv6_adverts_leave_from_the_link_local_address() {
    let mut config = config();
    config.family = Family::V6;
    config.transport = Transport::Multicast { group: Family::V6.multicast_group() };
    config.addresses = vec![vip("2001:db8::253")];
    let mut rig = Rig::master(config);
    rig.pass(ms(1000));
    let Some(Output::Send(transmit)) = rig.outputs.first() else { panic!("nothing sent") };
    assert_eq!((transmit.source, transmit.destination), (ip("fe80::10"), ip("ff02::12")));
}

#[test]
fn a_version_2_pair_with_a_password_elects() {
    let mut config = config();
    config.version = Version::V2;
    config.authentication = crate::model::vrrp::Authentication::Pass(*b"1111\0\0\0\0");
    let mut rig = Rig::master(config);
    rig.input(Input::Advert(advert_v2("192.0.2.1", 150, *b"1111\0\0\0\0").received()));
    assert_eq!(rig.state(), State::Backup);
}

#[test]
fn the_farewell_of_a_master_that_has_lost_to_the_present_one_hurries_nobody() {
    let mut rig = Rig::backup_of(config(), 150);
    rig.hear_from("192.0.2.2", 200);
    rig.hear_from("192.0.2.1", 0);
    rig.pass(ms(1500));
    assert_eq!(rig.state(), State::Backup);
    rig.hear_from("192.0.2.2", 0);
    rig.pass(ms(610));
    assert_eq!(rig.state(), State::Master);
}
