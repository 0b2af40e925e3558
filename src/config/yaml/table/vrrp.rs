//! Virtual routers, tracking and scripts.

use crate::config::yaml::keyword::{Scalar, Section, Value};

use super::{COUNT, OFF, TIMEOUT, key, required};

const PRIORITY: Scalar = Scalar::Number(1, 255);

pub(super) static INSTANCE: Section = Section {
    name: "a virtual router",
    doc: "A virtual router (RFC 9568) and its addresses.",
    keys: &[
        key(
            "interface",
            Value::Any(&[Value::One(Scalar::Interface), Value::Named(Scalar::Name, &Value::One(Scalar::Interface))]),
            "Interface of adverts and addresses, or one for each node: {lb1: eth0, lb2: ens3}. A node's own `interface` \
             takes the place of a single one.",
        ),
        required(
            "virtual_router_id",
            Value::One(Scalar::Number(1, 255)),
            "Virtual router identifier, 1-255: the same on all nodes, unique on the LAN and address family.",
        ),
        required(
            "virtual_addresses",
            Value::Any(&[
                Value::Named(
                    Scalar::Name,
                    &Value::Any(&[
                        Value::One(Scalar::Network),
                        Value::Section(&ADDRESS),
                        Value::List(&Value::One(Scalar::Network)),
                    ]),
                ),
                Value::List(&Value::One(Scalar::Network)),
                Value::One(Scalar::Network),
            ]),
            "The virtual addresses: a map from names (for binds, vip@NAME) to addresses, or a list of addresses. \
             Installed as /32 or /128; a mask is honoured only where the node has no address of its own in it.",
        ),
        key("version", Value::One(Scalar::Number(2, 3)), "VRRP version. Default 3; IPv6 is always 3."),
        key(
            "priority",
            Value::Any(&[Value::One(PRIORITY), Value::Named(Scalar::Name, &Value::One(PRIORITY))]),
            "Base priority, 1-255, or one for each node: {lb1: 200, lb2: 100}. Default: the node's.",
        ),
        key(
            "advert_interval",
            Value::One(Scalar::Duration(10, 255_000)),
            "Pause between adverts. Version 3: 10ms-40.95s in steps of 10ms; version 2: 1s-255s, whole seconds. Default 1s.",
        ),
        key(
            "down_adverts",
            Value::One(Scalar::Number(1, 100)),
            "Adverts missed before the Master counts as gone. Default 3, as the RFC.",
        ),
        key(
            "preempt",
            Value::Any(&[Value::One(Scalar::Flag), Value::Section(&PREEMPT)]),
            "Whether a better node takes over from a living Master once it is ready. Default {delay: 30s}.",
        ),
        key("auth", Value::Section(&AUTH), "Clear text password of version 2."),
        key(
            "transport",
            Value::Any(&[Value::One(Scalar::Word(&["multicast", "unicast"])), Value::Section(&TRANSPORT)]),
            "How adverts travel. `unicast` takes its peers from `nodes`. Default multicast.",
        ),
        key(
            "lease",
            Value::Any(&[Value::One(Scalar::Duration(1_000, 86_400_000)), OFF]),
            "Kernel lifetime of the addresses, whole seconds: a hung or killed process loses them by itself. Default: \
             down_adverts x advert_interval, rounded up, at least 2s.",
        ),
        key("announce", Value::Section(&ANNOUNCE), "Gratuitous ARP and unsolicited neighbour advertisements."),
        key(
            "checksum",
            Value::One(Scalar::Word(&["pseudo_header", "rfc9568"])),
            "Form of the version 3 checksum over IPv4 that is sent (every form is accepted): pseudo_header as keepalived, \
             rfc9568 as Cisco and Juniper. Default pseudo_header.",
        ),
        key(
            "track",
            Value::List(&Value::Section(&TRACK)),
            "What moves the priority, besides the proxy's own health, which is always tracked.",
        ),
    ],
};

static ADDRESS: Section = Section {
    name: "a virtual address",
    doc: "A virtual address on another interface than the adverts.",
    keys: &[
        required("address", Value::One(Scalar::Network), "The address."),
        key("interface", Value::One(Scalar::Interface), "Interface that receives it. Default: that of the adverts."),
    ],
};

