//! Where logs go.

use crate::config::yaml::keyword::{Key, Scalar, Section, Value};

use super::{TIMEOUT, key, required};

const FORM: Scalar = Scalar::Word(&["local", "rfc3164", "rfc5424", "priority", "short", "timed", "iso", "raw"]);
const LEVEL: Scalar = Scalar::Word(&["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"]);
const FACILITY: Scalar = Scalar::Word(&crate::model::log::FACILITIES);
static TARGET_VALUES: [Value; 2] = [Value::One(Scalar::LogTarget), Value::Section(&TARGET)];
static TARGET_VALUE: Value = Value::Any(&TARGET_VALUES);
const TARGETS: Value = Value::List(&TARGET_VALUE);

pub(super) static PROCESS: Section = Section {
    name: "`log`",
    doc: "Where logs go.",
    keys: &[
        key(
            "access",
            Value::One(Scalar::LogTarget),
            "Where lines about traffic go: stdout, off, syslog:/dev/log, udp:ADDRESS:PORT and so on. Default stdout, \
             unless `targets` are given.",
        ),
        key(
            "targets",
            TARGETS,
            "Where lines about traffic and messages about proxies and servers go, in HAProxy's words.",
        ),
        key("tag", Value::One(Scalar::Text), "Name of the program in syslog headers. Default: vipgate."),
        key(
            "hostname",
            Value::Any(&[Value::One(Scalar::Flag), Value::One(Scalar::Text)]),
            "Host in syslog headers: true is this machine's name. Default: none, the syslog daemon knows it.",
        ),
        key(
            "rings",
            Value::Named(Scalar::ProxyName, &Value::Section(&RING)),
            "Buffers in memory by name, with the syslog servers that read them.",
        ),
        key(
            "relays",
            Value::Named(Scalar::ProxyName, &Value::Section(&RELAY)),
            "Relays of syslog messages by name: what comes in from others goes out to log targets.",
        ),
    ],
};

pub(super) static FRONTEND: Section = Section {
    name: "`log` of a frontend",
    doc: "Where its lines go, how they look and which there are.",
    keys: &[
        GLOBAL,
        OWN,
        TAG,
        key(
            "format",
            Value::One(Scalar::Text),
            "httplog, tcplog or httpslog, alone or with clf behind it; none for a line about each connection; or a format in \
             HAProxy's language: \"%ci:%cp %r %ST\". Default: httplog, in tcp mode tcplog.",
        ),
        key(
            "error_format",
            Value::One(Scalar::Text),
            "Format of lines about connections without a request. Default: `format`.",
        ),
        key("structured_data", Value::One(Scalar::Text), "Format of the structured data of RFC 5424. Default: none."),
        key("skip_empty", Value::One(Scalar::Flag), "No line for connections that brought nothing. Default false."),
        key("skip_normal", Value::One(Scalar::Flag), "No line for what went well. Default false."),
        key("separate_errors", Value::One(Scalar::Flag), "Failures at level err instead of info. Default false."),
        key("early", Value::One(Scalar::Flag), "Lines are written before the response has been sent. Default false."),
        key(
            "steps",
            Value::One(Scalar::LogSteps),
            "A line at each of these steps: all, or a list such as accept,close of accept, request, connect, response, \
             close. Default: one line at the end.",
        ),
    ],
};

pub(super) static BACKEND: Section = Section {
    name: "`log` of a backend",
    doc: "Where messages about it and its servers go.",
    keys: &[GLOBAL, OWN, TAG],
};

const GLOBAL: Key =
    key("global", Value::One(Scalar::Flag), "Whether they go where the process's go, too. Default true.");
const OWN: Key = key("targets", TARGETS, "Where else they go.");
const TAG: Key =
    key("tag", Value::One(Scalar::Text), "Name of the program in syslog headers. Default: that of the process.");

