//! One screen of text for people.

use std::fmt::Write;

use super::status::{Backend, Frontend, Peer, Router, ServerStatus, Status};

/// `vipgate status`.
pub fn screen(status: &Status) -> String {
    let mut out = String::new();
    heading(&mut out, status);
    for router in &status.vrrp {
        self::router(&mut out, router);
    }
    for frontend in &status.frontends {
        self::frontend(&mut out, frontend);
    }
    for backend in &status.backends {
        self::backend(&mut out, backend);
    }
    out
}

// Writing to a String cannot fail; `let _` says that it was considered.
fn heading(out: &mut String, status: &Status) {
    let _ = writeln!(
        out,
        "vipgate {} on {}, pid {}, up {}, configuration {}, {} workers, {} sessions{}{}",
        status.version,
        status.node,
        status.pid,
        duration(status.uptime_seconds),
        status.generation,
        status.workers,
        status.sessions,
        if status.ready { "" } else { ", NOT READY: checks have not all run" },
        if status.maintenance { ", MAINTENANCE" } else { "" },
    );
    if status.log_lines_lost > 0 {
        let _ =
            writeln!(out, "  {} log lines were lost: their target did not take them in time", status.log_lines_lost);
    }
    if let Some(installed) = status.installed_version.as_ref().filter(|installed| **installed != status.version) {
        let _ = writeln!(out, "  vipgate {installed} is installed: a restart runs it (`vipgate failover` first)");
    }
    if status.is_idle() {
        let _ = writeln!(out, "  nothing to do: no virtual router and no frontend is configured");
        let _ = writeln!(out, "  edit /etc/vipgate/vipgate.yaml, then `systemctl reload vipgate`");
    }
    if let Some(error) = &status.reload_error {
        let _ = writeln!(out, "  the last reload was refused: {}", error.lines().next().unwrap_or_default());
    }
}

fn router(out: &mut String, router: &Router) {
    let _ = writeln!(
        out,
        "\nvrrp {:<16} {:<10} for {}: {}",
        router.name,
        router.state,
        duration(router.since_seconds),
        router.reason
    );
    let _ = writeln!(
        out,
        "  interface {}, VRID {}, priority {}{}, advert every {}",
        router.interface,
        router.vrid,
        router.effective_priority,
        if router.effective_priority == router.base_priority {
            String::new()
        } else {
            format!(" (configured {})", router.base_priority)
        },
        duration(router.advert_interval_seconds),
    );
    for address in &router.addresses {
        let place = if router.holds_addresses { "here" } else { "not here" };
        let _ = writeln!(out, "  VIP {address:<39} {place}");
    }
    for peer in &router.peers {
        let _ = writeln!(
            out,
            "  peer {:<38} priority {:<3} heard {} ago{}",
            peer.address,
            peer.priority,
            duration(peer.heard_seconds_ago),
            standing(router, peer)
        );
    }
    if let Some(holder) = &router.in_use_by {
        let _ = writeln!(out, "  in use: {holder} has the addresses without advertising; waiting for its advert");
    }
    if !router.down.is_empty() {
        let _ = writeln!(out, "  down: {}", router.down.join(", "));
    }
    let _ = writeln!(
        out,
        "  became master {} times, adverts {} sent, {} received, {} refused{}",
        router.became_master,
        router.adverts_sent,
        router.adverts_received,
        router.rejected.values().sum::<u64>(),
        match router.rejected.iter().filter(|(_, count)| **count > 0).max_by_key(|(_, count)| **count) {
            Some((reason, _)) => format!(" (most: {reason})"),
            None => String::new(),
        }
    );
    if router.in_use > 0 {
        let _ = writeln!(out, "  {} times somebody had the addresses while no advert arrived", router.in_use);
    }
    if router.readded > 0 {
        let _ = writeln!(out, "  put back {} addresses that somebody else removed", router.readded);
    }
}

/// What a peer's last advert means, where that is not plain.
fn standing(router: &Router, peer: &Peer) -> &'static str {
    // Only a Master advertises; one that hears better gives way within its down time.
    let is_fresh = peer.heard_seconds_ago < 3.0 * router.advert_interval_seconds;
    match peer.priority {
        0 => " (gave way)",
        _ if router.state == "MASTER" && is_fresh => " (MASTER too: it does not hear this node)",
        _ => "",
    }
}

fn frontend(out: &mut String, frontend: &Frontend) {
    let _ = writeln!(
        out,
        "\nfrontend {:<12} {:<4} {} -> {}",
        frontend.name,
        frontend.mode,
        frontend.binds.join(" "),
        frontend.default_backend.as_deref().unwrap_or("(none)")
    );
    let _ = writeln!(
        out,
        "  {} sessions now, {} in all, {} requests",
        frontend.sessions, frontend.sessions_total, frontend.requests_total
    );
}

fn backend(out: &mut String, backend: &Backend) {
    let _ = writeln!(
        out,
        "\nbackend {:<13} {:<4} {} of {} servers usable",
        backend.name,
        backend.status,
        backend.usable,
        backend.servers.len()
    );
    for server in &backend.servers {
        let since = format!(" for {}", duration(server.since_seconds));
        let _ = writeln!(
            out,
            "  {:<12} {:<21} {:<8}{:<10} weight {:<3} {} connections, {} sessions, {} connect errors{}",
            server.name,
            server.address,
            server.status,
            since,
            server.weight,
            server.connections,
            server.sessions_total,
            server.connect_errors,
            last_check(server)
        );
    }
}

/// `, last check L7OK 200 in 1 ms, 0.8s ago`; nothing before the first.
fn last_check(server: &ServerStatus) -> String {
    let Some(check) = &server.last_check else { return String::new() };
    let ago = server.last_check_seconds_ago.map_or(String::new(), |ago| format!(", {} ago", duration(ago)));
    format!(", last check {check}{ago}")
}

/// `12ms`, `3.2s`, `4m05s`, `2h10m`, `3d4h`.
fn duration(seconds: f64) -> String {
    let whole = seconds as u64;
    match whole {
        0 if seconds < 1.0 => format!("{}ms", (seconds * 1000.0).round() as u64),
        0..=9 => format!("{seconds:.1}s"),
        10..=59 => format!("{whole}s"),
        60..=3599 => format!("{}m{:02}s", whole / 60, whole % 60),
        3600..=86_399 => format!("{}h{:02}m", whole / 3600, whole % 3600 / 60),
        _ => format!("{}d{}h", whole / 86_400, whole % 86_400 / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_installed_version_that_does_not_run_is_named() {
        let status = |installed: &str| Status {
            version: "1.0.0".to_owned(),
            installed_version: Some(installed.to_owned()),
            ..Status::default()
        };
        assert!(screen(&status("1.0.1")).contains("vipgate 1.0.1 is installed: a restart runs it"));
        assert!(!screen(&status("1.0.0")).contains("is installed"));
    }

    #[test]
    fn a_node_without_work_says_what_to_edit() {
        assert!(screen(&Status::default()).contains("edit /etc/vipgate/vipgate.yaml"));
    }

    #[test]
    fn a_duration_reads_in_the_unit_that_fits() {
        let texts = [0.012, 3.24, 42.0, 245.0, 7800.0, 273_600.0].map(duration);
        assert_eq!(texts, ["12ms", "3.2s", "42s", "4m05s", "2h10m", "3d4h"]);
    }
}
