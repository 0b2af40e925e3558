//! Name servers.

use crate::config::yaml::keyword::{Scalar, Section, Value};

use super::key;

const PERIOD: Value = Value::One(Scalar::Duration(0, 86_400_000));
const PAUSE: Value = Value::One(Scalar::Duration(1, 86_400_000));

pub(super) static RESOLVERS: Section = Section {
    name: "`resolvers`",
    doc: "Name servers that are asked together; the first good answer counts.",
    keys: &[
        key(
            "name_servers",
            Value::Named(Scalar::Text, &Value::One(Scalar::NameServer)),
            "Name servers by name: address:port, with tcp@ in front over a connection.",
        ),
        key(
            "resolv_conf",
            Value::One(Scalar::Flag),
            "Whether the name servers of /etc/resolv.conf are asked, too, as they are when the configuration is loaded. Default \
             false.",
        ),
        key(
            "payload_size",
            Value::One(Scalar::Number(12, 65_535)),
            "Bytes of an answer at most, which name servers are told. Default 512.",
        ),
        key(
            "retries",
            Value::One(Scalar::Number(0, 1_000)),
            "Questions about a name before it is given up. Default 3.",
        ),
        key("interval", PAUSE, "Pause between two resolutions of a name. Default 1s."),
        key("timeout", PAUSE, "How long a question waits for its answer before it is asked again. Default 1s."),
        key("hold", Value::Section(&HOLD), "How long the last good answer holds when others come after it."),
    ],
};

static HOLD: Section = Section {
    name: "`hold`",
    doc: "How long the last good answer holds, by what came after it.",
    keys: &[
        key("valid", PERIOD, "For the rule do-resolve: before the name is asked for again. Default 10s."),
        key("nx", PERIOD, "The name does not exist. Default 30s."),
        key("refused", PERIOD, "The name servers refuse. Default 30s."),
        key("timeout", PERIOD, "The name servers are silent. Default 30s."),
        key("other", PERIOD, "Any other failure. Default 30s."),
        key("obsolete", PERIOD, "How long a record counts that answers have no more. Default 0s."),
    ],
};
