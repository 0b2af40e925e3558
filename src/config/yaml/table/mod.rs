//! The keyword table of the YAML syntax: every key, once. Reading, did-you-mean and the JSON Schema come from it.
//!
//! It says what may be written where; it never reads a file nor judges a value beyond its shape (`shape`, `value` do). Each
//! part of the file has its own file here.

mod vrrp;
mod proxy;
mod log;
mod care;
mod naming;
mod users;

use super::keyword::{Key, Need, Scalar, Section, Value};

/// A duration that is not zero, in milliseconds: 1 ms to 24 h.
const TIMEOUT: Scalar = Scalar::Duration(1, 86_400_000);
/// A count of probes or failures.
const COUNT: Scalar = Scalar::Number(1, 1_000);
/// Events a second.
const RATE: Scalar = Scalar::Number(1, 4_294_967_295);
const OFF: Value = Value::One(Scalar::Word(&["off", "false"]));

const fn key(name: &'static str, value: Value, doc: &'static str) -> Key {
    Key { name, value, need: Need::Optional, doc }
}

const fn required(name: &'static str, value: Value, doc: &'static str) -> Key {
    Key { name, value, need: Need::Required, doc }
}

const fn refused(name: &'static str, why: &'static str) -> Key {
    Key { name, value: Value::One(Scalar::Text), need: Need::Refused(why), doc: why }
}

/// The whole file.
pub static FILE: Section = Section {
    name: "the file",
    doc: "One file for both nodes of a pair. conf.d/*.yaml beside it merges by name; a name given twice is an error.",
    keys: &[
        key(
            "nodes",
            Value::Named(Scalar::Name, &Value::Section(&NODE)),
            "The nodes that share this file, by short hostname (or what --node says). Virtual routers need them.",
        ),
        key(
            "vrrp",
            Value::Named(Scalar::Name, &Value::Section(&vrrp::INSTANCE)),
            "Virtual routers by name. One with IPv4 and IPv6 addresses runs as two that change state together.",
        ),
        key(
            "sync_groups",
            Value::Named(Scalar::Name, &Value::List(&Value::One(Scalar::Name))),
            "Virtual routers that change state together: name of the group, list of their names.",
        ),
        key(
            "scripts",
            Value::Named(Scalar::Name, &Value::Section(&vrrp::SCRIPT)),
            "Programs whose exit status is tracked (`track: [{script: NAME}]`).",
        ),
        key("frontends", Value::Named(Scalar::ProxyName, &Value::Section(&proxy::FRONTEND)), "Where clients connect."),
        key("backends", Value::Named(Scalar::ProxyName, &Value::Section(&proxy::BACKEND)), "Groups of servers."),
        key(
            "backend_templates",
            Value::Named(Scalar::ProxyName, &Value::Section(&proxy::BACKEND)),
            "What backends begin with that the runtime command `add backend NAME from TEMPLATE` makes, as HAProxy's named \
             `defaults` sections: groups without servers.",
        ),
        key(
            "stick_tables",
            Value::Named(Scalar::TableName, &Value::One(Scalar::StickTable)),
            "Stick tables by name that belong to no frontend or backend, as those of HAProxy's `peers` sections.",
        ),
        key(
            "resolvers",
            Value::Named(Scalar::ProxyName, &Value::Section(&naming::RESOLVERS)),
            "Name servers by name of the group, with which names of servers are followed (`options: [resolvers NAME]`).",
        ),
        key(
            "http_errors",
            Value::Named(Scalar::ProxyName, &proxy::PAGES),
            "Groups of error pages by name, for the rules' `errorfiles`: files by status.",
        ),
        key(
            "userlists",
            Value::Named(Scalar::ProxyName, &Value::Named(Scalar::Text, &Value::Section(&users::USER))),
            "Lists of users by name, for the rules' `http_auth(LIST)`: users by name.",
        ),
        key("admin", Value::Section(&ADMIN), "The control socket, and HAProxy's runtime sockets."),
        key("process", Value::Section(&PROCESS), "Limits of the process."),
        key("log", Value::Section(&log::PROCESS), "Where logs go."),
    ],
};

static NODE: Section = Section {
    name: "a node",
    doc: "A node of the pair.",
    keys: &[
        key("address", Value::One(Scalar::Address), "Its own address: source and peer of unicast adverts."),
        key(
            "priority",
            Value::One(Scalar::Number(1, 255)),
            "Priority of its virtual routers where they set none, 1-255; the highest living node is Master.",
        ),
        key("interface", Value::One(Scalar::Interface), "Interface of its virtual routers, in place of theirs."),
    ],
};

