//! The effective priority moves elections as soon as it changes, and never puts a running timer off.

use super::rig::*;
use crate::model::Priority;
use crate::state::vrrp::State;
use crate::vrrp::Effective;

fn priority(value: u8) -> Effective {
    Effective::Priority(Priority::new(value).unwrap())
}

#[test]
fn a_master_says_its_new_priority_at_once() {
    let mut rig = Rig::master(config());
    rig.effective(priority(40));
    assert_eq!(rig.sent(), [40]);
}

#[test]
fn a_backup_that_becomes_better_moves_earlier() {
    let mut rig = Rig::backup_of(config(), 100);
    rig.effective(priority(254));
    rig.pass(ms(3010));
    assert_eq!(rig.state(), State::Master);
}

#[test]
fn a_backup_that_becomes_worse_is_not_put_off() {
    let mut rig = Rig::backup_of(config(), 200);
    rig.pass(ms(2000));
    rig.effective(priority(2));
    rig.pass(ms(1620));
    assert_eq!(rig.state(), State::Master);
}
