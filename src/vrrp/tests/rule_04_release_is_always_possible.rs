//! Fault overrides preemption, weights and ownership: priority 0 twice, addresses away at once.

use super::rig::*;
use crate::model::Priority;
use crate::model::vrrp::Preempt;
use crate::state::vrrp::State;
use crate::vrrp::Effective;

const RELEASE: [&str; 4] = ["send 0", "send 0", "remove 192.0.2.253", "MASTER -> FAULT: down: backend app"];

#[test]
fn fault_says_priority_0_twice_and_removes_at_once() {
    let mut rig = Rig::master(config());
    rig.effective(Effective::Fault);
    assert_eq!(rig.take(), RELEASE);
    rig.pass(ms(20_000));
    assert_eq!((rig.state(), rig.take()), (State::Fault, vec![]));
}

#[test]
fn fault_releases_without_preemption_and_as_owner() {
    let mut never = config();
    never.preempt = Preempt::Never;
    let mut owner = config();
    owner.priority = Priority::OWNER;
    for config in [never, owner] {
        let mut rig = Rig::master(config);
        rig.effective(Effective::Fault);
        assert_eq!(rig.take(), RELEASE);
    }
}

#[test]
fn recovery_from_fault_competes_again() {
    let mut rig = Rig::master(config());
    rig.effective(Effective::Fault);
    rig.effective(Effective::Priority(Priority::new(100).unwrap()));
    assert_eq!(rig.state(), State::Backup);
    rig.pass(ms(3620));
    assert_eq!(rig.state(), State::Master);
}

#[test]
fn a_backup_in_fault_says_nothing_and_never_claims() {
    let mut rig = Rig::backup_of(config(), 200);
    rig.effective(Effective::Fault);
    rig.pass(ms(20_000));
    assert_eq!(rig.take(), ["BACKUP -> FAULT: down: backend app"]);
}
