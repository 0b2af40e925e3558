//! `show servers state` and `show servers conn`: what HAProxy's state files and tools read.

use std::fmt::Write;
use std::sync::atomic::Ordering;

use crate::generation::IdleConnections;
use crate::model::options::ServerOptions;
use crate::model::proxy::Server as Configured;
use crate::model::runtime::Level;
use crate::state::servers::{Admin, Health, Prober, Server};
use crate::stats::snapshot::Proxy;
use crate::sys;
use crate::time::Instant;

use super::servers::find_backend;
use super::statistics::snapshot;
use super::table::Command;
use super::{Answer, Call};

pub const COMMANDS: &[Command] = &[
    Command::now(
        "show servers state",
        Level::User,
        "show servers state [<backend>]",
        "dump volatile server information (all or for a single backend)",
        |call| dump(call, STATE.to_owned(), state),
    ),
    Command::now(
        "show servers conn",
        Level::User,
        "show servers conn [<backend>]",
        "dump server connections status (all or for a single backend)",
        |call| dump(call, format!("{CONNECTIONS}[{}]\n", call.process.workers), connections),
    ),
];

/// The version of the form, and its columns.
const STATE: &str = "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight \
                     srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state \
                     srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl \
                     srv_check_port srv_check_addr srv_agent_addr srv_agent_port\n";
/// Columns, without the number of threads.
const CONNECTIONS: &str = "# bkname/svname bkid/svid addr port - purge_delay used_cur used_max need_est unsafe_nb \
                           safe_nb idle_lim idle_cur idle_per_thr";

/// A server as it is dumped.
struct Dumped<'a> {
    proxy: &'a Proxy,
    idle: &'a dyn IdleConnections,
    /// 1-.
    number: u32,
    /// Where it stands in its backend, 1-: one of another number was given it.
    place: u32,
    configured: &'a Configured,
    /// Since when it is as it is, if nothing has changed.
    started: Instant,
    server: &'a Server,
}

fn dump(call: &Call<'_>, head: String, row: fn(&mut String, &Dumped<'_>)) -> Answer {
    let wanted = call.word(3);
    let generation = call.process.generation.load();
    if !wanted.is_empty() && find_backend(&generation, wanted).is_none() {
        return Answer::error("Can't find backend.");
    }
    let mut out = head;
    for proxy in &snapshot(call).proxies {
        let Some(backend) = find_backend(&generation, &proxy.name) else { continue };
        if !wanted.is_empty() && wanted != proxy.name {
            continue;
        }
        for ((configured, server), place) in backend.model.servers.iter().zip(&backend.state.servers).zip(1..) {
            row(
                &mut out,
                &Dumped {
                    proxy,
                    idle: &*call.process.idle,
                    number: configured.options.id,
                    place,
                    configured,
                    started: call.process.started,
                    server,
                },
            );
        }
    }
    Answer::Text(out)
}

