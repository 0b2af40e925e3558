//! Five at once, five after five seconds, then one a minute.

use super::rig::*;

#[test]
fn announcements_follow_the_schedule() {
    let mut rig = Rig::new(config());
    rig.pass(ms(3609 + 1));
    assert!(rig.has_output("x5"));
    rig.take();
    rig.pass(ms(4990));
    assert!(!rig.has_output("announce"));
    rig.pass(ms(20));
    assert!(rig.has_output("x5"));
    rig.take();
    rig.pass(ms(54_900));
    assert!(!rig.has_output("announce"));
    rig.pass(ms(200));
    assert!(rig.has_output("x1"));
    rig.take();
    rig.pass(ms(60_000));
    assert_eq!(rig.take().iter().filter(|line| line.starts_with("announce")).count(), 1);
}

#[test]
fn nothing_is_announced_after_the_addresses_went() {
    let mut rig = Rig::master(config());
    rig.hear(200);
    rig.take();
    for _ in 0..100 {
        rig.hear(200);
        rig.pass(ms(1000));
    }
    assert!(!rig.has_output("announce"));
}

#[test]
fn a_peer_that_keeps_losing_cannot_put_the_second_burst_off() {
    let mut rig = Rig::new(config());
    rig.pass(ms(3610));
    for _ in 0..49 {
        rig.pass(ms(101));
        rig.hear(50);
    }
    rig.take();
    rig.pass(ms(60));
    assert!(rig.has_output("announce 192.0.2.253 x5"));
}
