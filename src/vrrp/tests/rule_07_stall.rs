//! Whoever woke later than its lease or a whole Master_Down steps down before it reads or says anything.

use super::rig::*;
use crate::state::vrrp::State;
use crate::vrrp::Input;

#[test]
fn a_master_that_slept_past_its_lease_steps_down_and_says_that_it_left() {
    let mut rig = Rig::master(config());
    rig.sleep(ms(3100));
    assert_eq!(
        rig.take(),
        [
            "remove 192.0.2.253",
            "send 0",
            "send 0",
            "MASTER -> BACKUP: the lease of the addresses ran out while this process slept"
        ]
    );
}

#[test]
fn a_master_without_lease_that_slept_past_master_down_steps_down() {
    let mut config = config();
    config.lease = None;
    let mut rig = Rig::master(config);
    rig.sleep(ms(8000));
    assert_eq!(rig.state(), State::Backup);
    assert_eq!(rig.sent(), [0, 0]);
}

#[test]
fn an_input_alone_notices_the_stall_first() {
    let mut rig = Rig::master(config());
    rig.now += ms(10_000);
    rig.hear(50); // would be answered by a Master
    assert_eq!(rig.state(), State::Backup);
    assert_eq!(rig.sent(), [0, 0]);
}

#[test]
fn a_short_stall_is_forgiven() {
    let mut rig = Rig::master(config());
    rig.sleep(ms(1900));
    assert_eq!(rig.state(), State::Master);
    assert!(rig.has_output("refresh"));
}

#[test]
fn a_backup_that_slept_past_its_down_timer_listens_before_it_claims() {
    let mut rig = Rig::backup_of(config(), 200);
    rig.sleep(ms(60_000));
    assert_eq!((rig.state(), rig.take()), (State::Backup, vec!["probe 192.0.2.253".to_owned()]));
    rig.hear(200);
    rig.pass(ms(3600));
    assert_eq!(rig.state(), State::Backup);
    rig.pass(ms(20));
    assert_eq!(rig.state(), State::Master);
}

#[test]
fn a_backup_that_slept_and_hears_nobody_claims_within_another_interval_and_skew() {
    let mut rig = Rig::backup_of(config(), 200);
    rig.sleep(ms(60_000));
    rig.pass(ms(1620));
    assert_eq!(rig.state(), State::Master);
}

#[test]
fn the_preempt_delay_counts_anew_after_a_stall() {
    let mut config = config();
    config.preempt = crate::model::vrrp::Preempt::After(ms(30_000));
    let mut rig = Rig::master(config);
    rig.pass(ms(60_000));
    rig.sleep(ms(10_000));
    for _ in 0..20 {
        rig.input(Input::Advert(advert("192.0.2.1", 50).received()));
        rig.pass(ms(1000));
    }
    assert_eq!(rig.state(), State::Backup);
}

#[test]
fn the_lease_is_renewed_every_third_of_it() {
    let mut rig = Rig::master(config());
    rig.pass(ms(9_000));
    assert_eq!(rig.take().iter().filter(|line| line.starts_with("refresh")).count(), 9);
}
