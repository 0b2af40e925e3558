//! Hostile weather costs counters, never memory or answers without end.

use super::rig::*;
use crate::state::vrrp::State;
use crate::vrrp::Input;

#[test]
fn losing_adverts_are_answered_ten_times_a_second_at_most() {
    let mut rig = Rig::master(config());
    for _ in 0..1000 {
        rig.pass(ms(1));
        rig.hear(50);
    }
    assert!(rig.sent().len() <= 11);
}

#[test]
fn the_table_of_peers_is_bounded_and_forgets_the_oldest() {
    let mut rig = Rig::master(config());
    for last in 20..90 {
        rig.pass(ms(1));
        rig.hear_from(&format!("192.0.2.{last}"), 50);
    }
    let peers = rig.status().peers;
    assert_eq!(peers.len(), 16);
    assert!(peers.iter().any(|peer| peer.address == ip("192.0.2.89")));
    assert!(!peers.iter().any(|peer| peer.address == ip("192.0.2.20")));
}

#[test]
fn a_refusal_is_reported_once_a_minute() {
    let mut rig = Rig::master(config());
    for _ in 0..600 {
        rig.pass(ms(100));
        rig.input(Input::Advert(advert("192.0.2.1", 200).with(|it| it.ttl = Some(1)).received()));
    }
    assert!(rig.take().iter().filter(|line| line.starts_with("warn")).count() <= 2);
}

#[test]
fn empty_and_tiny_messages_are_noise() {
    let mut rig = Rig::master(config());
    for length in 0..20 {
        let mut received = advert("192.0.2.1", 200).received();
        received.bytes.resize(length, 0);
        if length != 12 {
            rig.input(Input::Advert(received));
        }
    }
    assert_eq!(rig.state(), crate::state::vrrp::State::Master);
}

#[test]
fn a_master_that_does_not_hear_this_one_is_named_once_a_minute() {
    let mut rig = Rig::master(config());
    let losing = || Input::Advert(advert("192.0.2.1", 50).received());
    let named = |rig: &mut Rig| rig.take().iter().filter(|line| line.contains("192.0.2.1 is Master too")).count();
    // A split that heals: the loser needs a moment to hear the answer.
    rig.input(losing());
    rig.pass(ms(1000));
    rig.input(losing());
    assert_eq!(named(&mut rig), 0);
    // One that does not.
    for _ in 0..30 {
        rig.pass(ms(1000));
        rig.input(losing());
    }
    assert_eq!((named(&mut rig), rig.state()), (1, State::Master));
}
