//! The advert timer starts again only when an advert was sent, the down timer only when one was accepted.

use super::rig::*;
use crate::model::vrrp::{Authentication, Version};
use crate::state::vrrp::State;

/// Version 2 with a password.
fn guarded() -> crate::model::vrrp::Instance {
    let mut config = config();
    config.version = Version::V2;
    config.authentication = Authentication::Pass(*b"right\0\0\0");
    config
}

fn wrong_password() -> crate::vrrp::io::Received {
    advert_v2("192.0.2.99", 100, *b"wrong\0\0\0").received()
}

#[test]
fn master_under_a_stream_of_refused_adverts_keeps_its_pace() {
    let mut rig = Rig::master(guarded());
    for _ in 0..50 {
        rig.pass(ms(400));
        rig.input(crate::vrrp::Input::Advert(wrong_password()));
    }
    assert_eq!(rig.sent(), vec![100; 20]);
    assert_eq!(rig.rejected("auth_password"), 50);
}

#[test]
fn master_under_a_stream_of_losing_adverts_sends_at_least_at_its_pace() {
    let mut rig = Rig::master(config());
    for _ in 0..50 {
        rig.pass(ms(400));
        rig.hear(50);
    }
    assert!(rig.sent().len() >= 50);
}

#[test]
fn master_under_a_stream_of_unknown_vrids_keeps_its_pace() {
    let mut rig = Rig::master(config());
    for _ in 0..50 {
        rig.pass(ms(400));
        rig.input(crate::vrrp::Input::Advert(advert("192.0.2.99", 255).with(|it| it.advert.vrid = 52).received()));
    }
    assert_eq!(rig.sent(), vec![100; 20]);
}

#[test]
fn backup_under_a_stream_of_refused_adverts_still_misses_the_master() {
    let mut rig = Rig::new(guarded());
    for _ in 0..12 {
        rig.pass(ms(300));
        rig.input(crate::vrrp::Input::Advert(wrong_password()));
    }
    assert_eq!(rig.state(), State::Backup);
    rig.pass(ms(10));
    assert_eq!(rig.state(), State::Master);
}

#[test]
fn backup_that_preempts_is_not_put_off_by_the_adverts_that_it_discards() {
    let mut rig = Rig::new(config());
    for _ in 0..36 {
        rig.pass(ms(100));
        rig.hear(50);
    }
    rig.pass(ms(10));
    assert_eq!(rig.state(), State::Master);
}

#[test]
fn interval_is_learned_from_accepted_adverts_only() {
    let slow = |priority| {
        let slow = advert("192.0.2.1", priority);
        slow.with(|it| it.advert.body = crate::wire::vrrp::Body::V3 { interval: 400 }).received()
    };
    let mut rig = Rig::new(config());
    rig.input(crate::vrrp::Input::Advert(slow(50))); // discarded: this node preempts
    assert_eq!(rig.status().advert_interval, ms(1000));
    rig.input(crate::vrrp::Input::Advert(slow(200)));
    assert_eq!(rig.status().advert_interval, ms(4000));
    rig.pass(ms(12_000 + 2_430));
    assert_eq!(rig.state(), State::Backup);
    rig.pass(ms(10));
    assert_eq!(rig.state(), State::Master);
    assert_eq!(rig.status().advert_interval, ms(1000));
}
