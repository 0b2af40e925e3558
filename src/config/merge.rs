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
    into.frontends.extend(from.frontends);
    into.backends.extend(from.backends);
    into.templates.extend(from.templates);
    into.userlists.extend(from.userlists);
    into.error_pages.extend(from.error_pages);
    into.confinement.root = into.confinement.root.or(from.confinement.root);
    into.confinement.user = into.confinement.user.or(from.confinement.user);
    into.confinement.group = into.confinement.group.or(from.confinement.group);
    into.runtime.sockets.extend(from.runtime.sockets);
    into.runtime.timeout = into.runtime.timeout.or(from.runtime.timeout);
    into.runtime.maxconn = into.runtime.maxconn.or(from.runtime.maxconn);
    into.log.targets = into.log.targets.or(from.log.targets);
    into.log.tag = into.log.tag.or(from.log.tag);
    into.log.hostname = into.log.hostname.or(from.log.hostname);
    into.log.rings.extend(from.log.rings);
    into.log.relays.extend(from.log.relays);
    into.tables.extend(from.tables);
    into.resolvers.extend(from.resolvers);
    into.families = into.families.or(from.families);
    into.peers.extend(from.peers);
    into.globals.extend(from.globals);
    into.stick_counters = into.stick_counters.or(from.stick_counters);
    into.workers = into.workers.or(from.workers);
    into.maxconn = into.maxconn.or(from.maxconn);
    into.server_state_file = into.server_state_file.or(from.server_state_file);
    into.stats_file = into.stats_file.or(from.stats_file);
    into.connection_rate = into.connection_rate.or(from.connection_rate);
    into.session_rate = into.session_rate.or(from.session_rate);
    into.drain = into.drain.or(from.drain);
    into.is_strict = into.is_strict.or(from.is_strict);
    into
}