static ADMIN: Section = Section {
    name: "`admin`",
    doc: "The control socket, and HAProxy's runtime sockets.",
    keys: &[
        key("socket", Value::One(Scalar::Path), "Path of the Unix socket. Default /run/vipgate/admin.sock."),
        key(
            "runtime",
            Value::List(&Value::Any(&[Value::One(Scalar::Place), Value::Section(&RUNTIME)])),
            "Sockets that take HAProxy's runtime commands (its `stats socket`): each a place, or a map with more.",
        ),
        key(
            "runtime_timeout",
            Value::One(TIMEOUT),
            "Inactivity after which a connection of a runtime socket is closed. Default 10s.",
        ),
        key(
            "runtime_maxconn",
            Value::One(Scalar::Number(1, 100_000)),
            "Connections of the runtime sockets at once. Default 10.",
        ),
        key(
            "haproxy_version",
            Value::One(Scalar::Release),
            "Version of HAProxy that `show info`, the statistics page and metrics tell, such as 2.6. Default 3.5.",
        ),
        key("node_name", Value::One(Scalar::Text), "Name that they tell. Default: that of this node."),
        key("description", Value::One(Scalar::Text), "Text about this process that they tell."),
    ],
};

static RUNTIME: Section = Section {
    name: "a runtime socket",
    doc: "A socket that takes HAProxy's runtime commands.",
    keys: &[
        required("bind", Value::One(Scalar::Place), "Where it listens: unix@PATH, ADDRESS:PORT, fd@NUMBER, abns@NAME."),
        key(
            "level",
            Value::One(Scalar::Word(&["user", "operator", "admin"])),
            "What its clients may do: read, reset counters as well, or everything. Default operator.",
        ),
        key("mode", Value::One(Scalar::Mode), "Permission bits of the file of a Unix socket, in octal digits."),
        key("user", Value::One(Scalar::Account), "User of the file of a Unix socket, by name or number."),
        key("group", Value::One(Scalar::Account), "Group of the file of a Unix socket, by name or number."),
        key(
            "severity_output",
            Value::One(Scalar::Word(&["none", "number", "string"])),
            "How answers tell their severity. Default none.",
        ),
        key(
            "expose_listeners",
            Value::One(Scalar::Flag),
            "Whether a new process may take the TCP sockets of the binds over it (`-x`). \
             Default false.",
        ),
    ],
};

static PROCESS: Section = Section {
    name: "`process`",
    doc: "Limits of the process.",
    keys: &[
        key("workers", Value::One(Scalar::Number(1, 256)), "Worker threads. Default: one for each core."),
        key(
            "maxconn",
            Value::One(Scalar::Number(1, 10_000_000)),
            "Client connections in all. Default: from the descriptor limit.",
        ),
        key(
            "server_state_file",
            Value::One(Scalar::Text),
            "File with what `show servers state` printed: the start gives it to servers of backends with the option \
             `load-server-state-from-file global`. Default: none.",
        ),
        key(
            "stats_file",
            Value::One(Scalar::Text),
            "File with what `dump stats-file` printed: the start gives its counters to what has a `guid`. Default: none.",
        ),
        key("connection_rate", Value::One(RATE), "Client connections a second; more wait. Default: any number."),
        key(
            "session_rate",
            Value::One(RATE),
            "Client connections a second that rules let pass; more wait. Default: any number.",
        ),
        key("external_checks", Value::One(Scalar::Flag), "Whether checks may start programs. Default false."),
        key(
            "external_checks_see_environment",
            Value::One(Scalar::Flag),
            "Whether those programs see the environment of the process, beside what they are told. Default false.",
        ),
        key(
            "checks_as_client",
            Value::One(Scalar::Flag),
            "Whether binary PROXY headers of checks tell addresses as those of clients do, for servers that take none \
             without. Default false.",
        ),
        key(
            "share_idle",
            Value::One(Scalar::Flag),
            "Whether a worker without an idle connection to a server takes one of another worker. Default true.",
        ),
        key(
            "spread_checks",
            Value::One(Scalar::Number(0, 50)),
            "Per cent by which pauses between probes are longer or shorter at random. Default 0.",
        ),
        key(
            "address_families",
            Value::One(Scalar::Word(&["auto", "both", "ipv4", "ipv6"])),
            "Families of the addresses that name servers may tell; auto is IPv4, and IPv6 where the machine has a route to it. \
             Default auto.",
        ),
        key(
            "drain",
            Value::One(Scalar::Duration(0, 86_400_000)),
            "How long sessions may finish after a stop was asked for. Default 30s.",
        ),
        key("chroot", Value::One(Scalar::Path), "Directory that becomes the root of the workers, if started as root."),
        key(
            "user",
            Value::One(Scalar::Account),
            "User that the workers become, by name or number, if started as root.",
        ),
        key("group", Value::One(Scalar::Account), "Group that the workers become, likewise."),
        key(
            "rules",
            Value::List(&Value::One(Scalar::Rule)),
            "Lines in HAProxy's language: `h1-accept-payload-with-any-method`, `h1-case-adjust`, \
             `h1-case-adjust-file`, `http-err-codes`, `http-fail-codes`, `log-profile`, `presetenv`, `resetenv`, \
             `set-var`, `set-var-fmt`, `setenv`, `tune.bufsize`, `tune.http.maxhdr`, `tune.maxrewrite`, \
             `tune.rcvbuf.client`, `tune.rcvbuf.server`, `tune.sndbuf.client`, `tune.sndbuf.server`, `unsetenv`.",
        ),
        key("stick_counters", Value::One(Scalar::Number(0, 100)), "Counters of a session, for `track-sc`. Default 3."),
    ],
};
