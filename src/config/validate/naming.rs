//! Names in place of addresses: where the first address comes from, and the name servers that names are followed with.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::config::draft::{self, Draft, Server};
use crate::diag::{Diagnostic, Span, Spanned};
use crate::model::naming::{Family, First, Lack, NameServer, Naming, Resolvers, Transport};
use crate::wire::dns;

use super::Context;

/// Where a machine says which name servers it asks.
const MACHINE: &str = "/etc/resolv.conf";
/// The section that is there without being written.
const DEFAULT: &str = "default";
/// The port of name servers.
const PORT: u16 = 53;

/// Every section, and the one that is not written if a server asks for it.
pub fn resolvers(context: &Context<'_>) -> Vec<Resolvers> {
    let written = &context.draft.resolvers;
    for (number, section) in written.iter().enumerate() {
        let name = &section.model.name;
        if let Some(first) = written[..number].iter().find(|first| first.model.name == *name) {
            let message = format!("resolvers '{name}' has same name as another resolvers");
            let problem = Diagnostic::error("E-DUPLICATE", section.name, message);
            context.problems.push(problem.label(first.name, "first given here"));
        }
    }
    let mut sections: Vec<Resolvers> = written.iter().map(|section| one(context, section)).collect();
    if needs_default(context.draft) {
        let servers = machine(context).unwrap_or_default();
        sections.push(Resolvers { servers, ..Resolvers::new(DEFAULT.to_owned()) });
    }
    sections
}

/// Files that sections take name servers from and nobody read.
pub fn unread_files(context: &Context<'_>) -> Option<String> {
    let is_taken = context.draft.resolvers.iter().any(|section| section.machine.is_some());
    let is_read = context.host.files.contains_key(MACHINE);
    ((is_taken || needs_default(context.draft)) && !is_read).then(|| MACHINE.to_owned())
}

/// Host names whose addresses the resolver of the machine is asked for.
pub fn host_names(draft: &Draft) -> impl Iterator<Item = &str> {
    let servers = draft.backends.iter().chain(&draft.templates).flat_map(|backend| &backend.servers);
    servers.filter_map(|server| {
        let naming = &server.options.naming;
        let mut sources = naming.sources().into_iter().filter(|first| *first != First::Last);
        naming.host.as_deref().filter(|_| sources.next() == Some(First::System))
    })
}

fn needs_default(draft: &Draft) -> bool {
    let is_default = |name: &Option<String>| name.as_deref() == Some(DEFAULT);
    let servers = draft.backends.iter().flat_map(|backend| &backend.servers);
    let mut asked = servers.map(|server| &server.options.naming).filter(|naming| naming.is_there());
    let is_written = draft.resolvers.iter().any(|section| section.model.name == DEFAULT);
    let fronts = draft.frontends.iter().map(|frontend| &frontend.rules);
    let mut rules = fronts.chain(draft.backends.iter().map(|backend| &backend.rules)).flatten();
    let asks = |word: &Spanned<String>| {
        let arguments = word.value.strip_prefix("do-resolve(").and_then(|rest| rest.split(',').nth(1));
        arguments.is_some_and(|section| section.trim_end_matches(')') == DEFAULT)
    };
    !is_written && (asked.any(|naming| is_default(&naming.resolvers)) || rules.any(|rule| rule.words.iter().any(asks)))
}

fn one(context: &Context<'_>, written: &draft::Resolvers) -> Resolvers {
    let mut section = written.model.clone();
    if let Some(Spanned { value: at, span }) = written.machine {
        match machine(context) {
            Ok(servers) => {
                let is_new = |server: &NameServer| section.servers.iter().all(|known| known.name != server.name);
                let servers: Vec<_> = servers.into_iter().filter(is_new).collect();
                let at = at.min(section.servers.len());
                section.servers.splice(at..at, servers);
            }
            Err(why) => {
                context.error("E-FILE", span, format!("cannot read {MACHINE}: {why}"), "write `nameserver` lines")
            }
        }
    }
    section
}

