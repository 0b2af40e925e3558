//! Relays of syslog messages: their names, where they listen, where messages go.

use std::collections::HashMap;

use crate::config::draft;
use crate::diag::{Diagnostic, Span};
use crate::model::Endpoint;
use crate::model::relay::{CONNECTIONS, Datagrams, Relay};

use super::frontends::Resolved;
use super::instances::Resolved as Instance;
use super::{Context, binds, logs, size};

/// Relays, in the order of the file.
pub fn resolve(context: &Context<'_>, frontends: &[Resolved], instances: &[Instance<'_>]) -> Vec<Relay> {
    names(context);
    let relays = &context.draft.log.relays;
    let mut taken = Taken::new(frontends);
    relays.iter().map(|relay| one(context, relay, instances, &mut taken)).collect()
}

fn one<'d>(context: &Context<'_>, draft: &'d draft::Relay, instances: &[Instance<'_>], taken: &mut Taken<'d>) -> Relay {
    let mut streams = Vec::new();
    for (mut bind, span) in draft.streams.iter().flat_map(|bind| binds::one(context, bind, instances)) {
        // A virtual router that fails with its frontends does not fail with a relay.
        bind.instance = None;
        taken.stream(context, bind.endpoint.clone(), &draft.name.value, span);
        streams.push(bind);
    }
    for place in &draft.datagrams {
        taken.datagrams(context, &place.value, &draft.name.value, place.span);
    }
    if streams.is_empty() && draft.datagrams.is_empty() {
        let message = format!("relay `{}` listens nowhere", draft.name.value);
        context.warning("W-RELAY", draft.name.span, message, "give it an address for datagrams or connections");
    }
    Relay {
        name: draft.name.value.clone(),
        datagrams: draft.datagrams.iter().map(|place| place.value.clone()).collect(),
        streams,
        maxconn: draft.maxconn.map_or(CONNECTIONS, |maxconn| size(maxconn.value)),
        timeout: draft.timeout.map(|timeout| timeout.value),
        targets: logs::relayed(context, &draft.log),
        relaying: draft.relaying,
        are_lines: draft.are_lines,
    }
}

/// Names are given once, to relays and proxies together.
fn names(context: &Context<'_>) {
    let draft = context.draft;
    let mut known: HashMap<&str, (&str, Span)> = HashMap::new();
    known.extend(draft.backends.iter().map(|one| (one.name.value.as_str(), ("a backend", one.name.span))));
    known.extend(draft.frontends.iter().map(|one| (one.name.value.as_str(), ("a frontend", one.name.span))));
    for relay in &draft.log.relays {
        let name = &relay.name;
        match known.insert(&name.value, ("a relay", name.span)) {
            Some((what, first)) if first != name.span => {
                let message = format!("relay `{}` has the name of {what}", name.value);
                context
                    .problems
                    .push(Diagnostic::error("E-DUPLICATE", name.span, message).label(first, "first given here"));
            }
            _ => {}
        }
    }
}

/// Addresses, and who has them.
struct Taken<'a> {
    streams: HashMap<Endpoint, (String, Span)>,
    datagrams: HashMap<&'a Datagrams, Span>,
}

impl<'a> Taken<'a> {
    fn new(frontends: &[Resolved]) -> Taken<'a> {
        let owners = frontends.iter().flat_map(|frontend| {
            let places = frontend.model.binds.iter().zip(&frontend.spans);
            places.map(|(bind, span)| (bind.endpoint.clone(), (format!("frontend `{}`", frontend.model.name), *span)))
        });
        Taken { streams: owners.collect(), datagrams: HashMap::new() }
    }

    fn stream(&mut self, context: &Context<'_>, endpoint: Endpoint, name: &str, span: Span) {
        if let Some((owner, first)) = self.streams.get(&endpoint) {
            let problem = Diagnostic::error("E-BIND-CONFLICT", span, format!("{endpoint} is taken by {owner}"));
            context.problems.push(problem.label(*first, "first given here").hint("a connection has one reader"));
        }
        self.streams.insert(endpoint, (format!("relay `{name}`"), span));
    }

    fn datagrams(&mut self, context: &Context<'_>, place: &'a Datagrams, name: &str, span: Span) {
        if let Some(first) = self.datagrams.insert(place, span) {
            let problem = Diagnostic::error("E-BIND-CONFLICT", span, format!("relay `{name}`: {place} is taken"));
            context.problems.push(problem.label(first, "first given here").hint("a datagram has one reader"));
        }
    }
}
