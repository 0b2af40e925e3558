//! Who is not ready does not push a living Master out; who has no interface waits.

use super::rig::*;
use crate::model::vrrp::{Preempt, Transport};
use crate::state::vrrp::State;
use crate::vrrp::Input;

#[test]
fn a_node_that_is_not_ready_does_not_preempt() {
    let mut rig = Rig::unready(vec![config()], vec![]);
    for _ in 0..20 {
        rig.hear(50);
        rig.pass(ms(1000));
    }
    assert_eq!(rig.state(), State::Backup);
    rig.input(Input::Ready(true));
    for _ in 0..4 {
        rig.hear(50);
        rig.pass(ms(1000));
    }
    assert_eq!(rig.state(), State::Master);
}

#[test]
fn a_node_that_is_not_ready_claims_when_nobody_advertises() {
    let mut rig = Rig::unready(vec![config()], vec![]);
    rig.pass(ms(3700));
    assert_eq!(rig.state(), State::Master);
}

#[test]
fn the_preempt_delay_counts_from_readiness() {
    let mut config = config();
    config.preempt = Preempt::After(ms(30_000));
    let mut rig = Rig::unready(vec![config], vec![]);
    let live = |rig: &mut Rig, seconds: u32| {
        for _ in 0..seconds {
            rig.hear(50);
            rig.pass(ms(1000));
        }
    };
    live(&mut rig, 40);
    rig.input(Input::Ready(true));
    live(&mut rig, 30);
    assert_eq!(rig.state(), State::Backup);
    live(&mut rig, 4);
    assert_eq!(rig.state(), State::Master);
}

#[test]
fn a_missing_interface_is_a_fault_with_its_name_and_not_the_end() {
    let mut rig = Rig::bare();
    rig.input(Input::Configure { instances: vec![config()], groups: vec![] });
    assert_eq!(rig.state(), State::Initialize);
    rig.pass(ms(1500));
    assert_eq!((rig.state(), rig.status().reason.as_str()), (State::Fault, "interface eth0 is not there"));
    rig.link(true, &[OWN]);
    assert_eq!(rig.state(), State::Backup);
}

#[test]
fn link_down_releases_locally_and_link_up_competes_again() {
    let mut rig = Rig::master(config());
    rig.link(false, &[OWN]);
    assert_eq!(rig.take(), ["remove 192.0.2.253", "MASTER -> FAULT: interface eth0 is down"]);
    rig.link(true, &[OWN]);
    assert_eq!(rig.state(), State::Backup);
}

#[test]
fn an_interface_without_an_address_of_its_own_cannot_advertise() {
    let mut rig = Rig::master(config());
    rig.link(true, &[VIP]);
    assert_eq!((rig.state(), rig.status().reason.as_str()), (State::Fault, "interface eth0 has no IPv4 address"));
}

#[test]
fn a_configured_source_that_disappears_is_a_fault() {
    let mut config = config();
    let peers = vec![ip("192.0.2.1")];
    config.transport = Transport::Unicast { source: Some(ip("192.0.2.11")), peers, min_ttl: 255, check_source: true };
    let mut rig = Rig::new(config);
    assert_eq!(rig.status().reason, "interface eth0 has no address 192.0.2.11");
    rig.link(true, &[OWN, "192.0.2.11"]);
    assert_eq!(rig.state(), State::Backup);
}

#[test]
fn a_fault_leaves_no_timer_in_the_past() {
    let mut rig = Rig::new(config());
    rig.kernel = Kernel::Refuses;
    rig.pass(ms(3700));
    rig.link(false, &[OWN]);
    rig.pass(ms(60_000));
    assert_eq!((rig.state(), rig.router.poll_timeout()), (State::Fault, None));
}
