//! HAProxy's runtime sockets: the keys of `admin` that begin with `runtime`.

use crate::config::draft::Runtime;
use crate::config::yaml::tree::{Kind, Node};
use crate::config::yaml::{place, value};
use crate::diag::Spanned;
use crate::model::runtime::{Level, SeverityOutput, Socket};

use super::{read, word};

/// What `admin` says of them.
pub fn runtime(admin: Option<&Node>) -> Runtime {
    let at = |key: &str| admin.and_then(|admin| admin.value(key));
    Runtime {
        sockets: at("runtime").map(Node::items).unwrap_or_default().iter().filter_map(socket).collect(),
        timeout: read(at("runtime_timeout"), value::duration),
        maxconn: read(at("runtime_maxconn"), value::number),
    }
}

fn socket(node: &Node) -> Option<Spanned<Socket>> {
    let Kind::Map(_) = node.kind else {
        return read(Some(node), place::endpoint).map(|endpoint| endpoint.map(Socket::new));
    };
    let endpoint = read(node.value("bind"), place::endpoint)?;
    let mut socket = Socket::new(endpoint.value);
    if let Some(level) = read(node.value("level"), word(&Level::WORDS)) {
        socket.level = level.value;
    }
    if let Some(severity) = read(node.value("severity_output"), word(&SeverityOutput::WORDS)) {
        socket.severity = severity.value;
    }
    if let Some(exposes) = read(node.value("expose_listeners"), value::flag) {
        socket.exposes_listeners = exposes.value;
    }
    socket.ownership.mode = read(node.value("mode"), place::mode).map(|mode| mode.value);
    socket.ownership.user = read(node.value("user"), place::account).map(|user| user.value);
    socket.ownership.group = read(node.value("group"), place::account).map(|group| group.value);
    Some(Spanned::new(socket, endpoint.span))
}
