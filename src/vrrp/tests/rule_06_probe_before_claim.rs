//! A Backup asks who has the addresses when the second advert is missing. An answer costs one more Master_Down, silence
//! nothing, and the running lease of a Master that died nothing either.

use super::rig::*;
use crate::model::vrrp::Family;
use crate::state::vrrp::State;

/// Priority 100 at 1 s: Master_Down is 3609 ms.
const MASTER_DOWN: u64 = 3609;

fn answer(rig: &mut Rig, address: &str) {
    rig.input(in_use(address));
}

#[test]
fn the_second_missing_advert_asks_and_silence_costs_nothing() {
    let mut rig = Rig::backup_of(config(), 200);
    rig.pass(ms(2600));
    assert!(!rig.has_output("probe"), "the second advert may still come");
    rig.pass(ms(20));
    assert_eq!(rig.take(), ["probe 192.0.2.253"]);
    rig.pass(ms(MASTER_DOWN - 2620 + 1));
    assert_eq!(rig.state(), State::Master);
    assert_eq!(rig.status().in_use, 0);
}

#[test]
fn an_answer_at_the_start_makes_it_wait_one_more_master_down_and_then_it_claims() {
    let mut rig = Rig::new(config());
    rig.pass(ms(2700));
    answer(&mut rig, VIP);
    assert_eq!(rig.status().in_use_by.as_deref(), Some("02:00:00:00:00:09"));
    assert!(rig.has_output("vip_in_use: 02:00:00:00:00:09 has 192.0.2.253"));
    rig.pass(ms(2 * MASTER_DOWN - 2700));
    assert_eq!((rig.state(), rig.status().in_use), (State::Backup, 1));
    rig.pass(ms(10));
    assert_eq!((rig.state(), rig.status().in_use_by), (State::Master, None));
}

#[test]
fn an_advert_of_the_holder_within_the_wait_ends_the_matter() {
    let mut rig = Rig::new(config());
    rig.pass(ms(2700));
    answer(&mut rig, VIP);
    rig.pass(ms(2000));
    rig.hear(200);
    rig.pass(ms(2000));
    assert_eq!((rig.state(), rig.status().in_use_by), (State::Backup, None));
}

#[test]
fn the_running_lease_of_a_dead_master_does_not_put_the_takeover_off() {
    let mut rig = Rig::backup_of(config(), 200);
    rig.pass(ms(2700));
    answer(&mut rig, VIP);
    assert!(rig.has_output("its lease may be running"));
    rig.pass(ms(MASTER_DOWN - 2700 + 1));
    assert_eq!((rig.state(), rig.status().in_use), (State::Master, 1));
}

#[test]
fn a_silent_master_that_has_no_lease_is_given_one_more_master_down() {
    let mut config = config();
    config.lease = None;
    let mut rig = Rig::backup_of(config, 200);
    rig.pass(ms(2700));
    answer(&mut rig, VIP);
    rig.pass(ms(MASTER_DOWN - 2700 + 1));
    assert_eq!(rig.state(), State::Backup);
    rig.pass(ms(MASTER_DOWN));
    assert_eq!(rig.state(), State::Master);
}

#[test]
fn nobody_asks_before_a_claim_while_a_worse_master_is_heard_or_one_says_farewell() {
    let mut rig = Rig::new(config());
    for _ in 0..4 {
        rig.hear(50);
        rig.pass(ms(950));
    }
    assert_eq!(rig.state(), State::Master, "it preempts in time");
    assert!(!asked_before_claim(&mut rig));
    let mut rig = Rig::backup_of(config(), 200);
    rig.pass(ms(500));
    rig.hear(0);
    rig.pass(ms(700));
    assert_eq!(rig.state(), State::Master);
    assert!(!asked_before_claim(&mut rig));
}

fn asked_before_claim(rig: &mut Rig) -> bool {
    rig.take()
        .iter()
        .take_while(|output| !output.starts_with("BACKUP -> MASTER"))
        .any(|output| output.contains("probe"))
}

#[test]
fn an_answer_that_nobody_asked_for_or_about_another_address_changes_nothing() {
    let mut rig = Rig::new(config());
    answer(&mut rig, VIP);
    rig.pass(ms(2700));
    answer(&mut rig, "192.0.2.77");
    rig.pass(ms(MASTER_DOWN - 2700 + 1));
    assert_eq!((rig.state(), rig.status().in_use), (State::Master, 0));
}

#[test]
fn ipv6_asks_too() {
    let mut config = config();
    config.family = Family::V6;
    config.transport = crate::model::vrrp::Transport::Multicast { group: Family::V6.multicast_group() };
    config.addresses = vec![vip("2001:db8::fd")];
    let mut rig = Rig::new(config);
    rig.pass(ms(2700));
    assert!(rig.has_output("probe 2001:db8::fd"));
    answer(&mut rig, "2001:db8::fd");
    rig.pass(ms(MASTER_DOWN));
    assert_eq!(rig.state(), State::Backup);
}
