//! Backends and who is told about their servers.

use super::text::{Text, list, scalar, time};
use super::{EmitError, check, id, log, name, rules, server, stick_table};
use crate::config::options;
use crate::model::Model;
use crate::model::check::{Check, Reports};
use crate::model::options::ServerOptions;
use crate::model::proxy::Backend;

pub(super) fn backend(out: &mut Text, backend: &Backend, model: &Model) -> Result<(), EmitError> {
    id(out, backend.id, model);
    out.pair(2, "balance", scalar(&options::balance::text(&backend.balance)));
    out.pair(2, "retries", backend.retries);
    out.pair(2, "redispatch", backend.redispatch);
    reports(out, &backend.reports);
    out.line(2, "timeouts:");
    out.pair(3, "connect", time(backend.timeouts.connect));
    out.pair(3, "server", time(backend.timeouts.server));
    out.pair(3, "queue", time(backend.timeouts.queue));
    for (key, limit) in [("tunnel", backend.timeouts.tunnel), ("fin", backend.timeouts.fin)] {
        if let Some(limit) = limit {
            out.pair(3, key, time(limit));
        }
    }
    let common = common_check(backend);
    if let Some(check) = common {
        check::check(out, 2, check);
    }
    log::proxy(out, &backend.log, model);
    if model.frontends.iter().all(|frontend| frontend.name != backend.name) {
        stick_table(out, &backend.name, model);
    }
    if let Some(cookie) = &backend.options.cookie {
        out.line(2, "cookie:");
        out.pair(3, "name", scalar(&cookie.name));
        if let Some((mode, _)) = options::cookie::MODES.iter().find(|(_, mode)| *mode == cookie.mode) {
            out.pair(3, "mode", mode);
        }
        list(out, 3, "options", &options::cookie::texts(cookie));
    }
    list(out, 2, "options", &options::backend::lines(&backend.options));
    rules(out, &backend.rules);
    match backend.servers.is_empty() {
        true => out.pair(2, "servers", "off"),
        false => out.line(2, "servers:"),
    }
    let are_natural = backend.servers.iter().zip(1..).all(|(server, place)| server.options.id == place);
    for server in &backend.servers {
        out.line(3, &format!("{}:", name(&server.name)?));
        let options = match are_natural {
            true => options::server::texts(&ServerOptions { id: 0, ..server.options.clone() }),
            false => options::server::texts(&server.options),
        };
        server::server(out, server, &options, common);
    }
    Ok(())
}

/// The check that all servers have, if they do.
fn common_check(backend: &Backend) -> Option<&Check> {
    let first = backend.servers.first()?.check.as_ref()?;
    backend.servers.iter().all(|server| server.check.as_ref() == Some(first)).then_some(first)
}

fn reports(out: &mut Text, reports: &Reports) {
    if reports.logs_checks {
        out.pair(2, "log_checks", true);
    }
    let Some(mail) = &reports.mail else { return };
    let mailers: Vec<_> = mail.mailers.iter().map(|mailer| scalar(&mailer.to_string())).collect();
    out.line(2, "mail:");
    out.pair(3, "mailers", format_args!("[{}]", mailers.join(", ")));
    out.pair(3, "from", scalar(&mail.from));
    out.pair(3, "to", scalar(&mail.to));
    out.pair(3, "level", mail.level.name());
    out.pair(3, "hostname", scalar(&mail.hostname));
    out.pair(3, "timeout", time(mail.timeout));
}