// Writing to a String cannot fail.
fn state(out: &mut String, dumped: &Dumped<'_>) {
    let Dumped { proxy, number, configured, server, .. } = dumped;
    let naming = &configured.options.naming;
    let operation = match (server.health(), server.order()) {
        (Health::Down, _) | (_, Admin::Maint) => 0,
        (Health::Stopping, _) => 3,
        _ => 2,
    };
    // Bits: 1 by the operator, 2 with the server that it tracks, 4 by the configuration, 8 drained by the operator, 16 with
    // the server that it tracks, 32 without an address, 64 another name.
    let by_configuration = if configured.is_disabled { 4 } else { 0 };
    let admin = by_configuration
        + match server.admin() {
            Admin::Maint => 1,
            Admin::Drain => 8,
            Admin::Ready => 0,
        }
        + match server.shared() {
            Admin::Maint => 2,
            Admin::Drain => 16,
            Admin::Ready => 0,
        }
        + if server.lack().is_some() { 32 } else { 0 }
        + if naming.is_renamed { 64 } else { 0 };
    let changed = Some(server.changed()).filter(|at| *at != Instant::ZERO).unwrap_or(dumped.started);
    let since = sys::clock::now().since(changed).as_secs();
    let (status, result, check) = probes(dumped);
    let (check_port, check_address) = match &configured.check {
        Some(check) => (check.port.unwrap_or(0), check.address.map_or("-".to_owned(), |at| at.ip().to_string())),
        None => (0, "-".to_owned()),
    };
    let address = configured.address;
    let (agent, agent_address, agent_port) = match &configured.care.agent {
        None => (0, "-".to_owned(), 0),
        Some(agent) => {
            let of_its_own = Some(agent.address.ip()).filter(|own| *own != address.ip());
            let state = 18 | if server.is_enabled(Prober::Agent) { ENABLED } else { 0 };
            (state, of_its_own.map_or_else(|| "-".to_owned(), |own| own.to_string()), agent.address.port())
        }
    };
    let _ = writeln!(
        out,
        "{} {} {number} {} {} {operation} {admin} {} {} {since} {status} {result} {} {check} {agent} 0 {} {} {} {} 0 \
         {check_port} {check_address} {agent_address} {agent_port}",
        proxy.id,
        proxy.name,
        server.name,
        place(dumped),
        server.weight(),
        configured.weight.value(),
        // Whoever is out of service begins anew.
        if server.order() == Admin::Maint { 0 } else { server.check_counter() },
        u8::from(*number != dumped.place),
        naming.host.as_deref().unwrap_or("-"),
        address.port(),
        naming.service.as_deref().unwrap_or("-"),
    );
}

/// The address; one that has none shows `-`.
fn place(dumped: &Dumped<'_>) -> String {
    match dumped.configured.options.naming.lack {
        Some(_) => "-".to_owned(),
        None => dumped.configured.address.ip().to_string(),
    }
}

/// HAProxy's bit of a check that asks.
const ENABLED: u8 = 4;

/// HAProxy's numbers of the last status, of its result, and of what the check is.
fn probes(dumped: &Dumped<'_>) -> (u8, u8, u8) {
    // Paused if the operator has taken the server out.
    let paused = if dumped.server.own() == Admin::Maint { 8 } else { 0 };
    let Some(_) = &dumped.configured.check else { return (1, 0, if dumped.configured.is_disabled { 8 } else { 0 }) };
    let last = dumped.server.last_check();
    let status = last.as_ref().map_or(1, |last| match last.code {
        "HANA" => 4,
        "SOCKERR" => 5,
        "L4OK" => 6,
        "L4TOUT" => 7,
        "L4CON" => 8,
        "L6OK" => 9,
        "L6TOUT" => 10,
        "L6RSP" => 11,
        "L7TOUT" => 12,
        "L7RSP" => 13,
        "L7OK" => 15,
        "L7OKC" => 16,
        "L7STS" => 17,
        "PROCERR" => 18,
        "PROCTOUT" => 19,
        "PROCOK" => 20,
        _ => 0,
    });
    let result = match last.as_ref() {
        None => 0,
        Some(last) if last.code.ends_with("OK") => 3,
        Some(last) if last.code.ends_with("OKC") => 4,
        Some(_) => 2,
    };
    // Configured, and enabled unless the operator silenced it.
    let enabled = if dumped.server.is_enabled(Prober::Check) { ENABLED } else { 0 };
    (status, result, 2 | enabled | paused)
}

fn connections(out: &mut String, dumped: &Dumped<'_>) {
    let Dumped { proxy, number, configured, server, .. } = dumped;
    let used = server.connections.load(Ordering::Relaxed);
    let [most, needed] = server.connections_needed();
    let delay = configured.options.pool_idle.unwrap_or(ServerOptions::POOL_IDLE).as_millis();
    let address = configured.address;
    // Unsafe for a first request, and safe.
    let [once, more] = dumped.idle.total(&proxy.name, configured);
    let total = once + more;
    let limit = configured.options.pool_max.map_or("-1".to_owned(), |limit| limit.to_string());
    let _ = write!(
        out,
        "{}/{} {}/{number} {} {} - {delay} {used} {most} {needed} {once} {more} {limit} {total}",
        proxy.name,
        server.name,
        proxy.id,
        place(dumped),
        address.port(),
    );
    for [once, more] in dumped.idle.of_workers(&proxy.name, configured) {
        let _ = write!(out, " {}", once + more);
    }
    out.push('\n');
}
