//! What changes between two models, in words: what an operator wants to read after a reload.

use super::diff::{Change, Diff, List, diff};
use super::proxy::Backend;
use super::{Model, Process};

/// One phrase for each change: `backend app: server web03 added`. Empty if nothing changed.
pub fn changes(a: &Model, b: &Model) -> Vec<String> {
    let diff = diff(a, b);
    let mut words = Vec::new();
    if let Some((name, _)) = &diff.nodes {
        words.push(if *name == a.node { "nodes changed".to_owned() } else { format!("this node is {name} now") });
    }
    named(&mut words, "vrrp", &a.instances, &diff.instances, |one| &one.name, |_, _| true);
    if diff.sync_groups.is_some() {
        words.push("sync groups changed".to_owned());
    }
    named(&mut words, "frontend", &a.frontends, &diff.frontends, |one| &one.name, |_, _| true);
    named(&mut words, "backend", &a.backends, &diff.backends, |one| &one.name, differs_beyond_servers);
    binds_and_servers(&mut words, a, b, &diff);
    if diff.rules.is_some() {
        words.push("files or users of rules changed".to_owned());
    }
    if diff.resolvers.is_some() {
        words.push("name servers changed".to_owned());
    }
    if let Some(process) = &diff.process {
        settings(&mut words, &a.process, process);
    }
    words
}

fn named<T>(
    words: &mut Vec<String>,
    kind: &str,
    old: &[T],
    list: &List<T>,
    name: impl Fn(&T) -> &String,
    is_worth_a_word: impl Fn(&T, &T) -> bool,
) {
    for item in &list.items {
        match item {
            Change::Same { .. } => {}
            Change::Changed { from, to } => {
                if old.get(*from).is_none_or(|before| is_worth_a_word(before, to)) {
                    words.push(format!("{kind} {} changed", name(to)));
                }
            }
            Change::Recreated { to, .. } => words.push(format!("{kind} {} begins anew", name(to))),
            Change::Added(to) => words.push(format!("{kind} {} added", name(to))),
        }
    }
    let removed = list.removed.iter().filter_map(|number| old.get(*number));
    words.extend(removed.map(|gone| format!("{kind} {} removed", name(gone))));
}

/// Whether something changed that is not told of its servers one by one: a setting of its own, or their order.
fn differs_beyond_servers(before: &Backend, after: &Backend) -> bool {
    let order = |of: &Backend, with: &Backend| -> Vec<String> {
        let names = of.servers.iter().map(|server| &server.name);
        names.filter(|name| with.servers.iter().any(|server| server.name == **name)).cloned().collect()
    };
    let mut others = before.clone();
    others.servers.clone_from(&after.servers);
    others.id = after.id;
    others != *after || order(before, after) != order(after, before)
}

fn binds_and_servers(words: &mut Vec<String>, a: &Model, b: &Model, diff: &Diff) {
    // What comes or goes as a whole was said already.
    let frontend_stays = |name: &String| [a, b].iter().all(|model| model.frontends.iter().any(|one| one.name == *name));
    let backend_stays = |name: &String| [a, b].iter().all(|model| model.backends.iter().any(|one| one.name == *name));
    for (list, what) in [(&diff.binds_added, "added"), (&diff.binds_removed, "removed")] {
        let stays = list.iter().filter(|(frontend, _)| frontend_stays(frontend));
        words.extend(stays.map(|(frontend, address)| format!("frontend {frontend}: bind {address} {what}")));
    }
    let servers =
        [(&diff.servers_added, "added"), (&diff.servers_removed, "removed"), (&diff.servers_changed, "changed")];
    for (list, what) in servers {
        let stays = list.iter().filter(|(backend, _)| backend_stays(backend));
        words.extend(stays.map(|(backend, server)| format!("backend {backend}: server {server} {what}")));
    }
}

/// Threads and the limit of connections are made when the process starts.
fn settings(words: &mut Vec<String>, before: &Process, after: &Process) {
    let waiting = [
        (before.workers != after.workers, "process workers"),
        (before.maxconn != after.maxconn, "process maxconn"),
        (before.admin_socket != after.admin_socket, "admin socket"),
        (before.confinement != after.confinement, "process chroot, user or group"),
        (before.runtime != after.runtime, "stats socket"),
        (before.server_state_file != after.server_state_file, "process server_state_file"),
        (before.stats_file != after.stats_file, "process stats_file"),
    ];
    let changed = waiting.into_iter().filter(|(is_changed, _)| *is_changed);
    words.extend(changed.map(|(_, what)| format!("{what} changed: in effect when vipgate is started again")));
    if before.log != after.log {
        words.push("process log changed".to_owned());
    }
    if before.identity != after.identity {
        words.push("process version, name or description changed".to_owned());
    }
    if before.rates != after.rates {
        words.push("process connection_rate or session_rate changed".to_owned());
    }
    if before.shares_idle != after.shares_idle {
        words.push("process share_idle changed".to_owned());
    }
    if before.families != after.families {
        words.push("process address_families changed".to_owned());
    }
    if before.drain != after.drain {
        words.push("process drain changed".to_owned());
    }
}
