//! A stop hands over before it removes; a reload changes in place whatever it can.

use super::rig::*;
use crate::model::Vrid;
use crate::state::command::VrrpCommand;
use crate::state::vrrp::State;
use crate::vrrp::Input;

fn configure(rig: &mut Rig, instances: Vec<crate::model::vrrp::Instance>) {
    rig.input(Input::Configure { instances, groups: vec![] });
}

#[test]
fn a_stop_serves_until_a_peer_takes_over() {
    let mut rig = Rig::master(config());
    rig.command(VrrpCommand::Stop);
    assert_eq!(rig.take(), ["send 0", "MASTER -> RELEASING: stopping"]);
    rig.pass(ms(600));
    assert!(rig.status().holds_addresses);
    rig.hear(50);
    let end = [
        "send 1",
        "finish 192.0.2.253",
        "send 0",
        "send 0",
        "remove 192.0.2.253",
        "RELEASING -> INITIALIZE: heard priority 50 from 192.0.2.1 took over",
        "stopped",
    ];
    assert_eq!(rig.take(), end);
    rig.pass(ms(20_000));
    assert_eq!((rig.state(), rig.take()), (State::Initialize, vec![]));
}

#[test]
fn a_stop_without_peers_ends_after_their_master_down() {
    let mut rig = Rig::master(config());
    rig.command(VrrpCommand::Stop);
    rig.pass(ms(4400));
    assert_eq!(rig.state(), State::Releasing);
    rig.pass(ms(200));
    assert_eq!(rig.state(), State::Initialize);
    assert!(rig.has_output("stopped"));
    assert_eq!(rig.sent(), [0; 5]);
}

#[test]
fn a_second_stop_does_not_wait() {
    let mut rig = Rig::master(config());
    rig.command(VrrpCommand::Stop);
    rig.command(VrrpCommand::Stop);
    assert!(rig.has_output("stopped"));
}

#[test]
fn a_backup_stops_at_once() {
    let mut rig = Rig::backup_of(config(), 200);
    rig.command(VrrpCommand::Stop);
    assert_eq!(rig.take(), ["BACKUP -> INITIALIZE: stopped", "stopped"]);
}

#[test]
fn an_added_address_moves_nothing_but_itself() {
    let mut rig = Rig::master(config());
    let mut more = config();
    more.addresses.push(vip("192.0.2.252"));
    configure(&mut rig, vec![more]);
    assert_eq!(rig.take(), ["add 192.0.2.252", "send 100", "announce 192.0.2.252 x5"]);
    configure(&mut rig, vec![config()]);
    assert_eq!(rig.take(), ["remove 192.0.2.252", "send 100"]);
    assert_eq!(rig.state(), State::Master);
}

#[test]
fn a_configuration_without_changes_does_nothing() {
    let mut rig = Rig::master(config());
    configure(&mut rig, vec![config()]);
    assert_eq!(rig.take(), Vec::<String>::new());
}

#[test]
fn another_vrid_is_another_router() {
    let mut rig = Rig::master(config());
    let mut other = config();
    other.vrid = Vrid::new(52).unwrap();
    configure(&mut rig, vec![other]);
    assert_eq!(rig.state(), State::Backup);
    assert_eq!(rig.take()[..2], ["send 0", "remove 192.0.2.253"]);
}

#[test]
fn an_instance_keeps_its_state_when_its_number_changes() {
    let mut rig = Rig::master(config());
    let mut first = config();
    (first.name, first.vrid) = ("other".to_owned(), Vrid::new(9).unwrap());
    configure(&mut rig, vec![first, config()]);
    assert_eq!(rig.router.status(rig.now).instances[1].state, State::Master);
    assert!(!rig.has_output("remove"));
}