/// The name servers of the machine.
fn machine(context: &Context<'_>) -> Result<Vec<NameServer>, String> {
    let bytes = match context.host.files.get(MACHINE) {
        Some(Ok(bytes)) => bytes,
        Some(Err(why)) => return Err(why.clone()),
        None => return Err("nobody looked for it".to_owned()),
    };
    let text = String::from_utf8_lossy(bytes);
    let mut servers: Vec<NameServer> = Vec::new();
    for line in text.lines() {
        let Some(name) = line.strip_prefix("nameserver").and_then(|rest| rest.split_whitespace().next()) else {
            continue;
        };
        let Ok(address) = name.parse::<IpAddr>() else { continue };
        if servers.iter().all(|known| known.name != name) {
            let address = SocketAddr::new(address, PORT);
            servers.push(NameServer { name: name.to_owned(), address, transport: Transport::Udp });
        }
    }
    Ok(servers)
}

/// Whether there is such a section.
fn is_there(context: &Context<'_>, name: &str) -> bool {
    let is_default = || name == DEFAULT && machine(context).is_ok_and(|servers| !servers.is_empty());
    context.draft.resolvers.iter().any(|section| section.model.name == name) || is_default()
}

/// Complains if a section that a rule asks is not there.
pub fn find(context: &Context<'_>, name: &str, place: Span) {
    if !is_there(context, name) {
        let known = context.draft.resolvers.iter().map(|section| section.model.name.as_str());
        context.find("`resolvers` section", name, place, known);
    }
}

/// The server with its first address, if what it is called has one; one that may wait for it lacks it.
pub fn first_address(context: &Context<'_>, backend: &str, server: &Server) -> Option<Server> {
    let mut server = server.clone();
    let naming = &server.options.naming;
    let Some(name) = naming.written().map(str::to_owned) else {
        // Where there is no name, nothing is followed.
        server.options.naming = Naming::default();
        return Some(server);
    };
    let place = server.address?;
    if !dns::is_name(&name) {
        context.error(
            "E-VALUE",
            place.span,
            format!("'{name}' is no domain name"),
            "each of its labels has 1 to 63 bytes",
        );
        return None;
    }
    follows(context, backend, &server);
    let naming = &server.options.naming;
    let sources = naming.sources();
    for source in &sources {
        let found = match source {
            // The start knows, which looks into the file later.
            First::Last => None,
            First::Nothing => {
                server.address = Some(place.map(|place| SocketAddr::new(NOWHERE, place.port())));
                server.options.naming.lack = Some(Lack::Unknown);
                return Some(server);
            }
            First::Address(address) => Some(*address),
            First::System => system(context, naming),
        };
        if let Some(found) = found {
            server.address = Some(place.map(|place| SocketAddr::new(found, place.port())));
            return Some(server);
        }
    }
    let message = match naming.first.is_empty() {
        true => format!("could not resolve address '{name}'"),
        false => format!("no method of 'init-addr' finds an address of '{name}'"),
    };
    context.error("E-RESOLVE", place.span, message, "with 'init-addr none' the server waits for its address");
    None
}

const NOWHERE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

fn system(context: &Context<'_>, naming: &Naming) -> Option<IpAddr> {
    let known = context.host.names.get(naming.host.as_ref()?)?;
    let is_allowed = |address: &&IpAddr| naming.only.is_none_or(|only| Family::of(**address) == only);
    let preferred = |address: &&IpAddr| naming.preference.is_none_or(|family| Family::of(**address) == family);
    let mut allowed = known.iter().filter(is_allowed);
    allowed.clone().find(preferred).or_else(|| allowed.next()).copied()
}

/// The section that the server is followed with is there.
fn follows(context: &Context<'_>, backend: &str, server: &Server) {
    let naming = &server.options.naming;
    let Some(name) = &naming.resolvers else {
        if let (Some(service), Some(place)) = (&naming.service, server.address) {
            let message = format!("'{service}' is the name of a service: it is found by name servers alone");
            context.error("E-VALUE", place.span, message, "add 'resolvers NAME'");
        }
        return;
    };
    if is_there(context, name) {
        return;
    }
    let known = context.draft.resolvers.iter().map(|section| section.model.name.as_str());
    let message =
        format!("backend '{backend}', server '{}': unable to find required resolvers '{name}'", server.name.value);
    let hint = crate::diag::nearest(name, known).map(|known| format!("did you mean '{known}'?"));
    context.problems.push(Diagnostic::error("E-UNRESOLVED", server.name.span, message).hint_if(hint));
}