static TARGET: Section = Section {
    name: "a log target",
    doc: "A destination of logs and what it gets.",
    keys: &[
        required("to", Value::One(Scalar::LogTarget), "Where it is, such as udp:192.0.2.30:514."),
        key(
            "format",
            Value::One(FORM),
            "What is in front of each line: a header as of RFC 3164 or RFC 5424, one without host (local), a priority, a \
             level (short), a level and the time (timed), the time (iso), nothing (raw). Default: local; with a hostname \
             rfc3164.",
        ),
        key("facility", Value::One(FACILITY), "Facility of syslog. Default local0."),
        key("level", Value::One(LEVEL), "The least grave level that goes there. Default debug: everything."),
        key("min_level", Value::One(LEVEL), "Graver lines are sent as if they had this level. Default emerg."),
        key(
            "length",
            Value::One(Scalar::Number(80, 65_535)),
            "Bytes of a message, header and line end included; the rest is cut. Default 1024.",
        ),
        key("sample", Value::One(Scalar::LogSample), "Which lines of every so many: 1,3-4:10. Default: all."),
        key("only_traffic", Value::One(Scalar::Flag), "No messages about proxies and servers. Default false."),
        key(
            "profile",
            Value::One(Scalar::Text),
            "Log profile that says how lines look there at each step; the `rules` of the process that begin with log-profile make it.",
        ),
    ],
};

static RING: Section = Section {
    name: "a ring",
    doc: "A buffer of lines in memory.",
    keys: &[
        key("description", Value::One(Scalar::Text), "What it is for; `show events` shows it. Default: its name."),
        key(
            "format",
            Value::One(FORM),
            "What is in front of each line, for targets that say nothing. Default: nothing (raw).",
        ),
        key("length", Value::One(Scalar::Number(80, 65_535)), "Bytes of a line; the rest is cut. Default 1024."),
        key(
            "size",
            Value::One(Scalar::Number(1, 1 << 30)),
            "Bytes in all; the oldest lines make room for new ones. Default 16384.",
        ),
        key(
            "file",
            Value::One(Scalar::Text),
            "Path of a file that holds the lines, too, for after a crash; HAProxy's haring reads it. What it held at the start \
             gets .bak behind its name. Default: none.",
        ),
        key(
            "servers",
            Value::Named(Scalar::ProxyName, &Value::Section(&RING_SERVER)),
            "Syslog servers; each gets every line. As much as the ring holds waits for one that is away.",
        ),
        key("connect_timeout", Value::One(TIMEOUT), "Time limit of a connect to a server. Default: the kernel's."),
        key(
            "send_timeout",
            Value::One(TIMEOUT),
            "How long a server may take nothing before it is connected to anew. Default: for ever.",
        ),
    ],
};

static RING_SERVER: Section = Section {
    name: "a server of a ring",
    doc: "A syslog server over TCP or a Unix socket.",
    keys: &[
        required("address", Value::One(Scalar::Stream), "Where it listens: ADDRESS:PORT, unix@PATH, abns@NAME."),
        key(
            "framing",
            Value::One(Scalar::Word(&["lines", "octet-count"])),
            "How messages are told apart (RFC 6587). Default lines.",
        ),
    ],
};

static RELAY: Section = Section {
    name: "a relay",
    doc: "Takes syslog messages and sends them on to log targets, which keep the form that they came in unless they name one.",
    keys: &[
        key(
            "datagrams",
            Value::List(&Value::One(Scalar::Datagrams)),
            "Where it takes datagrams: ADDRESS:PORT or *:PORT; `interface NAME` may follow.",
        ),
        key(
            "bind",
            Value::List(&Value::One(Scalar::Bind)),
            "Where it takes connections (RFC 6587), as a frontend's `bind`.",
        ),
        key("maxconn", Value::One(Scalar::Number(1, 10_000_000)), "Connections at once. Default 10."),
        key("timeout", Value::One(TIMEOUT), "Inactivity after which a connection is closed. Default: never."),
        key("global", Value::One(Scalar::Flag), "Whether messages go where the process's go, too. Default false."),
        OWN,
        key(
            "framing",
            Value::One(Scalar::Word(&["any", "lines"])),
            "How messages on a connection are told apart: each by what it begins with (any), or all by lines. Default any.",
        ),
        key(
            "parse",
            Value::One(Scalar::Flag),
            "Whether headers are read; those that are not stay part of the text. Default true.",
        ),
        key(
            "host",
            Value::One(Scalar::Word(&["replace", "fill", "keep", "append"])),
            "Host in new headers: the sender's address, the message's own or else the sender's address (fill), its own, or \
             both with a comma. Default fill.",
        ),
    ],
};
