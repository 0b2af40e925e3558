//! Servers and what is watched about them besides their checks.

use super::check;
use super::text::{Text, list, scalar, time};
use crate::config::endpoint::DATAGRAMS;
use crate::config::options;
use crate::model::check::{Care, Check};
use crate::model::proxy::Server;

pub(super) fn server(out: &mut Text, server: &Server, options: &[String], common: Option<&Check>) {
    let transport = if server.options.syslog.is_datagram { DATAGRAMS } else { "" };
    let address = match (&server.options.socket, server.options.port_offset) {
        (Some(socket), _) => socket.to_string(),
        (None, offset) if server.options.naming.is_there() => {
            options::naming::address_text(&server.options.naming, server.address, offset).unwrap_or_default()
        }
        (None, 0) => server.address.to_string(),
        (None, offset) => format!("{}:{offset:+}", server.address.to_string().trim_end_matches(":0")),
    };
    out.pair(4, "address", scalar(&format!("{transport}{address}")));
    out.pair(4, "weight", server.weight.value());
    if let Some(maxconn) = server.maxconn {
        out.pair(4, "maxconn", maxconn);
    }
    if server.is_backup {
        out.pair(4, "backup", true);
    }
    if server.is_non_stick {
        out.pair(4, "non_stick", true);
    }
    if server.is_disabled {
        out.pair(4, "disabled", true);
    }
    care(out, &server.care);
    if let Some(source) = server.source {
        out.pair(4, "source", scalar(&source.to_string()));
    }
    list(out, 4, "options", options);
    if let (Some(check), None) = (&server.check, common) {
        check::check(out, 4, check);
    }
}

fn care(out: &mut Text, care: &Care) {
    if let Some(agent) = &care.agent {
        out.line(4, "agent:");
        out.pair(5, "address", scalar(&agent.address.ip().to_string()));
        out.pair(5, "port", agent.address.port());
        out.pair(5, "interval", time(agent.interval));
        out.pair(5, "timeout", time(agent.timeout));
        if let Some(limit) = agent.answer_timeout {
            out.pair(5, "answer_timeout", time(limit));
        }
        out.pair(5, "send", scalar(&agent.send));
    }
    if let Some((backend, server)) = &care.track {
        out.pair(4, "track", scalar(&format!("{backend}/{server}")));
    }
    if let Some(observe) = &care.observe {
        out.pair(4, "observe", observe.layer.word());
        out.pair(4, "on_error", observe.on_error.word());
        out.pair(4, "error_limit", observe.limit);
    }
    if care.closes_when_down {
        out.pair(4, "on_marked_down", "shutdown-sessions");
    }
    if care.closes_backups_when_up {
        out.pair(4, "on_marked_up", "shutdown-backup-sessions");
    }
}
