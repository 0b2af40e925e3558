//! Users that rules let in.

use crate::config::yaml::keyword::{Scalar, Section, Value};

use super::{key, required};

pub(super) static USER: Section = Section {
    name: "a user",
    doc: "A user of a list, for the rules' `http_auth(LIST)`.",
    keys: &[
        key(
            "password",
            Value::Any(&[Value::One(Scalar::Password), Value::Section(&CLEAR)]),
            "Password as `mkpasswd -m sha-512` prints it, or `{clear: TEXT}`. Default: the user is never let in.",
        ),
        key(
            "groups",
            Value::List(&Value::One(Scalar::Text)),
            "Groups, for `http_auth_group(LIST) GROUP`. Default: none.",
        ),
    ],
};

static CLEAR: Section = Section {
    name: "`password`",
    doc: "A password in clear text.",
    keys: &[required("clear", Value::One(Scalar::Text), "The password as clients send it.")],
};
