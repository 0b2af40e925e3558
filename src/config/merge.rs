//! Files of several languages as one draft.

use crate::diag::{Diagnostic, Problems, Source, Span, Spanned};

use super::draft::{Draft, Node};
use super::{HostFacts, Syntax, haproxy, yaml};

/// What all files say together; `None` where a YAML file cannot be read to its end.
pub fn read(sources: &[Source], host: &HostFacts, problems: &Problems) -> Option<Draft> {
    let (native, foreign) = (Syntax::Yaml.among(sources), Syntax::Haproxy.among(sources));
    if foreign.is_empty() {
        return yaml::read(&native, problems);
    }
    let mut draft = haproxy::read(&foreign, host, problems);
    if native.is_empty() {
        // A file of HAProxy's knows one machine: this one.
        let name = if host.node.is_empty() { "localhost" } else { &host.node };
        let place = Span { source: foreign.first()?.0, ..Span::default() };
        let node = Node { name: Spanned::new(name.to_owned(), place), address: None, priority: None, interface: None };
        draft.nodes.push(node);
        return Some(draft);
    }
    let first = yaml::read(&native, problems)?;
    Some(absorb(first, draft, problems))
}

/// Adds what another language says. A name given in both is an error; of a setting of the process the YAML's counts.
fn absorb(mut into: Draft, from: Draft, problems: &Problems) -> Draft {
    let twice = |name: &Spanned<String>, first: Option<Span>| {
        if let Some(first) = first {
            let message = format!("`{}` is given twice", name.value);
            problems.push(Diagnostic::error("E-DUPLICATE", name.span, message).label(first, "first given here"));
        }
    };
    for frontend in &from.frontends {
        let first = into.frontends.iter().find(|known| known.name.value == frontend.name.value);
        twice(&frontend.name, first.map(|known| known.name.span));
    }
    for backend in &from.backends {
        let first = into.backends.iter().find(|known| known.name.value == backend.name.value);
        twice(&backend.name, first.map(|known| known.name.span));
    }
    // Every field by name: what comes to a draft cannot be forgotten here.
    let Draft {
        nodes,
        instances,
        sync_groups,
        scripts,
        frontends,
        backends,
        templates,
        userlists,
        error_pages,
        resolvers,
        tables,
        peers,
        globals,
        stick_counters,
        admin_socket,
        confinement,
        start,
        identity,
        runtime,
        log,
        workers,
        maxconn,
        server_state_file,
        stats_file,
        families,
        connection_rate,
        session_rate,
        drain,
        external_checks,
        preserves_environment,
        checks_as_client,
        shares_idle,
        spread_checks,
        is_strict,
    } = from;
    into.nodes.extend(nodes);
    into.instances.extend(instances);
    into.sync_groups.extend(sync_groups);
    into.scripts.extend(scripts);
    into.frontends.extend(frontends);
    into.backends.extend(backends);
    into.templates.extend(templates);
    into.userlists.extend(userlists);
    into.error_pages.extend(error_pages);
    into.resolvers.extend(resolvers);
    into.tables.extend(tables);
    into.peers.extend(peers);
    into.globals.extend(globals);
    into.stick_counters = into.stick_counters.or(stick_counters);
    into.admin_socket = into.admin_socket.or(admin_socket);
    into.confinement.root = into.confinement.root.or(confinement.root);
    into.confinement.user = into.confinement.user.or(confinement.user);
    into.confinement.group = into.confinement.group.or(confinement.group);
    // How to start is HAProxy's alone: YAML has no words for it.
    into.start = start;
    into.identity.version = into.identity.version.or(identity.version);
    into.identity.node = into.identity.node.or(identity.node);
    into.identity.description = into.identity.description.or(identity.description);
    into.runtime.sockets.extend(runtime.sockets);
    into.runtime.timeout = into.runtime.timeout.or(runtime.timeout);
    into.runtime.maxconn = into.runtime.maxconn.or(runtime.maxconn);
    into.log.targets = into.log.targets.or(log.targets);
    into.log.tag = into.log.tag.or(log.tag);
    into.log.usual_tag = into.log.usual_tag.or(log.usual_tag);
    into.log.hostname = into.log.hostname.or(log.hostname);
    into.log.rings.extend(log.rings);
    into.log.relays.extend(log.relays);
    into.workers = into.workers.or(workers);
    into.maxconn = into.maxconn.or(maxconn);
    into.server_state_file = into.server_state_file.or(server_state_file);
    into.stats_file = into.stats_file.or(stats_file);
    into.families = into.families.or(families);
    into.connection_rate = into.connection_rate.or(connection_rate);
    into.session_rate = into.session_rate.or(session_rate);
    into.drain = into.drain.or(drain);
    into.external_checks = into.external_checks.or(external_checks);
    into.preserves_environment = into.preserves_environment.or(preserves_environment);
    into.checks_as_client = into.checks_as_client.or(checks_as_client);
    into.shares_idle = into.shares_idle.or(shares_idle);
    into.spread_checks = into.spread_checks.or(spread_checks);
    into.is_strict = into.is_strict.or(is_strict);
    into
}
