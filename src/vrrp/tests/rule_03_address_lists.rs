//! Equal lists are one router, overlapping ones too, disjoint ones are strangers that share a VRID by accident.

use super::rig::*;
use crate::state::vrrp::State;
use crate::vrrp::Input;

#[test]
fn a_disjoint_list_is_a_stranger_and_counted() {
    let mut rig = Rig::master(config());
    rig.input(Input::Advert(
        advert("192.0.2.99", 200).with(|it| it.advert.addresses = vec![ip("192.0.2.77")]).received(),
    ));
    assert_eq!((rig.state(), rig.rejected("vrid_collision")), (State::Master, 1));
    assert!(rig.has_output("choose another virtual_router_id"));
}

#[test]
fn an_overlapping_list_is_accepted_with_one_warning() {
    let mut rig = Rig::new(config());
    let more = || advert("192.0.2.1", 200).with(|it| it.advert.addresses.push(ip("192.0.2.77"))).received();
    rig.input(Input::Advert(more()));
    rig.input(Input::Advert(more()));
    assert_eq!(rig.status().adverts_received, 2);
    assert_eq!(rig.take().iter().filter(|line| line.contains("other addresses")).count(), 1);
}

#[test]
fn the_order_of_addresses_does_not_matter() {
    let mut config = config();
    config.addresses.push(vip("192.0.2.252"));
    let mut rig = Rig::new(config);
    let swapped = |it: &mut Crafted| it.advert.addresses = vec![ip("192.0.2.252"), ip(VIP)];
    rig.input(Input::Advert(advert("192.0.2.1", 200).with(swapped).received()));
    assert_eq!(rig.status().adverts_received, 1);
    assert!(!rig.has_output("warn"));
}

#[test]
fn an_empty_list_is_refused() {
    let mut rig = Rig::master(config());
    rig.input(Input::Advert(advert("192.0.2.1", 200).with(|it| it.advert.addresses.clear()).received()));
    assert_eq!((rig.state(), rig.rejected("empty_list")), (State::Master, 1));
}
