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
    for _ in 0..9 {
        rig.pass(ms(101));
        rig.hear(50);
    }
    rig.take();
    rig.pass(ms(250));
    assert!(rig.has_output("announce 192.0.2.253 x5"), "a second after the first answer");
}

#[test]
fn a_losing_advert_that_comes_too_soon_is_answered_later() {
    let mut rig = Rig::master(config());
    rig.hear(50);
    assert_eq!(rig.take(), ["send 100", "announce 192.0.2.253 x5"]);
    rig.pass(ms(10));
    rig.hear(50);
    rig.hear(0);
    assert_eq!(rig.take(), Vec::<String>::new());
    rig.pass(ms(90));
    assert_eq!(rig.take(), ["send 100", "announce 192.0.2.253 x5"], "its announcement came after our first one");
    rig.pass(ms(1000));
    assert!(rig.has_output("announce 192.0.2.253 x5"), "and once more");
}
