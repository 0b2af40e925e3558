//! The table: headers of packets, and messages within messages.

use super::super::argument::Spec::{self, Int, Str, Word};
use super::super::sample::Kind;
use super::{Row, frame, mqtt, packet, protobuf, row, segment};

const NONE: (&[Spec], usize) = (&[], 0);
const FIELD: (&[Spec], usize) = (&[Str, Word(protobuf::TYPES)], 1);

/// Bytes of bytes.
const fn part(name: &'static str, run: super::Function, doc: &'static str) -> Row {
    row(name, NONE, Kind::Bin, Kind::Bin, run, doc)
}

/// A number in bytes.
const fn number(name: &'static str, run: super::Function, doc: &'static str) -> Row {
    row(name, NONE, Kind::Bin, Kind::Int, run, doc)
}

#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    part("eth.data", frame::data, "what an Ethernet frame carries"),
    part("eth.dst", frame::destination, "destination address of an Ethernet frame"),
    part("eth.hdr", frame::header, "header of an Ethernet frame with its VLAN tags"),
    number("eth.proto", frame::protocol, "protocol of what an Ethernet frame carries: 2048 is IPv4, 34525 IPv6"),
    part("eth.src", frame::source, "source address of an Ethernet frame"),
    number("eth.vlan", frame::vlan, "the last VLAN of an Ethernet frame, 1-4095"),
    part("ip.data", packet::data, "what an IP packet carries"),
    number("ip.df", packet::is_unfragmented, "1 if an IP packet must not be fragmented"),
    row("ip.dst", NONE, Kind::Bin, Kind::Addr, packet::destination, "destination address of an IP packet"),
    row("ip.fp", (&[Int], 0), Kind::Bin, Kind::Bin, packet::fingerprint, "what an IP packet with a SYN tells of the client's network stack, 8 bytes; with 1 and its TTL, 2 and the kinds of its options, 4 and its source, or a sum of these"),
    part("ip.hdr", packet::header_bytes, "header of an IP packet with its options or extensions"),
    number("ip.proto", packet::protocol, "protocol of what an IP packet carries: 6 is TCP"),
    row("ip.src", NONE, Kind::Bin, Kind::Addr, packet::source, "source address of an IP packet"),
    number("ip.tos", packet::type_of_service, "type of service, or traffic class, of an IP packet"),
    number("ip.ttl", packet::time_to_live, "time to live, or hop limit, of an IP packet"),
    number("ip.ver", packet::version_number, "version of an IP packet: 4 or 6"),
    row("mqtt_field_value", (&[Str, Str], 2), Kind::Bin, Kind::Bin, mqtt::field, "a field of an MQTT CONNECT or CONNACK, by name or the number of its property"),
    row("mqtt_is_valid", NONE, Kind::Bin, Kind::Bool, mqtt::is_valid, "whether it is a good MQTT CONNECT or CONNACK; more of it is waited for"),
    row("protobuf", FIELD, Kind::Bin, Kind::Bin, protobuf::protobuf, "a field of a protocol buffer by the path of its numbers; a number where its type is given"),
    number("tcp.dst", segment::destination, "destination port of a TCP header"),
    number("tcp.flags", segment::flags, "flags of a TCP header: FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, ECE 64, CWR 128"),
    number("tcp.options.mss", segment::largest_segment, "largest segment that a TCP header offers, 0 if it says none"),
    number("tcp.options.sack", segment::accepts_selective, "1 if a TCP header permits selective acknowledgements"),
    number("tcp.options.tsopt", segment::has_timestamps, "1 if a TCP header has timestamps"),
    number("tcp.options.tsval", segment::timestamp, "timestamp of a TCP header, 0 if it has none"),
    number("tcp.options.wscale", segment::window_scale, "window scale of a TCP header, 0 if it has none"),
    number("tcp.options.wsopt", segment::has_window_scale, "1 if a TCP header has a window scale"),
    part("tcp.options_list", segment::option_kinds, "kinds of the options of a TCP header in their order, a byte each"),
    number("tcp.seq", segment::sequence, "sequence number of a TCP header"),
    number("tcp.src", segment::source, "source port of a TCP header"),
    number("tcp.win", segment::window, "window of a TCP header"),
    row("ungrpc", FIELD, Kind::Bin, Kind::Bin, protobuf::ungrpc, "a field of a gRPC message by the path of its numbers; a number where its type is given"),
];
