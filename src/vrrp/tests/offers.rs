//! Releasing: offered, served on, taken or kept.

use super::rig::*;
use crate::model::Priority;
use crate::model::vrrp::Preempt;
use crate::state::command::VrrpCommand;
use crate::state::vrrp::State;
use crate::vrrp::Effective;

const FAILOVER: VrrpCommand = VrrpCommand::Failover { instance: None };

fn healthy() -> Effective {
    Effective::Priority(Priority::new(100).unwrap())
}

#[test]
fn a_degraded_master_offers_and_keeps_what_nobody_takes() {
    let mut rig = Rig::master(config());
    rig.effective(Effective::Degraded);
    assert_eq!(rig.take(), ["send 0", "MASTER -> RELEASING: degraded, down: backend app"]);
    rig.pass(ms(3001));
    assert_eq!(rig.state(), State::Master);
    assert!(rig.status().holds_addresses);
    assert!(!rig.has_output("remove"));
    rig.take();
    rig.pass(ms(10_000));
    assert_eq!(rig.sent(), [1; 10]); // offered once, then priority 1
}

#[test]
fn a_degraded_master_gives_way_to_any_advert() {
    let mut rig = Rig::master(config());
    rig.effective(Effective::Degraded);
    rig.pass(ms(300));
    rig.take();
    rig.hear(2);
    assert!(rig.has_output("remove 192.0.2.253"));
    assert_eq!(rig.state(), State::Backup);
}

#[test]
fn a_degraded_backup_claims_when_nobody_advertises() {
    let mut rig = Rig::backup_of(config(), 200);
    rig.effective(Effective::Degraded);
    rig.pass(ms(4000));
    assert_eq!(rig.state(), State::Master);
    assert_eq!(rig.sent(), [1]);
}

#[test]
fn a_degraded_backup_does_not_take_what_a_degraded_master_offers() {
    let mut rig = Rig::backup_of(config(), 200);
    rig.effective(Effective::Degraded);
    for _ in 0..3 {
        rig.hear(0);
        rig.pass(ms(1000));
    }
    rig.hear(1);
    rig.pass(ms(3900));
    assert_eq!(rig.state(), State::Backup);
}

#[test]
fn a_degraded_backup_takes_over_from_one_that_stops_before_it_is_gone() {
    let mut rig = Rig::backup_of(config(), 200);
    rig.effective(Effective::Degraded);
    for _ in 0..4 {
        rig.hear(0);
        rig.pass(ms(1000));
    }
    assert_eq!(rig.state(), State::Master);
}

#[test]
fn whoever_is_well_takes_over_from_priority_1_even_without_preemption() {
    let mut config = config();
    config.preempt = Preempt::Never;
    let mut rig = Rig::new(config);
    rig.hear(50);
    rig.hear(1);
    rig.pass(ms(611));
    assert_eq!(rig.state(), State::Master);
}

#[test]
fn recovery_during_an_offer_takes_it_back() {
    let mut rig = Rig::master(config());
    rig.effective(Effective::Degraded);
    rig.take();
    rig.effective(healthy());
    assert_eq!(rig.take(), ["send 100", "RELEASING -> MASTER: tracked objects are up again"]);
}

#[test]
fn each_degraded_episode_offers_again() {
    let mut rig = Rig::master(config());
    for _ in 0..2 {
        rig.effective(Effective::Degraded);
        assert_eq!(rig.state(), State::Releasing);
        rig.pass(ms(4000));
        rig.effective(healthy());
        assert_eq!(rig.state(), State::Master);
    }
}

#[test]
fn after_a_failover_the_old_master_leaves_the_new_one_alone() {
    let mut rig = Rig::master(config());
    rig.command(FAILOVER);
    rig.pass(ms(200));
    rig.hear(50);
    assert_eq!(rig.state(), State::Backup);
    for _ in 0..100 {
        rig.hear(50);
        rig.pass(ms(1000));
    }
    assert_eq!(rig.state(), State::Backup);
    rig.pass(ms(4000)); // the new Master fell silent
    assert_eq!(rig.state(), State::Master);
}

#[test]
fn a_failover_back_works_at_once() {
    let mut rig = Rig::master(config());
    rig.command(FAILOVER);
    rig.hear(50);
    rig.hear(50);
    rig.hear(0); // the peer fails over
    rig.pass(ms(611));
    assert_eq!(rig.state(), State::Master);
}

#[test]
fn a_failover_that_nobody_follows_is_reported() {
    let mut rig = Rig::master(config());
    rig.command(FAILOVER);
    rig.pass(ms(3100));
    assert_eq!(rig.state(), State::Master);
    assert!(rig.has_output("warn failover asked for: no peer took over"));
}

#[test]
fn maintenance_gives_way_and_stays_away() {
    let mut rig = Rig::master(config());
    rig.command(VrrpCommand::Maintenance(true));
    rig.hear(50);
    for _ in 0..30 {
        rig.hear(50);
        rig.pass(ms(1000));
    }
    assert_eq!(rig.state(), State::Backup);
    rig.command(VrrpCommand::Maintenance(false));
    for _ in 0..4 {
        rig.hear(50);
        rig.pass(ms(1000));
    }
    assert_eq!(rig.state(), State::Master);
}

#[test]
fn maintenance_without_a_peer_keeps_serving_with_priority_1() {
    let mut rig = Rig::master(config());
    rig.command(VrrpCommand::Maintenance(true));
    rig.pass(ms(3100));
    assert_eq!(rig.state(), State::Master);
    assert!(rig.has_output("warn maintenance: no peer took over"));
    rig.take();
    rig.pass(ms(1000));
    assert_eq!(rig.sent(), [1]);
    rig.command(VrrpCommand::Maintenance(false));
    assert_eq!(rig.sent(), [100]);
}

#[test]
fn priority_0_of_a_peer_does_not_end_an_offer() {
    let mut rig = Rig::master(config());
    rig.effective(Effective::Degraded);
    rig.hear(0);
    assert_eq!(rig.state(), State::Releasing);
}

#[test]
fn an_offering_node_announces_again_when_another_master_leaves() {
    let mut rig = Rig::master(config());
    rig.effective(Effective::Degraded);
    rig.take();
    rig.hear(0);
    assert_eq!(rig.take(), ["announce 192.0.2.253 x5"]);
}

#[test]
fn the_lease_is_renewed_while_releasing() {
    let mut rig = Rig::master(config());
    rig.command(VrrpCommand::Stop);
    rig.take();
    rig.pass(ms(4000));
    assert!(rig.take().iter().filter(|line| line.starts_with("refresh")).count() >= 3);
}

#[test]
fn fault_ends_an_offer_at_once() {
    let mut rig = Rig::master(config());
    rig.effective(Effective::Degraded);
    rig.take();
    rig.effective(Effective::Fault);
    assert_eq!(rig.take()[..3], ["send 0", "send 0", "remove 192.0.2.253"]);
    assert_eq!(rig.state(), State::Fault);
}

#[test]
fn a_master_that_hears_an_offer_end_announces_again() {
    let mut rig = Rig::master(config());
    rig.hear(0);
    assert!(rig.has_output("announce"));
    rig.take();
    rig.pass(ms(50));
    rig.hear(0); // too soon for an answer at once, but before any Backup's skew
    assert!(rig.sent().is_empty());
    rig.pass(ms(51));
    assert_eq!(rig.sent(), [100]);
}