static PREEMPT: Section = Section {
    name: "`preempt`",
    doc: "Preemption of a living Master.",
    keys: &[required(
        "delay",
        Value::One(Scalar::Duration(0, 3_600_000)),
        "How long a node must have been ready before it takes over. Default 30s.",
    )],
};

static AUTH: Section = Section {
    name: "`auth`",
    doc: "Authentication of version 2.",
    keys: &[required("pass", Value::One(Scalar::Text), "Password in clear text, 1-8 bytes.")],
};

static TRANSPORT: Section = Section {
    name: "`transport`",
    doc: "Unicast adverts.",
    keys: &[required("unicast", Value::Section(&UNICAST), "Unicast adverts.")],
};

static UNICAST: Section = Section {
    name: "`unicast`",
    doc: "Unicast adverts.",
    keys: &[
        key("source", Value::One(Scalar::Address), "Own address. Default: the node's."),
        key(
            "peers",
            Value::List(&Value::One(Scalar::Address)),
            "Peers. Default: the other nodes. The node's own address is left out, so that one list serves all nodes.",
        ),
        key(
            "min_ttl",
            Value::One(Scalar::Number(1, 255)),
            "Least TTL or hop limit accepted. Default 255: peers on the same LAN. A keepalived IPv6 peer sends 64.",
        ),
        key("check_source", Value::One(Scalar::Flag), "Refuse adverts from other addresses than peers. Default true."),
    ],
};

static ANNOUNCE: Section = Section {
    name: "`announce`",
    doc: "Gratuitous ARP and unsolicited neighbour advertisements.",
    keys: &[
        key("burst", Value::One(Scalar::Number(1, 100)), "Frames for each address on becoming Master. Default 5."),
        key(
            "delay",
            Value::Any(&[Value::One(Scalar::Duration(1, 3_600_000)), OFF]),
            "Pause before a second burst. Default 5s.",
        ),
        key(
            "refresh",
            Value::Any(&[Value::One(Scalar::Duration(100, 86_400_000)), OFF]),
            "Period of one more frame for each address while Master. Default 1m.",
        ),
    ],
};

static TRACK: Section = Section {
    name: "a tracked object",
    doc: "One of interface, script, file, process, backend or server, and what it does to the priority.",
    keys: &[
        key("interface", Value::One(Scalar::Interface), "Down without carrier. Default weight fault."),
        key("script", Value::One(Scalar::Name), "Name under `scripts`. Default weight fault."),
        key("file", Value::One(Scalar::Path), "Down while its first number is not 0. Default weight fault."),
        key("process", Value::One(Scalar::Text), "Down while no process has this name (comm). Default weight fault."),
        key(
            "backend",
            Value::One(Scalar::ProxyName),
            "Down with fewer than min_up usable servers. Default weight degrade.",
        ),
        key("server", Value::One(Scalar::ServerName), "BACKEND/SERVER, down while not usable. Default weight fault."),
        key("min_up", Value::One(Scalar::Number(1, 10_000)), "Least usable servers of a backend. Default 1."),
        key(
            "weight",
            Value::One(Scalar::TrackWeight),
            "fault: release the addresses; degrade: offer them, keep them if nobody better takes them; -n: subtracted \
             while down; +n: added while up; n is 1-253.",
        ),
    ],
};

pub(super) static SCRIPT: Section = Section {
    name: "a script",
    doc: "A program whose exit status is tracked: 0 is up.",
    keys: &[
        required(
            "command",
            Value::Any(&[Value::One(Scalar::Command), Value::List(&Value::One(Scalar::Text))]),
            "Program (absolute path) and arguments, as text or list; executed without a shell.",
        ),
        key("interval", Value::One(TIMEOUT), "Pause between starts. Default 1s."),
        key(
            "timeout",
            Value::One(TIMEOUT),
            "Time after which it is killed and counts as failed. Default: the interval.",
        ),
        key("rise", Value::One(COUNT), "Consecutive successes before it is up. Default 1."),
        key("fall", Value::One(COUNT), "Consecutive failures before it is down. Default 1."),
    ],
};
