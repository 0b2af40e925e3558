//! Every captured frame decodes to what keepalived was told to send, and encodes back to the byte.

use std::net::IpAddr;
use std::path::Path;

use vipgate::wire::frame::{Datagram, datagram};
use vipgate::wire::vrrp::{self, Advert, Authentication, Body, Coverage, Malformed};
use vipgate::wire::{arp, ndisc};

/// MAC of the keepalived node.
const MAC: [u8; 6] = [0x02, 0x99, 0, 0, 0, 1];

fn frame(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire/frames").join(format!("{name}.hex"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let digits: Vec<u8> =
        text.lines().filter(|line| !line.starts_with('#')).flat_map(|line| line.trim().bytes()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn vrrp_datagram(name: &str) -> Datagram {
    let datagram = datagram(&frame(name)).expect("an IP packet");
    assert_eq!(datagram.protocol, 112, "{name}");
    datagram
}

fn decode(name: &str) -> (Advert, Coverage, Datagram) {
    let datagram = vrrp_datagram(name);
    let (advert, coverage) = vrrp::parse(&datagram.payload, datagram.source, datagram.destination)
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    (advert, coverage, datagram)
}

fn ips(list: &str) -> Vec<IpAddr> {
    list.split_whitespace().map(|word| word.parse().unwrap()).collect()
}

fn v2(interval: u8, authentication: Authentication) -> Body {
    Body::V2 { interval, authentication }
}

#[test]
fn every_captured_advert_decodes_and_encodes_back_to_the_byte() {
    const NONE: Authentication = Authentication::None;
    const ONES: Authentication = Authentication::Pass(*b"1111\0\0\0\0");
    const CUT: Authentication = Authentication::Pass(*b"s3cr3t_p");
    let v3 = |interval| Body::V3 { interval };
    let one = "10.99.0.100";
    let three = "10.99.0.100 10.99.0.101 172.16.5.9";
    let ipv6 = "fe80::100 fd99::100";
    let whole = Coverage::MessageOnly;
    let pseudo = Coverage::PseudoHeader;
    let table = [
        ("v2-pass", 51, 100, one, v2(1, ONES), whole),
        ("v2-pass8", 51, 150, three, v2(2, CUT), whole),
        ("v2-noauth", 51, 100, one, v2(1, NONE), whole),
        ("v2-novip", 51, 100, "", v2(1, NONE), whole),
        ("v2-mcastdst", 51, 100, one, v2(1, NONE), whole),
        ("uni-v2-pass", 51, 100, one, v2(1, ONES), whole),
        ("v3-ipv4", 51, 100, one, v3(50), pseudo),
        ("v3-ipv4-3vips", 52, 200, three, v3(100), pseudo),
        ("v3-ipv4-ck2", 51, 100, one, v3(50), whole),
        ("v3-ipv4-owner", 51, 255, one, v3(100), pseudo),
        ("uni-v3-ipv4", 51, 100, one, v3(100), pseudo),
        ("uni-v3-ipv4-ttl64", 51, 100, one, v3(100), pseudo),
        ("uni-v3-ipv4-oldck", 51, 100, one, v3(100), Coverage::PseudoHeaderMulticast),
        ("vmac-v3-ipv4", 51, 100, one, v3(100), pseudo),
        ("v3-ipv6", 61, 100, ipv6, v3(100), pseudo),
        ("v3-ipv6-128", 61, 100, "fd99::100", v3(100), pseudo),
        ("uni-v3-ipv6", 61, 100, "fd99::100", v3(100), pseudo),
    ];
    for (config, vrid, priority, addresses, body, coverage) in table {
        for (moment, priority) in [("advert", priority), ("prio0", 0)] {
            let name = format!("{config}.ka2.4.3.{moment}");
            let (advert, found, datagram) = decode(&name);
            assert_eq!(advert, Advert { vrid, priority, addresses: ips(addresses), body }, "{name}");
            assert_eq!(found, coverage, "{name}");
            assert_eq!(advert.build(datagram.source, datagram.destination, found), datagram.payload, "{name}");
        }
    }
}

#[test]
fn both_keepalived_versions_send_the_same_bytes() {
    for config in ["v2-pass", "v3-ipv4"] {
        let [old, new] = ["ka2.2.7", "ka2.4.3"].map(|version| vrrp_datagram(&format!("{config}.{version}.advert")));
        assert_eq!(old.payload, new.payload, "{config}");
    }
}

#[test]
fn each_unicast_copy_has_a_checksum_of_its_own() {
    let (advert, coverage, first) = decode("uni-v3-ipv4.ka2.4.3.advert");
    let (_, _, second) = decode("uni-v3-ipv4.ka2.4.3.advert-peer2");
    assert_ne!(first.payload, second.payload);
    assert_eq!(advert.build(second.source, second.destination, coverage), second.payload);
}

#[test]
fn ipv6_unicast_of_keepalived_arrives_with_hop_limit_64() {
    assert_eq!(vrrp_datagram("uni-v3-ipv6.ka2.4.3.advert").ttl, 64);
    assert_eq!(vrrp_datagram("v3-ipv6.ka2.4.3.advert").ttl, 255);
}

#[test]
fn a_short_frame_loses_its_ethernet_padding() {
    let mut padded = frame("v3-ipv4.ka2.4.3.advert");
    padded.resize(60, 0xee);
    assert_eq!(datagram(&padded).unwrap().payload, vrrp_datagram("v3-ipv4.ka2.4.3.advert").payload);
}

#[test]
fn an_hmac_trailer_is_trailing_bytes() {
    let datagram = vrrp_datagram("hmac-v3-ipv4.ka2.4.3.advert");
    let parsed = vrrp::parse(&datagram.payload, datagram.source, datagram.destination);
    assert_eq!(parsed, Err(Malformed::TrailingBytes));
}

#[test]
fn an_authentication_header_is_another_ip_protocol() {
    assert_eq!(datagram(&frame("v2-ah.ka2.4.3.advert")).unwrap().protocol, 51);
}

#[test]
fn gratuitous_arp_is_keepalived_s_to_the_byte() {
    for (config, address) in [
        ("v2-pass", "10.99.0.100"),
        ("v2-pass8", "10.99.0.101"),
        ("v2-pass8", "172.16.5.9"),
        ("vmac-v3-ipv4", "10.99.0.100"),
    ] {
        let mac = if config.starts_with("vmac") { [0, 0, 0x5e, 0, 1, 51] } else { MAC };
        let expected = frame(&format!("{config}.ka2.4.3.garp-{address}"));
        assert_eq!(arp::gratuitous(mac, address.parse().unwrap()), expected, "{config} {address}");
    }
}

#[test]
fn unsolicited_neighbour_advertisement_is_keepalived_s_to_the_byte() {
    for (config, address) in [("v3-ipv6", "fe80::100"), ("v3-ipv6", "fd99::100"), ("vmac-v3-ipv6", "fd99::100")] {
        let mac = if config.starts_with("vmac") { [0, 0, 0x5e, 0, 2, 61] } else { MAC };
        let expected = frame(&format!("{config}.ka2.4.3.una-{}", address.replace(':', "_")));
        assert_eq!(ndisc::unsolicited(mac, address.parse().unwrap()), expected, "{config} {address}");
    }
}

#[test]
fn the_router_flag_is_the_only_difference_of_a_router_s_advertisement() {
    let address = "fd99::100".parse().unwrap();
    let host = ndisc::unsolicited(MAC, address);
    let router = ndisc::unsolicited_as(MAC, address, ndisc::Role::Router);
    assert_eq!((host[58], router[58]), (0x20, 0xa0));
    assert_eq!(host[59..], router[59..]);
}
