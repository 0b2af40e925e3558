//! From a living Master to another: nothing under way is cut off.

use super::rig::*;
use crate::state::command::VrrpCommand;
use crate::state::vrrp::State;
use crate::vrrp::Input;

const ANNOUNCEMENT: &str = "announce 192.0.2.253 x5";

/// The old Master has finished.
const FAREWELL: [&str; 2] = ["send 0", "send 0"];
/// It lets go.
const GONE: [&str; 2] = ["remove 192.0.2.253", "RELEASING -> BACKUP: heard priority 200 from 192.0.2.1"];

fn announcements(rig: &mut Rig) -> usize {
    rig.take().iter().filter(|output| *output == ANNOUNCEMENT).count()
}

/// A Master whose requests take as long as the test likes, and which has just heard of a better one.
fn giving_way() -> Rig {
    let mut rig = Rig::master(config());
    rig.is_quick = false;
    rig.hear(200);
    rig
}

#[test]
fn the_announcement_waits_for_the_farewell_of_the_old_master() {
    let mut rig = Rig::backup_of(config(), 200);
    rig.hear(0);
    rig.pass(ms(610));
    assert_eq!(rig.take(), ["send 100", "add 192.0.2.253", "BACKUP -> MASTER: master down timer expired"]);
    rig.hear(1);
    rig.pass(ms(240));
    assert_eq!(announcements(&mut rig), 0, "the old one is still finishing");
    rig.hear(0);
    assert_eq!(announcements(&mut rig), 1);
}

#[test]
fn an_old_master_that_is_gone_is_waited_for_30_ms() {
    let mut rig = Rig::backup_of(config(), 50);
    for _ in 0..3 {
        rig.pass(ms(1000));
        rig.hear(50);
    }
    rig.pass(ms(610));
    assert_eq!(rig.state(), State::Master);
    rig.take();
    rig.pass(ms(10));
    assert_eq!(rig.take(), ["probe 192.0.2.253"], "it says nothing: is it there?");
    rig.pass(ms(19));
    assert_eq!(announcements(&mut rig), 0);
    rig.pass(ms(1));
    assert_eq!(announcements(&mut rig), 1);
}

#[test]
fn an_old_master_that_is_there_but_silent_is_waited_for() {
    let mut rig = Rig::backup_of(config(), 200);
    rig.hear(0);
    rig.pass(ms(620));
    rig.input(in_use(VIP));
    rig.take();
    rig.pass(ms(249));
    assert_eq!(announcements(&mut rig), 0);
    rig.hear(0);
    assert_eq!(announcements(&mut rig), 1);
}

#[test]
fn an_old_master_that_never_finishes_is_waited_for_a_quarter_of_a_second() {
    let mut rig = Rig::backup_of(config(), 200);
    rig.hear(0);
    rig.pass(ms(610));
    rig.hear(1);
    rig.take();
    rig.pass(ms(249));
    assert_eq!(announcements(&mut rig), 0);
    rig.pass(ms(2));
    assert_eq!(announcements(&mut rig), 1);
}

#[test]
fn a_master_that_died_is_not_waited_for() {
    let mut rig = Rig::backup_of(config(), 200);
    rig.pass(ms(3610));
    assert_eq!(announcements(&mut rig), 1);
}

#[test]
fn who_gives_way_keeps_the_addresses_until_everything_is_finished() {
    let mut rig = giving_way();
    let expected = ["send 100", "finish 192.0.2.253", "MASTER -> RELEASING: heard priority 200 from 192.0.2.1"];
    assert_eq!(rig.take(), expected);
    rig.pass(ms(150));
    assert_eq!(rig.take(), Vec::<String>::new(), "no advert, no announcement");
    rig.input(Input::Finished { instance: 0 });
    assert_eq!(rig.take(), FAREWELL, "the new one may announce, and until it does the addresses are here");
    rig.pass(ms(20));
    rig.input(in_use(VIP));
    assert_eq!(rig.take(), GONE);
}

#[test]
fn who_gives_way_to_a_master_that_has_announced_itself_leaves_when_everything_is_finished() {
    let mut rig = giving_way();
    rig.take();
    rig.input(in_use(VIP));
    assert_eq!(rig.take(), Vec::<String>::new(), "requests are under way");
    rig.input(Input::Finished { instance: 0 });
    assert_eq!(rig.take(), [GONE[0], FAREWELL[0], FAREWELL[1], GONE[1]]);
}

#[test]
fn who_gives_way_leaves_after_200_ms_though_nobody_announces() {
    let mut rig = giving_way();
    rig.input(Input::Finished { instance: 0 });
    rig.pass(ms(199));
    rig.take();
    rig.pass(ms(1));
    assert_eq!(rig.take(), GONE);
}

#[test]
fn a_new_master_announces_again_when_the_old_one_has_let_go() {
    let mut rig = Rig::backup_of(config(), 200);
    rig.hear(0);
    rig.pass(ms(610));
    rig.hear(1);
    rig.hear(0);
    assert_eq!(announcements(&mut rig), 1);
    rig.pass(ms(249));
    assert_eq!(announcements(&mut rig), 0);
    rig.pass(ms(1));
    assert_eq!(announcements(&mut rig), 1);
}

#[test]
fn who_gives_way_leaves_after_200_ms_whatever_is_under_way() {
    let mut rig = giving_way();
    rig.pass(ms(199));
    assert_eq!(rig.state(), State::Releasing);
    rig.pass(ms(1));
    assert_eq!(rig.state(), State::Backup);
    rig.take();
    rig.input(Input::Finished { instance: 0 });
    assert_eq!(rig.take(), Vec::<String>::new(), "a late answer changes nothing");
}

#[test]
fn who_offered_its_addresses_does_not_frighten_the_one_that_took_them() {
    let mut rig = Rig::master(config());
    rig.is_quick = false;
    rig.command(VrrpCommand::Failover { instance: None });
    rig.take();
    rig.hear(50);
    assert_eq!(rig.sent(), [1]);
    rig.hear(50);
    rig.pass(ms(200));
    assert_eq!(rig.sent(), [0, 0]);
    assert_eq!(rig.state(), State::Backup);
}

#[test]
fn a_successor_that_goes_at_once_is_succeeded() {
    let mut rig = giving_way();
    rig.hear(0);
    assert_eq!(rig.state(), State::Backup);
    rig.pass(ms(610));
    assert_eq!(rig.state(), State::Master);
}

#[test]
fn a_stop_while_giving_way_stops() {
    let mut rig = giving_way();
    rig.command(VrrpCommand::Stop);
    rig.pass(ms(200));
    assert_eq!(rig.state(), State::Initialize);
    assert!(rig.has_output("stopped"));
}
