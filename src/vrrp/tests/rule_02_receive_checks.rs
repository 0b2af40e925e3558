//! Each check has a counter, and whoever fails one changes nothing else. The order decides which counter it is.

use super::rig::*;
use crate::model::vrrp::{Authentication, Instance, Transport, Version};
use crate::state::vrrp::State;
use crate::vrrp::Input;
use crate::wire::vrrp::{Authentication as WireAuthentication, Body, Coverage};

fn v2(authentication: Authentication) -> Instance {
    let mut config = config();
    config.version = Version::V2;
    config.authentication = authentication;
    config
}

fn unicast(min_ttl: u8, check_source: bool) -> Instance {
    let mut config = config();
    config.transport = Transport::Unicast { source: None, peers: vec![ip("192.0.2.1")], min_ttl, check_source };
    config
}

/// A Master with this configuration that hears this from a better router counts it here and stays Master.
fn refused(config: Instance, crafted: Crafted, counter: &str) {
    refused_bytes(config, crafted.received(), counter);
}

fn refused_bytes(config: Instance, received: crate::vrrp::io::Received, counter: &str) {
    let mut rig = Rig::master(config);
    rig.input(Input::Advert(received));
    assert_eq!(rig.rejected(counter), 1, "{:?}", rig.status().rejected);
    assert_eq!(rig.state(), State::Master);
    assert_eq!(rig.status().adverts_received, 0);
    assert!(rig.status().peers.is_empty());
    assert_eq!(rig.sent(), Vec::<u8>::new());
}

fn accepted(config: Instance, crafted: Crafted) {
    let mut rig = Rig::master(config);
    rig.input(Input::Advert(crafted.received()));
    assert_eq!(rig.state(), State::Backup, "{:?}", rig.status().rejected);
}

#[test]
fn short_and_long_messages_are_refused() {
    let mut short = advert("192.0.2.1", 200).received();
    short.bytes.pop();
    refused_bytes(config(), short, "too_short");
    let mut long = advert("192.0.2.1", 200).received();
    long.bytes.push(0);
    refused_bytes(config(), long, "trailing_bytes");
}

#[test]
fn another_version_is_refused() {
    refused(config(), advert_v2("192.0.2.1", 200, [0; 8]), "version_mismatch");
    refused(v2(Authentication::None), advert("192.0.2.1", 200), "version_mismatch");
}

#[test]
fn multicast_needs_a_ttl_of_255() {
    refused(config(), advert("192.0.2.1", 200).with(|it| it.ttl = Some(254)), "ttl");
    refused(config(), advert("192.0.2.1", 200).with(|it| it.ttl = None), "ttl");
}

#[test]
fn unicast_needs_the_configured_ttl() {
    let to_us = |ttl| advert("192.0.2.1", 200).with(|it| (it.destination, it.ttl) = (ip(OWN), Some(ttl)));
    refused(unicast(255, true), to_us(64), "ttl");
    accepted(unicast(64, true), to_us(64));
}

#[test]
fn unicast_from_a_stranger_is_refused_where_sources_are_checked() {
    let stranger = || advert("192.0.2.77", 200).with(|it| it.destination = ip(OWN));
    refused(unicast(255, true), stranger(), "unknown_peer");
    accepted(unicast(255, false), stranger());
}

#[test]
fn multicast_and_unicast_do_not_mix() {
    refused(config(), advert("192.0.2.1", 200).with(|it| it.destination = ip(OWN)), "destination");
    refused(unicast(255, true), advert("192.0.2.1", 200), "destination");
}

#[test]
fn own_adverts_that_come_back_are_refused() {
    refused(config(), advert(OWN, 200), "own_address");
}

#[test]
fn passwords_must_agree() {
    let guarded = v2(Authentication::Pass(*b"right\0\0\0"));
    refused(guarded.clone(), advert_v2("192.0.2.1", 200, *b"wrong\0\0\0"), "auth_password");
    accepted(guarded.clone(), advert_v2("192.0.2.1", 200, *b"right\0\0\0"));
    let none = advert_v2("192.0.2.1", 200, [0; 8])
        .with(|it| it.advert.body = Body::V2 { interval: 1, authentication: WireAuthentication::None });
    refused(guarded, none, "auth_type");
    refused(v2(Authentication::None), advert_v2("192.0.2.1", 200, [0; 8]), "auth_type");
}

#[test]
fn a_broken_checksum_is_refused() {
    let mut broken = advert("192.0.2.1", 200).received();
    broken.bytes[6] ^= 0x55;
    refused_bytes(config(), broken, "checksum");
}

#[test]
fn each_of_the_three_checksum_forms_is_accepted_and_remembered() {
    for (coverage, word) in [
        (Coverage::PseudoHeader, "pseudo-header"),
        (Coverage::MessageOnly, "message-only"),
        (Coverage::PseudoHeaderMulticast, "pseudo-header-multicast"),
    ] {
        let mut rig = Rig::master(unicast(255, true));
        let crafted = advert("192.0.2.1", 200).with(|it| (it.destination, it.coverage) = (ip(OWN), coverage));
        rig.input(Input::Advert(crafted.received()));
        assert_eq!(rig.state(), State::Backup);
        assert_eq!(rig.status().peer_checksum, Some(word));
    }
}

#[test]
fn another_type_is_refused() {
    let mut other = advert("192.0.2.1", 200).with(|it| it.coverage = Coverage::MessageOnly).received();
    other.bytes[0] = 0x32;
    other.bytes[6..8].copy_from_slice(&[0, 0]);
    let sum = crate::wire::checksum::Sum::default().add(&other.bytes).finish();
    other.bytes[6..8].copy_from_slice(&sum.to_be_bytes());
    refused_bytes(config(), other, "type");
}

#[test]
fn intervals_are_checked() {
    refused(config(), advert("192.0.2.1", 200).with(|it| it.advert.body = Body::V3 { interval: 0 }), "interval_zero");
    let v2_slow = advert_v2("192.0.2.1", 200, [0; 8])
        .with(|it| it.advert.body = Body::V2 { interval: 2, authentication: WireAuthentication::None });
    refused(v2(Authentication::None), v2_slow, "interval_mismatch");
    accepted(config(), advert("192.0.2.1", 200).with(|it| it.advert.body = Body::V3 { interval: 7 }));
}

#[test]
fn the_first_check_that_fails_is_the_one_that_counts() {
    let everything_wrong = || {
        advert_v2("192.0.2.1", 200, *b"wrong\0\0\0").with(|it| {
            it.ttl = Some(1);
            it.advert.addresses = vec![ip("203.0.113.9")];
        })
    };
    let guarded = || v2(Authentication::Pass(*b"right\0\0\0"));
    refused(guarded(), everything_wrong(), "ttl");
    refused(guarded(), everything_wrong().with(|it| it.ttl = Some(255)), "auth_password");
    let mut broken = everything_wrong().with(|it| it.ttl = Some(255)).received();
    broken.bytes[6] ^= 1;
    refused_bytes(guarded(), broken, "auth_password");
}

#[test]
fn another_interface_or_vrid_is_nobody_s() {
    let mut rig = Rig::master(config());
    rig.input(Input::Advert(advert("192.0.2.1", 200).with(|it| it.advert.vrid = 52).received()));
    let mut elsewhere = advert("192.0.2.1", 200).received();
    elsewhere.interface = "eth1".to_owned();
    rig.input(Input::Advert(elsewhere));
    assert_eq!(rig.router.status(rig.now).rejected.get("unknown_vrid"), Some(&2));
    assert_eq!(rig.state(), State::Master);
}
