//! What is watched about servers besides their checks, and who is told.

use crate::config::yaml::keyword::{Scalar, Section, Value};

use super::{TIMEOUT, key, required};

pub(super) static AGENT: Section = Section {
    name: "an agent",
    doc: "A program beside a server that tells its state in words (HAProxy's agent-check).",
    keys: &[
        required("port", Value::One(Scalar::Number(1, 65_535)), "Its port."),
        key("address", Value::One(Scalar::Address), "Its address. Default: the server's."),
        key("interval", Value::One(TIMEOUT), "Pause between questions. Default 2s."),
        key("timeout", Value::One(TIMEOUT), "Time for its connection and answer. Default: interval."),
        key("answer_timeout", Value::One(TIMEOUT), "Time for its answer alone. Default: what is left of timeout."),
        key("send", Value::One(Scalar::Text), "What it is sent. Default: nothing."),
    ],
};

pub(super) static MAIL: Section = Section {
    name: "`mail`",
    doc: "Mails about the servers of a backend (HAProxy's email-alert).",
    keys: &[
        required("mailers", Value::List(&Value::One(Scalar::Endpoint)), "Mail servers; each gets every mail."),
        required("from", Value::One(Scalar::Text), "Sender."),
        required("to", Value::One(Scalar::Text), "Recipient."),
        key(
            "level",
            Value::One(Scalar::Word(&["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"])),
            "Least severity of what is mailed. Default alert.",
        ),
        key("hostname", Value::One(Scalar::Text), "How this host greets. Default: its name."),
        key("timeout", Value::One(TIMEOUT), "Time for a mail to be taken. Default 10s."),
    ],
};
