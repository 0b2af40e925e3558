//! Name servers.

use crate::model::naming::{Families, Resolvers, Transport};

use super::text::{Text, scalar, time};

pub(super) fn resolvers(out: &mut Text, sections: &[Resolvers]) {
    if !sections.is_empty() {
        out.line(0, "resolvers:");
    }
    for section in sections {
        out.line(1, &format!("{}:", scalar(&section.name)));
        match section.servers.is_empty() {
            true => out.pair(2, "name_servers", "{}"),
            false => out.line(2, "name_servers:"),
        }
        for server in &section.servers {
            let prefix = if server.transport == Transport::Tcp { "tcp@" } else { "" };
            out.pair(3, &scalar(&server.name), scalar(&format!("{prefix}{}", server.address)));
        }
        out.pair(2, "payload_size", section.payload);
        out.pair(2, "retries", section.retries);
        out.pair(2, "interval", time(section.interval));
        out.pair(2, "timeout", time(section.patience));
        out.line(2, "hold:");
        let hold = &section.hold;
        for (key, period) in [
            ("valid", hold.valid),
            ("nx", hold.nx),
            ("refused", hold.refused),
            ("timeout", hold.timeout),
            ("other", hold.other),
            ("obsolete", hold.obsolete),
        ] {
            out.pair(3, key, time(period));
        }
    }
}

pub(super) fn families(families: Families) -> &'static str {
    match families {
        Families::Routed => "auto",
        Families::Both => "both",
        Families::Only(family) => family.word(),
    }
}
