//! Frontends.

use super::text::{Text, scalar, time};
use super::{id, log, mode, rules, stick_table};
use crate::config::options;
use crate::model::Model;
use crate::model::proxy::{Bind, DoubtfulFraming, Frontend, Mode};

pub(super) fn frontend(out: &mut Text, frontend: &Frontend, model: &Model) {
    let text = |bind: &Bind| {
        let options = options::bind::texts(&bind.options);
        scalar(&[vec![bind.endpoint.to_string()], options].concat().join(" "))
    };
    let binds: Vec<String> = frontend.binds.iter().map(text).collect();
    out.pair(2, "bind", format_args!("[{}]", binds.join(", ")));
    out.pair(2, "mode", mode(frontend.mode));
    id(out, frontend.id, model);
    if let Some(backend) = frontend.default_backend.and_then(|number| model.backends.get(number)) {
        out.pair(2, "default_backend", scalar(&backend.name));
    }
    if let Some(maxconn) = frontend.maxconn {
        out.pair(2, "maxconn", maxconn);
    }
    if let Some(rate) = frontend.session_rate {
        out.pair(2, "session_rate", rate);
    }
    if let Some(guid) = &frontend.guid {
        out.pair(2, "guid", scalar(guid));
    }
    if let Some(text) = &frontend.description {
        out.pair(2, "description", scalar(text));
    }
    if frontend.counts_sockets {
        out.pair(2, "socket_stats", true);
    }
    let timeouts = &frontend.timeouts;
    out.line(2, "timeouts:");
    out.pair(3, "client", time(timeouts.client));
    if let Some(handshake) = timeouts.handshake {
        out.pair(3, "handshake", time(handshake));
    }
    if frontend.mode == Mode::Http {
        out.pair(3, "http_request", time(timeouts.http_request));
        out.pair(3, "http_keep_alive", time(timeouts.http_keep_alive));
    }
    out.pair(3, "tunnel", timeouts.tunnel.map_or("off".to_owned(), time));
    if let Some(fin) = timeouts.fin {
        out.pair(3, "fin", time(fin));
    }
    out.pair(2, "forwarded", frontend.forwarded);
    if frontend.doubtful_framing != DoubtfulFraming::default() {
        let word = options::DOUBTFUL_FRAMINGS.iter().find(|(_, framing)| *framing == frontend.doubtful_framing);
        out.pair(2, "doubtful_framing", word.map_or("", |(word, _)| *word));
    }
    log::frontend(out, frontend, model);
    stick_table(out, &frontend.name, model);
    rules(out, &frontend.rules);
}
