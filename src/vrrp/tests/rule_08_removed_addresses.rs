//! An address that somebody else removed is put back at once; if that happens again and again it is a fault.

use super::rig::*;
use crate::state::vrrp::State;
use crate::vrrp::Input;

fn removed() -> Input {
    Input::AddressRemoved { interface: "eth0".to_owned(), address: ip(VIP) }
}

#[test]
fn a_removed_address_comes_back_without_leaving_master() {
    let mut rig = Rig::master(config());
    rig.input(removed());
    let lines = rig.take();
    assert_eq!(lines[0], "add 192.0.2.253");
    assert!(lines.contains(&"announce 192.0.2.253 x5".to_owned()));
    assert_eq!((rig.state(), rig.status().readded), (State::Master, 1));
}

#[test]
fn the_sixth_removal_in_ten_seconds_is_a_fault_for_a_while() {
    let mut rig = Rig::master(config());
    for _ in 0..5 {
        rig.input(removed());
        rig.pass(ms(500));
    }
    assert_eq!(rig.state(), State::Master);
    rig.take();
    rig.input(removed());
    assert_eq!(rig.state(), State::Fault);
    assert_eq!(rig.sent(), [0, 0]);
    rig.pass(ms(14_000));
    assert_eq!(rig.state(), State::Master);
}

#[test]
fn a_removal_now_and_then_is_repaired_for_ever() {
    let mut rig = Rig::master(config());
    for _ in 0..30 {
        rig.input(removed());
        rig.pass(ms(2_100));
    }
    assert_eq!((rig.state(), rig.status().readded), (State::Master, 30));
}

#[test]
fn a_removal_of_what_is_not_held_means_nothing() {
    let mut rig = Rig::backup_of(config(), 200);
    rig.input(removed());
    assert_eq!(rig.take(), Vec::<String>::new());
}
