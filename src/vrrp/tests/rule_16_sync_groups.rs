//! All members hold their addresses, or none does.

use super::rig::*;
use crate::model::vrrp::{Instance, SyncGroup};
use crate::model::{Priority, Vrid};
use crate::state::command::VrrpCommand;
use crate::state::vrrp::State;
use crate::vrrp::{Effective, Input};

fn second() -> Instance {
    let mut config = config();
    config.name = "mail".to_owned();
    config.vrid = Vrid::new(52).unwrap();
    config.addresses = vec![vip("192.0.2.252")];
    config
}

fn pair() -> Rig {
    let groups = vec![SyncGroup { name: "all".to_owned(), members: vec![0, 1] }];
    let mut rig = Rig::unready(vec![config(), second()], groups);
    rig.input(Input::Ready(true));
    rig
}

fn states(rig: &Rig) -> [State; 2] {
    [0, 1].map(|number| rig.router.status(rig.now).instances[number].state)
}

fn hear_second(rig: &mut Rig, priority: u8) {
    let second = |it: &mut Crafted| {
        it.advert.vrid = 52;
        it.advert.addresses = vec![ip("192.0.2.252")];
    };
    rig.input(Input::Advert(advert("192.0.2.1", priority).with(second).received()));
}

#[test]
fn members_claim_together() {
    let mut rig = pair();
    rig.pass(ms(3700));
    assert_eq!(states(&rig), [State::Master; 2]);
}

#[test]
fn nobody_claims_while_one_member_still_hears_its_master() {
    let mut rig = pair();
    for _ in 0..10 {
        hear_second(&mut rig, 200);
        rig.pass(ms(1000));
    }
    assert_eq!(states(&rig), [State::Backup; 2]);
    rig.pass(ms(3000));
    assert_eq!(states(&rig), [State::Master; 2]);
}

#[test]
fn one_member_that_gives_way_takes_the_other_with_it() {
    let mut rig = pair();
    rig.pass(ms(5000));
    hear_second(&mut rig, 200);
    assert_eq!(states(&rig), [State::Backup; 2]);
}

#[test]
fn one_member_in_fault_puts_both_in_fault_and_both_come_back() {
    let mut rig = pair();
    rig.pass(ms(5000));
    rig.effective_of(1, Effective::Fault);
    assert_eq!(states(&rig), [State::Fault; 2]);
    rig.effective_of(1, Effective::Priority(Priority::new(100).unwrap()));
    assert_eq!(states(&rig), [State::Backup; 2]);
    rig.pass(ms(5000));
    assert_eq!(states(&rig), [State::Master; 2]);
}

#[test]
fn a_removed_address_of_one_member_does_not_move_the_group() {
    let mut rig = pair();
    rig.pass(ms(5000));
    rig.input(Input::AddressRemoved { interface: "eth0".to_owned(), address: ip("192.0.2.252") });
    assert_eq!(states(&rig), [State::Master; 2]);
}

#[test]
fn a_failover_of_one_member_offers_all() {
    let mut rig = pair();
    rig.pass(ms(5000));
    rig.command(VrrpCommand::Failover { instance: Some("mail".to_owned()) });
    assert_eq!(states(&rig), [State::Releasing; 2]);
    rig.hear(50);
    assert_eq!(states(&rig), [State::Backup; 2]);
}

#[test]
fn owners_in_a_group_claim_together_at_once() {
    let [mut first, mut other] = [config(), second()];
    first.priority = Priority::OWNER;
    other.priority = Priority::OWNER;
    let groups = vec![SyncGroup { name: "all".to_owned(), members: vec![0, 1] }];
    let rig = Rig::unready(vec![first, other], groups);
    assert_eq!(states(&rig), [State::Master; 2]);
}
